"""What a ladder leaves: `ladder.json`, `ladder.md`, `ladder.png`, and the combination as a model that runs live."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.card import AGES_YEARS, LABELS, HeadSpec, InputSpec, ModelCard
from training.distillation.combined_net import CombinedNet
from training.exporting.export import export_model
from training.measuring.report_tables import Table
from training.studies.ladder.faces import Faces
from training.studies.ladder.picture import draw_ladder
from training.studies.ladder.results import Comparison, RowResult
from training.studies.ladder.rows import DISTILLED, ROWS, UNSEEDED, Ladder
from training.studies.ladder.settings import DATA_SETS, Settings

MODEL = "model"
_OCCLUSIONS = {"upper": "headset", "lower": "mask"}
_LIMITS = (
    "Says how a face appears to people who label pictures, not what a person feels, is, or how old they are.",
    "Not for decisions about people, not for work or education (EU AI Act, article 5), not for identification.",
    "Trained on faces of which exactly half is black; real headsets and masks look different.",
)
_FIGURES = {"accuracy": "accuracy", "weighted_accuracy": "weighted accuracy", "age_error": "age error"}


def write_ladder(
    ladder: Ladder, results: Mapping[str, RowResult], tests: Sequence[Comparison], seeds: Sequence[int]
) -> str:
    """Write JSON, Markdown and picture of a ladder's rows.

    Returns:
        The tables as text for the terminal.
    """
    settings, measured = ladder.settings, ladder.faces.measured
    content = {
        "settings": asdict(settings),
        "seeds": list(seeds),
        "faces": {name: len(getattr(ladder.faces, name)) for name in ("training", "choosing", "measured")},
        "rows": {name: _row_json(result) for name, result in results.items()},
        "comparisons": [test.as_dict() for test in tests],
    }
    (ladder.out / "ladder.json").write_text(json.dumps(content, indent=1) + "\n")
    tables = [_row_table(results), *([_test_table(tests)] if tests else [])]
    note = _note(settings, measured, seeds)
    text = "\n\n".join([f"# {_title(settings)}", note, *(table.as_markdown() for table in tables)])
    (ladder.out / "ladder.md").write_text(text + "\n")
    draw_ladder(
        {ROWS[name]: result.figures for name, result in results.items()},
        {ROWS[name]: _kind(name) for name in results},
        f"{_title(settings)}; {len(measured):,} faces, 95% intervals",
        ladder.out / "ladder.png",
    )
    return "\n\n".join([note, *(table.as_text() for table in tables)])


def export_combination(ladder: Ladder, seed: int, spec: InputSpec, result: RowResult) -> Path:
    """Export a combination as one graph with a card, which `engines.engine.load_engine` loads.

    Args:
        ladder: The ladder.
        seed: Which of its combinations.
        spec: Input of the students.
        result: The combination's figures, over all seeds, for the card.

    Returns:
        The model's folder.
    """
    task, half = ladder.settings.task, ladder.settings.half
    parts = ladder.outcome("combination", seed).parts
    net = CombinedNet(
        [ladder.student(part, seed).cpu().float() for part in parts],
        {task: ladder.machine("combination", seed)},
    )
    kind, unit = ("distribution", "years") if task == "age" else ("softmax", "")
    labels = AGES_YEARS if task == "age" else LABELS[task]
    settings = {
        name: value for name, value in asdict(ladder.settings).items() if name not in ("device", "model")
    }
    card = ModelCard(
        name=f"combination-{task}-{half}",
        version="1.0",
        input=spec,
        heads=(HeadSpec(task, task, kind, labels, unit),),  # type: ignore[arg-type]
        sha256="0" * 64,
        occlusion=_OCCLUSIONS[half],
        data={
            DATA_SETS[task]: "students and machine: train; C and parts: a tenth of train; figures: validation"
        },
        metrics={name: figure.as_dict() for name, figure in result.figures.items()},
        recipe={"name": "ladder", "seed": seed, "students": list(parts), "config": settings},
        license="Weights trained on data sets for non-commercial research: use them in the same way.",
        limits=_LIMITS,
    )
    export_model(net.eval(), card, ladder.out / MODEL)
    return ladder.out / MODEL


def _row_json(result: RowResult) -> dict[str, Any]:
    figures = {name: figure.as_dict() for name, figure in result.figures.items()}
    return {**figures, "seeds": [round(value, 5) for value in result.seeds]}


def _row_table(results: Mapping[str, RowResult]) -> Table:
    names = list(next(iter(results.values())).figures)
    header = (
        "row",
        *(cell for name in names for cell in (_FIGURES[name], "95% interval")),
        "deviation of seeds",
    )
    rows = []
    for name, result in results.items():
        cells = [
            text
            for figure in result.figures.values()
            for text in (figure.value_text(), figure.interval_text())
        ]
        scale = 1 if "age_error" in result.figures else 100
        deviation = result.deviation()
        rows.append((ROWS[name], *cells, f"{scale * deviation:.2f}" if deviation == deviation else ""))
    return Table(header, tuple(rows))


def _test_table(tests: Sequence[Comparison]) -> Table:
    header = (
        "better by",
        "than",
        "difference",
        "95% interval",
        "p, paired bootstrap",
        "p, McNemar, first seed",
    )
    rows = []
    for test in tests:
        found = test.difference
        scale = 1 if test.first_seed is None else 100
        rows.append(
            (
                ROWS[test.row],
                ROWS[test.other],
                f"{scale * found.difference:+.2f}",
                f"[{scale * found.low:+.2f}, {scale * found.high:+.2f}]",
                f"{found.p_value:.3f}",
                "" if test.first_seed is None else f"{test.first_seed.p_value:.2g}",
            )
        )
    return Table(header, tuple(rows))


def _note(settings: Settings, measured: Faces, seeds: Sequence[int]) -> str:
    unit = "years" if settings.task == "age" else "percentage points"
    return (
        f"Teacher {Path(settings.model).name}; {DATA_SETS[settings.task]}, {len(measured):,} validation faces; "
        f"{settings.epochs} epochs a training, {len(seeds)} seeds. Figures are means over the seeds; intervals are 95% "
        f"bootstrap intervals over the people measured; differences are in {unit}, above 0 is better; tests are two-sided."
    )


def _title(settings: Settings) -> str:
    return f"{settings.task}, {settings.half} half hidden"


def _kind(row: str) -> str:
    if row.startswith("combination"):
        return "combination"
    if row.endswith("_svm"):
        return "SVM"
    if row in UNSEEDED:
        return "teacher"
    return "distilled" if row in DISTILLED else "student"
