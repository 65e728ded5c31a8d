"""TensorRT on an NVIDIA GPU: float16 kernels compiled for this GPU once, then kept, and run as CUDA graphs."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from engines.backend import Bytes, Floats, resolve_threads
from engines.backends.onnxruntime import OnnxRuntimeBackend
from engines.card import MODEL_FILE, ModelCard
from engines.errors import EngineError, GpuError
from engines.parity import check_build
from engines.signature import check_signature
from engines.tensorrt.build import BuildSettings, Precision
from engines.tensorrt.build_control import control_of_build
from engines.tensorrt.cache import PlanCache, PlanKey
from engines.tensorrt.cuda import Cuda
from engines.tensorrt.plan_runner import PlanRunner
from engines.tensorrt.plans import GpuMachine, find_machine, get_plan, plan_key
from engines.tensorrt.streams import (
    DEFAULT,
    Streams,
    keep_streams,
    kept_streams,
    measure_streams,
    streams_text,
)

logger = logging.getLogger(__name__)

PRECISIONS: tuple[Precision, ...] = ("float16", "float32")
_READY_BATCHES = (1, 2, 3, 4)
"""Batch sizes captured on loading; others on first use, which then takes some milliseconds."""
_TOGETHER, _TOGETHER_BATCHES = 3, (1, 4)
"""Models that may read one picture (free face, headset, mask), and faces in a call, for the choice of streams."""
_PRECISION_NAMES: dict[Precision, tuple[str, str]] = {
    "float16": ("float16", "fp16"),
    "float32": ("float32", "fp32"),
    "as_written": ("int8", "int8"),
}
"""Setting -> number format, and its short form for the description."""


def available() -> str:
    """Return why TensorRT can't be used here and what to do; empty when it can."""
    try:
        find_machine()
    except EngineError as error:
        return str(error)
    return ""


def settle(folder: Path, card: ModelCard) -> None:
    """Measure once on this machine whether several models run faster on one stream or on their own, and keep it.

    Nothing is measured where engines can't be kept.

    Args:
        folder: Of the model that stands for all: it is loaded several times.
        card: Its card.

    Raises:
        EngineError: It can't be loaded, or the GPU failed.
    """
    machine, cache = find_machine(), PlanCache()
    key = plan_key(card.sha256, machine, BuildSettings())
    if kept_streams(cache, key) is not None:
        return
    with ExitStack() as stack:
        backends = []
        for _ in range(_TOGETHER):
            backends.append(TensorRtBackend())
            stack.callback(backends[-1].close)
            backends[-1].load(folder / MODEL_FILE, card, None)
            if backends[-1].built:
                return  # engines can't be kept here: each further one would be built too, at every start
        shape = card.input.chip_shape
        batches = [np.zeros((count, *shape), dtype=np.uint8) for count in _TOGETHER_BATCHES]
        keep_streams(cache, key, measure_streams(backends, batches))


def settled(card: ModelCard) -> str:
    """Return what `settle` found out on this machine, in words; empty where it never ran or kept nothing.

    Args:
        card: Of any model.

    Raises:
        EngineError: TensorRT can't be used here.
    """
    return streams_text(PlanCache(), plan_key(card.sha256, find_machine(), BuildSettings()))


