"""From a model to a plan for the GPU of this machine: taken from the cache, or built and kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engines.card import ModelCard
from engines.errors import CardError, EngineError
from engines.model_file import checked_model
from engines.tensorrt.build import BuildSettings, Built, build_plan, supported_compute_capabilities
from engines.tensorrt.build_control import BuildControl
from engines.tensorrt.cache import CachedPlan, PlanCache, PlanKey
from engines.tensorrt.cuda import import_runtime
from engines.tensorrt.cuda_driver import Driver, driver_too_old, find_driver
from engines.tensorrt.library import Library, find_library

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GpuMachine:
    """What of this machine runs plans.

    Attributes:
        driver: NVIDIA's driver and GPUs; the first GPU is used.
        library: The TensorRT.
        runtime: cuda-python's binding of the CUDA runtime.
    """

    driver: Driver
    library: Library
    runtime: Any


def find_machine() -> GpuMachine:
    """Return driver, library and CUDA runtime of this machine.

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
    return GpuMachine(driver, library, runtime)


def plan_key(model_sha256: str, machine: GpuMachine, settings: BuildSettings) -> PlanKey:
    """Return what a plan built here for a model is valid for."""
    driver, library, gpu = machine.driver, machine.library, machine.driver.gpus[0]
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
    )


def get_plan(
    path: Path,
    card: ModelCard,
    machine: GpuMachine,
    settings: BuildSettings,
    cache: PlanCache,
    control: BuildControl,
) -> CachedPlan:
    """Return the plan of a model for this machine.

    Args:
        path: The ONNX file.
        card: Its card, whose hash the very bytes that are compiled must have.
        machine: From `find_machine`.
        settings: What to build it for.
        cache: Where plans are kept.
        control: Progress and cancelling of a build.

    Raises:
        CardError: The model has a fixed batch size.
        BuildCancelledError: Someone cancelled.
        EngineError: The file was replaced, or the library refuses it.
    """
    model = checked_model(path, card)

    def build(timing_cache: bytes) -> Built:
        logger.warning(
            "model %s: compiled for %s now; this is done once", card.name, machine.driver.gpus[0].name
        )
        return build_plan(model, settings_for_gpu(settings, machine), machine.library, control, timing_cache)

    try:
        return cache.get_or_build(plan_key(card.sha256, machine, settings), build, control)
    except (CardError, EngineError) as error:
        raise type(error)(f"{path}: {error}") from error
    finally:
        control.end()


def settings_for_gpu(settings: BuildSettings, machine: GpuMachine) -> BuildSettings:
    """Return settings that compile for this machine's GPU alone: left to itself, TensorRT-RTX leaves out those of 7.5.

    A GPU that the library can't be told to compile for gets the library's own choice, and its own refusal.
    """
    here = ".".join(map(str, machine.driver.gpus[0].compute_capability))
    known = here in supported_compute_capabilities(machine.library)
    return replace(settings, compute_capabilities=(here,)) if known else settings
