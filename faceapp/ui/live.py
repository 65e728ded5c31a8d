"""The running pipeline as the window sees it: opened, changed and stopped without making the window wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from faceapp.analysis.comparison import SideBySide, make_comparing_reader
from faceapp.pipeline import Pipeline, PipelineState
from faceapp.pipeline.engine_builds import EngineBuilds
from faceapp.settings import Settings
from faceapp.sources.drawn_occlusion import HidingSource
from faceapp.types import FrameResult
from faceapp.ui.background import Background

if TYPE_CHECKING:
    from faceapp.analysis.face_reader import FaceReader

MakePipeline = Callable[[Settings, SideBySide], Pipeline]


class Live(QObject):
    """Runs one source after another.

    Signals:
        opened: A pipeline for a new source runs; `pipeline` is it.
        refused: A source could not be made; the sentence says what to do.

    Args:
        background: Where sources are made and pipelines stopped.
        make_pipeline: Makes a pipeline, on the background thread.

    Attributes:
        hiding: What is drawn on faces; shared with the thread that reads the source.
        builds: Engines that are being compiled on the threads that load them.
        side_by_side: Whether faces are compared, and the newest comparisons; shared with the reading thread.
        pipeline: The one that runs, or None.
        asked: Settings of the last `open`.
    """

    opened = Signal()
    refused = Signal(str)

    def __init__(
        self, background: Background, make_pipeline: MakePipeline, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.builds = EngineBuilds()
        self.side_by_side = SideBySide()
        self.hiding = self.side_by_side.hiding
        self.asked: Settings | None = None
        self.pipeline: Pipeline | None = None
        self._background = background
        self._make_pipeline = make_pipeline
        self._running: Pipeline | None = None  # touched on the background thread only
        self._opening = 0
        self._newest_s: float | None = None

    @property
    def state(self) -> PipelineState:
        """What is going on."""
        if self._opening:
            return PipelineState.STARTING
        return PipelineState.STOPPED if self.pipeline is None else self.pipeline.state

    def open(self, settings: Settings) -> None:
        """Stop what runs and start the source of the settings; returns at once."""
        self._let_go()
        self.builds.allow()
        self._newest_s = None
        self._opening += 1
        self.asked = settings
        self._background.run(partial(self._replace, settings), self._taken_over, self._refused)

    def stop(self) -> None:
        """Stop and release the source; returns at once."""
        self._let_go()
        self._background.run(self._stop_running)

    def take_result(self) -> FrameResult | None:
        """Return the newest result that was not shown yet, or None."""
        result = None if self.pipeline is None else self.pipeline.take_result()
        if result is not None:
            self._newest_s = result.frame.time_s
        return result

    def toggle_pause(self) -> None:
        """Pause or go on; start a video again that has ended."""
        if self.pipeline is None:
            return
        state = self.pipeline.state
        if state is PipelineState.ENDED:
            self.restart()
        elif state is PipelineState.PAUSED:
            self.pipeline.resume()
        elif state is PipelineState.RUNNING:
            self.pipeline.pause()

    def restart(self) -> None:
        """Play a video from its beginning."""
        if self.pipeline is not None and self.seekable:
            self.pipeline.seek(0.0)
            self.pipeline.resume()

    def read_again(self) -> None:
        """Read the picture of a paused or ended video once more, so that what was changed shows on it."""
        held = self.state in (PipelineState.PAUSED, PipelineState.ENDED)
        if self.pipeline is not None and held and self.seekable and self._newest_s is not None:
            self.pipeline.seek(self._newest_s)

    @property
    def seekable(self) -> bool:
        """Whether the source is a video or pictures that one can jump in."""
        return self.pipeline is not None and hasattr(self.pipeline.source, "seek")

    def change_reader(self, settings: Settings) -> None:
        """Change model or back end while running."""
        self.builds.allow()
        if self.pipeline is not None:
            self.pipeline.set_reader_factory(reader_factory(settings, self.side_by_side))

    def _let_go(self) -> None:
        if self.pipeline is not None:
            self.pipeline.stop(wait=False)
            self.pipeline = None

    def _replace(self, settings: Settings) -> Pipeline:
        self._stop_running()
        pipeline = self._make_pipeline(settings, self.side_by_side)
        self._running = pipeline
        pipeline.start()
        return pipeline

    def _stop_running(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None

    def _taken_over(self, pipeline: Pipeline) -> None:
        self._opening -= 1
        if not self._opening:  # else a newer wish is on its way, which stops this one
            self.pipeline = pipeline
            self.opened.emit()

    def _refused(self, error: Exception) -> None:
        self._opening -= 1
        self.refused.emit(str(error))


def reader_factory(settings: Settings, side_by_side: SideBySide) -> Callable[[], FaceReader]:
    """Return what makes the reader on the reading thread; it compares while that is wanted."""
    return partial(make_comparing_reader, settings, side_by_side)


def make_live_pipeline(settings: Settings, side_by_side: SideBySide) -> Pipeline:
    """Return a pipeline that plays the settings' source, with what is drawn on its faces, at its own speed.

    Raises:
        SourceError: There is no such source.
    """
    from faceapp.analysis.analyzer import make_tracker
    from faceapp.sources import CameraSettings, make_source

    camera = CameraSettings(
        width_px=settings.camera_width_px,
        height_px=settings.camera_height_px,
        rate_hz=settings.camera_rate_hz,
    )
    source = HidingSource(make_source(settings.source, settings=camera), side_by_side.hiding)
    return Pipeline(
        source, partial(make_tracker, settings), reader_factory(settings, side_by_side), paced=True
    )
