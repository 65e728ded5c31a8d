"""Rows of a CSV that can't be read, set aside beside it, so that all the others are kept."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engines.whole_file import whole_file
from faceapp.session.own_files import open_own

if TYPE_CHECKING:
    import pyarrow

DAMAGED = ".damaged"
"""Ending of the file beside a file of a session that holds what could not be read of it."""
_BLOCK_LINES = 2000


def set_damaged_rows_aside(csv_path: Path, schema: pyarrow.Schema) -> int:
    """Move the rows that can't be read from a CSV to `<name>.damaged`, each in one piece with the header above them.

    The damaged rows are on the disk before the CSV is replaced, so that a kill loses none.

    Args:
        csv_path: One row a line.
        schema: Columns and their kinds.

    Returns:
        How many rows were moved.

    Raises:
        OSError: A file can't be read or written; the CSV then stays as it is.
    """
    damaged = csv_path.with_name(f"{csv_path.name}{DAMAGED}")
    count = 0
    with whole_file(csv_path) as good, open_own(csv_path, "rb") as stream:
        header = stream.readline()
        good.write(header)
        with whole_file(damaged) as bad:
            bad.write(header)
            while lines := stream.readlines(_BLOCK_LINES * 256):
                for line, whole in zip(lines, _readable(header, lines, schema), strict=True):
                    (good if whole else bad).write(line)
                    count += not whole
    return count


def _readable(header: bytes, lines: Sequence[bytes], schema: pyarrow.Schema) -> list[bool]:
    """Return of every line whether it can be read as a row; halves that can be read together are read once."""
    if _reads(header, lines, schema):
        return [True] * len(lines)
    if len(lines) == 1:
        return [False]
    middle = len(lines) // 2
    return _readable(header, lines[:middle], schema) + _readable(header, lines[middle:], schema)


def _reads(header: bytes, lines: Sequence[bytes], schema: pyarrow.Schema) -> bool:
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            io.BytesIO(b"".join((header, *lines))),
            read_options=csv.ReadOptions(use_threads=False),
            convert_options=csv_conversion(schema),
        )
    except pa.ArrowInvalid:
        return False
    return bool(table.num_rows == len(lines))


def csv_conversion(schema: pyarrow.Schema) -> pyarrow.csv.ConvertOptions:
    """Return how the cells of a session's CSV are read."""
    from pyarrow import csv

    return csv.ConvertOptions(
        column_types={field.name: field.type for field in schema},
        include_columns=schema.names,
        include_missing_columns=True,
        null_values=[""],
        strings_can_be_null=True,
    )
