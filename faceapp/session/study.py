"""A study: the sessions of a folder in one table, a row a session and face, and one by condition."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.whole_file import write_whole
from faceapp.errors import SessionError
from faceapp.session.face_rows import safe_text
from faceapp.session.figures import FIGURE_COLUMNS, VALUES, Baseline, Figures, figure_cells, session_figures
from faceapp.session.metadata import SESSION_FILE, folder_error
from faceapp.session.numbers import number_text
from faceapp.session.reader import read_session

STUDY_FILE, CONDITIONS_FILE = "study.csv", "conditions.csv"
_ABOUT = ("participant", "session", "condition", "source", "started_utc", "state")
_COUNTS = ("captured", "analysed", "with_faces", "in_video", "dropped")


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one face in one group of one session; without figures: a session that shows no face."""

    folder: Path
    metadata: Mapping[str, Any]
    figures: Figures | None


def session_folders(parent: Path) -> list[Path]:
    """Return the session folders right in a folder, in the order of their names.

    Raises:
        SessionError: There are none.
    """
    folders = sorted(path.parent for path in parent.glob(f"*/{SESSION_FILE}"))
    if not folders:
        raise SessionError(
            f"{parent}: expected a folder with session folders in it, found none; name another"
        )
    return folders


def study_rows(
    folders: Sequence[Path], problems: list[str], baselines: Mapping[str, Baseline] | None = None
) -> list[Row]:
    """Return the figures of all sessions.

    Args:
        folders: Session folders.
        problems: Takes a line for every session that can't be read; the others go on.
        baselines: Participant -> baseline recorded before; others have what their sessions call "baseline".
    """
    return [row for folder in folders for row in _rows(folder, problems, baselines or {})]


def _rows(folder: Path, problems: list[str], baselines: Mapping[str, Baseline]) -> list[Row]:
    try:
        session = read_session(folder)
        baseline = baselines.get(str(session.metadata.get("participant") or ""))
        found: list[Figures | None] = [*session_figures(session, baseline)]
        return [Row(folder, session.metadata, each) for each in found or [None]]  # without a face too
    except SessionError as error:
        problems.append(str(error))
        return []


def write_study(rows: Sequence[Row], out: Path) -> list[Path]:
    """Write `study.csv` and `conditions.csv`.

    Returns:
        The two files.

    Raises:
        SessionError: They can't be written.
    """
    paths = [out / STUDY_FILE, out / CONDITIONS_FILE]
    tables = [(_study_header(), _study_lines(rows)), (_condition_header(), _condition_lines(rows))]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, (header, lines) in zip(paths, tables, strict=True):
            text = StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)
            write_whole(path, text.getvalue())
    except OSError as error:
        raise folder_error(out, error) from error
    return paths


def _study_header() -> list[str]:
    return ["folder", *_ABOUT, *(f"frames_{name}" for name in _COUNTS), "duration_s", *FIGURE_COLUMNS]


def _study_lines(rows: Sequence[Row]) -> Iterator[list[str]]:
    for row in rows:
        frames = row.metadata["frames"]
        first, last = row.metadata.get("first_time_s"), row.metadata.get("last_time_s")
        yield [
            safe_text(row.folder.name),
            *(safe_text(row.metadata.get(name)) for name in _ABOUT),
            *(str(frames.get(name, "")) for name in _COUNTS),
            "" if first is None or last is None else f"{last - first:.3f}",
            *("" for _ in FIGURE_COLUMNS if row.figures is None),
            *(() if row.figures is None else figure_cells(row.figures)),
        ]


def _condition_header() -> list[str]:
    statistics = (f"{kind}_{name}" for name in VALUES for kind in ("mean", "sd", "change"))
    return [
        "condition",
        "group",
        "label",
        "sessions",
        "participants",
        "faces",
        "rows",
        "abstained_rows",
        *statistics,
    ]


def _condition_lines(rows: Sequence[Row]) -> Iterator[list[str]]:
    """Yield means of the faces' means: a long session weighs no more than a short one."""
    groups: dict[tuple[str, str, str], list[tuple[Row, Figures]]] = {}
    for row in rows:
        if row.figures is not None and row.figures.rows:
            condition = str(row.metadata.get("condition") or "")
            key = (condition, row.figures.group, row.figures.label)
            groups.setdefault(key, []).append((row, row.figures))
    for key, members in sorted(groups.items()):
        yield [
            *(safe_text(text) for text in key),
            str(len({row.folder for row, _ in members})),
            str(len({str(row.metadata.get("participant") or row.folder) for row, _ in members})),
            str(len(members)),
            str(sum(figures.rows for _, figures in members)),
            str(sum(figures.abstained for _, figures in members)),
            *(cell for name in VALUES for cell in _condition_cells([each for _, each in members], name)),
        ]


def _condition_cells(members: Sequence[Figures], name: str) -> tuple[str, str, str]:
    means = _known(each.means[name] for each in members)
    changes = _known(each.changes.get(name, math.nan) for each in members)
    return (
        number_text(float(means.mean()), 6) if len(means) else "",
        number_text(float(means.std(ddof=1)), 6) if len(means) > 1 else "",
        number_text(float(changes.mean()), 6) if len(changes) else "",
    )


def _known(values: Iterator[float]) -> npt.NDArray[np.float64]:
    return np.array([value for value in values if math.isfinite(value)], dtype=np.float64)
