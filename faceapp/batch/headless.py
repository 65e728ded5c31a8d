"""One input from its first frame to its last into a session folder, without a window."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceapp.analysis.analyzer import make_reader, make_tracker
from faceapp.batch.live_marks import LiveMarks, TypedMarks
from faceapp.batch.time_limit import TimeLimit
from faceapp.endings import requests_held_back
from faceapp.errors import SessionError, SourceError
from faceapp.pipeline import Pipeline, PipelineStatistics
from faceapp.session.about import About
from faceapp.session.metadata import load_metadata
from faceapp.session.new_folder import new_session_folder
from faceapp.session.writer import SessionWriter
from faceapp.settings import Settings
from faceapp.sources.drawn_occlusion import with_drawings
from faceapp.sources.options import Clip
from faceapp.sources.outage import outages_of
from faceapp.streams.streams import open_streams
from faceapp.types import Frame, FrameResult, Source, without_picture

if TYPE_CHECKING:
    from engines.card import ModelCard
    from faceapp.analysis.face_reader import FaceReader

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one input.

    Attributes:
        folder: Its session, valid also after Ctrl-C or an error; None when not one frame came.
        frames: Frames analysed.
        elapsed_s: Wall time from the first result to the last.
        statistics: Speed and times of the stages over the last five seconds.
        interrupted: Ended by Ctrl-C.
        error: Why it ended early, or why its video did.
    """

    folder: Path | None
    frames: int
    elapsed_s: float
    statistics: PipelineStatistics
    interrupted: bool = False
    error: SourceError | SessionError | None = None


def analyze(
    source: Source,
    folder: Path,
    settings: Settings,
    clip: Clip | None = None,
    about: About | None = None,
    each: Callable[[FrameResult], object] = lambda result: None,
    key: str = "",
    open_reader: Callable[[], FaceReader] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    typed: TypedMarks | None = None,
) -> Outcome:
    """Analyse a source to its end and record every result.

    Args:
        source: Made for the clip.
        folder: Empty folder of the session; removed again when not one frame came.
        settings: Model, back end, smoothing, what is drawn on faces, and whether to keep the video.
        clip: Noted in the session.
        about: Noted in the session.
        each: Called with every result.
        key: Tells this input and way of analysis from others; stored, so that a later run finds what is done.
        open_reader: Makes the reader, on the reading thread; None loads the engines of the settings.
        cancelled: Asked after every frame and while none comes; True ends as Ctrl-C does.
        typed: Lines that are marks of a live source; None takes none.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model or fails.
        StreamError: A stream of the settings can't be opened.
    """
    source = with_drawings(source, settings)
    pipeline = Pipeline(
        source, partial(make_tracker, settings), open_reader or partial(make_reader, settings)
    )
    clip = (clip or Clip()) if source.live else (clip or Clip()).of_recording
    open_writer = partial(_open_writer, source, folder, settings, clip, about or About(), key)
    run = _Run(pipeline, open_writer, each, cancelled, clip.for_s if source.live else None)
    try:
        with open_streams(settings) as streams:
            if streams.on:
                pipeline.set_listener(streams)
            for state in streams.states():
                if state.leaves:
                    logger.warning("%s: %s", state.text, state.detail)
            run.record(LiveMarks(typed, streams) if source.live else None)
    except KeyboardInterrupt:
        pipeline.abandon()
        return run.outcome(folder, interrupted=True)
    except (SourceError, SessionError) as error:
        return run.outcome(folder, error=error)
    finally:
        run.close()
        if run.frames == 0 and not any(folder.iterdir()):
            folder.rmdir()
    return run.outcome(folder)


class _TimeIsUp(Exception):
    """The seconds that were asked for are recorded."""


