"""`python -m engines build`: compile models for this machine's GPU ahead of time, or for others into a folder."""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.card import MODEL_FILE, ModelCard, load_card
from engines.errors import CardError, EngineError
from engines.model_file import verify_model
from engines.models import MODELS_DIR, find_model, model_names
from engines.tensorrt.build import PRECISIONS, BuildSettings, build_plan, read_model
from engines.tensorrt.build_control import BuildControl
from engines.tensorrt.cache import PlanCache
from engines.tensorrt.cuda_driver import NoDriverError
from engines.tensorrt.library import find_library
from engines.tensorrt.plans import find_machine, get_plan
from engines.whole_file import write_whole

_POLL_S = 0.1


def add_build_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `python -m engines`."""
    parser = commands.add_parser("build", help="compile models with TensorRT")
    parser.add_argument("--model", default="all", help="all, a name or a folder (default: %(default)s)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float16", help="of the arithmetic (default: %(default)s)"
    )
    parser.add_argument(
        "--compute-capability",
        nargs="+",
        default=(),
        metavar="X.Y",
        help="GPUs to compile for, such as 8.9 12.0, with --out (default: all that TensorRT-RTX compiles for)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="write the engines here; works without a GPU (default: keep them for the program)",
    )
    parser.set_defaults(run=run_build)


def run_build(options: argparse.Namespace) -> int:
    """Build what the options ask for; Ctrl-C stops at the library's next step and leaves nothing half-done.

    Raises:
        CardError: There is no such model, or it is damaged.
        EngineError: A library or the driver is missing, a build failed, or someone stopped it.
    """
    if options.compute_capability and options.out is None:
        raise EngineError(
            "--compute-capability: expected with --out, because the program builds for the GPU that runs it; "
            "give --out FOLDER"
        )
    names = model_names() if options.model == "all" else (options.model,)
    if not names:
        raise CardError(f"models: expected at least one in {MODELS_DIR}, found none; give a model's folder")
    for name in names:
        folder = find_model(name)
        card = load_card(folder)
        verify_model(card, folder / MODEL_FILE)
        settings = BuildSettings(
            options.precision,
            card.float32_nodes,
            compute_capabilities=tuple(options.compute_capability),
        )
        job = _Job(folder / MODEL_FILE, card, settings)
        build = job.keep if options.out is None else lambda control, job=job: job.write(options.out, control)
        print(f"{card.name}: {_with_progress(card.name, build)}")
    return 0


@dataclass(frozen=True, slots=True)
class _Job:
    """One model to compile."""

    path: Path
    card: ModelCard
    settings: BuildSettings

    def keep(self, control: BuildControl) -> str:
        """Put the plan for this machine's GPU into the cache; return what was done."""
        try:
            machine, cache = find_machine(), PlanCache()
        except NoDriverError as error:
            raise NoDriverError(
                f"{error}; with --out FOLDER engines for other machines are built here"
            ) from error
        kept = get_plan(self.path, self.card, machine, self.settings, cache, control)
        what = f"{self.settings.precision} engine for {machine.driver.gpus[0].name}, {machine.library.title}"
        if kept.problem:
            raise EngineError(kept.problem)
        return (
            f"{what}: {'already there' if kept.from_cache else 'built'}, {_size(kept.plan)} in {cache.folder}"
        )

    def write(self, folder: Path, control: BuildControl) -> str:
        """Write the plan and its key into a folder; return what was done."""
        library = find_library(("tensorrt_rtx",))  # the one that compiles for GPUs that are not here
        model = read_model(self.path)
        plan = build_plan(model, self.settings, library, control).plan
        target = folder / f"{self.card.name}-{self.settings.precision}.plan"
        key = {
            "model": self.card.name,
            "model_sha256": hashlib.sha256(model).hexdigest(),
            "library": library.name,
            "library_version": library.version,
            **asdict(self.settings),
            "plan_sha256": hashlib.sha256(plan).hexdigest(),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(target, plan)
            write_whole(target.with_suffix(".json"), json.dumps(key, indent=1).encode())
        except OSError as error:
            raise EngineError(
                f"{target}: the engine can't be written ({error.strerror or error}); choose another folder"
            ) from error
        return f"{self.settings.precision} engine, {library.title}: {_size(plan)} in {target}"


def _with_progress(name: str, build: Callable[[BuildControl], str]) -> str:
    """Run a build on a thread of its own and show how far it is; the library can't be interrupted in between."""
    from tqdm import tqdm

    result: list[str] = []
    errors: list[Exception] = []
    with tqdm(total=100, desc=name, unit="%", leave=False, disable=not sys.stderr.isatty()) as bar:

        def progress(share: float, step: str) -> None:
            bar.set_postfix_str(step, refresh=False)
            bar.update(round(share * 100) - bar.n)

        control = BuildControl(progress)

        def work() -> None:
            try:
                result.append(build(control))
            except Exception as error:  # the top of a thread: raised again below
                errors.append(error)

        thread = threading.Thread(target=work, name=f"build {name}")
        with _ctrl_c_cancels(control):
            thread.start()
            while thread.is_alive():
                thread.join(_POLL_S)  # on Windows a wait without an end doesn't hear Ctrl-C
    if errors:
        raise errors[0]
    return result[0]


@contextmanager
def _ctrl_c_cancels(control: BuildControl) -> Iterator[None]:
    """Let Ctrl-C ask the build to stop, instead of leaving it behind without its owner."""
    if threading.current_thread() is not threading.main_thread():  # where Ctrl-C doesn't arrive
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: control.cancelled.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _size(plan: bytes) -> str:
    return f"{len(plan) / 1e6:.1f} MB"
