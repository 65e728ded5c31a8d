"""The seals of a finished session: size and hash of each file that nobody changes any more, kept in `session.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faceapp.session.frame_log import FRAMES_PARQUET
from faceapp.session.table import PARQUET_FILE
from faceapp.session.video_encoder import VIDEO_FILE

SEALS = "sealed"
"""Key of the seals in the metadata."""
_FILES = (PARQUET_FILE, FRAMES_PARQUET, VIDEO_FILE)


def seals_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return name -> size and hash of the files that are there.

    Args:
        folder: The session folder.

    Raises:
        OSError: One can't be read.
    """
    return {name: _seal(folder / name) for name in _FILES if (folder / name).is_file()}


def broken_seals(folder: Path, metadata: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line about each file that is not what was sealed; sessions of older versions have no seals."""
    seals = metadata.get(SEALS)
    for name, seal in seals.items() if isinstance(seals, Mapping) else ():
        path = folder / Path(str(name)).name
        if not path.is_file() or path.is_symlink():
            yield f"{path.name}: expected the file that was sealed, found none; restore it from a copy"
        elif not isinstance(seal, Mapping) or _seal(path) != dict(seal):
            yield f"{path.name}: expected the file that was sealed, found another content; restore it from a copy"


def _seal(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
        return {"bytes": stream.tell(), "sha256": digest.hexdigest()}