class _Run:
    """Takes results from the pipeline, hands them to the writer and counts."""

    def __init__(
        self,
        pipeline: Pipeline,
        open_writer: Callable[[tuple[ModelCard, ...]], SessionWriter],
        each: Callable[[FrameResult], object],
        cancelled: Callable[[], bool],
        for_s: float | None,
    ) -> None:
        self._pipeline = pipeline
        self._open_writer = open_writer
        self._each = each
        self._live = pipeline.source.live
        self._cancelled, self._limit = cancelled, TimeLimit(for_s)
        self._marks: LiveMarks | None = None
        self._newest: Frame | None = None
        self._writer: SessionWriter | None = None
        self._times_s: list[float] = []
        self.frames = 0

    def record(self, marks: LiveMarks | None = None) -> None:
        """Record until the source ends, or the time is up.

        Args:
            marks: Stores marks that come meanwhile; None takes none.

        Raises:
            SourceError: It gave nothing in that time.
            SessionError: The session can't be written.
        """
        self._marks = marks
        with suppress(_TimeIsUp):
            for result in self._pipeline.results(self._look):
                self._limit.begin()
                self._put(result)
                self._each(result)
        self._limit.require_begun(self._pipeline.source.name)
        if self._writer is not None:
            self._writer.mark_complete()

    def _put(self, result: FrameResult) -> None:
        if self._writer is None:
            with requests_held_back():
                self._writer = self._open_writer(self._pipeline.cards)
            if self._live:
                self._pipeline.set_recorder(self._writer)  # from here it gets every captured frame
        if not (self._live or self._writer.put(result)) or self._writer.stopped:
            raise self._writer.error or SessionError(f"{self._writer.folder}: the recording ended")
        self._newest = without_picture(result.frame)
        self._note_time()

    def _look(self) -> None:
        """Store marks; end the loop where that is wanted."""
        if self._marks is not None and self._writer is not None and self._newest is not None:
            self._marks.store(self._writer, self._newest)
        if self._cancelled():
            raise KeyboardInterrupt
        if self._limit.over:
            raise _TimeIsUp

    def close(self) -> None:
        """End the threads and seal the session; may be called twice."""
        self._pipeline.stop()
        if self._writer is None:
            return
        self._writer.close()
        marks, self._marks = self._marks, None
        if marks is not None and self._writer.error is None:
            with suppress(SessionError):  # the marks themselves are stored
                marks.end(self._writer, load_metadata(self._writer.folder)["last_time_s"])

    def outcome(
        self, folder: Path, interrupted: bool = False, error: SourceError | SessionError | None = None
    ) -> Outcome:
        """Return what became of the input, everything being closed."""
        self.close()
        recorded = self._writer.error if self._writer is not None else None
        elapsed_s = self._times_s[-1] - self._times_s[0] if self._times_s else 0.0
        place = folder if self._writer is not None else None
        return Outcome(
            place, self.frames, elapsed_s, self._pipeline.statistics(), interrupted, error or recorded
        )

    def _note_time(self) -> None:
        self.frames += 1
        now_s = time.perf_counter()
        if len(self._times_s) == 2:
            self._times_s[1] = now_s
        else:
            self._times_s.append(now_s)


def _open_writer(
    source: Source,
    folder: Path,
    settings: Settings,
    clip: Clip,
    about: About,
    key: str,
    cards: tuple[ModelCard, ...],
) -> SessionWriter:
    resolved: dict[str, Any] = {**settings.as_json(), "source": source.name}
    return SessionWriter(
        folder,
        source=source.name,
        cards=cards,
        settings={
            **resolved,
            "start_s": clip.start_s,
            "end_s": clip.end_s,
            "every": clip.every,
            "for_s": clip.for_s,
        },
        about=about,
        video=settings.record_video,
        faces=settings.record_faces,
        captured=source.live,
        wait=not source.live,
        time_origin_s=None if source.live else 0.0,
        input_key=key,
        outages=partial(outages_of, source) if source.live else None,
    )


def new_folder_for(out: Path, text: str, shared: bool = False) -> Path:
    """Create the session folder of an input, named after its file.

    Args:
        out: Where it is made.
        text: The input.
        shared: As of `new_session_folder`.

    Raises:
        SessionError: `out` can't be written.
    """
    return new_session_folder(out, Path(text).stem or text, shared)
