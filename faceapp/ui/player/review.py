"""Everything the player knows about one session, read without waiting for its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.annotation_edits import Annotations
from faceapp.session.annotation_faces import FaceEdits, describe_edit, load_face_edits, save_face_edits
from faceapp.session.annotation_scheme import Scheme, session_scheme
from faceapp.session.fitting_marks import fitting_marks, session_span_s
from faceapp.session.metadata import file_inside, load_metadata
from faceapp.session.table import COLUMNS
from faceapp.session.undo import Step
from faceapp.ui.player.frame_times import FrameTimes, analysed_times, logged_times
from faceapp.ui.player.stored_table import StoredTable

Doubles = npt.NDArray[np.float64]
EMOTION_COLUMNS = tuple(f"p_{name}" for name in EMOTIONS)


@dataclass(slots=True, eq=False)
class Review:
    """One session under review.

    Attributes:
        folder: Where it lies.
        metadata: Content of `session.json`.
        table: Its rows.
        annotations: Its marks.
        scheme: What may be marked.
        faces: Corrections of who is who.
        video: The clean video, or None.
        frames: Times of the frames that can be shown.
        frames_known: Whether they are the video's own; else the video is still to be walked through.
        analysed_s: Times of the frames that were analysed, with or without a face; None where nothing tells.
        problem: What is wrong with the session though it opens, for people; empty when all is well.
    """

    folder: Path
    metadata: dict[str, Any]
    table: StoredTable
    annotations: Annotations
    scheme: Scheme
    faces: FaceEdits
    video: Path | None
    frames: FrameTimes
    frames_known: bool
    analysed_s: Doubles | None
    problem: str

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last time of the session in seconds."""
        return self.annotations.span_s

    @property
    def title(self) -> str:
        """Participant and folder, for the window's title."""
        participant = str(self.metadata.get("participant") or "")
        return f"{participant} · {self.folder.name}" if participant else self.folder.name

    def persons(self) -> tuple[int, ...]:
        """Return every face that counts as one of its own, the one seen most often first."""
        found, rows = np.unique(self.faces.persons(self.table.faces), return_counts=True)
        return tuple(int(face) for face in found[np.argsort(-rows, kind="stable")])

    def rows_of(self, person: int) -> npt.NDArray[np.bool_]:
        """Return which rows belong to a face and those merged into it (N,)."""
        mask: npt.NDArray[np.bool_] = self.faces.persons(self.table.faces) == person
        return mask

    def curve(self, person: int, columns: tuple[str, ...], raw: bool) -> tuple[Doubles, Doubles]:
        """Return times (M,) and values (M, K) of one face.

        Args:
            person: The face.
            columns: Names of K columns.
            raw: Take the values before smoothing, where a column has them.
        """
        mask = self.rows_of(person)
        values = [self.table.numbers(stored_name(name, raw))[mask] for name in columns]
        return self.table.times_s[mask], np.stack(values, axis=1)

    def set_faces(self, faces: FaceEdits) -> None:
        """Take over corrections of faces and store them beside the table; a step that can be undone as marks can.

        Raises:
            SessionError: They can't be stored.
        """
        before = self.faces
        text = describe_edit(before, faces)
        self.annotations.steps.take(
            Step(text, partial(self._store_faces, faces), partial(self._store_faces, before))
        )

    def _store_faces(self, faces: FaceEdits) -> None:
        save_face_edits(self.folder, faces)
        self.faces = faces


def stored_name(column: str, raw: bool) -> str:
    """Return the column that holds a value smoothed or raw; what is never smoothed has one column."""
    return f"{column}_raw" if raw and f"{column}_raw" in COLUMNS else column


def load_review(folder: Path, user_scheme: Path | None = None) -> Review:
    """Open a session: sealed, killed while recording, or without a video.

    Args:
        folder: The session folder.
        user_scheme: The user's annotation scheme; None takes the usual place.

    Raises:
        SessionError: No session, or a file of it is missing or malformed.
    """
    metadata = load_metadata(folder)
    table = StoredTable(folder)
    video, problem = _find_video(folder, metadata)
    times_s = logged_times(folder, with_video=video is not None)
    known = times_s is not None and len(times_s) > 0
    frames = FrameTimes(times_s if times_s is not None and known else analysed_times(table))
    span_s = session_span_s(
        metadata, table.times_s[:1], table.times_s[-1:], frames.times_s[:1], frames.times_s[-1:]
    )
    marks = fitting_marks(folder, metadata, lambda: span_s)
    return Review(
        folder=folder,
        metadata=metadata,
        table=table,
        annotations=Annotations(folder, marks.events, span_s),
        scheme=session_scheme(folder, user_scheme),
        faces=load_face_edits(folder),
        video=video,
        frames=frames,
        frames_known=known or video is None,
        analysed_s=logged_times(folder, with_video=False),
        problem=" ".join(filter(None, (problem or _unfinished(metadata), _unfitting(marks.problems)))),
    )


def _find_video(folder: Path, metadata: dict[str, Any]) -> tuple[Path | None, str]:
    """Return the video, and what is wrong when it is missing; one of a killed program is there unnamed."""
    entry = metadata.get("video")
    name = str(entry.get("file")) if isinstance(entry, dict) else "video.mkv"
    video = file_inside(folder, name)
    if video.is_file() and video.stat().st_size:
        return video, ""
    missing = f"The video {name} is missing; the table is shown alone." if isinstance(entry, dict) else ""
    return None, missing


def _unfinished(metadata: dict[str, Any]) -> str:
    if metadata["state"] != "recording":
        return ""
    return "This recording was not closed. Everything up to about the last second is there; Repair seals it."


def _unfitting(problems: Sequence[str]) -> str:
    """Return what is told of marks that do not fit the session: the first in full, the others counted."""
    if not problems:
        return ""
    more = f" {len(problems) - 1} more like this: see `faceapp session check`." if len(problems) > 1 else ""
    return f"{problems[0]}.{more}"
