"""The table of a session, a column at a time: opening reads four columns, the others come when they are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faceapp.errors import SessionError
from faceapp.session.reader import read_table
from faceapp.session.table import PARQUET_FILE
from faceapp.settings.label_names import COLUMN_PREFIX

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class StoredTable:
    """The rows of a session, ordered by time.

    Args:
        folder: The session folder, sealed or not.

    Attributes:
        times_s: (N,) float64, rising.
        faces: (N,) int64, ids as recorded.

    Raises:
        SessionError: There is no table, or it is malformed.
    """

    def __init__(self, folder: Path) -> None:
        self._source, self._sealed = _open(folder)
        schema = self._source.schema_arrow if self._sealed else self._source.schema
        self._names = frozenset(schema.names)
        self._rows = self._source.metadata.num_rows if self._sealed else self._source.num_rows
        self._order: Ints | None = None
        self._columns: dict[str, Doubles] = {}
        self._texts: dict[str, npt.NDArray[np.object_]] = {}
        times_s = self.numbers("time_s")
        if (np.diff(times_s) < 0).any():  # put together by hand from several parts
            self._order = np.argsort(times_s, kind="stable")
            self._columns["time_s"] = times_s[self._order]
        self.times_s: Doubles = self.numbers("time_s")
        self.faces: Ints = self.numbers("face_id").astype(np.int64)

    def __len__(self) -> int:
        return len(self.times_s)

    def numbers(self, name: str) -> Doubles:
        """Return a column of numbers as float64 (N,); missing values are NaN."""
        if name not in self._columns:
            self._columns[name] = self._in_order(self._read(name).astype(np.float64))
        return self._columns[name]

    def texts(self, name: str) -> npt.NDArray[np.object_]:
        """Return a column of texts (N,); missing ones are None."""
        if name not in self._texts:
            column = self._read(name)
            missing = column.dtype != object  # Arrow gives texts as objects, None where there is none
            self._texts[name] = self._in_order(np.full(self._rows, None) if missing else column)
        return self._texts[name]

    def label_names(self) -> tuple[str, ...]:
        """Return the columns of people's own labels that were recorded."""
        return tuple(sorted(name for name in self._names if name.startswith(COLUMN_PREFIX)))

    def step_s(self) -> float:
        """Return the usual time between two analysed frames in seconds."""
        steps = np.diff(self.times_s)
        steps = steps[steps > 0]
        return float(np.median(steps)) if len(steps) else 0.04

    def _read(self, name: str) -> npt.NDArray[Any]:
        """Return a column as stored; one that this session lacks is empty."""
        import pyarrow as pa

        try:
            if name not in self._names:
                return np.full(self._rows, np.nan)
            column = self._source.read(columns=[name]).column(0) if self._sealed else self._source[name]
            return np.asarray(column.to_numpy())
        except (pa.ArrowException, OSError) as error:
            raise SessionError(
                f"{PARQUET_FILE}: expected the column {name}, found {' '.join(str(error).split())[:120]}; "
                "restore it from a copy"
            ) from error

    def _in_order(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return column if self._order is None else column[self._order]


def _open(folder: Path) -> tuple[Any, bool]:
    """Return the Parquet file, of which columns are read one by one, or the table of a session not sealed."""
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / PARQUET_FILE
    if not path.exists():
        return read_table(folder), False
    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise SessionError(
            f"{path}: expected a sealed table, found {' '.join(str(error).split())[:160]}; "
            "restore it from a copy"
        ) from error
    missing = [name for name in ("time_s", "face_id") if name not in file.schema_arrow.names]
    if missing:
        raise SessionError(
            f"{path}: expected the columns of a session, found no {missing[0]}; restore it from a copy"
        )
    return file, True
