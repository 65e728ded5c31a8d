"""`faceapp bench`: speed, latency and memory of the whole pipeline on real input."""

from __future__ import annotations

import argparse
import json

from faceapp.commands.options import (
    add_backend_option,
    add_labels_option,
    add_model_option,
    count,
    with_options,
)
from faceapp.settings import Settings

HELP = "measure frames a second and p50, p95 and p99 of every stage"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="video or picture; it is repeated as often as needed")
    add("--frames", type=count, metavar="N", help="timed frames a pass (default 200)")
    add("--rounds", type=count, default=4, metavar="N", help="passes of pipeline and plain loop (default 4)")
    add(
        "--live-rate",
        type=float,
        default=30.0,
        metavar="HZ",
        help="pace of the run as a camera (default 30; 0: none)",
    )
    add("--memory-frames", type=count, metavar="N", help="also watch the memory over so many frames")
    add("--json", action="store_true", help="print the figures as JSON")
    add_model_option(parser)
    add_backend_option(parser)
    add_labels_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Returns:
        0.

    Raises:
        SourceError: An input can't be read.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
        SessionError: A label is missing, damaged or of another network.
    """
    from faceapp.bench import format_bench, run_bench

    figures = run_bench(
        arguments.inputs,
        with_options(Settings(), arguments),
        frames=arguments.frames,
        live_rate_hz=arguments.live_rate or None,
        memory_frames=arguments.memory_frames,
        rounds=arguments.rounds,
    )
    print(json.dumps(figures, indent=1) if arguments.json else format_bench(figures))
    return 0
