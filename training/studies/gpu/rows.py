"""Readies the rows of the GPU tables and times them in turns; one that fails costs no other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from training.studies.gpu import report as gpu_report
from training.studies.gpu.engine_timers import tensorrt_rows
from training.studies.gpu.report import GpuReport
from training.studies.gpu.timers import (
    BATCHES,
    Timer,
    TorchRow,
    captured_row,
    compiled_row,
    eager_row,
    onnxruntime_timer,
)

_CALLS, _WARM_UP = 20, 5
_REASON_CHARACTERS = 300

Make = Callable[[], Mapping[str, Timer]]
"""Loads what runs together; returns "device" or "host", "/" and row -> timer."""


@dataclass(frozen=True, slots=True)
class Row:
    """A timer that was compiled, captured and warmed up for some batch sizes."""

    timer: Timer
    batches: tuple[int, ...]


def makers(tensorrt: bool) -> dict[str, Make]:
    """Return what is loaded one after another."""
    found: dict[str, Make] = {
        gpu_report.EAGER: lambda: _both(gpu_report.EAGER, eager_row),
        gpu_report.CAPTURED: lambda: _both(gpu_report.CAPTURED, captured_row),
        gpu_report.ONNXRUNTIME: lambda: {f"host/{gpu_report.ONNXRUNTIME}": onnxruntime_timer()},
    }
    return {"TensorRT": _tensorrt, **found} if tensorrt else found


def _tensorrt() -> Mapping[str, Timer]:
    rows = tensorrt_rows()
    return {
        f"device/{gpu_report.ONE_STREAM}": rows.device("shared"),
        f"device/{gpu_report.SIDE_BY_SIDE}": rows.device("own"),
        f"host/{gpu_report.ONE_STREAM}": rows.host("shared"),
        f"host/{gpu_report.SIDE_BY_SIDE}": rows.host("own"),
        f"host/{gpu_report.ONE_BY_ONE}": rows.one_after_another,
    }


def _both(name: str, make: Callable[[], TorchRow]) -> Mapping[str, Timer]:
    row = make()
    return {f"device/{name}": row.device, f"host/{name}": row.host}


def compiled_rows() -> Mapping[str, Timer]:
    """Return the rows of torch.compile, which come last: compiling takes minutes and may fail in ways of its own."""
    return _both(gpu_report.COMPILED, compiled_row)


def ready_rows(what: str, make: Make, report: GpuReport, budget_s: float | None = None) -> dict[str, Row]:
    """Return rows that were compiled, captured and warmed up; what can't run is noted.

    Args:
        what: Named where something can't run.
        make: Loads them.
        report: Gets the reasons.
        budget_s: When it is over, larger batch sizes are left out; None = never.
    """
    end_s = None if budget_s is None else time.monotonic() + budget_s
    timers = attempt(what, make, report) or {}
    ready: dict[str, list[int]] = {name: [] for name in timers}
    for count in BATCHES:
        if end_s is not None and time.monotonic() > end_s:
            report.refused[what] = f"from batch {count} on: its {budget_s:g} s were over"
            break
        for name, timer in timers.items():
            if attempt(name, lambda timer=timer, count=count: timer(count, _WARM_UP), report) is not None:
                ready[name].append(count)
    return {name: Row(timers[name], tuple(counts)) for name, counts in ready.items() if counts}


def in_turns(rows: Mapping[str, Row], rounds: int, report: GpuReport) -> None:
    """Time every row in turns, so that clocks and heat of the GPU hit all alike; put the medians into the report.

    A row that fails is timed no more; what it gave before stays.
    """
    taken: dict[str, dict[int, list[float]]] = {name: {} for name in rows}
    failed: set[str] = set()
    for count in BATCHES:
        for _ in range(rounds):
            for name, row in rows.items():
                if name in failed or count not in row.batches:
                    continue
                times_ms = attempt(name, lambda row=row, count=count: row.timer(count, _CALLS), report)
                if times_ms is None:
                    failed.add(name)
                else:
                    taken[name].setdefault(count, []).extend(times_ms)
    for name, own in taken.items():
        clock, _, row_name = name.partition("/")
        times = report.device_ms if clock == "device" else report.host_ms
        if own:
            times[row_name] = {count: statistics.median(times_ms) for count, times_ms in own.items()}


def attempt(what: str, do: Callable[[], Any], report: GpuReport) -> Any:
    """Return what a step gives; None where it failed, which is noted.

    Any error: PyTorch's, its compiler's and the libraries' have no common kind, and none may cost the other rows.
    """
    try:
        return do()
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        report.refused[what] = reason[:_REASON_CHARACTERS]
        return None
