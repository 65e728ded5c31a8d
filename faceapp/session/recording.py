"""The files of one session while it is being recorded; used by one thread."""

from __future__ import annotations

import csv
import io
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from engines.card import ModelCard
from faceapp.errors import SessionError
from faceapp.session.annotations import EVENTS_FILE
from faceapp.session.metadata import (
    SESSION_FILE,
    FrameCounts,
    folder_error,
    new_metadata,
    parquet_metadata,
    save_metadata,
)
from faceapp.session.table import COLUMNS, CSV_FILE, PARQUET_FILE, face_rows, seal, utc_text
from faceapp.session.video_encoder import VIDEO_FILE, VideoEncoder
from faceapp.types import FrameResult

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.8
"""Rows and counts reach the files this often; the rest up to the promised second is for a slow disk."""


class Recording:
    """Creates the files of a session, appends frames, and seals everything at the end.

    Args:
        folder: New or empty folder; an existing session in it is an error.
        source: Name of the source.
        cards: Cards of the models in use.
        settings: Resolved settings.
        participant: Participant's code.
        notes: Free text.
        video: Whether to record the clean video.
        time_origin_s: `Frame.time_s` that is 0 on the session's clock; None is the first frame's.

    Attributes:
        counts: What became of the frames so far.
        video_error: Why the video ended early, or None.

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
        participant: str = "",
        notes: str = "",
        video: bool = True,
        time_origin_s: float | None = None,
    ) -> None:
        self.folder = folder
        self.counts = FrameCounts()
        self.video_error: SessionError | None = None
        self._origin_s = time_origin_s
        self._started = _now()
        self._metadata = new_metadata(
            source=source, cards=cards, settings=settings, participant=participant, notes=notes
        )
        self._metadata["started_utc"] = utc_text(self._started)
        self._last_time_s = float("-inf")
        self._pending = io.StringIO()
        self._rows = csv.writer(self._pending, lineterminator="\n")
        self._flushed_at = time.monotonic()
        self._encoder = VideoEncoder(folder / VIDEO_FILE) if video else None
        self._csv = self._create_files()

    def add(self, result: FrameResult) -> None:
        """Append one analysed frame: its rows and its picture.

        A frame that is not later than the one before is counted and left out, so that times only grow.

        Raises:
            SessionError: The rows can't be written. A failing video only ends the video, see `video_error`.
        """
        if self._origin_s is None:
            self._start_clock(result)
        time_s = result.frame.time_s - (self._origin_s or 0.0)
        if time_s <= self._last_time_s:
            self.counts.out_of_order += 1
            return
        self._last_time_s = time_s
        if self._metadata["first_time_s"] is None:
            self._metadata["first_time_s"] = round(time_s, 6)
        self._rows.writerows(face_rows(result, time_s, self._started))
        self.counts.analysed += 1
        self.counts.with_faces += bool(result.faces)
        self.counts.faces += len(result.faces)
        self._add_picture(result, time_s)
        self.flush_when_due()

    def flush_when_due(self) -> None:
        """Write what is pending when the last time is long enough ago."""
        if time.monotonic() - self._flushed_at >= FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write pending rows and the counts.

        Raises:
            SessionError: The disk refused them; the rows written before stay whole.
        """
        self._flushed_at = time.monotonic()
        rows = self._pending.getvalue().encode()
        written = 0
        try:
            while written < len(rows):
                written += self._csv.write(memoryview(rows)[written:])
        except OSError as error:
            half_row = written - (rows.rfind(b"\n", 0, written) + 1)
            self._csv.truncate(self._csv.tell() - half_row)
            raise folder_error(self.folder, error) from error
        self._pending.seek(0)
        self._pending.truncate()
        self._save_metadata()

    def close(self, failed: SessionError | None = None) -> None:
        """Finish the video, seal the table and say so in `session.json`.

        Args:
            failed: The error that ended the recording; the CSV is then left for `faceapp session check`.

        Raises:
            SessionError: Something could not be finished; what was recorded stays.
        """
        self._end_video()
        try:
            if failed is None:
                self.flush()
        finally:
            self._close_csv()
        if failed is not None:
            self._metadata["errors"].append(str(failed))
            self._save_metadata()
            return
        seal(self.folder / CSV_FILE, self.folder / PARQUET_FILE, parquet_metadata(self._metadata))
        self._metadata["state"] = "closed"
        self._metadata["ended_utc"] = utc_text(_now())
        self._save_metadata(durable=True)

    def _create_files(self) -> io.FileIO:
        existing = [
            name
            for name in (SESSION_FILE, CSV_FILE, PARQUET_FILE, VIDEO_FILE)
            if (self.folder / name).exists()
        ]
        if existing:
            raise SessionError(
                f"{self.folder}: expected a new folder, found {existing[0]} of another session; "
                "choose another folder"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            stream = (self.folder / CSV_FILE).open("xb", buffering=0)
            stream.write((",".join(COLUMNS) + "\n").encode())
            (self.folder / EVENTS_FILE).touch()
        except OSError as error:
            raise folder_error(self.folder, error) from error
        self._save_metadata()
        return stream

    def _start_clock(self, result: FrameResult) -> None:
        """Make the first frame's capture 0 s and note its wall-clock time; the clock may be set later on."""
        self._origin_s = result.frame.time_s
        age_s = max(0.0, time.perf_counter() - result.frame.captured_s)
        self._started = _now() - timedelta(milliseconds=round(age_s * 1000))
        self._metadata["started_utc"] = utc_text(self._started)

    def _add_picture(self, result: FrameResult, time_s: float) -> None:
        if self._encoder is None or self.video_error is not None:
            return
        try:
            self._encoder.add(result.frame.image, time_s)
            self.counts.in_video += 1
        except SessionError as error:
            self._video_failed(error)

    def _end_video(self) -> None:
        if self._encoder is None:
            return
        try:
            self._encoder.close()
        except SessionError as error:
            if self.video_error is None:
                self._video_failed(error)

    def _video_failed(self, error: SessionError) -> None:
        self.video_error = error
        self._metadata["errors"].append(str(error))
        logger.info("%s", error)
        self._end_video()

    def _close_csv(self) -> None:
        try:
            os.fsync(self._csv.fileno())
            self._csv.close()
        except OSError as error:
            raise folder_error(self.folder, error) from error

    def _save_metadata(self, durable: bool = False) -> None:
        metadata = self._metadata
        metadata["frames"] = asdict(self.counts)
        metadata["last_time_s"] = round(self._last_time_s, 6) if self.counts.analysed else None
        encoder = self._encoder
        if encoder is not None and encoder.frames:
            sizes = [
                {"time_s": time_s, "width_px": width, "height_px": height}
                for time_s, width, height in encoder.sizes
            ]
            metadata["video"] = {"file": VIDEO_FILE, "codec": encoder.codec, "frame_sizes": sizes}
        save_metadata(self.folder, metadata, durable)


def _now() -> datetime:
    """Return UTC to the millisecond, the resolution that the files keep."""
    now = datetime.now(timezone.utc)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
