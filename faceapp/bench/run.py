"""The measurements of `faceapp bench`, and what they were taken on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from engines.models import find_model
from faceapp.analysis.analyzer import AUTO_MODELS
from faceapp.bench import passes
from faceapp.bench.inputs import is_picture
from faceapp.bench.labels import label_pass
from faceapp.bench.passes import Timings, fast_pass, live_pass, memory_pass
from faceapp.bench.plain_loop import plain_loop
from faceapp.settings import Settings

_LIBRARIES = ("mediapipe", "opencv-contrib-python", "onnxruntime", "numpy", "av")


def run_bench(
    inputs: Sequence[str],
    settings: Settings,
    frames: int | None = None,
    live_rate_hz: float | None = 30.0,
    memory_frames: int | None = None,
    rounds: int = 4,
) -> dict[str, Any]:
    """Measure the pipeline on videos or pictures, each repeated as often as needed.

    Pipeline and plain loop take turns, in the other order every second round, so that both meet the same
    machine; every pass starts with 30 frames that are not timed.

    Args:
        inputs: Paths of videos or pictures.
        settings: Model, back end, threads and smoothing to measure with; what its labels add is measured apart.
        frames: Timed frames a pass; None takes 200.
        live_rate_hz: Frames a second of the run at a camera's pace; None leaves it out.
        memory_frames: Frames over which the memory is watched; None leaves it out.
        rounds: Passes of the pipeline, and of the plain loop.

    Returns:
        `machine`, and `inputs` with one entry an input: `pipeline`, `plain_loop`, `ratio`, `live`, `memory`, `labels`.

    Raises:
        SourceError: An input can't be read.
        CardError: A model is missing or damaged.
        EngineError: A back end refuses a model.
        SessionError: A label is missing, damaged or of another network.
    """
    frames = frames or 200
    with_labels, settings = settings, replace(settings, labels=None)
    entries = []
    for text in inputs:
        entry = _compare(text, settings, frames, rounds)
        if live_rate_hz is not None:
            entry["live"] = live_pass(text, settings, frames, live_rate_hz)
        if memory_frames is not None:
            entry["memory"] = memory_pass(text, settings, memory_frames)
        if with_labels.labels is not None:
            entry["labels"] = label_pass(text, with_labels, frames, rounds)
        entries.append(entry)
    return {"machine": _machine(), "inputs": entries}


def _compare(text: str, settings: Settings, frames: int, rounds: int) -> dict[str, Any]:
    """Let pipeline and plain loop take turns."""
    model = find_model(AUTO_MODELS["none"] if settings.model == "auto" else settings.model)
    faces = _faces_to_find(text, settings)
    every = Timings()
    rates_hz: list[float] = []
    plain_rates_hz: list[float] = []
    for number in range(rounds):
        for plain in (False, True) if number % 2 == 0 else (True, False):
            if plain:
                plain_rates_hz.append(
                    plain_loop(text, model, faces=faces, frames=frames, warm_up=passes.WARM_UP_FRAMES)
                )
            else:
                rate_hz, timings, engines = fast_pass(text, settings, frames)
                rates_hz.append(rate_hz)
                every.extend(timings)
    ratios = [ours / plain for ours, plain in zip(rates_hz, plain_rates_hz, strict=True)]
    return {
        "input": Path(text).name,
        "kind": "picture" if is_picture(text) else "video",
        "frames_a_pass": frames,
        "faces_mean": float(np.mean(every.faces)),
        "engines": engines,
        "pipeline": _rates(rates_hz) | {"stages_ms": every.percentiles()},
        "plain_loop": _rates(plain_rates_hz) | {"max_faces": faces},
        "ratio": median(ratios),
        "ratios": ratios,
    }


def _faces_to_find(text: str, settings: Settings) -> int:
    """Return how many faces the plain loop looks for: one, its usual setting, or all where there are more."""
    _, timings, _ = fast_pass(text, settings, passes.WARM_UP_FRAMES)
    return 1 if max(timings.faces) <= 1 else settings.max_faces


def _rates(rates_hz: Sequence[float]) -> dict[str, Any]:
    return {"frames_per_second": median(rates_hz), "passes": list(rates_hz)}


def _machine() -> dict[str, Any]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable,
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    """Return the processor's name where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
