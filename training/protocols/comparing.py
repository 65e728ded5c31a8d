"""The protocols that only measure: an ensemble of a run's checkpoints, and two models on the same pictures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.engine import load_engine
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.fitting.checkpoints import CONFIG, averaged_weights, kept_epochs
from training.measuring.answers import Decoded, answers
from training.measuring.ensembles import Weights, checkpoint_predicts, ensemble_faces
from training.measuring.evaluation import figures
from training.measuring.metrics import Figure
from training.measuring.report import predict_set, present_sets
from training.measuring.report_tables import Table, figure_name
from training.measuring.significance import mcnemar, paired_bootstrap
from training.names import load_recipe
from training.protocols.running import save_result
from training.settings import config_from_json

_BACKEND = "onnxruntime"
_SHOWN = ("accuracy", "error", "within_5_years", "weighted_accuracy", "macro_f1")


def ensemble(run: Path, count: int, data: Path, cache: Path, split: str, out: Path | None) -> int:
    """Measure a run alone, with mirrored faces, with its last checkpoints, and with both; print and save."""
    try:
        saved = json.loads((run / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{run}: expected a run with {CONFIG}, found none; name the --out folder of a run"
        ) from error
    recipe = load_recipe(saved.pop("recipe", "multitask"))
    config = config_from_json(recipe.Config, saved)
    net, card = recipe.build_net(config).eval(), recipe.draft_card(config)
    alone, last = [averaged_weights(run)], kept_epochs(run)[-count:]
    ways = {
        "single": (alone, False),
        "mirrored": (alone, True),
        f"last {len(last)}": (last, False),
        f"last {len(last)}, mirrored": (last, True),
    }

    def measure(faces: PreparedFaces, weights: Sequence[Weights], flip: bool) -> dict[str, Figure]:
        positions = faces.where(split)
        predicts = checkpoint_predicts(net, weights, card, flip)
        return figures(faces, positions, ensemble_faces(predicts, faces, positions, card, config.align))

    sets = {name: load_prepared(name, data, cache) for name in config.shares}
    measured = {
        name: {way: measure(faces, *parts) for way, parts in ways.items()}
        for name, faces in sets.items()
        if len(faces.where(split))
    }
    print("\n\n".join(_ways_table(name, found).as_text() for name, found in measured.items()))
    if out is not None:
        save_result(_as_json(measured), out)
    return 0


def compare(first: Path, second: Path, data: Path, cache: Path, split: str, out: Path | None) -> int:
    """Compare two exported models on every set that both answer; print and save the tests."""
    rows: list[tuple[str, ...]] = []
    content: dict[str, Any] = {"first": first.name, "second": second.name, "split": split}
    with load_engine(first, backend=_BACKEND) as one, load_engine(second, backend=_BACKEND) as two:
        for name, faces in present_sets(data, cache):
            positions = faces.where(split)
            if not len(positions):
                continue
            said = [predict_set(engine, faces, positions) for engine in (one, two)]
            content[name] = compared(faces, positions, *said)
            rows += [_compared_row(name, task, found) for task, found in content[name].items()]
    header = (f"{first.name} against {second.name}", "difference", "95% interval", "p bootstrap", "p McNemar")
    print(Table(header, tuple(rows)).as_text())
    if out is not None:
        save_result(content, out)
    return 0


def compared(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], first: Decoded, second: Decoded
) -> dict[str, dict[str, Any]]:
    """Return the tests of two models' predictions of the same pictures.

    Returns:
        Task -> "bootstrap" (of hits; for age of absolute errors in years) and, but for age, "mcnemar".
    """
    found: dict[str, dict[str, Any]] = {}
    said = [answers(faces, positions, one) for one in (first, second)]
    subjects = faces.subject[positions]
    for task in (task for task in said[0] if task in said[1]):
        one, two = (answer[task].predicted == answer[task].truth for answer in said)
        bootstrap = paired_bootstrap(one, two, subjects[said[0][task].chosen])
        found[task] = {
            "bootstrap": dataclasses.asdict(bootstrap),
            "mcnemar": dataclasses.asdict(mcnemar(one, two)),
        }
    age = faces.age_years[positions]
    known = ~np.isnan(age)
    if known.any() and "age_years" in first and "age_years" in second:
        one, two = (np.abs(answer["age_years"] - age)[known] for answer in (first, second))
        found["age"] = {"bootstrap": dataclasses.asdict(paired_bootstrap(one, two, subjects[known]))}
    return found


def _compared_row(name: str, task: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    gap = found["bootstrap"]
    scale, unit = (1, " years") if task == "age" else (100, " points")
    return (
        f"{name} {task} (n={gap['count']:,})",
        f"{scale * gap['difference']:+.2f}{unit}",
        f"[{scale * gap['low']:.2f}, {scale * gap['high']:.2f}]",
        f"{gap['p_value']:.3g}",
        f"{found['mcnemar']['p_value']:.3g}" if "mcnemar" in found else "",
    )


def _as_json(measured: Mapping[str, Mapping[str, Mapping[str, Figure]]]) -> dict[str, Any]:
    return {
        name: {way: {key: figure.as_dict() for key, figure in one.items()} for way, one in found.items()}
        for name, found in measured.items()
    }


def _ways_table(name: str, found: Mapping[str, Mapping[str, Figure]]) -> Table:
    keys = [key for key in next(iter(found.values())) if key.endswith(_SHOWN)]
    rows = [(way, *(str(one[key]).split(" (")[0] for key in keys)) for way, one in found.items()]
    return Table((name, *(figure_name(key) for key in keys)), tuple(rows))
