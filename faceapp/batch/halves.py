"""What an earlier run left of an input, once a whole session of it is there: removed if it is that and nothing more."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from engines.whole_file import rename
from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.annotations import EVENTS_FILE
from faceapp.session.liveness import is_being_recorded
from faceapp.session.metadata import load_metadata
from faceapp.session.recorded_files import BY_RECORDING

logger = logging.getLogger(__name__)

_ASIDE = " (half)"


def put_away(half: Path, about: About) -> None:
    """Remove a half session of our own; one that holds anything else is moved aside, one being recorded is left alone.

    It gets its new name before anybody looks, so that nothing which is put into it by its old name is removed.

    Args:
        half: Folder of a session that did not come to its input's end.
        about: What the analysis itself had to say about it; what people wrote into it since differs.
    """
    aside = half
    try:
        if half.is_symlink() or is_being_recorded(half):
            logger.warning("%s: a program records into this half session; it is left as it is", half)
            return
        aside = _aside(half)
        if _is_ours_alone(aside, about):
            shutil.rmtree(aside)
        else:
            logger.warning(
                "%s: the half session holds more than was analysed; it is now %s", half, aside.name
            )
    except (OSError, SessionError) as error:
        logger.warning(
            "%s: the half session could not be removed (%s); it stays as %s", half, error, aside.name
        )


def _is_ours_alone(half: Path, about: About) -> bool:
    """Return whether a folder holds the files of an analysis and nothing of people: no marks, notes, corrections or files."""
    files = list(half.iterdir())
    plain = all(file.is_file() and not file.is_symlink() for file in files)
    known = all(file.name in BY_RECORDING or file.name.endswith(".part") for file in files)
    marks = half / EVENTS_FILE
    unmarked = not (marks.is_file() and marks.stat().st_size)
    return plain and known and unmarked and _says_only(half, about)


def _says_only(half: Path, about: About) -> bool:
    """Return whether `session.json` says about the session what the analysis said, nothing more."""
    try:
        metadata = load_metadata(half)
    except SessionError:
        return False
    return all(metadata.get(key) == value for key, value in about.as_json().items())


def _aside(half: Path) -> Path:
    """Give a folder another name beside the old one."""
    for number in range(1, 1000):
        place = half.with_name(f"{half.name}{_ASIDE}" + (f" {number}" if number > 1 else ""))
        if not place.exists():
            rename(half, place)
            return place
    raise OSError("no free name beside it")
