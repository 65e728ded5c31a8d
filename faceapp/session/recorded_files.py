"""What was recorded is never what a person's `--out` replaces."""

from __future__ import annotations

from pathlib import Path

from engines.whole_file import write_whole
from faceapp.errors import SessionError
from faceapp.session.annotation_faces import FACES_FILE
from faceapp.session.annotation_scheme import SCHEME_FILE
from faceapp.session.annotations import EVENTS_FILE
from faceapp.session.frame_log import FRAMES_CSV, FRAMES_PARQUET
from faceapp.session.liveness import LOCK_FILE
from faceapp.session.metadata import SESSION_FILE
from faceapp.session.table import CSV_FILE, PARQUET_FILE
from faceapp.session.video_encoder import VIDEO_FILE

BY_RECORDING = frozenset(
    {
        *(SESSION_FILE, CSV_FILE, PARQUET_FILE, FRAMES_CSV, FRAMES_PARQUET),
        *(VIDEO_FILE, EVENTS_FILE, SCHEME_FILE, LOCK_FILE),
    }
)
"""Names of the files that a recording or an analysis makes in a session folder."""
BY_PEOPLE = frozenset({FACES_FILE})
"""And those that only people's work on it makes."""
_OF_SESSIONS_ALONE = (SESSION_FILE, EVENTS_FILE, LOCK_FILE, VIDEO_FILE)
"""No export has these names, so a folder with one of them holds a session, whole or damaged."""


def holds_session(folder: Path) -> bool:
    """Return whether a folder holds what was recorded, also where `session.json` is gone."""
    return any((folder / name).exists() for name in _OF_SESSIONS_ALONE)


def refuse_recorded(path: Path) -> None:
    """Make sure that a file which a person named is none of a session's.

    Raises:
        SessionError: It is.
    """
    if path.name in BY_RECORDING | BY_PEOPLE and holds_session(path.parent):
        raise SessionError(
            f"{path}: expected a file to write, found one of the recorded session in {path.parent}; give another name"
        )


def write_named_file(path: Path, text: str) -> None:
    """Write a file that a person named, replacing an older one in one step; pipes and devices are written to.

    Raises:
        SessionError: It belongs to a recorded session.
        OSError: It can't be written.
    """
    refuse_recorded(path)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as stream:
            stream.write(text)
    else:
        write_whole(path, text)
