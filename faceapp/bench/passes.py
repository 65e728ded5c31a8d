"""One pass of the pipeline over an input: as fast as possible, at a camera's pace, or long for its memory."""

from __future__ import annotations

import gc
import time
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np

from engines.machine import resident_mib
from faceapp.analysis.analyzer import make_reader, make_tracker
from faceapp.bench.inputs import PacedCamera, endless
from faceapp.pipeline import Pipeline
from faceapp.settings import Settings
from faceapp.types import FrameResult, Source

STAGES = ("decode", "track", "crop", "infer", "smooth", "total", "capture_to_result")
WARM_UP_FRAMES = 30
MEMORY_WARM_UP_FRAMES = 1000
"""Allocators, MediaPipe's buffers and the 5 s of statistics are full by then."""
MEMORY_SAMPLE_FRAMES = 100


class Timings:
    """A recorder that keeps times and number of faces of all results but the first `skip`, and no picture."""

    def __init__(self, skip: int = 0) -> None:
        self.timing_ms: list[dict[str, float]] = []
        self.faces: list[int] = []
        self._skip = skip

    def put(self, result: FrameResult) -> bool:
        """Take one result."""
        if self._skip:
            self._skip -= 1
        else:
            self.timing_ms.append(result.timing_ms)
            self.faces.append(len(result.faces))
        return True

    def extend(self, other: Timings) -> None:
        """Add the results of another pass."""
        self.timing_ms += other.timing_ms
        self.faces += other.faces

    def percentiles(self) -> dict[str, dict[str, float]]:
        """Return stage -> p50, p95 and p99 in milliseconds."""
        columns = {stage: [times[stage] for times in self.timing_ms if stage in times] for stage in STAGES}
        return {
            stage: dict(zip(("p50", "p95", "p99"), np.percentile(values, (50, 95, 99)).tolist(), strict=True))
            for stage, values in columns.items()
            if values
        }


def fast_pass(text: str, settings: Settings, frames: int) -> tuple[float, Timings, str]:
    """Analyse as fast as possible.

    Returns:
        Frames a second after the warm-up, the times of every result, and the engines that ran.
    """
    timings = Timings(WARM_UP_FRAMES)
    pipeline = _pipeline(endless(text), settings)
    pipeline.set_recorder(timings)
    with closing(pipeline.results()) as results:
        for number, _ in enumerate(results, start=1):
            if number == WARM_UP_FRAMES:
                started_s = time.perf_counter()
            elif number == WARM_UP_FRAMES + frames:
                break
        seconds = time.perf_counter() - started_s
        return frames / seconds, timings, pipeline.description


def live_pass(text: str, settings: Settings, frames: int, rate_hz: float) -> dict[str, Any]:
    """Analyse as from a camera of this rate, until so many results came after the warm-up.

    Returns:
        `rate_hz`; after the warm-up `captured`, of these `analysed` and `dropped` (by the pipeline), and `missed`
        (never captured); `stages_ms`.
    """
    timings = Timings(WARM_UP_FRAMES)
    camera = PacedCamera(endless(text), rate_hz)
    pipeline = _pipeline(camera, settings)
    pipeline.set_recorder(timings)
    with closing(pipeline.results()) as results:
        for number, _ in enumerate(results, start=1):
            if number == WARM_UP_FRAMES:
                before, missed = pipeline.statistics(), camera.missed
            elif number == WARM_UP_FRAMES + frames:
                break
        after = pipeline.statistics()
        return {
            "rate_hz": rate_hz,
            # Frames on their way at either moment have no result to be counted with yet.
            "captured": (after.captured - after.in_flight) - (before.captured - before.in_flight),
            "analysed": after.analysed - before.analysed,
            "dropped": after.dropped - before.dropped,
            "missed": camera.missed - missed,
            "stages_ms": timings.percentiles(),
        }


def memory_pass(text: str, settings: Settings, frames: int) -> dict[str, Any]:
    """Analyse as fast as possible and watch the memory of the process after a warm-up of 1,000 frames.

    Returns:
        `frames` after the warm-up, resident MiB at its end (`warm_mib`), at the last frame (`end_mib`) and at
        most (`peak_mib`), and `growth_mib` from warm to peak.
    """
    samples: list[float] = []
    with closing(_pipeline(endless(text), settings).results()) as results:
        for number, _ in enumerate(results, start=1):
            if number == MEMORY_WARM_UP_FRAMES:
                gc.collect()
            if number >= MEMORY_WARM_UP_FRAMES and number % MEMORY_SAMPLE_FRAMES == 0:
                samples.append(resident_mib())
            if number == MEMORY_WARM_UP_FRAMES + frames:
                break
    return {
        "frames": frames,
        "warm_mib": samples[0],
        "end_mib": samples[-1],
        "peak_mib": max(samples),
        "growth_mib": max(samples) - samples[0],
    }


def _pipeline(source: Source, settings: Settings) -> Pipeline:
    return Pipeline(source, partial(make_tracker, settings), partial(make_reader, settings))
