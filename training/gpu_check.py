"""The GPU tables in one run: what TensorRT says about this GPU, parity, latency and throughput beside PyTorch.

Every row is timed on the same machine in the same run, in turns, by events on the GPU's own clock (ONNX Runtime by the
processor's clock). A row that can't run says why. The aims stand beside what was measured. Without a GPU nothing is
measured and the reason is printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from engines.backends import create_backend, unavailable_reason
from engines.build import BuildSettings, build_plan, read_model
from engines.card import MODEL_FILE, load_card
from engines.crops import face_crops
from engines.decode import decode
from engines.errors import CardError, EngineError
from engines.machine import library_versions
from engines.models import find_model
from engines.parity import Parity, measure, reference_answers
from engines.plans import find_machine
from training.errors import RecipeError
from training.gpu_timers import (
    BATCHES,
    MODELS,
    Timer,
    captured_timer,
    compiled_timer,
    eager_timer,
    onnxruntime_timer,
    tensorrt_timer,
)

EAGER, COMPILED, CAPTURED = "eager PyTorch fp16", "torch.compile fp16", "captured PyTorch fp16"
TENSORRT = "TensorRT"
ONNXRUNTIME = "ONNX Runtime CUDA fp32"
"""Timed by the clock, copies included: its stream is its own."""
AIM_16_MS, AIM_1_MS, AIM_SPEEDUP, AIM_CHANGED = 0.3, 0.1, 5.0, 1.0
_ROUNDS, _CALLS = 20, 20
_WARM_UP = 5


@dataclass(slots=True)
class GpuReport:
    """What was found.

    Attributes:
        machine: GPU, driver and versions.
        validity: What `get_engine_validity` said about this GPU, or why it could not be asked.
        parity: Model and precision -> figures against float32 ONNX Runtime.
        device_ms: Row -> faces in a call -> median device milliseconds of the three models together.
        refused: Row -> why it was not measured.
    """

    machine: dict[str, str] = field(default_factory=dict)
    validity: str = ""
    parity: dict[str, Parity] = field(default_factory=dict)
    device_ms: dict[str, dict[int, float]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON takes it, aims included."""
        return {**asdict(self), "aims": [list(aim) for aim in aims(self)]}


