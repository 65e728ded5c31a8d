"""The report of a learning curve: points, gains per doubling and the answer of each task, as JSON, Markdown and picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.errors import RecipeError
from training.measuring.metrics import Figure
from training.studies.learning_curve.findings import CORNER, Finding, Point, finding
from training.studies.learning_curve.gains import bounds
from training.studies.learning_curve.picture import draw_learning_curve
from training.studies.learning_curve.plan import Plan
from training.studies.learning_curve.trainings import Sets, is_done, read_trained
from training.study_parts.comparison_table import COLUMNS
from training.study_parts.intervals import SeedsAndFaces

JSON_NAME, MARKDOWN_NAME, PICTURE_NAME = "learning-curve.json", "learning-curve.md", "learning-curve.png"


def write_report(plan: Plan, sets: Sets, out: Path) -> Path:
    """Write everything that the trainings that are done say; return the Markdown file.

    Args:
        plan: The study.
        sets: Name -> faces.
        out: Folder of the study.

    Raises:
        RecipeError: Nothing is done yet.
    """
    done = {cell: read_trained(cell, out) for cell in plan.cells() if is_done(cell, out)}
    if not done:
        raise RecipeError(f"{out}: expected at least one training, found none; give it more minutes")
    found = [
        one
        for column in COLUMNS
        if column.data_set in sets and (one := finding(plan, done, sets[column.data_set], column)) is not None
    ]
    content = {
        "plan": plan.as_dict(),
        "missing": [cell.name for cell in plan.cells() if cell not in done],
        "train_s": {cell.name: one.train_s for cell, one in done.items()},
        "tasks": [_as_json(one) for one in found],
    }
    (out / JSON_NAME).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draw_learning_curve(plan, found, out / PICTURE_NAME)
    path = out / MARKDOWN_NAME
    path.write_text("\n".join(_lines(plan, found, content["missing"])) + "\n", encoding="utf-8")
    return path


def answer(found: Finding) -> str:
    """Return in words what limits a task at the end of the study's trainings."""
    if not found.first:
        return "can't be told: no gain's interval lies above 0"
    equal = [
        name
        for name, gain in found.gains.items()
        if name not in (found.first, *found.beats, CORNER) and bounds(gain)[0] > 0
    ]
    more = [name for name in found.beats if name != CORNER]
    text = f"{found.first} ({_gain_text(found, found.gains[found.first])})"
    if more:
        text += f", which gains more than {' and '.join(more)}"
    if equal:
        text += f"; {' and '.join(equal)} can't be told apart from it"
    return text


def _as_json(found: Finding) -> dict[str, Any]:
    return {
        "task": found.column.title,
        "unit": found.column.unit,
        "points": [point.as_dict() for point in found.points],
        "gain_of_the_last_doubling": {name: _gain_json(gain) for name, gain in found.gains.items()},
        "gain_per_doubling_of_all_points": {name: _gain_json(gain) for name, gain in found.slopes.items()},
        "power_law": {times: dict(one) for times, one in found.forecasts.items()},
        "answer": answer(found),
    }


def _gain_json(gain: SeedsAndFaces) -> dict[str, Any]:
    low, high = bounds(gain)
    kept = {"gain": gain.difference, "low": low, "high": high}
    return {
        **{name: round(value, 5) for name, value in kept.items()},
        "seeds": gain.seeds,
        "faces": gain.faces,
    }


def _lines(plan: Plan, found: Sequence[Finding], missing: Sequence[str]) -> list[str]:
    lines = [
        "| task | faces | batches | weights (M) | error on held-out faces | error on training faces |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_point_line(one, point) for one in found for point in one.points]
    lines += ["", "| task | what is doubled | gain of the last doubling | gain per doubling, all points |"]
    lines += ["| --- | --- | --- | --- |"]
    lines += [
        f"| {one.column.title} | {name} | {_gain_text(one, gain)} | {_gain_text(one, one.slopes[name])} |"
        for one in found
        for name, gain in one.gains.items()
    ]
    lines += ["", *(f"- {one.column.title}: {answer(one)}" for one in found)]
    lines += [f"- {one.column.title}: {_law_text(one)}" for one in found if one.forecasts]
    seeds = len(plan.seeds)
    lines += ["", "Intervals: 95%, over faces" + (f" and {seeds} seeds." if seeds > 1 else ", of one seed.")]
    return lines + ([f"Not trained yet: {', '.join(missing)}."] if missing else [])


def _point_line(found: Finding, point: Point) -> str:
    cells = (
        found.column.title,
        f"{point.faces:,}",
        f"{point.steps:,}",
        f"{point.parameters / 1e6:.2f}",
        _figure_text(point.held_out),
        _figure_text(point.seen),
    )
    return f"| {' | '.join(cells)} |"


def _figure_text(figure: Figure) -> str:
    scale, unit = _scale(figure.unit)
    low, high = scale * figure.low, scale * figure.high
    return f"{scale * figure.value:.2f}{unit} [{low:.2f}, {high:.2f}]"


def _gain_text(found: Finding, gain: SeedsAndFaces) -> str:
    years = found.column.unit != "share"
    scale = 1 if years else 100
    low, high = (scale * end for end in bounds(gain))
    return f"{scale * gain.difference:+.2f} {'years' if years else 'points'} [{low:+.2f}, {high:+.2f}]"


def _law_text(found: Finding) -> str:
    scale, unit = _scale(found.column.unit)
    parts = [
        f"{times} the faces {scale * one['value']:.1f}{unit} [{scale * one['low']:.1f}, {scale * one['high']:.1f}]"
        for times, one in found.forecasts.items()
    ]
    return "a power law expects an error of " + ", ".join(parts)


def _scale(unit: str) -> tuple[float, str]:
    return (100.0, "%") if unit == "share" else (1.0, " years")
