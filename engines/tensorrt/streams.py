"""Whether several models run faster on one stream or each on its own: measured on this machine, kept for it.

One stream runs models one after another without gaps; streams of their own let the GPU run several at once, and cost a wait
each. Which is faster depends on the GPU and on how much of it a few faces fill, so nothing is taken for granted: until it
was measured every model keeps its own stream, where it waits for no other.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Literal, Protocol, get_args

from engines.json_text import parse_json
from engines.preprocess import Bytes
from engines.tensorrt.cache import PlanCache, PlanKey

logger = logging.getLogger(__name__)

Streams = Literal["own", "shared"]
STREAMS: tuple[Streams, ...] = get_args(Streams)
DEFAULT: Streams = "own"
_NAMES: dict[Streams, str] = {"own": "streams of their own", "shared": "one stream"}
BUDGET_S = 0.3
_FEWEST_TURNS, _MOST_TURNS = 5, 200
_WARM_UP = 3
_WORTH = 0.95
"""One stream must take at most this share of the other's time: less is no difference, and the default is safer."""
_KIND = "streams"

StreamTimes = dict[Streams, dict[int, float]]
"""Setting -> faces in a call of each model -> median milliseconds from the first model's begin to the last one's answer."""


class Overlapping(Protocol):
    """A loaded back end whose runs may overlap with those of others."""

    def use_streams(self, streams: Streams) -> None:
        """Take the own stream or the shared one."""

    def submit(self, batch: Bytes) -> None:
        """Begin a run."""

    def collect(self, count: int) -> Mapping[str, Any]:
        """Wait for it."""


def measure_streams(
    backends: Sequence[Overlapping],
    batches: Sequence[Bytes],
    budget_s: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> StreamTimes:
    """Time several models' runs in either way, in turns.

    Args:
        backends: Loaded; they are left with the last of `STREAMS`.
        batches: Faces of each size that counts.
        budget_s: How long; None = `BUDGET_S`.
        clock: In seconds.

    Raises:
        GpuError: The GPU failed.
    """
    taken_ms: dict[Streams, dict[int, list[float]]] = {
        streams: {len(batch): [] for batch in batches} for streams in STREAMS
    }
    end_s = clock() + (BUDGET_S if budget_s is None else budget_s)
    for turn in range(_MOST_TURNS + _WARM_UP):
        if turn >= _FEWEST_TURNS + _WARM_UP and clock() >= end_s:
            break
        for streams in STREAMS:
            for backend in backends:
                backend.use_streams(streams)
            run_together(backends, batches[0])  # what a stream does first takes longer
            for batch in batches:
                started_s = clock()
                run_together(backends, batch)
                if turn >= _WARM_UP:
                    taken_ms[streams][len(batch)].append((clock() - started_s) * 1e3)
    return {
        streams: {count: median(times) for count, times in own.items()} for streams, own in taken_ms.items()
    }


def run_together(backends: Sequence[Overlapping], batch: Bytes) -> list[Mapping[str, Any]]:
    """Begin a run of each back end on the same faces, then wait for all; return their answers.

    Raises:
        GpuError: The GPU failed.
    """
    for backend in backends:
        backend.submit(batch)
    return [backend.collect(len(batch)) for backend in backends]


def faster_streams(times_ms: Mapping[Streams, Mapping[int, float]]) -> Streams:
    """Return the faster setting, all batch sizes together; the default where there is no clear difference."""
    whole_ms = {streams: sum(own.values()) for streams, own in times_ms.items()}
    if set(whole_ms) != set(STREAMS):
        return DEFAULT
    return "shared" if whole_ms["shared"] <= _WORTH * whole_ms["own"] else DEFAULT


def keep_streams(cache: PlanCache, key: PlanKey, times_ms: StreamTimes) -> Streams:
    """Remember the faster setting for a machine's library, GPU and driver; return it.

    Args:
        cache: Of this user.
        key: Of any model on this machine.
        times_ms: From `measure_streams`.
    """
    streams = faster_streams(times_ms)
    cache.write_shared(key, _KIND, json.dumps({"streams": streams, "times_ms": times_ms}).encode())
    logger.info(
        "models on one stream or on their own: %s (%s)",
        streams,
        "; ".join(
            f"{name}: " + ", ".join(f"{count} faces {value:.3g} ms" for count, value in own.items())
            for name, own in times_ms.items()
        ),
    )
    return streams


def kept_streams(cache: PlanCache, key: PlanKey) -> Streams | None:
    """Return what was remembered; None where nothing was, or what is no setting."""
    found = _kept(cache, key).get("streams")
    return next((streams for streams in STREAMS if streams == found), None)


def streams_text(cache: PlanCache, key: PlanKey) -> str:
    """Return what was remembered in words, with the times that decided; empty where nothing was."""
    streams = kept_streams(cache, key)
    if streams is None:
        return ""
    try:
        times_ms = _kept(cache, key)["times_ms"]
        measured = "; ".join(f"{_NAMES[name]}: {_times_text(times_ms[name])}" for name in STREAMS)
    except (ValueError, KeyError, TypeError, AttributeError):
        measured = "the times were not kept"
    return f"models of one picture run on {_NAMES[streams]} ({measured})"


def _times_text(times_ms: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{'one face' if count == '1' else f'{count} faces'} {float(value):.2g} ms"
        for count, value in times_ms.items()
    )


def _kept(cache: PlanCache, key: PlanKey) -> dict[str, Any]:
    """Return the content of the remembered file; nothing where it is missing or no such file."""
    try:
        content = parse_json(cache.read_shared(key, _KIND))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