class TensorRtBackend:
    """One plan on the GPU."""

    description = "TensorRT GPU"
    precision = "float16"

    def __init__(
        self,
        precision: Precision | None = None,
        cache: PlanCache | None = None,
        streams: Streams | None = None,
    ) -> None:
        """Choose how engines are built and run.

        Args:
            precision: Of the arithmetic; None = float16.
            cache: Where engines are kept; None = this user's.
            streams: Whether models share one stream or have one each; None = what was measured on this machine, else
                `engines.tensorrt.streams.DEFAULT`.
        """
        self._settings = BuildSettings(precision or PRECISIONS[0])
        self._cache = cache or PlanCache()
        self._streams = streams
        self._runner: PlanRunner | None = None
        self._cuda: Cuda | None = None
        self._wanted: list[str] = []
        self._fresh = False

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Build the engine or take the kept one, and capture small batches; see `engines.backend.Backend`."""
        resolve_threads(threads)  # a run needs none, but a wrong number is refused as everywhere
        machine = find_machine()
        self._settings = replace(self._settings, keep_float32=card.float32_nodes)
        self._start(path, card, machine)
        self.precision, short = _PRECISION_NAMES[self._settings.precision]
        self.description = f"{machine.library.title.split()[0]} {short} GPU"
        if self._fresh:
            self._check(path, card, machine)

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch; see `engines.backend.Backend`."""
        self.submit(batch)
        return self.collect(len(batch))

    def submit(self, batch: Bytes) -> None:
        """Begin a run on the GPU and return at once; `collect` waits for it. Several models' runs may overlap.

        Raises:
            EngineError: No model is loaded.
            GpuError: The GPU failed.
        """
        runner, cuda = self._loaded()
        cuda.enter_thread()
        runner.submit(batch)

    def collect(self, count: int) -> dict[str, Floats]:
        """Return the answer of the run that `submit` began with `count` faces.

        Raises:
            EngineError: No model is loaded.
            GpuError: The GPU failed.
        """
        runner, _ = self._loaded()
        answers = runner.collect(count)
        return {name: answers[name] for name in self._wanted}

    def use_streams(self, streams: Streams) -> None:
        """Queue runs on the stream that models share, or on the own one.

        Raises:
            EngineError: No model is loaded.
            GpuError: The GPU failed.
        """
        _, cuda = self._loaded()
        cuda.enter_thread()
        cuda.share_stream(streams == "shared")

    @property
    def built(self) -> bool:
        """Whether the engine was built on loading, not taken from the kept ones."""
        return self._fresh

    @property
    def runner(self) -> PlanRunner:
        """What runs the plan, for `engines.tensorrt.plan_times`.

        Raises:
            EngineError: No model is loaded.
        """
        return self._loaded()[0]

    def describe(self) -> dict[str, int | str]:
        """Return library, memory in bytes and captured graphs; see `PlanRunner.describe`."""
        return {**self._loaded()[0].describe(), "precision": self.precision}

    def close(self) -> None:
        """Free everything on the GPU."""
        if self._runner is not None:
            self._runner.close()
        elif self._cuda is not None:
            self._cuda.close()
        self._runner = self._cuda = None

    def _start(self, path: Path, card: ModelCard, machine: GpuMachine, *, last: bool = False) -> None:
        """Get a plan and load it; one from the cache that can't be loaded is built once more."""
        key, control = plan_key(card.sha256, machine, self._settings), control_of_build(card.name)
        kept = get_plan(path, card, machine, self._settings, self._cache, control)
        self._fresh = not kept.from_cache
        try:
            self._load_plan(kept.plan, card, key, machine)
        except GpuError:
            raise
        except EngineError as error:
            if last or not kept.from_cache:
                raise
            logger.warning("model %s: the kept engine is of no use (%s); it is built again", card.name, error)
            self._cache.discard(key)
            self._start(path, card, machine, last=True)

    def _check(self, path: Path, card: ModelCard, machine: GpuMachine) -> None:
        """Refuse an engine that was built just now and leaves its tolerance; it is not kept either."""
        try:
            check_build(self, OnnxRuntimeBackend(), path, card)
        except EngineError as error:
            if not isinstance(error, GpuError):
                self._cache.discard(plan_key(card.sha256, machine, self._settings))
            self.close()
            raise

    def _load_plan(self, plan: bytes, card: ModelCard, key: PlanKey, machine: GpuMachine) -> None:
        with ExitStack() as undone:
            undone.callback(self.close)
            self._cuda = Cuda(machine.runtime)
            kernels = self._cache.read_shared(key, "runtime")
            self._runner = PlanRunner(
                machine.library, plan, self._cuda, self._settings.largest_batch, kernels
            )
            check_signature(card, self._runner.inputs, self._runner.outputs)
            self._wanted = [head.output for head in card.heads]
            for count in _READY_BATCHES:
                self._runner.prepare(count)
            self.use_streams(self._streams or kept_streams(self._cache, key) or DEFAULT)
            undone.pop_all()
        compiled = self._runner.runtime_cache()
        if compiled and compiled != kernels:
            self._cache.write_shared(key, "runtime", compiled)

    def _loaded(self) -> tuple[PlanRunner, Cuda]:
        if self._runner is None or self._cuda is None:
            raise EngineError("TensorRT: expected a loaded model, found none; load it first")
        return self._runner, self._cuda
