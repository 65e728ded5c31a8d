"""Tables IV, V and VI and figure 5 from the outcomes of a study, and what its comparisons say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.measuring.significance import paired_bootstrap
from training.progressive.learning_curves import WITH, WITHOUT, draw_learning_curves
from training.studies.columns.settings import FROZEN, RETRAINED, Step, source_sets
from training.studies.columns.study import Outcome, Study

RESULTS = "results.json"
PAGE = "tables.md"
FIGURE = "figure5.png"
PAPER_IV = {
    FROZEN: {"emotion": 83.66, "age_group": 84.01, "gender": 90.78, "identity": 91.20},
    RETRAINED: {"emotion": 84.30, "age_group": 85.12, "gender": 90.21, "identity": 93.96},
}
PAPER_VI = {"emotion": 90.41, "age_group": 90.31, "gender": 93.02, "identity": 93.10}
"""Best combination of sources; table VI prints 93.20 for identity, table V 93.10."""

Outcomes = Mapping[Step, Outcome]
Rights = Mapping[tuple[str, tuple[str, ...]], npt.NDArray[np.float64]]
"""Task and sources -> share of the runs that hit each test face, float64 (N,)."""


def write_report(study: Study, outcomes: Outcomes) -> str:
    """Write `results.json`, `tables.md` and `figure5.png` of the whole runs; return the tables.

    Args:
        study: The study.
        outcomes: What is there; combinations that lack in some run are measured on the others.
    """
    tasks = study.settings.tasks
    rights = _rights(outcomes)
    found = {
        "settings": asdict(study.settings) | {"encoder": Path(study.settings.encoder).name},
        "faces": {
            task: {part: len(own) for part, own in study.faces(task).positions.items()} for task in tasks
        },
        "columns": [_column(step, outcomes) for step in _combinations(outcomes)],
        "gains": [
            {
                "task": task,
                "sources": list(sources),
                **_gain(study, task, rights[task, sources], rights[task, ()]),
            }
            for task, sources in rights
            if sources and (task, ()) in rights
        ],
        "adding": _adding(study, rights),
        "retraining": _retraining(study, outcomes),
        "epochs_to_reach": _epochs_to_reach(study, outcomes),
    }
    (study.out / RESULTS).write_text(json.dumps(found, indent=1) + "\n")
    text = "\n\n".join(
        [_table_iv(found, tasks), _table_v(study, found), _table_vi(found, tasks), _adding_table(found)]
    )
    (study.out / PAGE).write_text(text + "\n")
    _draw(study, outcomes)
    return text


def _combinations(outcomes: Outcomes) -> list[Step]:
    """Return one step for each combination, whatever its run."""
    return list({(step.task, step.sources, step.encoder): step for step in outcomes}.values())


def _same(outcomes: Outcomes, like: Step) -> dict[int, Outcome]:
    """Return run -> outcome of one combination."""
    wanted = (like.task, like.sources, like.encoder)
    return {
        step.seed: one for step, one in outcomes.items() if (step.task, step.sources, step.encoder) == wanted
    }


def _column(step: Step, outcomes: Outcomes) -> dict[str, Any]:
    accuracies = [100 * float(one.right.mean()) for one in _same(outcomes, step).values()]
    error = float(np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))) if len(accuracies) > 1 else None
    return {
        "task": step.task,
        "sources": list(step.sources),
        "encoder": step.encoder,
        "runs": len(accuracies),
        "accuracy": round(float(np.mean(accuracies)), 2),
        "standard_error": None if error is None else round(error, 2),
    }


def _rights(outcomes: Outcomes) -> dict[tuple[str, tuple[str, ...]], npt.NDArray[np.float64]]:
    return {
        (step.task, step.sources): np.mean([one.right for one in _same(outcomes, step).values()], axis=0)
        for step in _combinations(outcomes)
        if step.encoder == FROZEN
    }


def _gain(
    study: Study, task: str, first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Return first minus second in points, with an interval over the test faces, or over people who have several."""
    found = study.faces(task)
    gap = paired_bootstrap(first, second, found.faces.subject[found.positions["test"]])
    numbers = {"points": gap.difference, "low": gap.low, "high": gap.high}
    return {
        **{name: round(100 * value, 2) for name, value in numbers.items()},
        "p_value": round(gap.p_value, 4),
    }


def _adding(study: Study, rights: Rights) -> list[dict[str, Any]]:
    """Return what adding one source does to a task, on average over all sets of other sources it is added to."""
    found = []
    for task in study.settings.tasks:
        for source in (other for other in study.settings.tasks if other != task):
            pairs = []
            for sources in [(), *source_sets(study.settings, task)]:
                more = tuple(one for one in study.settings.tasks if one in {*sources, source})
                if source not in sources and (task, sources) in rights and (task, more) in rights:
                    pairs.append((rights[task, more], rights[task, sources]))
            if pairs:
                first, second = (np.mean(part, axis=0) for part in zip(*pairs, strict=True))
                found.append(
                    {"task": task, "source": source, "pairs": len(pairs), **_gain(study, task, first, second)}
                )
    return found


