"""Counts of frames and times of stages while a pipeline runs."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

WINDOW_S = 5.0
_WINDOW_RESULTS = 4096  # 5 s at 800 frames a second, so that memory stays bounded whatever the speed


@dataclass(frozen=True, slots=True)
class PipelineStatistics:
    """One look at a running pipeline.

    Attributes:
        captured: Frames that entered since the start.
        analysed: Frames with a result since the start.
        dropped: Frames given up since the start, for a newer one, a seek or a stop.
        frames_per_second: Results a second over the last 5 s.
        capture_to_result_p50_ms: Median over the last 5 s; NaN without results.
        capture_to_result_p95_ms: 95th percentile over the last 5 s; NaN without results.
        stage_p50_ms: Stage -> median milliseconds over the last 5 s.
    """

    captured: int
    analysed: int
    dropped: int
    frames_per_second: float
    capture_to_result_p50_ms: float
    capture_to_result_p95_ms: float
    stage_p50_ms: dict[str, float] = field(default_factory=dict)

    @property
    def in_flight(self) -> int:
        """Frames that were captured and are neither analysed nor dropped yet."""
        return self.captured - self.analysed - self.dropped


class StatisticsRecorder:
    """Collects the counts and times of one run; may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captured = self._analysed = self._dropped = 0
        self._recent: deque[tuple[float, dict[str, float]]] = deque(maxlen=_WINDOW_RESULTS)
        self._started_s = time.perf_counter()

    def captured(self) -> None:
        """Count one frame that entered."""
        with self._lock:
            self._captured += 1

    def dropped(self, count: int = 1) -> None:
        """Count frames given up."""
        if count:
            with self._lock:
                self._dropped += count

    def analysed(self, timing_ms: dict[str, float]) -> None:
        """Count one result and remember its times (`FrameResult.timing_ms`)."""
        now_s = time.perf_counter()
        with self._lock:
            self._analysed += 1
            self._recent.append((now_s, timing_ms))

    def drop_rest(self) -> None:
        """Count every frame still in flight as dropped, once no thread is left to bring it home."""
        with self._lock:
            self._dropped = self._captured - self._analysed

    @property
    def captured_count(self) -> int:
        """Frames captured since the start."""
        return self._captured

    @property
    def analysed_count(self) -> int:
        """Results since the start."""
        return self._analysed

    def snapshot(self) -> PipelineStatistics:
        """Return counts since the start, and rate and times over the last 5 s."""
        now_s = time.perf_counter()
        with self._lock:
            while self._recent and self._recent[0][0] < now_s - WINDOW_S:
                self._recent.popleft()
            counts = self._captured, self._analysed, self._dropped
            timings = [timing_ms for _, timing_ms in self._recent]
        span_s = max(min(WINDOW_S, now_s - self._started_s), 1e-3)
        stages = _columns(timings)
        p50_ms, p95_ms = _percentiles(stages.get("capture_to_result", []), (50, 95))
        medians = {stage: _percentiles(values, (50,))[0] for stage, values in stages.items()}
        return PipelineStatistics(*counts, len(timings) / span_s, p50_ms, p95_ms, medians)


def _columns(timings: list[dict[str, float]]) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = {}
    for timing_ms in timings:
        for stage, milliseconds in timing_ms.items():
            columns.setdefault(stage, []).append(milliseconds)
    return columns


def _percentiles(values: list[float], percents: tuple[float, ...]) -> tuple[float, ...]:
    if not values:
        return tuple(float("nan") for _ in percents)
    return tuple(float(value) for value in np.percentile(values, percents))
