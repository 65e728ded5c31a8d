"""The files of one session while it is being recorded; used by one thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from engines.card import ModelCard
from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.annotations import EVENTS_FILE
from faceapp.session.clock import now_utc, utc_text
from faceapp.session.disk_watch import DiskFullSoonError, DiskWatch
from faceapp.session.frame_log import (
    FRAME_COLUMNS,
    FRAMES_CSV,
    FRAMES_PARQUET,
    NOT_LATER,
    REFUSED,
    FrameLog,
    frame_row,
    frame_schema,
)
from faceapp.session.liveness import RecordingLock
from faceapp.session.metadata import (
    SESSION_FILE,
    FrameCounts,
    create_metadata,
    folder_error,
    new_metadata,
    parquet_metadata,
    save_metadata,
)
from faceapp.session.own_files import open_own
from faceapp.session.picture_track import PictureTrack
from faceapp.session.provenance import Provenance
from faceapp.session.row_file import RowFile
from faceapp.session.sealing import seal
from faceapp.session.seals import SEALS, seals_of
from faceapp.session.stored_settings import stored_error
from faceapp.session.table import COLUMNS, CSV_FILE, PARQUET_FILE, arrow_schema, face_rows, label_columns
from faceapp.session.video_encoder import VIDEO_FILE
from faceapp.settings import FaceStyle
from faceapp.sources.outage import Outage, during
from faceapp.types import Frame, FrameResult

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.8
"""Rows and counts reach the files this often; the rest up to the promised second is for a slow disk."""


class Recording:
    """Creates the files of a session, appends frames and results, and seals everything at the end.

    Args:
        folder: New or empty folder; an existing session in it is an error.
        source: Name of the source.
        cards: Cards of the models in use.
        settings: Resolved settings.
        about: What people say about the session.
        video: Whether to record the picture.
        faces: How faces look in the video.
        captured: True: pictures come from `add_frame`, at the camera's rate, and results without a captured frame
            are from before the start and are left out. False: every result brings its own picture.
        time_origin_s: `Frame.time_s` that is 0 on the session's clock; None is the first frame's.
        input_key: Tells the input and the way of analysis from others; empty notes nothing.
        outages: Gives when a live source was lost since it was opened; None notes nothing.

    Attributes:
        complete: Whether the input came to its end.
        counts: What became of the frames so far.
        disk: How much room is left.
        origin_s: `Frame.time_s` that is 0 on the session's clock; None until the first frame has come.

    Raises:
        SessionError: The folder holds a session or can't be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        cards: Sequence[ModelCard],
        settings: Mapping[str, Any],
        about: About | None = None,
        video: bool = True,
        faces: FaceStyle = "clear",
        captured: bool = False,
        time_origin_s: float | None = None,
        input_key: str = "",
        outages: Callable[[], tuple[Outage, ...]] | None = None,
    ) -> None:
        self.folder = folder
        self._outages = outages
        self.counts = FrameCounts()
        self.disk = DiskWatch(folder)
        self.origin_s = time_origin_s
        self.complete = False
        self._input_key, self._captured = input_key, captured
        self._started = now_utc()
        self._metadata = new_metadata(source=source, cards=cards, settings=settings, about=about or About())
        self._provenance = Provenance(self._metadata)
        self._metadata["started_utc"] = utc_text(self._started)
        if input_key:
            self._metadata["input"] = {"key": input_key, "complete": False}
        self._metadata["pictures"] = "camera rate" if captured else "analysed frames"
        self._last_frame_s = self._last_lost_s = self._last_result_s = float("-inf")
        self._log = FrameLog()
        self._flushed_at = time.monotonic()
        self._pictures = PictureTrack(folder / VIDEO_FILE if video else None, faces, self._video_failed)
        self._create_folder()
        self._labels = label_columns(settings)
        self._faces = RowFile(folder / CSV_FILE, (*COLUMNS, *self._labels))
        self._frames = RowFile(folder / FRAMES_CSV, FRAME_COLUMNS)

    @property
    def video_error(self) -> SessionError | None:
        """Why the video ended early, or None."""
        return self._pictures.error

    def add_frame(self, frame: Frame) -> None:
        """Append one captured frame to the video, whether or not it will be analysed.

        A frame that is not later than the one before is counted and left out, so that times only grow.

        Raises:
            SessionError: The rows can't be written. A failing video only ends the video, see `video_error`.
        """
        time_s = self._time_of(frame)
        if time_s <= self._last_frame_s:
            self.counts.out_of_order += 1
            return
        self._last_frame_s = time_s
        self._provenance.drawn(time_s, frame.drawn)
        self.counts.captured += 1
        self._log.captured(frame, time_s, self._pictures.add(frame.image, time_s))
        self.flush_when_due()

    def add(self, result: FrameResult) -> None:
        """Append one analysed frame: its rows, and its picture where results bring the pictures.

        Raises:
            SessionError: The rows can't be written. A failing video only ends the video, see `video_error`.
        """
        if self._captured and (self.origin_s is None or result.frame.time_s < self.origin_s):
            return  # captured before the recording started
        time_s = self._time_of(result.frame)
        if not self._captured:
            self.add_frame(result.frame)
        if time_s <= self._last_result_s or time_s > max(self._last_frame_s, self._last_lost_s):
            return
        self._last_result_s = time_s
        if self._metadata["first_time_s"] is None:
            self._metadata["first_time_s"] = round(time_s, 6)
        self._faces.add(face_rows(result, time_s, self._started, self._labels))
        self._pictures.know(time_s, result.faces)
        self.counts.analysed += 1
        self.counts.with_faces += bool(result.faces)
        self.counts.faces += len(result.faces)
        self._add_frame_rows(self._log.analysed(result, time_s))
        self.flush_when_due()

    def lost_frame(self, frame: Frame) -> None:
        """Note a captured frame that the writer's queue had no room for; it may still be analysed."""
        time_s = self._time_of(frame)
        self._last_lost_s = max(self._last_lost_s, time_s)  # its result counts though no picture came
        self.counts.captured += 1
        self._log.captured(frame, time_s, REFUSED if time_s > self._last_frame_s else NOT_LATER)

    def lost_result(self, result: FrameResult) -> None:
        """Note a result that the writer's queue had no room for."""
        if not self._captured:
            self.lost_frame(result.frame)
        self._log.refused(result)

    def note_change(self, name: str, value: Any) -> None:
        """Note that a setting changed while recording."""
        self._provenance.changed(max(self._last_frame_s, 0.0), name, value)

    def flush_when_due(self) -> None:
        """Write what is pending when the last time is long enough ago, and look after the disk.

        Raises:
            SessionError: The disk refused it, or is nearly full.
        """
        if time.monotonic() - self._flushed_at >= FLUSH_EVERY_S:
            self.flush()
            self.disk.check()

    def flush(self) -> None:
        """Write pending rows and the counts.

        Raises:
            SessionError: The disk refused them; the rows written before stay whole.
        """
        self._flushed_at = time.monotonic()
        self._faces.flush()
        self._frames.flush()
        self._pictures.sync()
        self._save_metadata()

    def close(self, failed: SessionError | None = None) -> None:
        """Finish the video, seal the tables and say so in `session.json`.

        Args:
            failed: The error that ended the recording; the CSVs are then left for `faceapp session check`, unless
                the disk was only nearly full.

        Raises:
            SessionError: Something could not be finished; what was recorded stays.
        """
        try:
            self._close(failed)
        finally:
            self._lock.release()

    def _close(self, failed: SessionError | None) -> None:
        self._pictures.close()
        whole = failed is None or isinstance(failed, DiskFullSoonError)
        if failed is not None:
            self._metadata["errors"].append(stored_error(failed, self.folder))
        try:
            if whole:
                self._add_frame_rows(self._log.rest())
                self.flush()
        finally:
            self._faces.close()
            self._frames.close()
        if whole:
            self._seal()
        self._save_metadata()

    def _seal(self) -> None:
        seal(
            self.folder / CSV_FILE,
            self.folder / PARQUET_FILE,
            arrow_schema(parquet_metadata(self._metadata), self._labels),
        )
        seal(self.folder / FRAMES_CSV, self.folder / FRAMES_PARQUET, frame_schema())
        self._metadata["state"] = "closed"
        self._metadata["ended_utc"] = utc_text(now_utc())
        if self._input_key:
            self._metadata["input"]["complete"] = self.complete and not self._metadata["errors"]
        self._metadata["unexplained_frames"] = self.counts.unexplained
        self._metadata[SEALS] = seals_of(self.folder)

    def _create_folder(self) -> None:
        """Make `session.json` first: whatever else a killed program leaves then belongs to a session."""
        files = (SESSION_FILE, CSV_FILE, PARQUET_FILE, FRAMES_CSV, FRAMES_PARQUET, VIDEO_FILE)
        existing = [name for name in files if (self.folder / name).exists()]
        if existing:
            raise SessionError(
                f"{self.folder}: expected a new folder, found {existing[0]} of another session; "
                "choose another folder"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = RecordingLock(self.folder)
            try:
                create_metadata(self.folder, self._metadata)
                open_own(self.folder / EVENTS_FILE, "xb").close()
            except BaseException:
                self._lock.release()
                raise
        except OSError as error:
            raise folder_error(self.folder, error) from error

    def _time_of(self, frame: Frame) -> float:
        """Return a frame's time on the session's clock, which the first frame starts."""
        if self.origin_s is None:
            self.origin_s = frame.time_s
            age_s = max(0.0, time.perf_counter() - frame.captured_s)
            self._started = now_utc() - timedelta(milliseconds=round(age_s * 1000))
            self._metadata["started_utc"] = utc_text(self._started)
        return frame.time_s - self.origin_s

    def _add_frame_rows(self, entries: Sequence[Any]) -> None:
        self._frames.add([frame_row(entry, self._started) for entry in entries])

    def _video_failed(self, error: SessionError) -> None:
        self._metadata["errors"].append(stored_error(error, self.folder))
        logger.info("%s", error)

    def _save_metadata(self) -> None:
        metadata = self._metadata
        self.counts.in_video = self._pictures.frames
        self.counts.not_analysed = dict(self._log.counts)
        metadata["frames"] = asdict(self.counts)
        metadata["last_time_s"] = round(self._last_result_s, 6) if self.counts.analysed else None
        metadata["video"] = self._pictures.as_json()
        if self._outages is not None:
            metadata["outages"] = during(self._outages(), self.origin_s)
        save_metadata(self.folder, metadata)
