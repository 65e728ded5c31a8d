"""Make the rows of a ladder that lack, then its tables, picture and model."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from engines.card import InputSpec
from training.batches.mixed_batches import plain_images
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.fitting.processes import choose_device
from training.settings import with_settings
from training.studies.ladder.faces import LadderFaces, ladder_faces
from training.studies.ladder.five_by_two import compare_students, told
from training.studies.ladder.report import export_combination, write_ladder
from training.studies.ladder.results import comparisons, row_result
from training.studies.ladder.rows import ROWS, STUDENTS, UNSEEDED, Ladder
from training.studies.ladder.settings import DATA_SETS, Settings
from training.study_parts.options import add_places, add_settings, use_all_processors
from training.trained.trained_net import trained_net

logger = logging.getLogger(__name__)

_STATISTICS_FACES = 512


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_places(parser)
    add_settings(parser)
    parser.add_argument("--task", choices=sorted(DATA_SETS), default="emotion")
    parser.add_argument("--half", choices=("upper", "lower"), default="upper", help="which half is hidden")
    parser.add_argument(
        "--model",
        default="multitask",
        help="teacher: shipped model, or folder of a run or a model (default: %(default)s)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="(default: 1 2 3)")
    parser.add_argument("--epochs", type=int, default=2, help="of each training (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=0, help="most training faces (default: all)")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), help="(default: all)")
    parser.add_argument(
        "--five-by-two",
        nargs=2,
        choices=list(STUDENTS),
        metavar=("STUDENT", "OTHER"),
        help="instead of the rows: train two students ten times each on halves of the validation faces, for Dietterich's test",
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    use_all_processors()
    chosen = {name: getattr(options, name) for name in ("task", "half", "model", "epochs", "limit")}
    try:
        settings = with_settings(Settings(**chosen), options.set)
    except ValueError as error:
        raise RecipeError(f"ladder: {error}") from error
    faces = load_prepared(DATA_SETS[settings.task], options.data, options.cache)
    out = options.out / settings.name
    if options.five_by_two:
        first, second = options.five_by_two
        print(run_five_by_two(settings, faces, out, (first, second)))
    else:
        print(run_ladder(settings, faces, out, options.seeds, options.rows or list(ROWS)))
    return 0


def run_ladder(
    settings: Settings, faces: PreparedFaces, out: Path, seeds: Sequence[int], rows: Sequence[str]
) -> str:
    """Make a ladder's rows, its report and its model.

    Args:
        settings: Of the ladder.
        faces: The task's set.
        out: Folder of this ladder; rows that are in it are not made again.
        seeds: At least one.
        rows: Keys of `ROWS`.

    Returns:
        The tables as text.

    Raises:
        RecipeError: The folder holds a ladder of other settings, or no seed was given.
        DatasetError: The set lacks faces with the task's label.
    """
    if not seeds:
        raise RecipeError("seeds: expected at least one, found none")
    net, spec, cut = _teacher_and_faces(settings, faces)
    ladder = Ladder(settings, cut, net, out)
    outcomes = {}
    for seed in seeds:  # seed by seed: a ladder that is stopped has whole ladders
        for row in rows:
            outcomes[row, seed] = ladder.outcome(row, seed)
    said = {
        row: [outcomes[row, seed].said for seed in (seeds[:1] if row in UNSEEDED else seeds)] for row in rows
    }
    results = {row: row_result(settings.task, one, cut.measured) for row, one in said.items()}
    parts = outcomes["combination", seeds[0]].parts if "combination" in rows else ()
    text = write_ladder(ladder, results, comparisons(settings.task, said, cut.measured, parts), seeds)
    if "combination" in rows:
        folder = export_combination(ladder, seeds[0], spec, results["combination"])
        text += f"\n\ncombination of {' and '.join(parts)} with seed {seeds[0]}: {folder}"
    return text


def run_five_by_two(settings: Settings, faces: PreparedFaces, out: Path, rows: tuple[str, str]) -> str:
    """Compare two students by Dietterich's 5x2 test; see `training.studies.ladder.five_by_two`.

    Returns:
        The result in words.
    """
    net, _, cut = _teacher_and_faces(settings, faces)
    return told(compare_students(settings, cut.measured, net, out, rows), settings, rows)


def _teacher_and_faces(
    settings: Settings, faces: PreparedFaces
) -> tuple[MultiTaskNet, InputSpec, LadderFaces]:
    net, spec = trained_net(settings.model, lambda spec: _statistics_faces(faces, spec))
    net.requires_grad_(True).to(choose_device(settings.device), memory_format=torch.channels_last)
    return net, spec, ladder_faces(settings.task, faces, spec, settings.shift_px, settings.limit)


def _statistics_faces(faces: PreparedFaces, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Return some hundred training faces, from all over the set."""
    trained = faces.where("train")
    chosen = trained[:: max(1, len(trained) // _STATISTICS_FACES)][:_STATISTICS_FACES]
    return plain_images(faces, chosen, spec, spec.crop == "aligned_face")
