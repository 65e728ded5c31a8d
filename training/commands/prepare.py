"""The command `prepare`: finds the faces of data sets once and keeps them, so that training starts at once."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import get_args

import numpy as np

from training.data.faults import OnBad
from training.data.preparation import DETECTORS, prepare
from training.data.prepared import DATA_SETS, PreparedFaces, load_prepared
from training.data.prepared_files import read_about
from training.data.prepared_places import find_prepared
from training.data.sample import SPLITS
from training.errors import DatasetError, MissingDatasetError

logger = logging.getLogger(__name__)


def add_prepare(commands: argparse._SubParsersAction[argparse.ArgumentParser], default_cache: Path) -> None:
    """Add the command to the others.

    Args:
        commands: What `add_subparsers` returned.
        default_cache: Folder for prepared faces where none is named.
    """
    parser = commands.add_parser("prepare", help="find the faces of data sets once and keep them")
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help="names such as ferplus (default: all that are there)"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument(
        "--cache", type=Path, default=default_cache, help="folder for prepared faces (default: %(default)s)"
    )
    parser.add_argument(
        "--on-bad",
        choices=get_args(OnBad),
        default="stop",
        help="at a malformed row or picture: stop, or skip it and count (default: %(default)s)",
    )
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="mediapipe",
        help="what finds the faces (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)"
    )
    parser.add_argument("--again", action="store_true", help="also prepare sets that are prepared already")
    parser.set_defaults(command=_prepare)


def _prepare(options: argparse.Namespace) -> int:
    for line in prepare_sets(
        options.sets,
        options.data,
        options.cache,
        workers=max(1, options.workers),
        on_bad=options.on_bad,
        detector=options.detector,
        again=options.again,
    ):
        print(line)
    return 0


def prepare_sets(
    names: Sequence[str],
    data: Path,
    cache: Path,
    workers: int = 1,
    on_bad: OnBad = "stop",
    detector: str = "mediapipe",
    again: bool = False,
) -> list[str]:
    """Prepare sets where the cache lacks them or was made with another detector.

    Args:
        names: Of `DATA_SETS`; empty takes every set that is in the folder.
        data: Folder with the unpacked sets.
        cache: Folder for the prepared files.
        workers: Processes that find faces.
        on_bad: "stop" at the first malformed row or picture, or "skip" and count them.
        detector: One of `training.data.preparation.DETECTORS`.
        again: Prepare every set anew.

    Returns:
        One line a set: its pictures in each split, the share with landmarks, how many were skipped.

    Raises:
        DatasetError: A set is unknown, missing or malformed, or none is there.
        RecipeError: The detector is not installed.
    """
    unknown = [name for name in names if name not in DATA_SETS]
    if unknown:
        raise DatasetError(f"set: expected some of {', '.join(DATA_SETS)}, found {', '.join(unknown)}")
    ignored = () if names else (MissingDatasetError,)
    lines = []
    for name in names or DATA_SETS:
        with suppress(*ignored):
            folder, _ = find_prepared(name, data, cache)
            if again or folder is None or not _is_prepared(folder, name, detector):
                folder = prepare(name, data, cache, workers, on_bad, detector)
            lines.append(_described(load_prepared(name, data, cache), folder, on_bad))
    if not lines:
        raise MissingDatasetError(
            f"{data}: expected at least one of {', '.join(DATA_SETS)}, found none; unpack one there"
        )
    return lines


def _is_prepared(folder: Path, name: str, detector: str) -> bool:
    try:
        return bool(read_about(folder, name).get("detector", "mediapipe") == detector)
    except (OSError, ValueError):
        return False


def _described(faces: PreparedFaces, folder: Path, on_bad: OnBad) -> str:
    try:
        faces.require("train", "validation")
    except DatasetError as error:
        if on_bad == "stop":
            raise
        logger.warning("%s", error)
    counts = ", ".join(f"{len(faces.where(split))} {split}" for split in SPLITS)
    aligned = 100 * float(np.isfinite(faces.aligned[:, 0, 0]).mean())
    skipped = read_about(folder, faces.name).get("skipped", 0)
    return f"{faces.name}: {counts}; landmarks on {aligned:.1f}%; {skipped} skipped"
