"""`python -m training transfer`: what a trained network is worth for another task, row by row."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any


def add_transfer(commands: Any, default_cache: Path) -> None:
    """Add the command to the parser."""
    transfer = commands.add_parser(
        "transfer", help="SVMs on a network's features at every depth, fine-tuning, and training from nothing"
    )
    transfer.add_argument("--model", default="multitask", help="shipped model, or folder of a model or run")
    transfer.add_argument("--task", default="identity", help="what is learned (default: %(default)s)")
    transfer.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    transfer.add_argument("--out", type=Path, required=True, help="folder; each task gets its own in it")
    transfer.add_argument("--cache", type=Path, default=default_cache, help="folder for prepared faces")
    transfer.add_argument(
        "--stop-after-s", type=float, default=float("inf"), help="start no row after so many"
    )
    transfer.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    transfer.set_defaults(command=_transfer)


def _transfer(options: argparse.Namespace) -> int:
    import torch

    from training.data.prepared import load_prepared
    from training.recipes.transfer import Config
    from training.settings import with_settings
    from training.studies.transfer.study import TransferStudy

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    started_s = time.monotonic()
    config = with_settings(Config(model=options.model, task=options.task), options.set)
    (name,) = config.shares
    study = TransferStudy(config, load_prepared(name, options.data, options.cache), options.out / config.task)
    for row in list(study.missing()):
        if row in study.rows or time.monotonic() - started_s > options.stop_after_s:
            continue
        if row.startswith("SVM"):
            study.make_machines()
        else:
            study.fine_tune(row)
    print(study.table())
    missing = len(list(study.missing()))
    if missing:
        print(f"\n{missing} rows to go; run the same command again")
    return 0
