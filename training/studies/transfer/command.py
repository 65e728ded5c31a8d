"""What a trained network is worth for another task, row by row."""

from __future__ import annotations

import argparse

from training.study_parts.options import add_minutes, add_places, add_settings, use_all_processors
from training.study_parts.pieces import within


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_places(parser)
    add_settings(parser)
    add_minutes(parser)
    parser.add_argument("--model", default="multitask", help="shipped model, or folder of a model or run")
    parser.add_argument("--task", default="identity", help="what is learned (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    from training.data.prepared import load_prepared
    from training.recipes.transfer import Config
    from training.settings import with_settings
    from training.studies.transfer.study import TransferStudy

    use_all_processors()
    config = with_settings(Config(model=options.model, task=options.task), options.set)
    (name,) = config.shares
    study = TransferStudy(config, load_prepared(name, options.data, options.cache), options.out / config.task)
    for row in within(options.minutes, list(study.missing())):
        if row in study.rows:  # the SVMs of all depths are made together
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
