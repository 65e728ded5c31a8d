"""Reads marker streams of other programs through Lab Streaming Layer, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from faceapp.errors import StreamError
from faceapp.settings.stream_target import check_stream_name
from faceapp.slot import Slot
from faceapp.streams.feed import StreamState
from faceapp.streams.lsl_library import counter_time_s, load_lsl
from faceapp.streams.lsl_outlets import source_id

logger = logging.getLogger(__name__)

LONGEST_TEXT = 200
_QUEUED = 1000
_PAUSE_S = 0.02
_ANSWER_S = 2.0
_FORGET_S = 5.0
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class ReceivedMark:
    """A marker of another program.

    Attributes:
        stream: Name of the stream it came from.
        text: What it says, one line of at most 200 letters.
        captured_s: When it was set, as `time.perf_counter()` of this program.
    """

    stream: str
    text: str
    captured_s: float


class MarkerInlet:
    """Finds streams by their name or type, reads them, and finds them again when they come back.

    Args:
        wanted: Name or type of the streams ("Markers").
        network: Whether streams of other computers count.
    """

    def __init__(self, wanted: str, network: bool) -> None:
        self._wanted, self._network = wanted, network
        self._marks: Slot[ReceivedMark] = Slot(_QUEUED)
        self._closing = threading.Event()
        self._inlets: dict[str, tuple[str, Any]] = {}
        self._refused: set[str] = set()
        self._lost = ""
        self._problem = ""
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="faceapp-LSL-markers", daemon=True)
        self._thread.start()

    @property
    def state(self) -> StreamState:
        """Which streams are read."""
        names = sorted(name for name, _ in list(self._inlets.values()))
        detail = f"Markers are read from LSL streams with the name or type {self._wanted!r}"
        if names:
            text = f"LSL markers from {', '.join(names)}"
        elif self._lost:
            text = f"LSL markers: {self._lost} is gone"
        else:
            text = f"LSL markers: no {self._wanted} yet"
        lost = f", {self._dropped} dropped" if self._dropped else ""
        return StreamState(f"{text}{lost}", detail, problem=self._problem)

    @property
    def alive(self) -> bool:
        """Whether it still looks for streams."""
        return self._thread.is_alive()

    def take(self) -> list[ReceivedMark]:
        """Return the markers that have come since the last call; never waits."""
        return self._marks.clear()

    def close(self, wait: bool = True) -> None:
        """End reading; may be called twice."""
        self._closing.set()
        if wait:
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            lsl = load_lsl(self._network)
            resolver = lsl.ContinuousResolver(pred=marker_predicate(self._wanted), forget_after=_FORGET_S)
            while not self._closing.is_set():
                for info in resolver.results():
                    if info.uid() not in self._inlets and info.uid() not in self._refused:
                        self._connect(lsl, info)
                for uid in list(self._inlets):
                    self._pull(lsl, uid)
                self._closing.wait(_PAUSE_S)
        except StreamError as error:
            self._problem = str(error)
        except Exception as error:
            logger.exception("reading markers ends with an error")
            self._problem = (
                f"LSL markers: expected to go on, found {type(error).__name__}: {error}; turn it off and on"
            )
        finally:
            self._inlets.clear()

    def _connect(self, lsl: ModuleType, info: Any) -> None:
        """Subscribe to one stream; its clock is compared with ours before the first marker is passed on."""
        if info.nominal_srate() > 0:
            self._refused.add(info.uid())
            self._problem = (
                f"LSL stream {info.name()}: expected markers, found a signal of {info.nominal_srate():g} Hz; "
                "choose another name or type"
            )
            return
        inlet = lsl.StreamInlet(info, recover=False, as_numpy=True)
        try:
            inlet.open_stream(_ANSWER_S)
            inlet.time_correction(_ANSWER_S)
        except (lsl.util.TimeoutError, lsl.util.LostError):
            return  # it has just gone, or is slow: the resolver names it again while it is there
        self._lost, self._problem = "", ""
        self._inlets[info.uid()] = (one_line(info.name()), inlet)
        logger.info("LSL markers from %s", info.name())

    def _pull(self, lsl: ModuleType, uid: str) -> None:
        name, inlet = self._inlets[uid]
        try:
            while (pulled := inlet.pull_sample(0.0))[1] is not None:
                values, time_s = pulled
                captured_s = counter_time_s(lsl, time_s + inlet.time_correction(_ANSWER_S))
                self._dropped += self._marks.put(ReceivedMark(name, _text(values), captured_s))
        except (lsl.util.LostError, lsl.util.TimeoutError):
            del self._inlets[uid]
            self._lost = name
            logger.info("LSL markers: %s is gone", name)


def marker_predicate(wanted: str) -> str:
    """Return the XPath condition for streams of a name or type, without our own markers.

    Args:
        wanted: Name or type; it can't break out of its quotes.

    Raises:
        ValueError: See `check_stream_name`.
    """
    check_stream_name(wanted)
    quote = '"' if "'" in wanted else "'"
    text = f"{quote}{wanted}{quote}"
    return f"(name={text} or type={text}) and not(source_id='{source_id('markers')}')"


def one_line(text: str) -> str:
    """Return foreign text as one line of printable letters, cut to a bearable length."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(kept.split())[:LONGEST_TEXT]


def _text(values: Any) -> str:
    """Return a sample of any number format as text; several channels are joined."""
    parts = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else f"{value:g}"
        for value in values.tolist()
    ]
    return one_line(" ".join(parts))
