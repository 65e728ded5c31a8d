"""Corrections of who is who: names, merged and excluded faces, beside the table, which is never rewritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.json_text import read_json
from engines.whole_file import write_whole
from faceapp.errors import SessionError
from faceapp.session.metadata import folder_error

FACES_FILE = "face_edits.json"
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FaceEdits:
    """What people decided about the faces of a session.

    Attributes:
        names: Id -> name.
        merged: Id -> the id of the same person it counts as; never leads to another merged id.
        excluded: Ids that are left out of charts and figures.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    merged: Mapping[int, int] = field(default_factory=dict)
    excluded: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for face, into in self.merged.items():
            if into == face or into in self.merged:
                raise SessionError(
                    f"face {face}: expected to be merged into another face that is not merged itself, found "
                    f"face {into}; correct {FACES_FILE}"
                )

    def person_of(self, face: int) -> int:
        """Return the id under which a face counts."""
        return self.merged.get(face, face)

    def name_of(self, face: int) -> str:
        """Return a face's name: given, or "face N"."""
        return self.names.get(face) or f"face {face}"

    def persons(self, faces: npt.NDArray[np.integer[Any]]) -> Ids:
        """Return the id under which every row's face counts.

        Args:
            faces: (N,), ids as recorded.

        Returns:
            (N,) int64.
        """
        persons = np.array(faces, dtype=np.int64)
        for face, into in self.merged.items():
            persons[faces == face] = into
        return persons

    def renamed(self, face: int, name: str) -> FaceEdits:
        """Return the edits with another name for a face; an empty one takes its name away."""
        names = {key: value for key, value in self.names.items() if key != face}
        return replace(self, names=names | ({face: name.strip()} if name.strip() else {}))

    def merged_into(self, face: int, into: int) -> FaceEdits:
        """Return the edits with a face, and all that were merged into it, counted as another one."""
        into = self.person_of(into)
        if into == face:
            raise SessionError(
                f"face {face}: expected another face to merge it into, found itself; choose another"
            )
        moved = {key: into if value == face else value for key, value in self.merged.items()}
        return replace(self, merged=moved | {face: into})

    def parted(self, face: int) -> FaceEdits:
        """Return the edits with a face counted as itself again, and what was merged into it."""
        kept = {key: into for key, into in self.merged.items() if face not in (key, into)}
        return replace(self, merged=kept)

    def with_excluded(self, face: int, excluded: bool) -> FaceEdits:
        """Return the edits with a face left out or taken back."""
        return replace(self, excluded=self.excluded | {face} if excluded else self.excluded - {face})


def describe_edit(before: FaceEdits, after: FaceEdits) -> str:
    """Return what was done to faces in a few words: "merge face 3 into Ann"."""
    for face in {*before.merged, *after.merged}:
        if before.merged.get(face) != after.merged.get(face):
            into = after.merged.get(face)
            name = before.name_of(face)
            return f"part {name}" if into is None else f"merge {name} into {before.name_of(into)}"
    for face in before.excluded ^ after.excluded:
        return f"{'leave out' if face in after.excluded else 'take back in'} {before.name_of(face)}"
    for face in {*before.names, *after.names}:
        if before.name_of(face) != after.name_of(face):
            return f"rename {before.name_of(face)} to {after.name_of(face)}"
    return "correct faces"


def load_face_edits(folder: Path) -> FaceEdits:
    """Read the corrections of a session; none are there without the file.

    Raises:
        SessionError: The file can't be read or holds something else.
    """
    path = folder / FACES_FILE
    try:
        content: Any = read_json(path)
        return FaceEdits(
            names={int(face): str(name) for face, name in content.get("names", {}).items()},
            merged={int(face): int(into) for face, into in content.get("merged", {}).items()},
            excluded=frozenset(int(face) for face in content.get("excluded", [])),
        )
    except FileNotFoundError:
        return FaceEdits()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SessionError(
            f"{path}: expected corrections of faces, found something else ({reason}); correct or remove the file"
        ) from error


def save_face_edits(folder: Path, edits: FaceEdits) -> None:
    """Write the corrections beside the table, replacing older ones in one step.

    Raises:
        SessionError: The folder can't be written.
    """
    content = {
        "names": {str(face): name for face, name in sorted(edits.names.items())},
        "merged": {str(face): into for face, into in sorted(edits.merged.items())},
        "excluded": sorted(edits.excluded),
    }
    try:
        write_whole(folder / FACES_FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise folder_error(folder, error) from error
