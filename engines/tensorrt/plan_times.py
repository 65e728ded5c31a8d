"""How long runs of one plan, or of several together, take by the GPU's own clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engines.tensorrt.plan_runner import PlanRunner

IN_A_ROW = 10
"""Runs queued between two looks at the GPU's clock: while one computes the next is queued, so that the time Python takes to queue
is not counted unless it is the longer one."""


def device_times_ms(
    runners: Sequence[PlanRunner], count: int, calls: int, *, copies: bool = True, in_a_row: int = IN_A_ROW
) -> list[float]:
    """Measure runs of plans that begin together: on one stream they follow each other, on several they overlap.

    Args:
        runners: At least one; those on a stream of their own begin with the first and are waited for.
        count: Faces in a call of each.
        calls: How many figures to return.
        copies: With the copies to and from the GPU, or the kernels alone.
        in_a_row: Runs of all that each figure is the mean of.

    Returns:
        Milliseconds of one run of all, `calls` times.

    Raises:
        GpuError: The GPU failed.
    """
    for runner in runners:
        runner.prepare(count) if copies else runner.prepare_kernels(count)
    first = runners[0].cuda
    apart = [runner for runner in runners[1:] if runner.cuda.stream_handle != first.stream_handle]
    begin, end = first.event(timed=True), first.event(timed=True)
    begun, *ended = (first.event() for _ in range(1 + len(apart)))
    try:
        times_ms = []
        for _ in range(calls):
            first.record(begin)
            for _ in range(in_a_row):
                _queue_all(runners, count, copies, dict(zip(apart, ended, strict=True)), begun)
            first.record(end)
            times_ms.append(first.elapsed_ms(begin, end) / in_a_row)
        return times_ms
    finally:
        for event in (begin, end, begun, *ended):
            first.free_event(event)


def _queue_all(
    runners: Sequence[PlanRunner], count: int, copies: bool, ended: dict[PlanRunner, Any], begun: Any
) -> None:
    """Queue one run of each; those with a mark of their own run on another stream, from the first one's begin to its end."""
    first = runners[0].cuda
    if ended:
        first.record(begun)
    for runner in runners:
        if runner in ended:
            runner.cuda.wait_for(begun)
        runner.launch(count, copies=copies)
        if runner in ended:
            runner.cuda.record(ended[runner])
    for event in ended.values():
        first.wait_for(event)
