"""Whether the rows of a table stand in the order of their times, as a recording writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow


def times_going_back(table: pyarrow.Table) -> list[str]:
    """Return a line about the first row that is earlier than the one before it, or none.

    Args:
        table: With the column `time_s`, in the order of the file.
    """
    times_s = table.column("time_s").to_numpy()
    back = np.flatnonzero(np.diff(times_s) < 0)
    if not back.size:
        return []
    row = int(back[0]) + 1
    return [
        f"the table of faces: expected times that rise, found {times_s[row]:.3f} s in row {row + 1} "
        f"after {times_s[row - 1]:.3f} s; rows are kept as they are, restore the table from a copy"
    ]
