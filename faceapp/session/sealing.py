"""Sealing: a CSV that grew while recording becomes Parquet in one step; and what a kill left is read or cut off."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.whole_file import part_of, put_in_place
from faceapp.errors import SessionError
from faceapp.session.damaged_rows import csv_conversion, set_damaged_rows_aside
from faceapp.session.own_files import open_own

if TYPE_CHECKING:
    import pyarrow

OPTIONAL = "optional"
"""Key in the metadata of a column that files of older versions lack; it is then empty."""
_BLOCK_BYTES = 4 << 20


def cut_incomplete_row(path: Path, cut: bool = True) -> int:
    """Remove what follows the last line end of a text file: the half row of a program that was killed.

    Args:
        path: The file.
        cut: False only counts.

    Returns:
        Bytes after the last line end.

    Raises:
        SessionError: The file can't be read or shortened.
    """
    try:
        with open_own(path, "r+b" if cut else "rb") as stream:
            size = end = stream.seek(0, os.SEEK_END)
            found = -1
            while end > 0 and found < 0:
                start = max(0, end - 65536)
                stream.seek(start)
                found = stream.read(end - start).rfind(b"\n")
                found, end = (start + found if found >= 0 else -1), start
            if cut and found + 1 < size:
                stream.truncate(found + 1)
    except OSError as error:
        raise SessionError(
            f"{path}: expected a file that can be repaired, found {error.strerror}; check its rights"
        ) from error
    return size - (found + 1)


def seal(csv_path: Path, parquet_path: Path, schema: pyarrow.Schema) -> tuple[int, int]:
    """Turn the CSV of a session into Parquet and remove it; atomic, block by block so that memory stays flat.

    Rows that can't be read are set aside beside it, see `faceapp.session.damaged_rows`; the others are sealed.

    Args:
        csv_path: Existing CSV whose header has the names of the schema.
        parquet_path: File to make.
        schema: Columns, their kinds, and what is stored beside them.

    Returns:
        Rows sealed, and rows set aside.

    Raises:
        SessionError: The CSV is malformed or the Parquet file can't be written; the CSV then stays.
    """
    import pyarrow as pa

    partial = part_of(parquet_path)
    aside = 0
    try:
        _require_columns(csv_path, schema)
        try:
            rows = _write_parquet(csv_path, partial, schema)
        except pa.ArrowInvalid:
            aside = set_damaged_rows_aside(csv_path, schema)
            rows = _write_parquet(csv_path, partial, schema)
        put_in_place(partial, parquet_path)
        csv_path.unlink(missing_ok=True)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise SessionError(
            f"{csv_path}: expected the columns of a session, found {_one_line(error)}; the CSV is kept"
        ) from error
    except OSError as error:
        raise SessionError(
            f"{parquet_path}: expected to seal {csv_path.name}, found {_one_line(error)}; "
            "free some space and run `faceapp session check`"
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return rows, aside


def _write_parquet(csv_path: Path, partial: Path, schema: pyarrow.Schema) -> int:
    from pyarrow import parquet

    rows = 0
    with parquet.ParquetWriter(partial, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in _csv_batches(csv_path, schema):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def read_csv_table(csv_path: Path, schema: pyarrow.Schema) -> pyarrow.Table:
    """Return the rows of a CSV that was not sealed yet; lines with too few cells, as a half last one, are left out.

    Raises:
        SessionError: The file is missing or malformed.
    """
    import pyarrow as pa

    try:
        _require_columns(csv_path, schema)
        batches = list(_csv_batches(csv_path, schema, skip=lambda _row: "skip"))
        return pa.Table.from_batches(batches, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise SessionError(
            f"{csv_path}: expected the columns of a session, found {_one_line(error)}; run `faceapp session check`"
        ) from error


def _csv_batches(
    csv_path: Path, schema: pyarrow.Schema, skip: Callable[[object], str] | None = None
) -> Iterator[Any]:
    from pyarrow import csv

    stream = csv.open_csv(
        csv_path,
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(invalid_row_handler=skip),
        convert_options=csv_conversion(schema),
    )
    for batch in stream:
        yield batch.replace_schema_metadata(schema.metadata)


def _require_columns(csv_path: Path, schema: pyarrow.Schema) -> None:
    """Check that no column is missing but those that came with a later version."""
    import pyarrow as pa

    with csv_path.open(encoding="utf-8", errors="replace") as stream:
        present = {name.strip('"') for name in stream.readline(1 << 16).rstrip("\r\n").split(",")}
    for field in schema:
        if field.name not in present and OPTIONAL.encode() not in (field.metadata or {}):
            raise pa.ArrowKeyError(f"no column {field.name}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
