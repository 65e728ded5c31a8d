"""One run of a pipeline: its threads and what they share, from the start to the stop or an error."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from engines.card import ModelCard
from faceapp.pipeline.capture import capture
from faceapp.pipeline.controls import Controls, Ticket
from faceapp.pipeline.playback import Playback
from faceapp.pipeline.read import read
from faceapp.pipeline.statistics import StatisticsRecorder
from faceapp.pipeline.track import track
from faceapp.slot import Slot
from faceapp.types import FrameResult, Source

logger = logging.getLogger(__name__)

QUEUED_FRAMES = 4
"""Frames a slot holds when nothing may be lost; live it holds one."""


class Run:
    """Three threads, which end by themselves at an error and otherwise at `stop`.

    Args:
        source: Opened, read and closed on the capture thread.
        controls: Shared with the pipeline.
        paced: Play a file at its own speed and keep only its newest result.

    Attributes:
        source: As above.
        controls: As above.
        paced: As above; False for a live source, which sets its own pace.
        playback: Pause and seek.
        statistics: Counts and times.
        to_track: From capture to tracking.
        to_read: From tracking to reading.
        results: From reading to the window or the command line.
        generation: Number of seeks obeyed; written by the capture thread.
        ended_generation: Generation whose last frame is analysed; written by the reading thread.
        silent: Whether the source's last `read` brought nothing; written by the capture thread.
        cards: Cards of the engines in use, empty until they are loaded; written by the reading thread.
        description: Models and back ends in use, empty until they are loaded; written by the reading thread.
        problem: Why engines run on the processor though a GPU was chosen; written by the reading thread.
        error: The first error of any thread.
    """

    def __init__(self, source: Source, controls: Controls, *, paced: bool) -> None:
        self.source = source
        self.controls = controls
        self.paced = paced and not source.live
        self.playback = Playback()
        self.statistics = StatisticsRecorder()
        depth, lossless = (1, False) if source.live else (QUEUED_FRAMES, True)
        self.to_track: Slot[Ticket] = Slot(depth, wait=lossless)
        self.to_read: Slot[Ticket] = Slot(depth, wait=lossless)
        keep_all = lossless and not paced
        self.results: Slot[FrameResult] = Slot(QUEUED_FRAMES if keep_all else 1, wait=keep_all)
        self.generation = 0
        self.ended_generation = -1
        self.silent = False
        self.cards: tuple[ModelCard, ...] = ()
        self.description = ""
        self.problem = ""
        self.error: Exception | None = None
        self._stop = threading.Event()
        bodies = (("capture", capture), ("tracking", track), ("reading", read))
        self._threads = [
            threading.Thread(target=self._guard, args=(body,), name=f"faceapp-{name}", daemon=True)
            for name, body in bodies
        ]
        self._lock = threading.Lock()
        self._running = len(self._threads)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask all threads to end, without waiting for them."""
        self._stop.set()
        self.playback.close()
        for slot in (self.to_track, self.to_read, self.results):
            slot.close()

    def join(self, timeout_s: float) -> None:
        """Wait for the threads in the order frames flow, so long in all."""
        until_s = time.perf_counter() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.perf_counter()))
            if thread.is_alive():
                logger.warning(
                    "%s is still busy after %.1f s; it ends with its present task", thread.name, timeout_s
                )

    @property
    def stopping(self) -> bool:
        """Whether the threads shall end."""
        return self._stop.is_set()

    @property
    def alive(self) -> bool:
        """Whether any thread still runs."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def holds_source(self) -> bool:
        """Whether the capture thread still runs."""
        return self._threads[0].is_alive()

    @property
    def ended(self) -> bool:
        """Whether the source has ended and all its frames are analysed."""
        return self.ended_generation == self.generation

    @property
    def finished(self) -> bool:
        """Whether no further result will come."""
        return self.ended or self.stopping

    def discard(self, slot: Slot[Ticket]) -> None:
        """Give up all frames that wait in a slot."""
        self.statistics.dropped(sum(ticket.frame is not None for ticket in slot.clear()))

    def _guard(self, body: Callable[[Run], None]) -> None:
        """Run a thread's body; its error is kept for the window and ends the run."""
        try:
            body(self)
        except Exception as error:
            logger.exception("%s ends with an error", threading.current_thread().name)
            with self._lock:
                self.error = self.error or error
            self.stop()
        with self._lock:
            self._running -= 1
            last = self._running == 0
        if last:
            self.statistics.drop_rest()
