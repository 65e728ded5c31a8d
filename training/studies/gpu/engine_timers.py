"""The rows of the GPU tables that TensorRT gives: the three shipped models on one stream, side by side, one after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.backends import unavailable_reason
from engines.backends.tensorrt import TensorRtBackend
from engines.card import load_card
from engines.crops import face_crops
from engines.errors import EngineError
from engines.models import find_model
from engines.preprocess import Bytes
from engines.tensorrt.build import BuildSettings
from engines.tensorrt.cache import PlanCache
from engines.tensorrt.plan_times import device_times_ms
from engines.tensorrt.plans import find_machine, plan_key
from engines.tensorrt.streams import Streams, keep_streams, run_together
from training.studies.gpu.timers import BATCHES, MODELS, Timer, clock_times_ms, loaded_models


@dataclass(frozen=True, slots=True)
class TensorRtRows:
    """The three models, loaded once for all rows.

    Attributes:
        backends: One a model.
        chips: uint8 (largest batch, ...), faces.
    """

    backends: list[TensorRtBackend]
    chips: Bytes

    def device(self, streams: Streams) -> Timer:
        """Return the timer by the GPU's own clock, without copies."""

        def timer(count: int, calls: int) -> list[float]:
            self._use(streams, count)
            runners = [backend.runner for backend in self.backends]
            return device_times_ms(runners, count, calls, copies=False)

        return timer

    def host(self, streams: Streams) -> Timer:
        """Return the timer by the clock, from the first model's begin to the last one's answer, copies included."""

        def timer(count: int, calls: int) -> list[float]:
            self._use(streams, count)
            batch = self.chips[:count]
            return clock_times_ms(lambda: run_together(self.backends, batch), calls)

        return timer

    def one_after_another(self, count: int, calls: int) -> list[float]:
        """Return times by the clock where each model is waited for before the next begins; see `Timer`."""
        self._use("own", count)
        batch = self.chips[:count]
        return clock_times_ms(lambda: [backend.run(batch) for backend in self.backends], calls)

    def _use(self, streams: Streams, count: int) -> None:
        for backend in self.backends:
            backend.use_streams(streams)
        run_together(self.backends, self.chips[:count])


def tensorrt_rows() -> TensorRtRows:
    """Load the three models.

    Raises:
        CardError: A shipped model is missing or damaged.
        EngineError: TensorRT can't be used here, or refused one.
    """
    if reason := unavailable_reason("tensorrt"):
        raise EngineError(reason)
    loaded = loaded_models(TensorRtBackend)
    chips = face_crops(loaded[0][1].input, max(BATCHES))
    return TensorRtRows([backend for backend, _ in loaded], np.ascontiguousarray(chips))


def remember_streams(shared_ms: dict[int, float], own_ms: dict[int, float]) -> Streams:
    """Keep the faster way for this machine's program, as the first start would have found it; return it.

    Args:
        shared_ms: Faces in a call -> milliseconds of the three models on one stream, by the clock.
        own_ms: The same on streams of their own.

    Raises:
        EngineError: TensorRT can't be used here.
    """
    card = load_card(find_model(MODELS[0]))
    key = plan_key(card.sha256, find_machine(), BuildSettings())
    return keep_streams(PlanCache(), key, {"own": own_ms, "shared": shared_ms})
