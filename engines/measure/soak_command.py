"""`python -m engines soak`: a hundred thousand runs of a model, memory and slow calls watched."""

from __future__ import annotations

import argparse
import json

from engines.backends import backend_names, unavailable_reason
from engines.measure.soak import line, soak

COUNT = 100_000


def add_soak_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `python -m engines`."""
    parser = commands.add_parser("soak", help="many runs: is memory flat, are slow calls rare?")
    parser.add_argument("--model", default="multitask", help="name or folder (default: %(default)s)")
    parser.add_argument(
        "--backend",
        default="all",
        help="all that can be used, or names separated by commas (default: %(default)s)",
    )
    parser.add_argument(
        "--count", type=_calls, default=COUNT, help="calls of each back end (default: %(default)s)"
    )
    parser.add_argument("--batch", type=int, default=1, help="faces in a call (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="threads of a run (default: automatic)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.set_defaults(run=run_soak)


def run_soak(options: argparse.Namespace) -> int:
    """Soak each back end, one after another; return 0 when all stayed flat and quick, 2 otherwise.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: A back end is unknown, can't be used here or failed.
    """
    from tqdm import tqdm

    if options.backend == "all":
        names = tuple(name for name in backend_names() if not unavailable_reason(name))
    else:
        names = tuple(options.backend.split(","))
    found = []
    for name in names:
        with tqdm(total=options.count, desc=name, unit="call", leave=False, disable=None) as bar:
            found.append(
                soak(
                    options.model,
                    name,
                    options.count,
                    batch=options.batch,
                    threads=options.threads,
                    progress=lambda done, bar=bar: bar.update(done - bar.n),  # type: ignore[misc]
                )
            )
        if not options.json:
            print(line(found[-1]), flush=True)
    if options.json:
        print(json.dumps([one.as_dict() for one in found], indent=1))
    return 0 if all(one.passed for one in found) else 2


def _calls(text: str) -> int:
    if not text.isdecimal() or not 100 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 100 to 100000000, found {text!r}")
    return int(text)
