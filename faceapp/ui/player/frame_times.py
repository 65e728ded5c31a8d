"""When the frames of a session were: from the log of frames, else from the video, else from the table."""

from __future__ import annotations

import bisect
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceapp.ui.player.stored_table import StoredTable

Doubles = npt.NDArray[np.float64]
_SAME_S = 0.0011
"""Two times this near are one frame: the video keeps milliseconds, the table microseconds."""
_LOG_FILE = "frames.parquet"


class FrameTimes:
    """The times of all frames that can be shown.

    Args:
        times_s: (N,), rising.
    """

    def __init__(self, times_s: Doubles) -> None:
        self.times_s = times_s

    def __len__(self) -> int:
        return len(self.times_s)

    def number_at(self, time_s: float) -> int:
        """Return the number of the frame shown at a time, from 0; 0 before the first."""
        return max(bisect.bisect_right(self.times_s, time_s + _SAME_S) - 1, 0)

    def stepped(self, time_s: float, steps: int) -> float:
        """Return the time of the frame some steps after (or before) the one shown at a time."""
        if not len(self):
            return time_s
        return float(self.times_s[min(max(self.number_at(time_s) + steps, 0), len(self) - 1)])


def logged_times(folder: Path, with_video: bool) -> Doubles | None:
    """Return the frames' times from the session's log of frames, or None where there is none to read.

    Args:
        folder: The session folder.
        with_video: Only frames that are in the video; else those that were analysed.
    """
    import pyarrow as pa
    from pyarrow import parquet

    which = "in_video" if with_video else "analysed"
    try:
        log = parquet.ParquetFile(folder / _LOG_FILE).read(columns=["time_s", which])
        chosen = log.column(which).to_numpy().astype(bool)
        return np.sort(log.column("time_s").to_numpy()[chosen])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None


def analysed_times(table: StoredTable) -> Doubles:
    """Return the times of all frames that have a face."""
    return np.unique(table.times_s)
