"""The GPU tables in one run: what TensorRT says about this GPU, parity, latency and throughput beside PyTorch.

Every row is timed on the same machine in the same run, in turns. A row that can't run, or fails on the way, says why and
costs no other row; what was found so far is written after every step, so that a run that is cut off leaves its tables. The aims
stand beside what was measured. Without a GPU nothing is measured and the reason is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from engines.backends import create_backend, unavailable_reason
from engines.card import MODEL_FILE, load_card
from engines.crops import face_crops
from engines.decode import decode
from engines.errors import CardError, EngineError
from engines.machine import library_versions, processor_name
from engines.models import find_model
from engines.parity import REFERENCE, Answers, measure, reference_answers
from engines.preprocess import Bytes
from engines.tensorrt.build import BuildSettings, build_plan, read_model
from engines.tensorrt.cuda_driver import NoDriverError, find_driver
from engines.tensorrt.plans import find_machine, settings_for_gpu
from training.errors import RecipeError
from training.studies.gpu import report as gpu_report
from training.studies.gpu.engine_timers import remember_streams
from training.studies.gpu.report import GpuReport, table
from training.studies.gpu.rows import Row, attempt, compiled_rows, in_turns, makers, ready_rows
from training.studies.gpu.timers import MODELS

_ROUNDS = 20
_COMPILE_BUDGET_S = 200.0
_NO_GPU = 3

Save = Callable[[str], None]
"""Writes what was found so far; given what comes next."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command by itself, on machines that lack what other commands of `training` import; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.studies.gpu.command", description=__doc__)
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        return run(options)
    except (CardError, EngineError, RecipeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json and gpu.txt")
    parser.add_argument(
        "--rounds", type=int, default=_ROUNDS, help="turns of each row (default: %(default)s)"
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="leave torch.compile out: its first calls take minutes"
    )
    parser.add_argument(
        "--no-tensorrt", action="store_true", help="leave TensorRT out, where it kills the process"
    )


def run(options: argparse.Namespace) -> int:
    """Run the study; return the exit code."""
    try:
        find_driver()
    except NoDriverError as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return _NO_GPU
    options.out.mkdir(parents=True, exist_ok=True)
    report = GpuReport()
    started_s = time.monotonic()

    def save(next_step: str) -> None:
        text = json.dumps(report.as_dict(), indent=1)
        (options.out / "gpu.json").write_text(text + "\n", encoding="utf-8")
        (options.out / "gpu.txt").write_text(table(report) + "\n", encoding="utf-8")
        print(f"{time.monotonic() - started_s:5.0f} s  {next_step}", flush=True)

    check_gpu(report, save, options.rounds, compiled=not options.no_compile, tensorrt=not options.no_tensorrt)
    save("done")
    print(table(report))
    return 0


def check_gpu(report: GpuReport, save: Save, rounds: int, *, compiled: bool, tensorrt: bool) -> None:
    """Make all tables on this machine's GPU.

    Args:
        report: What is found is put in here.
        save: Called after every step.
        rounds: Turns each row gets at each batch size.
        compiled: With torch.compile.
        tensorrt: With TensorRT.
    """
    save("machine")
    report.machine = attempt("machine", _machine, report) or {}
    save("whether TensorRT accepts this GPU")
    report.validity = engine_validity(MODELS[0]) if tensorrt else "left out"
    for name in MODELS:
        save(f"parity of {name}")
        attempt(f"parity of {name}", lambda name=name: _add_parity(report, name, tensorrt), report)
    rows: dict[str, Row] = {}
    for what, make in makers(tensorrt).items():
        save(f"loading {what}")
        rows |= ready_rows(what, make, report)
    save("timing")
    in_turns(rows, rounds, report)
    if {gpu_report.ONE_STREAM, gpu_report.SIDE_BY_SIDE} <= set(report.host_ms):
        attempt("choice of streams", lambda: _keep_streams(report), report)
    if compiled:
        save("torch.compile, which takes minutes; what was measured is written")
        rows |= ready_rows(gpu_report.COMPILED, compiled_rows, report, _COMPILE_BUDGET_S)
        save("timing, torch.compile with the others")
        in_turns(rows, rounds, report)


def _keep_streams(report: GpuReport) -> None:
    one, several = (report.host_ms[row] for row in (gpu_report.ONE_STREAM, gpu_report.SIDE_BY_SIDE))
    kept = remember_streams(one, several)
    report.streams = f"{kept} (by the times above; remembered for the program)"


def engine_validity(name: str) -> str:
    """Return whether TensorRT accepts this GPU: builds a shipped model for it and asks the library, before all else."""
    try:
        machine = find_machine()
        folder = find_model(name)
        card = load_card(folder)
        library = machine.library
        settings = settings_for_gpu(BuildSettings("float16", card.float32_nodes), machine)
        plan = build_plan(read_model(folder / MODEL_FILE), settings, library).plan
        mark = library.messages.mark()
        runtime = library.module.Runtime(library.messages.logger)
        if not hasattr(runtime, "get_engine_validity"):
            loaded = runtime.deserialize_cuda_engine(plan) is not None
            said = "loads the engine" if loaded else f"refuses the engine: {library.messages.since(mark)}"
            return f"{library.title}: {said}"
        validity, bits = runtime.get_engine_validity(plan)
        members = library.module.EngineInvalidityDiagnostics.__members__
        names = [reason for reason, value in members.items() if int(value) & int(bits)]
        reason = " ".join(names) or library.messages.since(mark)
        said = f"{getattr(validity, 'name', validity)}{reason and f' ({reason})'}"
        return f"{library.title}, built for {', '.join(settings.compute_capabilities) or 'all'}: {said}"
    except (CardError, EngineError) as error:
        return f"not asked: {error}"
    except Exception as error:  # a library that raises what it never should costs this line alone
        return f"not asked: {type(error).__name__}: {error}"


def _machine() -> dict[str, str]:
    driver = find_driver()
    gpu = driver.gpus[0]
    capability = ".".join(map(str, gpu.compute_capability))
    versions = {
        "torch": torch.__version__,
        "torch's CUDA": str(torch.version.cuda),
        **library_versions(("cuda-bindings", "onnx")),
    }
    return {
        "GPU": f"{gpu.name}, compute capability {capability}, {gpu.memory_bytes / 2**30:.0f} GiB",
        "driver": f"{driver.version or 'unknown'}, CUDA {'.'.join(map(str, driver.cuda_version))}",
        "processor": processor_name(),
        "versions": ", ".join(f"{name} {found}" for name, found in versions.items()),
    }


def _add_parity(report: GpuReport, name: str, tensorrt: bool) -> None:
    """Compare every back end and precision on the GPU with float32 ONNX Runtime on the processor."""
    folder = find_model(name)
    card = load_card(folder)
    chips = face_crops(card.input, occlusion=card.occlusion)
    expected = reference_answers(create_backend(REFERENCE), folder / MODEL_FILE, card, chips)
    kinds: list[tuple[str, str | None]] = [("onnxruntime_cuda", None)]
    if tensorrt:
        kinds = [("tensorrt", "float16"), ("tensorrt", "float32"), *kinds]
    for backend, precision in kinds:
        row = f"{name}, {backend} {precision or 'float32'}"
        attempt(
            row,
            lambda row=row, backend=backend, precision=precision: _add_row(
                report, row, backend, precision, chips, expected
            ),
            report,
        )


def _add_row(
    report: GpuReport, row: str, backend_name: str, precision: str | None, chips: Bytes, expected: Answers
) -> None:
    if reason := unavailable_reason(backend_name):
        raise EngineError(reason)
    folder = find_model(row.partition(",")[0])
    card = load_card(folder)
    backend = create_backend(backend_name, precision)
    try:
        backend.load(folder / MODEL_FILE, card, None)
        report.parity[row] = measure(
            lambda batch: decode(backend.run(batch), card), backend.precision, chips, expected
        )
    finally:
        backend.close()


if __name__ == "__main__":
    sys.exit(main())
