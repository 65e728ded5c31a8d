"""The last line of a CSV that no line end follows: a whole row that an editor or a kill left, or half of one."""

from __future__ import annotations

import re
from pathlib import Path

from faceapp.session.own_files import open_own

_TAIL_BYTES = 1 << 16
_NUMBER = re.compile(r"-?\d+\.(\d+)")


def last_row_is_whole(path: Path) -> bool:
    """Return whether the last line has no line end, and all its cells.

    A number is whole with as many digits after the point as in the row above, since tables write a fixed count of them.

    Args:
        path: A CSV of a session.

    Raises:
        OSError: It can't be read.
    """
    with open_own(path, "rb") as stream:
        header = stream.readline()
        stream.seek(max(len(header), stream.seek(0, 2) - _TAIL_BYTES))
        above, last = ([*stream.read().split(b"\n")[-2:], b""])[:2]
    if not last or not above:
        return False
    cells, cells_above = (line.decode("utf-8", "replace").split(",") for line in (last, above))
    if len(cells) != len(header.split(b",")) or len(cells_above) != len(cells):
        return False
    found, expected = _NUMBER.fullmatch(cells[-1]), _NUMBER.fullmatch(cells_above[-1])
    if expected is None:
        return found is None
    return found is not None and len(found[1]) == len(expected[1])


def end_last_row(path: Path) -> None:
    """Give the last row its line end.

    Raises:
        OSError: The file can't be written.
    """
    with open_own(path, "ab") as stream:
        stream.write(b"\n")
