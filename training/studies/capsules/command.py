"""Train what lacks of the study's networks, then write its figures and answers."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data.prepared import load_prepared
from training.errors import RecipeError
from training.settings import with_settings
from training.studies.capsules.cells import CNN, VARIANTS, Cell, Settings, cells
from training.studies.capsules.faces import ROTATIONS_DEG, TURNED_DEG, measured_faces, turned_group
from training.studies.capsules.results import accuracy, claims, loss_by_turning, table
from training.studies.capsules.trainings import DONE, Sets, run_cell
from training.study_parts.options import add_minutes, add_places, add_settings, use_all_processors
from training.study_parts.pieces import claim_folder, within

logger = logging.getLogger(__name__)

SETTINGS, RESULTS = "settings.json", "capsule-study.json"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_places(parser)
    add_settings(parser)
    add_minutes(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="(default: 1 2 3)")


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    use_all_processors()
    settings = with_settings(Settings(), options.set)
    sets = {
        name: load_prepared(name, options.data, options.cache) for name in ("ferplus", "utkface", "ckplus")
    }
    print(run_study(settings, sets, options.out, options.seeds, options.minutes))
    return 0


def run_study(
    settings: Settings, sets: Sets, out: Path, seeds: Sequence[int], minutes: float | None = None
) -> str:
    """Train the cells that lack, as far as the time goes, and write the figures of those that are there.

    Args:
        settings: Of the study.
        sets: "ferplus", "utkface" and "ckplus".
        out: Folder of the study.
        seeds: Of the cells.
        minutes: Begin no training after so many; None trains all.

    Returns:
        Tables and answers in Markdown.

    Raises:
        RecipeError: The folder holds a study of other settings, or nothing is trained yet.
    """
    claim_folder(out, settings.as_dict(), SETTINGS)
    wanted = cells(tuple(seeds))
    for cell in within(
        minutes, (cell for cell in wanted if not (out / "cells" / cell.name / DONE).is_file())
    ):
        found = run_cell(cell, settings, sets, out)
        logger.info("%s: %.1f s of processor time", cell.name, found["train_s"])
    done = {
        cell: run_cell(cell, settings, sets, out)
        for cell in wanted
        if (out / "cells" / cell.name / DONE).is_file()
    }
    if not done:
        raise RecipeError(f"{out}: expected at least one training, found none; give it more minutes")
    results = _results(done, settings, sets)
    results["missing"] = [cell.name for cell in wanted if cell not in done]
    (out / RESULTS).write_text(json.dumps(results, indent=1) + "\n")
    return text_of(results)


def _results(done: dict[Cell, dict[str, Any]], settings: Settings, sets: Sets) -> dict[str, Any]:
    found: dict[str, Any] = {"settings": settings.as_dict(), "networks": _networks(done), "learned": {}}
    for learned in ("ferplus", "utkface", "ckplus"):
        own = {cell: one for cell, one in done.items() if cell.data_set == learned}
        if own:
            found["learned"][learned] = {
                key: _measured(own, key, settings, sets) for key in next(iter(own.values()))["hits"]
            }
            if learned == "ferplus":
                found["turned"] = _turned(own, settings, sets)
                found["kept_when_rotated"] = _kept(own, settings, sets)
    return found


def _networks(done: dict[Cell, dict[str, Any]]) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for variant in VARIANTS:
        own = [one for cell, one in done.items() if cell.variant == variant and cell.data_set == "ferplus"]
        if own:
            rows[variant] = {
                "parameters": own[0]["parameters"],
                "train_s": round(float(np.mean([one["train_s"] for one in own])), 1),
            }
    return rows


def _measured(own: dict[Cell, dict[str, Any]], key: str, settings: Settings, sets: Sets) -> dict[str, Any]:
    """Return the accuracies and claims of one measured view of a set."""
    cell = next(iter(own))
    subjects = _subjects(cell, key, settings, sets)
    hits = _hits(own, key)
    return {
        "faces": len(subjects),
        "accuracy": {variant: accuracy(rows, subjects) for variant, rows in hits.items()},
        "claims": [claim.as_dict() for claim in claims(_common(own, key), subjects)],
    }


def _positions(cell: Cell, key: str, settings: Settings, sets: Sets) -> tuple[str, npt.NDArray[np.int64]]:
    name = key.split("_")[0]
    split = "train" if name == "ckplus" and cell.data_set == "ferplus" else "validation"
    return name, measured_faces(sets[name], cell.task, settings.measured, split)


def _subjects(cell: Cell, key: str, settings: Settings, sets: Sets) -> npt.NDArray[Any]:
    name, positions = _positions(cell, key, settings, sets)
    return sets[name].subject[positions]


def _hits(own: dict[Cell, dict[str, Any]], key: str) -> dict[str, npt.NDArray[np.float64]]:
    """Return variant -> (seeds, N)."""
    return {
        variant: np.array([one["hits"][key] for cell, one in own.items() if cell.variant == variant], float)
        for variant in VARIANTS
        if any(cell.variant == variant for cell in own)
    }


def _common(own: dict[Cell, dict[str, Any]], key: str) -> dict[str, npt.NDArray[np.float64]]:
    """Return variant -> (seeds, N) of the seeds that every variant has."""
    variants = {cell.variant for cell in own}
    seeds = set.intersection(*({cell.seed for cell in own if cell.variant == one} for one in variants))
    return _hits({cell: one for cell, one in own.items() if cell.seed in seeds}, key) if seeds else {}


def _kept(own: dict[Cell, dict[str, Any]], settings: Settings, sets: Sets) -> dict[str, Any]:
    """Return angle -> how much less the capsules lose by turning the picture than the CNN."""
    subjects = _subjects(next(iter(own)), "ferplus", settings, sets)
    straight = _common(own, "ferplus")
    if CNN not in straight:
        return {}
    return {
        variant: {
            str(angle): vars_of(
                loss_by_turning(straight, _common(own, f"ferplus_{angle}"), subjects, variant)
            )
            for angle in ROTATIONS_DEG
            if angle
        }
        for variant in ("capsnet2", "capsnet2_cross_entropy", "gf_capsnet2_gabor")
        if variant in straight
    }


def _turned(own: dict[Cell, dict[str, Any]], settings: Settings, sets: Sets) -> dict[str, Any]:
    """Return group of head yaw -> faces and accuracies."""
    name, positions = _positions(next(iter(own)), "ferplus", settings, sets)
    groups, hits = turned_group(sets[name], positions), _hits(own, "ferplus")
    found = {}
    for number, (low, high) in enumerate(pairwise(TURNED_DEG)):
        inside = groups == number
        if inside.any():
            subjects = sets[name].subject[positions][inside]
            found[f"{low}_to_{high}"] = {
                "faces": int(inside.sum()),
                "accuracy": {one: accuracy(rows[:, inside], subjects) for one, rows in hits.items()},
                "claims": [
                    claim.as_dict()
                    for claim in claims(
                        {one: rows[:, inside] for one, rows in _common(own, "ferplus").items()}, subjects
                    )
                    if claim.other == CNN
                ],
            }
    return found


def vars_of(difference: Any) -> dict[str, float]:
    """Return the fields of a paired difference."""
    return {name: getattr(difference, name) for name in ("difference", "low", "high", "p_value", "count")}


def text_of(results: dict[str, Any]) -> str:
    """Return tables and answers in Markdown."""
    parts = []
    for learned, views in results["learned"].items():
        columns = {key: found["accuracy"] for key, found in views.items()}
        parts.append(f"Learned from {learned}:\n\n{table(columns, list(columns))}")
        first = next(iter(views))
        key = learned if learned in views else first
        lines = [_claim_line(claim) for claim in views[key]["claims"]]
        parts.append("\n".join([f"Claims, measured on {key}:", "", *lines]))
    return "\n\n".join(parts)


def _claim_line(claim: dict[str, Any]) -> str:
    gap = claim["difference"]
    return (
        f"- {claim['text']}: {claim['answer']} ({100 * gap['difference']:+.1f} points, "
        f"{100 * gap['low']:+.1f} to {100 * gap['high']:+.1f}; seeds "
        f"{', '.join(f'{100 * seed:+.1f}' for seed in claim['seeds'])})"
    )
