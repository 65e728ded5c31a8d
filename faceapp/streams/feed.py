"""What stands between the reading thread and one output: a bounded queue and a thread of its own."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import Protocol

from faceapp.errors import StreamError
from faceapp.slot import Slot
from faceapp.types import FrameResult, without_picture

logger = logging.getLogger(__name__)

QUEUED = 120
"""Items that may wait, four seconds at 30 frames a second; a result without its picture takes 46 KB with eight faces."""
_LOOK_S = 0.25
_CLOSE_S = 3.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that a person has set.

    Attributes:
        text: What it says.
        captured_s: `time.perf_counter()` of the picture it belongs to.
    """

    text: str
    captured_s: float


@dataclass(frozen=True, slots=True)
class StreamState:
    """What an output is doing, for the window and the log.

    Attributes:
        text: A few words ("LSL on, being read").
        detail: One sentence more.
        leaves: Whether values may leave this computer.
        problem: What went wrong, one line; empty when all is well.
    """

    text: str
    detail: str = ""
    leaves: bool = False
    problem: str = ""


class Output(Protocol):
    """One way out of the program; made anywhere, used on one thread."""

    name: str

    def open(self) -> None:
        """Acquire it; raises `StreamError` where that can't be done."""

    def send(self, item: FrameResult | Mark) -> None:
        """Send one item without waiting; raises `StreamError` where that can't be done now."""

    def state(self) -> StreamState:
        """Return what it is doing."""

    def close(self) -> None:
        """Release it; also called where `open` has failed."""


class Feed:
    """Hands items to an output on a thread of its own.

    Args:
        output: Where items go.
        queued: Items that may wait; the oldest gives way.
    """

    def __init__(self, output: Output, queued: int = QUEUED) -> None:
        self._output = output
        self._items: Slot[FrameResult | Mark] = Slot(queued)
        self._closing = threading.Event()
        self._opened = threading.Event()
        self._lock = threading.Lock()
        self._dropped = 0
        self._problem = ""
        self._state = output.state()
        self._thread = threading.Thread(target=self._run, name=f"faceapp-{output.name}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Items that did not get out: no room in the queue, or refused by the output."""
        return self._dropped

    @property
    def alive(self) -> bool:
        """Whether it still sends, or will once it is open."""
        return self._thread.is_alive()

    @property
    def problem(self) -> str:
        """Why it sends nothing, or why the last item did not get out; empty when all is well."""
        return self._problem

    @property
    def state(self) -> StreamState:
        """What the output is doing, with the drops."""
        if self._problem and not self.alive:
            return StreamState(f"{self._output.name} failed", self._problem, problem=self._problem)
        lost = f", {self._dropped} dropped" if self._dropped else ""
        state = self._state
        return replace(state, text=f"{state.text}{lost}", problem=self._problem)

    def put(self, item: FrameResult | Mark) -> bool:
        """Hand over one item without waiting.

        Returns:
            False when an older one was dropped for it, or itself because nothing is sent any more.
        """
        if isinstance(item, FrameResult):
            item = replace(item, frame=without_picture(item.frame))
        lost = self._items.put(item)
        self._count(lost)
        return not lost

    def wait_open(self, timeout_s: float) -> None:
        """Wait until the output is open.

        Raises:
            StreamError: It can't be opened, or takes longer.
        """
        if not self._opened.wait(timeout_s):
            raise StreamError(
                f"{self._output.name}: expected it to open within {timeout_s:g} s, it did not; try again"
            )
        if self._problem:
            raise StreamError(self._problem)

    def close(self, wait: bool = True) -> None:
        """Send what waits and release the output; may be called twice."""
        self._closing.set()
        self._items.close()
        if wait:
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            self._output.open()
            self._state = self._output.state()
            logger.info("%s", self._state.text)
            self._opened.set()
            self._send_all()
        except StreamError as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("a stream ends with an error")
            self._fail(
                f"{self._output.name}: expected to go on, found {type(error).__name__}: {error}; turn it off and on"
            )
        finally:
            self._items.close()
            self._opened.set()
            self._output.close()

    def _send_all(self) -> None:
        while True:
            item = self._items.take(_LOOK_S)
            if item is not None:
                self._send(item)
            elif self._closing.is_set():
                return
            self._state = self._output.state()

    def _send(self, item: FrameResult | Mark) -> None:
        try:
            self._output.send(item)
        except StreamError as error:
            self._count(1)
            if str(error) != self._problem:
                logger.warning("%s", error)
            self._problem = str(error)
        else:
            self._problem = ""

    def _count(self, lost: int) -> None:
        with self._lock:
            self._dropped += lost

    def _fail(self, problem: str) -> None:
        self._problem = problem
        logger.info("%s", problem)  # whoever owns the streams shows it
