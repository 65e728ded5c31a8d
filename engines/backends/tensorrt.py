"""TensorRT on an NVIDIA GPU: float16 kernels compiled for this GPU once, then kept, and run as CUDA graphs."""

from __future__ import annotations

import hashlib
import logging
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.backends import Bytes, Floats, resolve_threads
from engines.build import BuildSettings, Built, Precision, build_plan, read_model
from engines.build_control import control_of_build
from engines.cache import CachedPlan, PlanCache, PlanKey
from engines.card import ModelCard
from engines.cuda import Cuda, import_runtime
from engines.cuda_driver import Driver, driver_too_old, find_driver
from engines.errors import CardError, EngineError, GpuError
from engines.plan_runner import PlanRunner
from engines.signature import check_signature
from engines.tensorrt_library import Library, find_library

logger = logging.getLogger(__name__)

_READY_BATCHES = (1, 2, 3, 4)
"""Batch sizes captured on loading; others on first use, which then takes some milliseconds."""
_PRECISION_NAMES: dict[Precision, tuple[str, str]] = {
    "float16": ("float16", "fp16"),
    "float32": ("float32", "fp32"),
    "as_written": ("int8", "int8"),
}
"""Setting -> number format, and its short form for the description."""


def available() -> str:
    """Return why TensorRT can't be used here and what to do; empty when it can."""
    try:
        _require()
    except EngineError as error:
        return str(error)
    return ""


class TensorRtBackend:
    """One plan on the GPU."""

    description = "TensorRT GPU"
    precision = "float16"

    def __init__(self, precision: Precision = "float16", cache: PlanCache | None = None) -> None:
        """Choose how engines are built.

        Args:
            precision: Of the arithmetic.
            cache: Where engines are kept; None = this user's.
        """
        self._settings = BuildSettings(precision)
        self._cache = cache or PlanCache()
        self._runner: PlanRunner | None = None
        self._cuda: Cuda | None = None
        self._wanted: list[str] = []

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Build the engine or take the kept one, and capture small batches; see `engines.backends.Backend`."""
        resolve_threads(threads)  # a run needs none, but a wrong number is refused as everywhere
        machine = _require()
        model = read_model(path)
        found = hashlib.sha256(model).hexdigest()
        if found != card.sha256:  # checked again on the very bytes that are compiled
            raise EngineError(
                f"{path}: expected the file with SHA-256 {card.sha256[:12]}..., found {found[:12]}...: it was "
                "replaced while it was loaded; load it again"
            )
        self._start(path, card, model, machine)
        self.precision, short = _PRECISION_NAMES[self._settings.precision]
        self.description = f"{machine.library.title.split()[0]} {short} GPU"

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch; see `engines.backends.Backend`."""
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

    def device_times_ms(self, count: int, calls: int, *, copies: bool = True) -> list[float]:
        """Return the GPU's own times of runs; see `PlanRunner.device_times_ms`."""
        return self._loaded()[0].device_times_ms(count, calls, copies=copies)

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

    def _start(
        self, path: Path, card: ModelCard, model: bytes, machine: _Machine, *, last: bool = False
    ) -> None:
        """Get a plan and load it; one from the cache that can't be loaded is built once more."""
        key = _plan_key(card.sha256, machine, self._settings)
        kept = self._plan(path, card, model, machine, key)
        try:
            self._load_plan(kept.plan, card, key, machine)
        except GpuError:
            raise
        except EngineError as error:
            if last or not kept.from_cache:
                raise
            logger.warning("model %s: the kept engine is of no use (%s); it is built again", card.name, error)
            self._cache.discard(key)
            self._start(path, card, model, machine, last=True)

    def _plan(self, path: Path, card: ModelCard, model: bytes, machine: _Machine, key: PlanKey) -> CachedPlan:
        control = control_of_build(card.name)

        def build(timing_cache: bytes) -> Built:
            return build_plan(model, self._settings, machine.library, control, timing_cache)

        try:
            return self._cache.get_or_build(key, build, control)
        except (CardError, EngineError) as error:
            raise type(error)(f"{path}: {error}") from error

    def _load_plan(self, plan: bytes, card: ModelCard, key: PlanKey, machine: _Machine) -> None:
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
            undone.pop_all()
        compiled = self._runner.runtime_cache()
        if compiled and compiled != kernels:
            self._cache.write_shared(key, "runtime", compiled)

    def _loaded(self) -> tuple[PlanRunner, Cuda]:
        if self._runner is None or self._cuda is None:
            raise EngineError("TensorRT: expected a loaded model, found none; load it first")
        return self._runner, self._cuda


@dataclass(frozen=True, slots=True)
class _Machine:
    """What of this machine runs plans."""

    driver: Driver
    library: Library
    runtime: Any


def _require() -> _Machine:
    """Return driver, library and CUDA runtime.

    Raises:
        EngineError: One of them is missing or too old; the driver is asked first, before anything is imported
            that may need it.
    """
    driver = find_driver()
    library = find_library()
    runtime = import_runtime()
    _, number = runtime.cudaRuntimeGetVersion()
    if reason := driver_too_old(driver, (int(number) // 1000, 0)):
        raise EngineError(reason)
    return _Machine(driver, library, runtime)


def _plan_key(model_sha256: str, machine: _Machine, settings: BuildSettings) -> PlanKey:
    driver, library = machine.driver, machine.library
    gpu = driver.gpus[0]
    return PlanKey(
        model_sha256=model_sha256,
        library=library.name,
        library_version=library.version,
        gpu=gpu.name,
        compute_capability=".".join(map(str, gpu.compute_capability)),
        driver=driver.version or ".".join(map(str, driver.cuda_version)),
        precision=settings.precision,
        keep_float32=settings.keep_float32,
        profile=settings.profile,
        system=sys.platform,
    )
