"""`python -m training columns`: tables IV, V and VI and figure 5, going on training by training."""

from __future__ import annotations

import argparse
import logging
import os
import time
from pathlib import Path
from typing import Any

from training.studies.columns.settings import TABLES

logger = logging.getLogger(__name__)


def add_columns(commands: Any, default_cache: Path) -> None:
    """Add the command to the parser."""
    columns = commands.add_parser(
        "columns",
        help="progressive columns with every set of sources: tables and curves, going on where it stopped",
    )
    columns.add_argument("--encoder", required=True, help="folder of a run of began")
    columns.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    columns.add_argument("--out", type=Path, required=True, help="folder for trainings and tables")
    columns.add_argument("--cache", type=Path, default=default_cache, help="folder for prepared faces")
    columns.add_argument(
        "--tables", nargs="+", choices=TABLES, default=TABLES, help="(default: all; VI comes from V)"
    )
    columns.add_argument(
        "--stop-after-s", type=float, default=float("inf"), help="start no training after so many seconds"
    )
    columns.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    columns.set_defaults(command=_columns)


def _columns(options: argparse.Namespace) -> int:
    import torch

    from training.data.prepared import load_prepared
    from training.progressive.tasks import TASKS
    from training.settings import with_settings
    from training.studies.columns.report import write_report
    from training.studies.columns.settings import Settings, steps
    from training.studies.columns.study import Study, check_settings

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1))
    settings = with_settings(Settings(encoder=options.encoder), options.set)
    check_settings(settings, options.out)
    study = Study(settings, options.out, lambda task: load_prepared(TASKS[task], options.data, options.cache))
    started_s, outcomes = time.monotonic(), {}
    wanted = list(steps(settings, tuple(options.tables)))
    for step in wanted:
        if study.done(step) or time.monotonic() - started_s < options.stop_after_s:
            outcomes[step] = study.outcome(step)
    if not outcomes:
        print("columns: no training was made yet; run the same command again")
        return 0
    print(write_report(study, outcomes))
    if len(outcomes) < len(wanted):
        print(f"\n{len(outcomes)} of {len(wanted)} trainings; run the same command again to go on")
    return 0
