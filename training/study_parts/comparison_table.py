"""The tables of a comparison: figures with intervals, cost, and each variant's paired difference to the reference."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.data.prepared import PreparedFaces
from training.measuring.metrics import Figure, mean_with_interval
from training.measuring.resampling import resampling
from training.measuring.significance import paired_bootstrap

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """One variant: its cost and its decoded answers for the validation faces of every set."""

    name: str
    parameters: int
    train_faces_per_s: float
    latency_ms: Mapping[str, float]
    said: Mapping[str, Mapping[str, Floats]]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of the table: hit or error per picture, NaN where the picture does not count."""

    title: str
    data_set: str
    answer: str
    unit: str


COLUMNS = (
    Column("FER+ emotion", "ferplus", "emotion", "share"),
    Column("CK+ emotion", "ckplus", "emotion", "share"),
    Column("UTKFace age error", "utkface", "age_years", "years"),
    Column("UTKFace gender", "utkface", "female", "share"),
    Column("GENKI smile", "genki4k", "smile", "share"),
)


def scores(row: Row, column: Column, sets: Mapping[str, PreparedFaces]) -> Floats | None:
    """Return a variant's score of each validation face, 1 or 0 for a hit or miss, or years of error; None without."""
    faces = sets.get(column.data_set)
    said = row.said.get(column.data_set, {}).get(column.answer)
    return (
        None if faces is None or said is None else scores_of(said, faces, faces.where("validation"), column)
    )


def scores_of(said: Floats, faces: PreparedFaces, positions: npt.NDArray[np.int64], column: Column) -> Floats:
    """Return the score of each face: 1 or 0 for a hit or miss, or years of error; NaN where it has no label.

    Args:
        said: float (N, classes) or (N,), the decoded answer.
        faces: The column's set.
        positions: int64 (N,), which faces.
        column: What is scored.
    """
    truth = getattr(faces, column.answer)[positions]
    if column.answer == "age_years":
        return np.abs(said - truth)
    if column.answer == "emotion":
        hits, labelled = said.argmax(axis=1) == truth.argmax(axis=1), np.isfinite(truth).all(axis=1)
    else:
        hits, labelled = (said > 0.5) == truth, np.isfinite(truth)
    return np.where(labelled, hits, np.nan).astype(np.float32)


def write_tables(rows: Sequence[Row], reference: str, sets: Mapping[str, PreparedFaces], out: Path) -> None:
    """Write `comparison.csv` and `comparison.md`.

    Args:
        rows: The variants that are done.
        reference: Name of the one that the others are held against.
        sets: The prepared sets, with their labels.
        out: Where.
    """
    held = next((row for row in rows if row.name == reference), None)
    lines = []
    for row in rows:
        line = {
            "variant": row.name,
            "parameters (M)": f"{row.parameters / 1e6:.3f}",
            "training faces/s": f"{row.train_faces_per_s:.0f}",
            "ms, 1 face": f"{row.latency_ms['1']:.2f}",
            "ms, 8 faces": f"{row.latency_ms['8']:.2f}",
        }
        for column in COLUMNS:
            line[column.title] = _cell(row, held, column, sets)
        lines.append(line)
    with (out / "comparison.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    header = list(lines[0])
    text = [" | ".join(header), " | ".join("---" for _ in header)]
    text += [" | ".join(line.values()) for line in lines]
    (out / "comparison.md").write_text("".join(f"| {row} |\n" for row in text))


def _cell(row: Row, held: Row | None, column: Column, sets: Mapping[str, PreparedFaces]) -> str:
    own = scores(row, column, sets)
    if own is None:
        return "-"
    counts = np.isfinite(own)
    own, people = own[counts], _people(column, sets)[counts]
    shown = _text(mean_with_interval(own, column.unit, resampling(people)))
    other = None if held is None or held.name == row.name else scores(held, column, sets)
    if other is None:
        return shown
    difference = paired_bootstrap(own, other[counts], people)
    factor = 100 if column.unit == "share" else 1
    low, high = factor * difference.low, factor * difference.high
    return f"{shown}; {factor * difference.difference:+.2f} [{low:+.2f}, {high:+.2f}]"


def _people(column: Column, sets: Mapping[str, PreparedFaces]) -> npt.NDArray[np.str_]:
    """Return who each validation face shows, so that intervals are drawn over people."""
    faces = sets[column.data_set]
    return faces.subject[faces.where("validation")]


def _text(figure: Figure) -> str:
    if figure.unit == "share":
        return f"{100 * figure.value:.1f}% [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"
