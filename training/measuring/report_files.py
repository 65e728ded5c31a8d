"""The files of a report: `report.json`, `report.md` and its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.measuring.measured_set import MeasuredSet, intervals_text
from training.measuring.pictures.confusion import draw_confusions
from training.measuring.pictures.groups import draw_groups
from training.measuring.pictures.reliability import draw_reliability
from training.measuring.report_tables import grouped

REPORT = "report.json"
PAGE = "report.md"


def save_report(measured: Sequence[MeasuredSet], about: Mapping[str, str], out: Path) -> None:
    """Write the report's numbers, its page and its pictures.

    Args:
        measured: The sets.
        about: "model", "split", "crop", and "read": which pictures.
        out: Folder; made where it lacks.
    """
    out.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {**about, "intervals": intervals_text(measured)}
    content |= {
        found.name: {key: value.as_dict() for key, value in found.figures.items()} for found in measured
    }
    content["confusion"] = {found.name: _confusions(found) for found in measured}
    (out / REPORT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    paragraphs = [f"# {report_title(about)}", about["read"], intervals_text(measured)]
    for found in measured:
        paragraphs += [f"## {found.name}", *(table.as_markdown() for table in found.tables())]
        title = f"{about['model']} on {found.name}, {about['split']}"
        paragraphs += [
            f"![{path.stem.replace('_', ' of ')}]({path.name})" for path in draw_set(found, title, out)
        ]
    (out / PAGE).write_text("\n\n".join(paragraphs) + "\n", encoding="utf-8")


def report_title(about: Mapping[str, str]) -> str:
    """Return the report's first line."""
    return f"{about['model']}, {about['split']} split, {about['crop']} crop"


def draw_set(found: MeasuredSet, title: str, out: Path) -> list[Path]:
    """Draw `confusion_<set>.png`, `calibration_<set>.png` and `groups_<set>.png`, as the labels allow.

    Returns:
        The pictures drawn.
    """
    confusion, calibration, groups = (
        out / f"{kind}_{found.name}.png" for kind in ("confusion", "calibration", "groups")
    )
    drawn = []
    if found.confusions:
        draw_confusions(found.confusions, title, confusion)
        drawn.append(confusion)
    if found.answers:
        errors = {task: found.figures[f"{task}_calibration_error"] for task in found.answers}
        draw_reliability(found.answers, errors, title, calibration)
        drawn.append(calibration)
    if rows := grouped(found.figures):
        draw_groups(rows, found.figures, title, groups)
        drawn.append(groups)
    return drawn


def _confusions(found: MeasuredSet) -> dict[str, Any]:
    return {
        task: {"labels": list(confused.labels), "counts": confused.counts.tolist()}
        for task, confused in found.confusions.items()
    }
