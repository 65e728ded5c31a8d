"""What the GPU tables hold, the aims beside what was measured, and all of it as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from engines.parity import Parity

ONE_STREAM, SIDE_BY_SIDE = "TensorRT, one stream", "TensorRT, side by side"
ONE_BY_ONE = "TensorRT, one by one"
EAGER, COMPILED, CAPTURED = "eager PyTorch fp16", "torch.compile fp16", "captured PyTorch fp16"
ONNXRUNTIME = "ONNX Runtime CUDA fp32"
AIM_16_MS, AIM_1_MS, AIM_SPEEDUP, AIM_CHANGED = 0.3, 0.1, 5.0, 1.0

Times = dict[str, dict[int, float]]
"""Row -> faces in a call -> median milliseconds of the three models."""


@dataclass(slots=True)
class GpuReport:
    """What was found.

    Attributes:
        machine: GPU, driver and versions.
        validity: What `get_engine_validity` said about this GPU, or why it could not be asked.
        parity: Model and precision -> figures against float32 ONNX Runtime.
        device_ms: By the GPU's own clock, without copies.
        host_ms: By the processor's clock, with copies to and from the GPU.
        streams: Whether the program's models share a stream from now on, and why.
        refused: Row or table -> why it was not measured, or not to its end.
    """

    machine: dict[str, str] = field(default_factory=dict)
    validity: str = ""
    parity: dict[str, Parity] = field(default_factory=dict)
    device_ms: Times = field(default_factory=dict)
    host_ms: Times = field(default_factory=dict)
    streams: str = ""
    refused: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON takes it, aims included."""
        return {**asdict(self), "aims": [list(aim) for aim in aims(self)]}


def aims(report: GpuReport) -> list[tuple[str, str, str]]:
    """Return each aim, what was measured of which row, and "met", "missed" or "not measured".

    The row is TensorRT's faster one by the GPU's clock. Where TensorRT refused the GPU it is ONNX Runtime's, and its neighbours,
    by the processor's clock.
    """
    row, times, clock = _best(report)
    own, unit = times.get(row, {}), f"ms ({row}, {clock})"
    eager, captured = times.get(EAGER, {}), times.get(CAPTURED, {})
    changed = [one.changed_per_thousand for one in report.parity.values() if one.precision == "float16"]
    ratio = [eager[count] / own[count] for count in own if count in eager]
    beside = [own[count] / captured[count] for count in own if count in captured]
    return [
        _aim(f"three models, 16 faces: under {AIM_16_MS} ms", own.get(16), lambda ms: ms < AIM_16_MS, unit),
        _aim(f"three models, one face: under {AIM_1_MS} ms", own.get(1), lambda ms: ms < AIM_1_MS, unit),
        _aim(
            f"at least {AIM_SPEEDUP:g} times as fast as eager",
            min(ratio, default=None),
            lambda times: times >= AIM_SPEEDUP,
            "times, at the worst batch size",
        ),
        _aim(
            "not slower than the captured graph",
            max(beside, default=None),
            lambda share: share <= 1,
            "of its time, at the worst batch size",
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
    lines += [f"engine validity: {report.validity}", ""]
    lines.append("parity against float32 ONNX Runtime on the processor")
    lines += [_parity_line(name, parity) for name, parity in report.parity.items()]
    lines += _times("GPU's clock, without copies", report.device_ms)
    lines += _times("processor's clock, with copies", report.host_ms)
    lines += ["", f"models on one stream or on their own: {report.streams or 'not measured'}"]
    lines += [f"  {name}: not measured: {reason}" for name, reason in report.refused.items()]
    lines += ["", "aims", *(f"  {aim:<44} {verdict:<14} {found}" for aim, found, verdict in aims(report))]
    return "\n".join(lines)


def _best(report: GpuReport) -> tuple[str, Times, str]:
    """Return the row that the aims are about, the table it stands in, and that table's clock."""
    rows = [row for row in (ONE_STREAM, SIDE_BY_SIDE) if report.device_ms.get(row)]
    if rows:
        best = min(rows, key=lambda row: sum(report.device_ms[row].values()))
        return best, report.device_ms, "GPU's clock"
    return ONNXRUNTIME, report.host_ms, "processor's clock"


def _aim(text: str, found: float | None, met: Callable[[float], bool], unit: str) -> tuple[str, str, str]:
    if found is None:
        return text, "-", "not measured"
    return text, f"{found:.3g} {unit}", "met" if met(found) else "missed"


def _parity_line(name: str, parity: Parity) -> str:
    (share, years), refusal = parity.largest, parity.refusal()
    return (
        f"  {name:<44} {share:.2g} in a probability, {years:.2g} years, {parity.changed_per_thousand:.2g} in 1,000 "
        f"changed, {parity.faces} faces{refusal and '; refused: ' + refusal}"
    )


def _times(clock: str, times_ms: Mapping[str, Mapping[int, float]]) -> list[str]:
    """Return a table of times; a batch size that a row lacks is a dash."""
    counts: Sequence[int] = sorted({count for own in times_ms.values() for count in own})
    lines = ["", f"milliseconds of the three models by the {clock}, median (faces a second and model)"]
    lines.append(f"  {'':<24}" + "".join(f"{f'batch {count}':>20}" for count in counts))
    for name, own in times_ms.items():
        cells = "".join(f"{_cell(count, own.get(count)):>20}" for count in counts)
        lines.append(f"  {name:<24}{cells}")
    return lines


def _cell(count: int, own_ms: float | None) -> str:
    return "-" if not own_ms else f"{own_ms:.4f} ({1e3 * count / own_ms:,.0f})"
