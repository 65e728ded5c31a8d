"""Tables for spreadsheets and statistics programs: faces, frames, marks, and what every column means in which unit."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.session.column_meanings import column_meanings
from faceapp.session.face_rows import face_names, safe_text
from faceapp.session.reader import Session, read_frames
from faceapp.session.table import label_columns

if TYPE_CHECKING:
    import pyarrow

ABOUT = "CSV: faces, frames, marks, and the columns' units"
_DANGEROUS = r"^\s*[=+\-@]|^[\t\r\n]"


def available() -> str:
    """Return why CSV can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `faces.csv`, `frames.csv`, `events.csv` and `columns.csv`."""
    paths = [folder / name for name in ("faces.csv", "frames.csv", "events.csv", "columns.csv")]
    _write_table(session.table, paths[0])
    _write_table(read_frames(session.folder), paths[1])
    _write_rows(
        paths[2], ("start_s", "end_s", "kind", "label", "face_id", "face", "note", "author"), _marks(session)
    )
    _write_rows(
        paths[3],
        ("table", "column", "unit", "meaning"),
        column_meanings(label_columns(session.metadata.get("settings"))),
    )
    return paths


def _write_table(table: pyarrow.Table, path: Path) -> None:
    """Write numbers as they are, moments as ISO 8601 with Z, and texts so that none is a formula."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    for position, field in enumerate(table.schema):
        column = table.column(position)
        if pa.types.is_string(field.type):
            defused = pc.binary_join_element_wise("'", column, "")
            column = pc.if_else(pc.match_substring_regex(column, _DANGEROUS), defused, column)
        elif pa.types.is_timestamp(field.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        else:
            continue
        table = table.set_column(position, field.name, column)
    arrow_csv.write_csv(table, path, arrow_csv.WriteOptions(quoting_style="needed"))


def _marks(session: Session) -> Iterable[Sequence[str]]:
    names = face_names(session)
    for event in session.events:
        face = "" if event.face is None else str(event.face)
        name = "" if event.face is None else names.get(event.face, "")
        texts = (event.kind, event.label, face, name, event.note, event.author)
        yield (f"{event.start:.6f}", f"{event.end:.6f}", *(safe_text(text) for text in texts))


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