def add_gpu_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the others.

    Args:
        commands: What `add_subparsers` returned.
    """
    _add_options(
        commands.add_parser(
            "gpu-check", help="the GPU tables: TensorRT beside PyTorch and ONNX Runtime, in one run"
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command by itself, on machines that lack what other commands of `training` import; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.gpu_check", description=__doc__)
    _add_options(parser)
    options = parser.parse_args(arguments)
    try:
        return _command(options)
    except (CardError, EngineError, RecipeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json and gpu.txt")
    parser.add_argument(
        "--rounds", type=int, default=_ROUNDS, help="turns of each row (default: %(default)s)"
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="leave torch.compile out: its first calls take minutes"
    )
    parser.set_defaults(command=_command)


def _command(options: argparse.Namespace) -> int:
    if not torch.cuda.is_available():
        raise EngineError(
            f"gpu-check: expected a GPU that PyTorch {torch.__version__} can use, found none; run it on a GPU machine"
        )
    report = check_gpu(options.rounds, compiled=not options.no_compile)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "gpu.json").write_text(json.dumps(report.as_dict(), indent=1) + "\n", encoding="utf-8")
    text = table(report)
    (options.out / "gpu.txt").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def check_gpu(rounds: int, *, compiled: bool = True) -> GpuReport:
    """Make all tables on this machine's GPU.

    Args:
        rounds: Turns each row gets at each batch size.
        compiled: With torch.compile.

    Raises:
        CardError: A shipped model is damaged.
    """
    report = GpuReport(machine=_machine(), validity=engine_validity(MODELS[0]))
    for name in MODELS:
        for precision in ("float16", "float32"):
            _add_parity(report, name, "tensorrt", precision)
        _add_parity(report, name, "onnxruntime_cuda", None)
    makers: dict[str, Callable[[], Timer]] = {
        TENSORRT: tensorrt_timer,
        EAGER: eager_timer,
        CAPTURED: captured_timer,
        ONNXRUNTIME: onnxruntime_timer,
    }
    if compiled:
        makers[COMPILED] = compiled_timer
    timers = {
        name: timer for name, make in makers.items() if (timer := _ready(name, make, report)) is not None
    }
    report.device_ms = in_turns(timers, BATCHES, rounds)
    return report


def _ready(name: str, make: Callable[[], Timer], report: GpuReport) -> Timer | None:
    """Return a row's timer, compiled, captured and warm; None where it can't run, which is noted."""
    try:
        timer = make()
        for count in BATCHES:
            timer(count, _WARM_UP)
    except (
        EngineError,
        RuntimeError,
        ImportError,
    ) as error:  # RuntimeError is what PyTorch raises for all its own
        report.refused[name] = " ".join(str(error).split())[:300]
        return None
    return timer


def in_turns(timers: Mapping[str, Timer], batches: Sequence[int], rounds: int) -> dict[str, dict[int, float]]:
    """Time every row in turns, so that clocks and heat of the GPU hit all alike.

    Returns:
        Row -> faces in a call -> median device milliseconds.
    """
    taken: dict[str, dict[int, list[float]]] = {name: {count: [] for count in batches} for name in timers}
    for count in batches:
        for _ in range(rounds):
            for name, timer in timers.items():
                taken[name][count] += timer(count, _CALLS)
    return {
        name: {count: statistics.median(times) for count, times in own.items()} for name, own in taken.items()
    }


def aims(report: GpuReport) -> list[tuple[str, str, str]]:
    """Return each aim, what was measured and "met", "missed" or "not measured"."""
    own = report.device_ms.get(TENSORRT) or report.device_ms.get(ONNXRUNTIME) or {}
    eager, captured = report.device_ms.get(EAGER, {}), report.device_ms.get(CAPTURED, {})
    changed = [one.changed_per_thousand for one in report.parity.values() if one.precision == "float16"]
    ratio = [eager[count] / own[count] for count in own if count in eager]
    beside = [own[count] / captured[count] for count in own if count in captured]
    return [
        _aim(f"three models, 16 faces: under {AIM_16_MS} ms", own.get(16), lambda ms: ms < AIM_16_MS, "ms"),
        _aim(f"three models, one face: under {AIM_1_MS} ms", own.get(1), lambda ms: ms < AIM_1_MS, "ms"),
        _aim(
            "at least 5 times as fast as eager",
            min(ratio, default=None),
            lambda times: times >= AIM_SPEEDUP,
            "times",
        ),
        _aim(
            "not slower than the captured graph",
            max(beside, default=None),
            lambda share: share <= 1,
            "of its time",
        ),
        _aim(
            "under 1 in 1,000 changed in float16",
            max(changed, default=None),
            lambda one: one < AIM_CHANGED,
            "in 1,000",
        ),
    ]


def table(report: GpuReport) -> str:
    """Return a report as text for people."""
    lines = [f"{name}: {value}" for name, value in report.machine.items()]
    lines += [
        f"engine validity: {report.validity}",
        "",
        "parity against float32 ONNX Runtime on the processor",
    ]
    for name, parity in report.parity.items():
        (share, years), refusal = parity.largest, parity.refusal()
        lines.append(
            f"  {name:<44} {share:.2g} in a probability, {years:.2g} years, {parity.changed_per_thousand:.2g} in 1,000 "
            f"changed, {parity.faces} faces{refusal and '; refused: ' + refusal}"
        )
    counts = sorted({count for own in report.device_ms.values() for count in own})
    lines += ["", "device milliseconds of the three models together, median (faces a second and model)"]
    lines.append(f"  {'':<24}" + "".join(f"{f'batch {count}':>20}" for count in counts))
    for name, own in report.device_ms.items():
        cells = "".join(f"{f'{own[count]:.4f} ({1e3 * count / own[count]:,.0f})':>20}" for count in counts)
        lines.append(f"  {name:<24}{cells}")
    lines += [f"  {name}: not measured: {reason}" for name, reason in report.refused.items()]
    lines += ["", "aims", *(f"  {aim:<44} {found:<24} {verdict}" for aim, found, verdict in aims(report))]
    return "\n".join(lines)


def engine_validity(name: str) -> str:
    """Return whether TensorRT accepts this GPU: builds a shipped model for it and asks the library, before all else."""
    try:
        machine = find_machine()
        folder = find_model(name)
        card = load_card(folder)
        library = machine.library
        plan = build_plan(
            read_model(folder / MODEL_FILE), BuildSettings("float16", card.float32_nodes), library
        ).plan
        runtime = library.module.Runtime(library.messages.logger)
        if not hasattr(runtime, "get_engine_validity"):
            loaded = runtime.deserialize_cuda_engine(plan) is not None
            return f"{library.title}: {'loads the engine' if loaded else 'refuses the engine'}"
        validity, bits = runtime.get_engine_validity(plan)
        members = library.module.EngineInvalidityDiagnostics.__members__
        names = [reason for reason, value in members.items() if int(value) & int(bits)]
        return f"{library.title}: {getattr(validity, 'name', validity)} {' '.join(names)}".strip()
    except EngineError as error:
        return f"not asked: {error}"


def _aim(text: str, found: float | None, met: Callable[[float], bool], unit: str) -> tuple[str, str, str]:
    if found is None:
        return text, "-", "not measured"
    return text, f"{found:.3g} {unit}", "met" if met(found) else "missed"


def _machine() -> dict[str, str]:
    capability = ".".join(map(str, torch.cuda.get_device_capability()))
    versions = {"torch": torch.__version__, "cuda": str(torch.version.cuda), **library_versions()}
    return {
        "GPU": f"{torch.cuda.get_device_name()}, compute capability {capability}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _add_parity(report: GpuReport, name: str, backend_name: str, precision: str | None) -> None:
    row = f"{name}, {backend_name} {precision or 'float32'}"
    folder = find_model(name)
    card = load_card(folder)
    if reason := unavailable_reason(backend_name):
        report.refused[row] = reason
        return
    try:
        backend = create_backend(backend_name, precision)
        backend.load(folder / MODEL_FILE, card, None)
        chips = face_crops(card.input, occlusion=card.occlusion)
        expected = reference_answers(folder / MODEL_FILE, card, chips)
        report.parity[row] = measure(
            lambda batch: decode(backend.run(batch), card), backend.precision, chips, expected
        )
        backend.close()
    except EngineError as error:
        report.refused[row] = str(error)


if __name__ == "__main__":
    sys.exit(main())
