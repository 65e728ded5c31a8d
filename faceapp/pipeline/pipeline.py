"""The pipeline as the window and the commands see it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import Enum

from engines.card import ModelCard
from faceapp.analysis.face_reader import FaceReader
from faceapp.errors import SourceError
from faceapp.pipeline.controls import Controls, Recorder
from faceapp.pipeline.live_settings import LiveSettings
from faceapp.pipeline.run import Run
from faceapp.pipeline.statistics import PipelineStatistics, StatisticsRecorder
from faceapp.types import FrameResult, Source, Tracker

STOP_S = 2.0
"""Time the threads get to end; a source's `read` takes one second of it at most."""
_LOOK_S = 0.1


class PipelineState(Enum):
    """What a pipeline is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    ENDED = "ended"
    FAILED = "failed"
    STOPPING = "stopping"


class Pipeline(LiveSettings):
    """Takes a source through tracker and engines; no method but `stop`, `start` and `results` waits.

    The tracker is made, used and closed on the tracking thread, the reader on the reading thread, and the
    source is opened, read and closed on the capture thread. Methods are called from one thread: the window's
    or the command's.

    Args:
        source: Where frames come from.
        make_tracker: Makes the tracker.
        make_reader: Makes the reader (loads the engines).
        paced: True plays a file at its own speed and keeps only the newest result, as a window wants; False
            analyses it as fast as possible and keeps every result until it is taken. A live source sets its
            own pace.
    """

    def __init__(
        self,
        source: Source,
        make_tracker: Callable[[], Tracker],
        make_reader: Callable[[], FaceReader],
        *,
        paced: bool = False,
    ) -> None:
        super().__init__(Controls(make_tracker, make_reader))
        self._source = source
        self._paced = paced
        self._run: Run | None = None
        self._stop_asked = False
        self._patience_s = STOP_S

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def source(self) -> Source:
        """The source this pipeline was made for."""
        return self._source

    @property
    def state(self) -> PipelineState:
        """What the pipeline is doing now."""
        run = self._run
        if run is None or self._stop_asked:
            return PipelineState.STOPPING if run is not None and run.alive else PipelineState.STOPPED
        if run.error is not None:
            return PipelineState.FAILED
        if run.ended:
            return PipelineState.ENDED
        if self._source_status or (run.silent and self._source.live):
            return PipelineState.WAITING
        if not run.statistics.analysed_count:
            return PipelineState.STARTING
        return PipelineState.PAUSED if run.playback.paused else PipelineState.RUNNING

    @property
    def error(self) -> Exception | None:
        """What ended the present or the last run; None when nothing did."""
        return self._run.error if self._run is not None else None

    @property
    def swap_error(self) -> Exception | None:
        """Why the last `set_reader_factory` was refused (the model before goes on); None when it was not."""
        return self._controls.swap_error

    @property
    def message(self) -> str:
        """One line for the window while waiting (what the source says) or failed (the error), else empty."""
        state = self.state
        if state is PipelineState.FAILED:
            return str(self.error)
        if state is PipelineState.WAITING:
            return self._source_status or f"{self._source.name}: waiting for a picture"
        return ""

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of the engines in use; empty until they are loaded."""
        return self._run.cards if self._run is not None else ()

    @property
    def description(self) -> str:
        """Models and back ends in use, for the status line; empty until they are loaded."""
        return self._run.description if self._run is not None else ""

    @property
    def problem(self) -> str:
        """Why engines run on the processor though a GPU was chosen, in one line; empty while all is well."""
        return self._run.problem if self._run is not None else ""

    def start(self) -> None:
        """Start the threads, from the beginning of the source; nothing happens when they already run.

        Waits for the threads of a run that is still stopping.

        Raises:
            SourceError: The capture thread of the run before still hangs in the source.
        """
        if self._run is not None:
            if not (self._stop_asked or self._run.stopping or self._run.ended):
                return
            self.stop()
            if self._run.holds_source:
                raise SourceError(
                    f"{self._source.name}: expected the source to stop within {STOP_S:g} s, it still hangs; "
                    "unplug the device or choose another source"
                )
        self._stop_asked = False
        self._run = Run(self._source, self._controls, paced=self._paced)
        self._run.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop the threads, within two seconds; statistics and error stay readable until the next start.

        Args:
            wait: False returns at once; the state is "stopping" until the threads are gone.
        """
        if self._run is None:
            return
        self._stop_asked = True
        self._run.stop()
        if wait and self._patience_s > 0:
            self._run.join(self._patience_s)

    def abandon(self) -> None:
        """Stop, and wait for the threads no more, now or later: the program ends, whatever a library still loads."""
        self._patience_s = 0.0
        self.set_recorder(None)
        self.set_listener(None)
        self.stop(wait=False)

    def pause(self) -> None:
        """Hold new frames back; a live source's pictures are then neither captured nor dropped."""
        if self._run is not None:
            self._run.playback.pause(True)

    def resume(self) -> None:
        """Let frames come again."""
        if self._run is not None:
            self._run.playback.pause(False)

    def seek(self, time_s: float) -> None:
        """Go on from another time of a file, also while paused (shows one frame) or after its end.

        Args:
            time_s: Seconds on the source's clock.

        Raises:
            SourceError: The source can't jump, or the pipeline doesn't run.
        """
        if not hasattr(self._source, "seek"):
            raise SourceError(
                f"{self._source.name}: expected a video or pictures to jump in, found a live source"
            )
        if self._run is None or self._run.stopping:
            raise SourceError(f"{self._source.name}: expected a running analysis to jump in; start it first")
        self._run.playback.seek(time_s)

    def take_result(self) -> FrameResult | None:
        """Return the newest result that was not yet taken, or None; never waits."""
        return self._run.results.take_newest() if self._run is not None else None

    def results(self, look: Callable[[], object] = lambda: None) -> Generator[FrameResult, None, None]:
        """Start if need be, yield every result of a file in order, and stop at its end.

        Of a live source the newest results come until `stop`. Leaving the loop early stops the pipeline too.

        Args:
            look: Called after every result, and ten times a second while none comes; what it raises ends the loop.

        Raises:
            Exception: The error of the run, after its last result.
        """
        self.start()
        run = self._run
        assert run is not None
        try:
            while True:
                finished = run.finished  # asked before looking, so that the last result is not missed
                result = run.results.take(0 if finished else _LOOK_S)
                if result is not None:
                    yield result
                elif finished:
                    break
                look()
        except KeyboardInterrupt:
            self.abandon()
            raise
        finally:
            self.stop()
        if run.error is not None:
            raise run.error

    def set_recorder(self, recorder: Recorder | None) -> None:
        """Send every further result to a recorder too; None ends that before this returns."""
        with self._controls.lock:
            self._controls.recorder = recorder

    def set_listener(self, listener: Recorder | None) -> None:
        """Send every further result to a listener besides the recorder; None ends that before this returns."""
        with self._controls.lock:
            self._controls.listener = listener

    def statistics(self) -> PipelineStatistics:
        """Return counts since the start, and rate and times over the last 5 s."""
        recorder = self._run.statistics if self._run is not None else StatisticsRecorder()
        return recorder.snapshot()

    @property
    def _source_status(self) -> str:
        return self._source.status
