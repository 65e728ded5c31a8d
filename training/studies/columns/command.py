"""Tables IV, V and VI and figure 5, going on training by training."""

from __future__ import annotations

import argparse

from training.studies.columns.settings import TABLES
from training.study_parts.options import add_minutes, add_places, add_settings, use_all_processors
from training.study_parts.pieces import within


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_places(parser)
    add_settings(parser)
    add_minutes(parser)
    parser.add_argument("--encoder", required=True, help="folder of a run of began")
    parser.add_argument(
        "--tables", nargs="+", choices=TABLES, default=TABLES, help="(default: all; VI comes from V)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    from training.data.prepared import load_prepared
    from training.progressive.tasks import TASKS
    from training.settings import with_settings
    from training.studies.columns.report import write_report
    from training.studies.columns.settings import Settings, steps
    from training.studies.columns.study import Study, check_settings

    use_all_processors()
    settings = with_settings(Settings(encoder=options.encoder), options.set)
    check_settings(settings, options.out)
    study = Study(settings, options.out, lambda task: load_prepared(TASKS[task], options.data, options.cache))
    wanted = list(steps(settings, tuple(options.tables)))
    for step in within(options.minutes, (step for step in wanted if not study.done(step))):
        study.outcome(step)
    outcomes = {step: study.outcome(step) for step in wanted if study.done(step)}
    if not outcomes:
        print("columns: no training was made yet; run the same command again")
        return 0
    print(write_report(study, outcomes))
    if len(outcomes) < len(wanted):
        print(f"\n{len(outcomes)} of {len(wanted)} trainings; run the same command again to go on")
    return 0
