"""Back ends that run a network: one per file of this package, the file's name is the back end's name.

A file holds one class ending in `Backend` with the protocol below, and `available() -> str` (why it can't be
used on this machine, empty when it can), which must be cheap: the window asks it for every back end. One that can
compute in several number formats names them in `PRECISIONS`, and its class takes one of them or None. One that has
something to find out once on a machine does so in `settle(folder, card)`, which `engines.choice` calls, and tells what
it remembers in `settled(card)`. A back end imports its library inside its methods, so that importing this package
never loads one.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engines.card import ModelCard
from engines.errors import EngineError
from engines.machine import processor_count

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

MAX_BATCH = 16
"""Most faces a back end takes in one run; the engine splits larger batches."""

# Best first, until `engines.choice` has measured: GPUs, then OpenVINO, then ONNX Runtime, which is always there.
# OpenVINO computes in bfloat16 where the processor has it, and is worth it: a run takes half the time, while near ties
# are read again in float32, so that fewer than 1 face in 1,000 is decided differently; age moves by 0.03 years on average
# (at most 0.94). Without bfloat16 both give the same numbers in about the same time.
_PREFERENCE = ("tensorrt", "onnxruntime_cuda", "openvino_gpu", "openvino", "onnxruntime")


class Backend(Protocol):
    """Runs one network. Any thread may call it, one at a time."""

    description: str
    """For people, known after `load`: library, number format and device, for example "OpenVINO bf16 CPU"."""
    precision: str
    """Number format of the arithmetic, known after `load`: "float32", "bfloat16" or "float16"."""

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Read and prepare a model for batches of 1 to `MAX_BATCH`.

        Args:
            path: The ONNX file.
            card: Its card; input and outputs are compared with it.
            threads: Processor threads for one run; None = `default_threads()`.

        Raises:
            CardError: The file's input or outputs differ from the card.
            EngineError: The library refused the model.
        """

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch.

        Args:
            batch: uint8 (N, *card.input.chip_shape), C-contiguous, 1 <= N <= `MAX_BATCH`.

        Returns:
            Output name -> float32 (N, width), for every head of the card; arrays that the caller owns.

        Raises:
            EngineError: The library failed.
        """

    def close(self) -> None:
        """Release the model; may be called twice."""


@runtime_checkable
class Overlaps(Backend, Protocol):
    """A back end whose runs go on while the processor does something else."""

    def submit(self, batch: Bytes) -> None:
        """Begin a run of one batch, as for `Backend.run`, and return at once."""

    def collect(self, count: int) -> dict[str, Floats]:
        """Wait for the run that `submit` began with `count` faces; returns and raises as `Backend.run`."""


def backend_names() -> tuple[str, ...]:
    """Return the names of all back ends of this program, most preferred first, usable here or not."""
    found = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    known = [name for name in _PREFERENCE if name in found]
    return (*known, *sorted(found - set(known)))


def unavailable_reason(name: str) -> str:
    """Return why a back end can't be used on this machine and what to do; empty when it can.

    Raises:
        EngineError: There is no back end of that name.
    """
    return str(_module(name).available())


def precisions(name: str) -> tuple[str, ...]:
    """Return the number formats that a back end can be asked for, its own choice first; empty where it has but one.

    Raises:
        EngineError: There is no back end of that name.
    """
    return tuple(getattr(_module(name), "PRECISIONS", ()))


def create_backend(name: str, precision: str | None = None) -> Backend:
    """Return a fresh back end, nothing loaded yet.

    Args:
        name: See `backend_names`.
        precision: One of `precisions(name)`; None = the back end's own choice.

    Raises:
        EngineError: There is no back end of that name, it can't be used on this machine, or not with that number
            format.
    """
    if reason := unavailable_reason(name):
        raise EngineError(f"back end {name}: {reason}")
    module = _module(name)
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and value.__name__.endswith("Backend")
    ]
    if len(classes) != 1:
        raise EngineError(
            f"{module.__name__}: expected one class ending in Backend, found {len(classes)}; fix the file"
        )
    known = precisions(name) or (str(vars(classes[0])["precision"]),)
    if precision not in (None, *known):
        raise EngineError(
            f"back end {name}: expected the number format {' or '.join(known)}, found {precision!r}; choose one of these"
        )
    backend: Backend = classes[0](precision) if precision and precisions(name) else classes[0]()
    return backend


def settle_backend(name: str, folder: Path, card: ModelCard) -> None:
    """Let a back end that can be used here find out once what runs best on this machine; most have nothing to.

    Args:
        name: See `backend_names`.
        folder: Of a model to do it with.
        card: Its card.

    Raises:
        EngineError: There is no back end of that name, or it failed.
    """
    if settle := getattr(_module(name), "settle", None):
        settle(folder, card)


def settled_text(name: str, card: ModelCard) -> str:
    """Return what `settle_backend` found out on this machine, in words; empty where there is nothing to tell.

    Args:
        name: See `backend_names`.
        card: Of a model.

    Raises:
        EngineError: There is no back end of that name, or it can't be used here.
    """
    settled = getattr(_module(name), "settled", None)
    return str(settled(card)) if settled else ""


def default_threads() -> int:
    """Return how many threads one run uses unless told otherwise: half of the processors, at most four.

    Measured on two processors with a network of 140 million multiplications (ONNX Runtime, one face): alone,
    one thread takes 2.2 ms and two take 1.6 ms. While another thread keeps one processor busy, as tracking
    does, both take 2.0 ms, but the second thread costs the other thread 30% of its speed.
    """
    return max(1, min(4, processor_count() // 2))


def resolve_threads(threads: int | None) -> int:
    """Return the number of threads to use.

    Raises:
        EngineError: It is not a whole number from 1 to 64.
    """
    if threads is None:
        return default_threads()
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= 64:
        raise EngineError(
            f"threads: expected a whole number from 1 to 64 or none for automatic, found {threads!r}"
        )
    return threads


def _module(name: str) -> ModuleType:
    if name not in backend_names():
        raise EngineError(f"back end: expected auto or one of {', '.join(backend_names())}, found {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
