"""`python -m training label`: what a teacher says of the training faces of every set, and how good it is on validation."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.card import LABELS
from training.data.prepared import PreparedFaces, load_prepared
from training.distillation.labels import save_labels
from training.distillation.teachers import Teacher, load_teacher
from training.distillation.views import AGGREGATED, FLIPPED, PLAIN, View
from training.measuring.evaluation import figures
from training.measuring.metrics import Figure

logger = logging.getLogger(__name__)

ABOUT = "about.json"
VIEWS = {"plain": PLAIN, "flipped": FLIPPED, "aggregated": AGGREGATED}
"""Name -> transforms that are averaged."""


def add_label(commands: Any, default_cache: Path) -> None:
    """Add the command to the parser."""
    label = commands.add_parser("label", help="label the training faces of every set with trained networks")
    label.add_argument(
        "runs",
        type=Path,
        nargs="+",
        help="folders of finished runs, or exported models, averaged as one teacher",
    )
    label.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    label.add_argument("--out", type=Path, required=True, help="folder for the labels")
    label.add_argument(
        "--sets", nargs="+", default=["ferplus", "utkface", "genki4k", "ckplus"], help="sets to label"
    )
    label.add_argument("--views", choices=sorted(VIEWS), default="aggregated", help="transforms to average")
    label.add_argument("--features", action="store_true", help="also keep the first network's features")
    label.add_argument("--cache", type=Path, default=default_cache, help="folder for prepared faces")
    label.set_defaults(command=_label)


def label_sets(
    runs: Sequence[Path],
    sets: Sequence[PreparedFaces],
    out: Path,
    views: Sequence[View] = AGGREGATED,
    features: bool = False,
    progress: bool = True,
) -> dict[str, dict[str, Figure]]:
    """Write the teacher's labels of the training faces; sets that are labelled already by the same teacher are kept.

    Held-out faces are never labelled: a student must not see them in any form.

    Args:
        runs: Folders of the teacher's runs; names or folders of exported models.
        sets: Prepared sets.
        out: Folder for `<set>.npz` and `about.json`.
        views: Transforms to average over.
        features: Also keep the first network's shared features.
        progress: Show progress bars.

    Returns:
        Set -> the teacher's figures on its validation faces, over the same views.
    """
    return label_with(
        load_teacher(runs), [run.name for run in runs], sets, out, views, features=features, progress=progress
    )


def label_with(
    teacher: Teacher,
    names: Sequence[str],
    sets: Sequence[PreparedFaces],
    out: Path,
    views: Sequence[View] = AGGREGATED,
    features: bool = False,
    progress: bool = True,
) -> dict[str, dict[str, Figure]]:
    """Write a teacher's labels as `label_sets` does.

    Args:
        teacher: Who labels.
        names: Of its networks, for `about.json`.
        sets: Prepared sets.
        out: Folder for `<set>.npz` and `about.json`.
        views: Transforms to average over.
        features: Also keep the first network's shared features.
        progress: Show progress bars.
    """
    about = {
        "teachers": list(names),
        "views": [repr(view) for view in views],
        "features": features,
    }
    done = _done(out, about)
    found: dict[str, dict[str, Figure]] = {}
    for faces in sets:
        found[faces.name] = teacher_figures(teacher, faces, views, "validation")
        if faces.name not in done:
            save_labels(out, faces.name, _training_labels(teacher, faces, views, features, progress))
            done = [*done, faces.name]
            said = {
                name: {key: figure.as_dict() for key, figure in values.items()}
                for name, values in found.items()
            }
            (out / ABOUT).write_text(json.dumps({**about, "sets": done, "validation": said}, indent=1) + "\n")
    return found


def teacher_figures(
    teacher: Teacher, faces: PreparedFaces, views: Sequence[View], split: str
) -> dict[str, Figure]:
    """Return the figures of a teacher on a held-out split of a set; empty where the set has no such faces."""
    positions = faces.where(split)
    if not len(positions):
        return {}
    return figures(faces, positions, teacher.decoded(faces, positions, views))


def _training_labels(
    teacher: Teacher, faces: PreparedFaces, views: Sequence[View], features: bool, progress: bool
) -> dict[str, npt.NDArray[np.float32]]:
    positions = faces.where("train")
    labels = teacher.label(faces, positions, views, features, progress)
    rows = {
        name: np.full((len(faces), values.shape[1]), np.nan, np.float32) for name, values in labels.items()
    }
    for name, values in labels.items():
        rows[name][positions] = values
    return rows


def _done(out: Path, about: dict[str, Any]) -> list[str]:
    """Return the sets that this very teacher has labelled before."""
    try:
        saved = json.loads((out / ABOUT).read_text())
    except (OSError, ValueError):
        return []
    sets = saved.get("sets", [])
    return list(sets) if {key: saved.get(key) for key in about} == about else []


def _label(options: argparse.Namespace) -> int:
    sets = [load_prepared(name, options.data, options.cache) for name in options.sets]
    found = label_sets(options.runs, sets, options.out, VIEWS[options.views], options.features)
    for name, values in found.items():
        for key, figure in values.items():
            print(f"{name} validation, teacher: {key.replace('_', ' ')} {figure}")
    print(f"labels of {', '.join(found)} for {', '.join(LABELS)} in {options.out}")
    return 0
