"""`python -m engines`: list the models, compile them, verify them, measure them."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from engines.backends import backend_names
from engines.card import MODEL_FILE, load_card
from engines.errors import CardError, EngineError
from engines.measure.bench import bench, table
from engines.measure.bench_picture import draw_bench
from engines.measure.soak_command import add_soak_parser
from engines.measure.verify import card_line, heads_table, metrics_line, verify
from engines.model_file import file_sha256
from engines.models import MODELS_DIR, find_model, model_names
from engines.parity import TOLERANCES
from engines.tensorrt.build_command import add_build_parser

OK, FAILED, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 2 something is wrong (one line says what)."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        print("error: stopped", file=sys.stderr)
        return INTERRUPTED
    except (CardError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    return code


def _list(_options: argparse.Namespace) -> int:
    if not model_names():
        print(f"no models in {MODELS_DIR}")
    code = OK
    for name in model_names():
        folder = MODELS_DIR / name
        try:
            card = load_card(folder)
            intact = file_sha256(folder / MODEL_FILE) == card.sha256
        except CardError as error:
            print(f"{name}: {error}")
            code = FAILED
            continue
        print(
            f"{name} {card.version} | {card_line(card)} | hash {'ok' if intact else 'differs from the card'}"
        )
        if figures := metrics_line(card):
            print(f"    {figures}")
        code = code if intact else FAILED
    return code


def _verify(options: argparse.Namespace) -> int:
    names = model_names() if options.model in (None, ["all"]) else options.model
    if not names:
        raise CardError(f"models: expected at least one in {MODELS_DIR}, found none; give a model's folder")
    backends = backend_names() if options.backend == "all" else tuple(options.backend.split(","))
    code, found = OK, []
    for name in names:
        for check in verify(
            name, find_model(name), backends=backends, precision=options.precision, crops=options.crops
        ):
            code = FAILED if check.state == "failed" else code
            found.append(asdict(check))
            if not options.json:
                print(f"{check.state:<8}{check.model} {check.subject}: {check.text}")
                print(heads_table(check) if options.heads else "", end="")
    if options.json:
        print(json.dumps(found, indent=1))
    return code


def _bench(options: argparse.Namespace) -> int:
    backends = backend_names() if options.backend == "all" else tuple(options.backend.split(","))
    report = bench(
        options.model,
        backends,
        options.batch,
        threads=options.threads,
        precision=options.precision,
        rounds=options.rounds,
        calls=options.calls,
    )
    if options.picture is not None:
        draw_bench(report, options.picture)
    print(json.dumps(report.as_dict(), indent=1) if options.json else table(report))
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="name, heads, input, hash and figures of every model")
    listing.set_defaults(run=_list)
    add_build_parser(commands)
    checking = commands.add_parser("verify", help="card, hash, and every back end against ONNX Runtime")
    checking.add_argument("--model", action="append", help="name or folder; may be repeated (default: all)")
    checking.add_argument(
        "--backend", default="all", help="all, or names separated by commas (default: %(default)s)"
    )
    checking.add_argument(
        "--precision",
        choices=("all", *TOLERANCES),
        help="number format (default: each back end's own choice)",
    )
    checking.add_argument(
        "--crops",
        type=Path,
        help="folder of face crops to compare on (default: the demo's portrait in many ways)",
    )
    checking.add_argument("--heads", action="store_true", help="also print every head's figures")
    checking.add_argument("--json", action="store_true", help="print JSON instead of lines")
    checking.set_defaults(run=_verify)
    timing = commands.add_parser("bench", help="latency per back end and batch size")
    timing.add_argument("--model", default="multitask", help="name or folder (default: %(default)s)")
    timing.add_argument(
        "--backend", default="all", help="all, or names separated by commas (default: %(default)s)"
    )
    timing.add_argument("--batch", type=_counts, default=(1, 4, 16), help="faces in a call (default: 1,4,16)")
    timing.add_argument("--threads", type=_count, help="threads of a run (default: automatic)")
    timing.add_argument(
        "--rounds", type=_count, default=40, help="turns of every back end (default: %(default)s)"
    )
    timing.add_argument(
        "--calls", type=_count, default=10, help="timed calls in a turn (default: %(default)s)"
    )
    timing.add_argument(
        "--precision",
        choices=("all", *TOLERANCES),
        help="number format (default: each back end's own choice)",
    )
    timing.add_argument("--picture", type=Path, help="also draw the times as a PNG")
    timing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    timing.set_defaults(run=_bench)
    add_soak_parser(commands)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 10000, found {text!r}")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_count(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
