"""The record button's other end: starts, watches and closes a session while the window stays free."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.card import ModelCard
from faceapp.pipeline import Pipeline
from faceapp.session.annotations import Event, append_event
from faceapp.session.writer import SessionWriter, new_session_folder
from faceapp.settings import Settings
from faceapp.types import FrameResult
from faceapp.ui.background import Background

LOW_DISK_BYTES = 1_000_000_000
_DISK_EVERY_S = 5.0


class _Clocked:
    """Passes results to the writer and notes the first one's time, which is 0 s on the session's clock."""

    def __init__(self, writer: SessionWriter) -> None:
        self.writer = writer
        self.origin_s: float | None = None

    def put(self, result: FrameResult) -> bool:
        if self.origin_s is None:
            self.origin_s = result.frame.time_s
        return self.writer.put(result)


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
        self._taker: _Clocked | None = None
        self._wanted = False
        self._started_s = 0.0
        self._disk_due_s = 0.0
        self._warned = False

    @property
    def wanted(self) -> bool:
        """Whether a recording runs or is about to."""
        return self._wanted

    @property
    def elapsed_s(self) -> float:
        """Seconds since the recording started."""
        return time.perf_counter() - self._started_s if self._taker is not None else 0.0

    @property
    def dropped(self) -> int:
        """Frames that the disk was too slow for."""
        return self._taker.writer.dropped if self._taker is not None else 0

    def start(self, pipeline: Pipeline, settings: Settings) -> None:
        """Make a new session folder and record into it; returns at once."""
        if self._wanted:
            return
        self._wanted, self._warned, self._disk_due_s = True, False, 0.0
        self._pipeline = pipeline
        job = partial(_open_writer, settings, pipeline.source.name, pipeline.cards)
        self._background.run(job, self._opened, self._failed)

    def stop(self) -> None:
        """Close the session; returns at once, `saved` follows."""
        self._wanted = False
        taker, self._taker = self._taker, None
        if taker is None:
            return
        if self._pipeline is not None:
            self._pipeline.set_recorder(None)
        writer = taker.writer
        self._background.run(
            writer.close, lambda folder: self.saved.emit(folder, writer.dropped, str(writer.error or ""))
        )

    def mark(self, label: str, time_s: float) -> None:
        """Add a marker to the session.

        Args:
            label: "1" to "9".
            time_s: `Frame.time_s` of the picture it belongs to.
        """
        if self._taker is None or self._taker.origin_s is None:
            return
        at_s = max(0.0, time_s - self._taker.origin_s)
        event = Event(at_s, at_s, kind="marker", label=label)
        self._background.run(
            partial(append_event, self._taker.writer.folder, event), failed=self._marker_failed
        )

    def watch(self) -> None:
        """Look after the recording now and then: has the disk failed, is it nearly full?"""
        if self._taker is None:
            return
        if self._taker.writer.stopped:
            self.stop()
        elif time.perf_counter() >= self._disk_due_s and not self._warned:
            self._disk_due_s = time.perf_counter() + _DISK_EVERY_S
            folder = self._taker.writer.folder
            self._background.run(lambda: shutil.disk_usage(folder).free, partial(self._disk_free, folder))

    def _opened(self, writer: SessionWriter) -> None:
        taker = _Clocked(writer)
        if not self._wanted or self._pipeline is None:
            self._background.run(writer.close)
            return
        self._taker = taker
        self._started_s = time.perf_counter()
        self._pipeline.set_recorder(taker)
        self.started.emit()

    def _failed(self, error: Exception) -> None:
        self._wanted = False
        self.refused.emit(str(error))

    def _marker_failed(self, error: Exception) -> None:
        self.refused.emit(str(error))

    def _disk_free(self, folder: Path, free_bytes: int) -> None:
        if free_bytes < LOW_DISK_BYTES and self._taker is not None:
            self._warned = True
            self.disk_low.emit(free_bytes, folder)


def _open_writer(settings: Settings, source: str, cards: Sequence[ModelCard]) -> SessionWriter:
    name = f"{datetime.now():%Y-%m-%d_%H-%M-%S} {source}"
    folder = new_session_folder(settings.sessions_dir, name)
    return SessionWriter(
        folder, source=source, cards=cards, settings=settings.as_json(), video=settings.record_video
    )
