"""Label files line by line: every field that is missing or out of its range is named by file and line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import DatasetError

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a label file.

    Attributes:
        place: "file:line".
        cells: What stands in it, without surrounding space.
        columns: The names of the cells.
    """

    place: str
    cells: tuple[str, ...]
    columns: tuple[str, ...]

    def text(self, column: str) -> str:
        """Return one cell.

        Raises:
            DatasetError: The line has fewer cells than columns, or the table lacks the column.
        """
        if len(self.cells) < len(self.columns):
            found = ",".join(self.cells)[:_SHOWN]
            raise DatasetError(
                f"{self.place}: expected {len(self.columns)} fields, found {len(self.cells)} ({found!r}); restore the file"
            )
        if column not in self.columns:
            raise DatasetError(
                f"{self.place}: expected the column {column!r}, found {', '.join(self.columns)[:120]}; restore the file"
            )
        return self.cells[self.columns.index(column)]

    def number(self, column: str, low: float, high: float) -> float:
        """Return one cell as a number.

        Args:
            column: Its name.
            low: Smallest value allowed.
            high: Largest value allowed.

        Raises:
            DatasetError: It is none, or out of range.
        """
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise DatasetError(
                f"{self.place}: expected {column} from {low:g} to {high:g}, found {text[:_SHOWN]!r}; restore the file"
            )
        return value

    def whole(self, column: str, low: int, high: int) -> int:
        """Return one cell as a whole number; see `number`."""
        value = self.number(column, low, high)
        if not value.is_integer():
            raise DatasetError(
                f"{self.place}: expected a whole {column}, found {self.text(column)!r}; restore the file"
            )
        return int(value)

    def choice(self, column: str, meanings: dict[str, str]) -> str:
        """Return what one cell stands for.

        Args:
            column: Its name.
            meanings: Cell -> meaning.

        Raises:
            DatasetError: The cell is not among them.
        """
        text = self.text(column)
        if text not in meanings:
            raise DatasetError(
                f"{self.place}: expected {column} of {', '.join(meanings)}, found {text[:_SHOWN]!r}; restore the file"
            )
        return meanings[text]


def read_lines(table: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file with their numbers from 1, without their ends.

    Raises:
        DatasetError: It can't be read.
    """
    try:
        # A broken character then spoils its own line, whose picture is missed, not the whole file.
        with table.open(encoding="utf-8-sig", errors="replace") as stream:
            for number, line in enumerate(stream, start=1):
                yield number, line.rstrip("\n")
    except OSError as error:
        raise DatasetError(
            f"{table}: expected a label file, found none ({error.strerror}); unpack the whole set"
        ) from error


def read_rows(
    table: Path, columns: Sequence[str] | None = None, delimiter: str | None = ",", skip: int = 0
) -> Iterator[Row]:
    """Yield the lines of a table; empty lines are passed over.

    Each line is a row of its own, so that a stray quotation mark spoils one line only.

    Args:
        table: The file.
        columns: Their names; None reads them from the first line.
        delimiter: What separates cells; None is any space.
        skip: Lines at the top that are neither names nor data.

    Raises:
        DatasetError: The file can't be read.
    """
    for number, line in read_lines(table):
        cells = _cells(line, delimiter) if number > skip else ()
        if not any(cells):
            continue
        if columns is None:
            columns = cells
        else:
            yield Row(f"{table}:{number}", cells, tuple(columns))


def _cells(line: str, delimiter: str | None) -> tuple[str, ...]:
    if delimiter == ",":
        try:
            return tuple(cell.strip() for row in csv.reader([line]) for cell in row)
        except csv.Error:
            return (line[:_SHOWN],)  # too few cells: a fault of this line when it is read
    return tuple(cell.strip() for cell in line.split(delimiter))
