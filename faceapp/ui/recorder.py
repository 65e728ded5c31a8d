"""The record button's other end: starts, watches and closes a session while the window stays free."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.card import ModelCard
from faceapp.errors import SessionError
from faceapp.pipeline import Pipeline
from faceapp.session.about import About
from faceapp.session.annotation_edits import Annotations, Changes
from faceapp.session.annotation_scheme import DEFAULT_SCHEME, SCHEME_FILE, Code, Scheme, save_scheme
from faceapp.session.annotations import Event, append_changes, new_event_id
from faceapp.session.metadata import load_metadata
from faceapp.session.new_folder import new_session_folder
from faceapp.session.writer import SessionWriter
from faceapp.settings import Settings
from faceapp.sources.outage import outages_of
from faceapp.types import Source
from faceapp.ui.background import Background

LIVE_AUTHOR = "live"
"""Author of marks that are set while recording; whoever annotates later has a lane of their own."""
_NEWEST_RECEIVED = 100


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
        self._marks = _unstored_marks()
        self._received: deque[Event] = deque(maxlen=_NEWEST_RECEIVED)
        self.scheme = DEFAULT_SCHEME

    @property
    def wanted(self) -> bool:
        """Whether a recording runs or is about to."""
        return self._wanted

    @property
    def begun(self) -> bool:
        """Whether the first frame has been written; until then a wanted recording is only starting."""
        return self._writer is not None and self._writer.begun

    @property
    def elapsed_s(self) -> float:
        """Seconds since the recording started."""
        return time.perf_counter() - self._started_s if self._writer is not None else 0.0

    @property
    def dropped(self) -> int:
        """Frames that the disk was too slow for."""
        writer = self._writer
        return max(writer.dropped, writer.dropped_pictures) if writer is not None else 0

    def start(self, pipeline: Pipeline, settings: Settings, about: About | None = None) -> None:
        """Make a new session folder and record into it; returns at once.

        Args:
            pipeline: What runs.
            settings: What is kept, and where.
            about: What people say about the session.
        """
        if self._wanted:
            return
        self._wanted, self._warned = True, False
        self._pipeline = pipeline
        about = about or About()
        job = partial(_open_writer, settings, pipeline.source, pipeline.cards, self.scheme, about)
        self._background.run(job, self._opened, self._failed)

    def stop(self) -> None:
        """Close the session; returns at once, `saved` follows."""
        self._wanted = False
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if self._pipeline is not None:
            self._pipeline.set_recorder(None)
        marks, self._marks = self._marks, _unstored_marks()
        self._background.run(
            partial(_close, writer, marks, tuple(self._received)),
            lambda folder: self.saved.emit(folder, writer.dropped, str(writer.error or "")),
        )

    def mark(self, code: Code, time_s: float, face: int | None = None, note: str = "") -> tuple[Event, bool]:
        """Set a mark, or begin or end a stretch; it is stored while a session is recorded.

        Args:
            code: What to mark.
            time_s: `Frame.time_s` of the picture it belongs to.
            face: The face it is about, or None for all.
            note: Free text.

        Returns:
            The mark, and whether it is a stretch that runs from now on.
        """
        writer = self._writer
        origin_s = 0.0 if writer is None else writer.origin_s
        at_s = 0.0 if origin_s is None else max(0.0, time_s - origin_s)  # None: before the first frame
        event = self._marks.press(code, at_s, LIVE_AUTHOR, face, note)
        return event, any(each.id == event.id for each in self._marks.running(LIVE_AUTHOR))

    def receive(self, marks: Iterable[tuple[str, str, float]]) -> int:
        """Store markers of other programs, which no undo takes back.

        Args:
            marks: What each says, where it comes from, and when it was set, on the clock of `Frame.time_s`.

        Returns:
            How many are stored: those of a time at which something is recorded.
        """
        writer = self._writer
        if writer is None or (origin_s := writer.origin_s) is None:
            return 0
        events = [
            Event(at_s, at_s, label=label, author=author, id=new_event_id())
            for label, author, time_s in marks
            if (at_s := round(time_s - origin_s, 6)) >= 0
        ]
        if events:
            self._received.extend(events)
            self._store(writer.folder, {event.id: event for event in events})
        return len(events)

    def undo(self) -> str:
        """Take the last mark back and return what it was; "" when there is none."""
        return self._marks.undo()

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
        self._marks = Annotations(writer.folder, write=partial(self._store, writer.folder))
        self._received.clear()
        self._started_s = time.perf_counter()
        self._pipeline.set_recorder(writer)
        self.started.emit()

    def _failed(self, error: BaseException) -> None:
        self._wanted = False
        self.refused.emit(str(error))

    def _store(self, folder: Path, changes: Changes) -> None:
        """Append to the session's journal off the interface thread."""
        self._background.run(partial(append_changes, folder, dict(changes)), failed=self._marker_failed)

    def _marker_failed(self, error: BaseException) -> None:
        self.refused.emit(str(error))


def _unstored_marks() -> Annotations:
    """Return marks that are shown only, for while nothing is recorded."""
    return Annotations(Path(), write=lambda _: None)


def _close(writer: SessionWriter, marks: Annotations, received: Iterable[Event]) -> Path:
    """Close a session and end the stretches that still run with its last picture.

    A received marker may be a moment younger than the last picture; it is moved there.
    """
    folder = writer.close()
    with suppress(SessionError):  # the writer's own error says more
        last_s = load_metadata(folder)["last_time_s"]
        late = [event for event in received if event.start > (last_s or 0.0)]
        append_changes(
            folder, {event.id: replace(event, start=last_s or 0.0, end=last_s or 0.0) for event in late}
        )
        marks.write = partial(append_changes, folder)  # this is the thread the journal is written on
        marks.end_all(last_s if last_s is not None else 0.0)
    return folder


def _open_writer(
    settings: Settings, source: Source, cards: Sequence[ModelCard], scheme: Scheme, about: About
) -> SessionWriter:
    name = f"{datetime.now():%Y-%m-%d_%H-%M-%S} {about.participant or source.name}"
    folder = new_session_folder(settings.sessions_dir, name, settings.shared_recordings)
    save_scheme(folder / SCHEME_FILE, scheme)
    return SessionWriter(
        folder,
        source=source.name,
        cards=cards,
        settings=settings.as_json(),
        about=about,
        video=settings.record_video,
        faces=settings.record_faces,
        captured=True,
        outages=partial(outages_of, source),
    )