def _retraining(study: Study, outcomes: Outcomes) -> list[dict[str, Any]]:
    found = []
    for task in study.settings.tasks:
        frozen, retrained = (_same(outcomes, Step(1, task, encoder=kind)) for kind in (FROZEN, RETRAINED))
        runs = sorted(set(frozen) & set(retrained))
        if runs:
            first, second = (
                np.mean([part[run].right for run in runs], axis=0) for part in (retrained, frozen)
            )
            found.append({"task": task, "runs": len(runs), **_gain(study, task, first, second)})
    return found


def _epochs_to_reach(study: Study, outcomes: Outcomes) -> list[dict[str, Any]]:
    """Return after how many epochs the mean curve with all sources reaches the best of the column alone."""
    found = []
    for task, lines in _curves(study, outcomes).items():
        means = {label: np.mean(curves, axis=0) for label, curves in lines.items()}
        if WITH in means:
            best = float(means[WITHOUT].max())
            above = np.flatnonzero(means[WITH] >= best)
            found.append(
                {
                    "task": task,
                    "alone_best_percent": round(100 * best, 2),
                    "alone_epochs": int(means[WITHOUT].argmax()) + 1,
                    "with_all_sources_epochs": int(above[0]) + 1 if len(above) else None,
                    "first_epoch_alone_percent": round(100 * float(means[WITHOUT][0]), 2),
                    "first_epoch_with_percent": round(100 * float(means[WITH][0]), 2),
                }
            )
    return found


def _curves(study: Study, outcomes: Outcomes) -> dict[str, dict[str, Sequence[npt.NDArray[np.float64]]]]:
    """Return task -> curves of the column alone and with all other columns as sources."""
    found = {}
    for task in study.settings.tasks:
        others = tuple(other for other in study.settings.tasks if other != task)
        lines = {
            label: [one.curve for one in _same(outcomes, Step(1, task, sources)).values()]
            for label, sources in ((WITH, others), (WITHOUT, ()))
        }
        if lines[WITHOUT]:
            found[task] = {label: curves for label, curves in lines.items() if curves}
    return found


def _draw(study: Study, outcomes: Outcomes) -> None:
    curves = {task.replace("_", " "): lines for task, lines in _curves(study, outcomes).items()}
    if curves:
        draw_learning_curves(curves, study.out / FIGURE)


def _shown(column: Mapping[str, Any] | None) -> str:
    if column is None:
        return "-"
    error = "" if column["standard_error"] is None else f" ± {column['standard_error']:.2f}"
    return f"{column['accuracy']:.2f}{error}"


def _find(found: Mapping[str, Any], task: str, sources: Sequence[str], encoder: str = FROZEN) -> Any:
    return next(
        (
            column
            for column in found["columns"]
            if (column["task"], column["sources"], column["encoder"]) == (task, list(sources), encoder)
        ),
        None,
    )


def _table_iv(found: Mapping[str, Any], tasks: Sequence[str]) -> str:
    rows = []
    for encoder in (FROZEN, RETRAINED):
        rows.append([f"encoder {encoder}", *(_shown(_find(found, task, (), encoder)) for task in tasks)])
        rows.append(["paper", *(_paper(PAPER_IV[encoder], task) for task in tasks)])
    return "Table IV: test accuracy, %, mean ± standard error over the runs\n\n" + _markdown(
        ["", *tasks], rows
    )


def _table_v(study: Study, found: Mapping[str, Any]) -> str:
    tasks = study.settings.tasks
    sets = {sources for task in tasks for sources in source_sets(study.settings, task)}
    gains = {(one["task"], tuple(one["sources"])): one for one in found["gains"]}
    rows = []
    for sources in [(), *sorted(sets, key=lambda own: (len(own), [tasks.index(one) for one in own]))]:
        cells = []
        for task in tasks:
            text = _shown(_find(found, task, sources))
            if (gain := gains.get((task, sources))) is not None:
                text += f"; {gain['points']:+.1f} [{gain['low']:+.1f}, {gain['high']:+.1f}]"
            cells.append("" if task in sources else text)
        rows.append([", ".join(sources) or "none", *cells])
    title = "Table V: test accuracy, %, by source columns; then the gain over none in points, with its 95% interval"
    return f"{title}\n\n" + _markdown(["sources", *tasks], rows)


def _table_vi(found: Mapping[str, Any], tasks: Sequence[str]) -> str:
    rows = []
    for task in tasks:
        own = [column for column in found["columns"] if column["task"] == task and column["sources"]]
        best = max(own, key=lambda column: column["accuracy"], default=None)
        name = "-" if best is None else ", ".join(best["sources"])
        rows.append([task, name, _shown(best), _shown(_find(found, task, ())), _paper(PAPER_VI, task)])
    heads = ["task", "best sources", "with them", "alone", "paper's best"]
    return "Table VI: the best sources of each task, chosen on the faces they are shown on\n\n" + _markdown(
        heads, rows
    )


def _adding_table(found: Mapping[str, Any]) -> str:
    rows = [
        [
            one["source"],
            one["task"],
            f"{one['points']:+.2f}",
            f"[{one['low']:+.2f}, {one['high']:+.2f}]",
            str(one["pairs"]),
        ]
        for one in found["adding"]
    ]
    heads = ["source added", "to", "points", "95% interval", "sets it was added to"]
    return "What a source adds, on average over the sets of other sources it is added to\n\n" + _markdown(
        heads, rows
    )


def _paper(figures: Mapping[str, float], task: str) -> str:
    return f"{figures[task]:.2f}" if task in figures else "-"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
