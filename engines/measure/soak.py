"""Many runs of one model in a row: does memory stay flat, and do slow calls stay rare?"""

from __future__ import annotations

import gc
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engines.backend import MAX_BATCH
from engines.crops import face_crops
from engines.engine import Engine, load_engine
from engines.errors import EngineError
from engines.machine import library_versions, processor_count, processor_name, resident_mib
from engines.preprocess import Bytes, Floats

SAMPLES = 200
"""How often memory is read in a soak."""
WARM_UP_SHARE = 0.02
"""Share of the calls before memory counts: allocators and caches fill up first."""
LARGEST_GROWTH_MIB = 8.0
LARGEST_TAIL = 3.0
"""Times p50 that p99 may take."""


@dataclass(frozen=True, slots=True)
class Soak:
    """What a soak found.

    Attributes:
        model: Name of the model.
        backend: Name of the back end that ran at the end.
        description: Library, number format and device.
        processor: The machine's processor.
        processors: How many this process may use.
        load: Processes that wanted a processor, averaged over the last minute, before and after; NaN on Windows.
        versions: Library -> version.
        batch: Faces in a call.
        calls: Timed calls.
        seconds: How long they took.
        p50_ms: Median of a call; the other percentiles likewise.
        first_mib: Memory in RAM after the warm-up.
        last_mib: At the end.
        growth_mib: Slope of a line through all samples times the calls, in MiB; what a leak would have added.
        problem: What the engine reported, such as a lost GPU; empty when nothing.
    """

    model: str
    backend: str
    description: str
    processor: str
    processors: int
    load: tuple[float, float]
    versions: dict[str, str]
    batch: int
    calls: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    longest_ms: float
    first_mib: float
    last_mib: float
    growth_mib: float
    problem: str = ""

    @property
    def tail(self) -> float:
        """How many times the median p99 is."""
        return self.p99_ms / self.p50_ms

    @property
    def flat(self) -> bool:
        """Whether memory stayed flat; unknown memory, as on Windows, does not count as flat."""
        return self.growth_mib <= LARGEST_GROWTH_MIB and self.last_mib - self.first_mib <= LARGEST_GROWTH_MIB

    @property
    def passed(self) -> bool:
        """Whether memory stayed flat, slow calls rare, and nothing failed."""
        return self.flat and self.tail <= LARGEST_TAIL and not self.problem

    def as_dict(self) -> dict[str, object]:
        """Return all figures and the verdicts as JSON takes them."""
        return {**asdict(self), "tail": round(self.tail, 2), "flat": self.flat, "passed": self.passed}


def soak(
    model: str | Path,
    backend: str,
    count: int,
    *,
    batch: int = 1,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Soak:
    """Run a model many times with real crops, a different one each call.

    Args:
        model: Name or folder.
        backend: Name of the back end.
        count: Timed calls.
        batch: Faces in a call, 1 to `MAX_BATCH`.
        threads: As for `engines.engine.load_engine`.
        progress: Told how many calls are done, now and then.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end is unknown, can't be used here or failed.
    """
    if not 1 <= batch <= MAX_BATCH:
        raise EngineError(f"batch: expected 1 to {MAX_BATCH} faces, found {batch}; give another number")
    before = _load()
    with load_engine(model, backend, threads) as engine:
        chips = face_crops(engine.card.input, occlusion=engine.card.occlusion)
        _run(engine, chips, batch, max(1, int(count * WARM_UP_SHARE)), None)
        times_ms, samples_mib = _run(engine, chips, batch, count, progress)
        card, name, description, problem = (
            engine.card,
            engine.backend_name,
            engine.backend_description,
            engine.problem,
        )
    p50_ms, p95_ms, p99_ms = (round(float(value), 4) for value in np.percentile(times_ms, (50, 95, 99)))
    return Soak(
        model=card.name,
        backend=name,
        description=description,
        processor=processor_name(),
        processors=processor_count(),
        load=(before, _load()),
        versions=library_versions(),
        batch=batch,
        calls=count,
        seconds=round(float(times_ms.sum()) / 1e3, 1),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        longest_ms=round(float(times_ms.max()), 3),
        first_mib=round(samples_mib[0], 2),
        last_mib=round(samples_mib[-1], 2),
        growth_mib=round(slope(samples_mib) * len(samples_mib), 2),
        problem=problem,
    )


def slope(samples: list[float]) -> float:
    """Return the least-squares growth from one sample to the next."""
    return float(np.polyfit(np.arange(len(samples)), samples, 1)[0]) if len(samples) > 1 else 0.0


def line(found: Soak) -> str:
    """Return a soak as a line for people."""
    growth = f"{found.growth_mib:+.1f} MiB" if math.isfinite(found.growth_mib) else "unknown"
    return (
        f"{'ok' if found.passed else 'failed':<8}{found.model} {found.backend} ({found.description}): {found.calls} calls of "
        f"{found.batch} in {found.seconds:.0f} s, p50 {found.p50_ms:.2f}, p95 {found.p95_ms:.2f}, p99 {found.p99_ms:.2f} ms "
        f"(p99 {found.tail:.1f} times p50, at most {LARGEST_TAIL:g}), longest {found.longest_ms:.0f} ms; memory "
        f"{found.first_mib:.0f} to {found.last_mib:.0f} MiB, trend {growth} (at most {LARGEST_GROWTH_MIB:g}); load "
        f"{found.load[0]:.1f} to {found.load[1]:.1f}{'; ' + found.problem if found.problem else ''}"
    )


def _run(
    engine: Engine, chips: Bytes, batch: int, count: int, progress: Callable[[int], None] | None
) -> tuple[Floats, list[float]]:
    """Return every call's milliseconds, and samples of memory."""
    times_ms: Floats = np.full(count, np.nan, np.float32)  # its pages are touched now, not later, as growth
    every = max(1, count // SAMPLES)
    starts = np.arange(count) * batch % (len(chips) - batch + 1)
    gc.collect()
    samples_mib: list[float] = []
    for call, start in enumerate(starts):
        if call % every == 0:
            samples_mib.append(resident_mib())
            if progress is not None:
                progress(call)
        faces = chips[start : start + batch]
        started_s = time.perf_counter()
        engine.infer(faces)
        times_ms[call] = (time.perf_counter() - started_s) * 1e3
    samples_mib.append(resident_mib())
    return times_ms, samples_mib


def _load() -> float:
    """Return how many processes wanted a processor, averaged over the last minute; NaN where that is not told."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):  # Windows
        return math.nan
