"""The record button's other end: starts, watches and closes a session while the window stays free."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from PySide6.QtCore import QObject, Signal

from engines.card import ModelCard
from faceapp.pipeline import Pipeline
from faceapp.session.annotations import Event, append_event
from faceapp.session.writer import SessionWriter, new_session_folder
from faceapp.settings import Settings
from faceapp.ui.background import Background


class Recorder(QObject):
    """Records the running pipeline into a session folder.

    Signals:
        started: The folder is there and frames go into it.
        saved: The session is closed: its folder, frames dropped, and what went wrong ("" when nothing did).
        refused: Nothing can be recorded; the sentence says what to do.
        disk_low: Less than a gigabyte is left: bytes and folder.
    """

    started = Signal()
    saved = Signal(object, int, str)
    refused = Signal(str)
    disk_low = Signal(object, object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._pipeline: Pipeline | None = None
        self._writer: SessionWriter | None = None
        self._wanted = False
        self._started_s = 0.0
        self._warned = False

    @property
    def wanted(self) -> bool:
        """Whether a recording runs or is about to."""
        return self._wanted

    @property
    def elapsed_s(self) -> float:
        """Seconds since the recording started."""
        return time.perf_counter() - self._started_s if self._writer is not None else 0.0

    @property
    def dropped(self) -> int:
        """Frames that the disk was too slow for."""
        writer = self._writer
        return max(writer.dropped, writer.dropped_pictures) if writer is not None else 0

    def start(self, pipeline: Pipeline, settings: Settings) -> None:
        """Make a new session folder and record into it; returns at once."""
        if self._wanted:
            return
        self._wanted, self._warned = True, False
        self._pipeline = pipeline
        job = partial(_open_writer, settings, pipeline.source.name, pipeline.cards)
        self._background.run(job, self._opened, self._failed)

    def stop(self) -> None:
        """Close the session; returns at once, `saved` follows."""
        self._wanted = False
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if self._pipeline is not None:
            self._pipeline.set_recorder(None)
        self._background.run(
            writer.close, lambda folder: self.saved.emit(folder, writer.dropped, str(writer.error or ""))
        )

    def mark(self, label: str, time_s: float) -> None:
        """Add a marker to the session.

        Args:
            label: "1" to "9".
            time_s: `Frame.time_s` of the picture it belongs to.
        """
        if self._writer is None or self._writer.origin_s is None:
            return
        at_s = max(0.0, time_s - self._writer.origin_s)
        event = Event(at_s, at_s, kind="marker", label=label)
        self._background.run(partial(append_event, self._writer.folder, event), failed=self._marker_failed)

    def watch(self) -> None:
        """Look after the recording now and then: has the disk failed, is it nearly full?"""
        if self._writer is None:
            return
        if self._writer.stopped:
            self.stop()
        elif self._writer.disk.low and not self._warned:
            self._warned = True
            self.disk_low.emit(self._writer.disk.free_bytes, self._writer.folder)

    def _opened(self, writer: SessionWriter) -> None:
        if not self._wanted or self._pipeline is None:
            self._background.run(writer.close)
            return
        self._writer = writer
        self._started_s = time.perf_counter()
        self._pipeline.set_recorder(writer)
        self.started.emit()

    def _failed(self, error: Exception) -> None:
        self._wanted = False
        self.refused.emit(str(error))

    def _marker_failed(self, error: Exception) -> None:
        self.refused.emit(str(error))


def _open_writer(settings: Settings, source: str, cards: Sequence[ModelCard]) -> SessionWriter:
    name = f"{datetime.now():%Y-%m-%d_%H-%M-%S} {source}"
    folder = new_session_folder(settings.sessions_dir, name)
    return SessionWriter(
        folder,
        source=source,
        cards=cards,
        settings=settings.as_json(),
        video=settings.record_video,
        faces=settings.record_faces,
        captured=True,
    )
