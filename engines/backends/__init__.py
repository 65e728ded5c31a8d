"""Back ends that run a network: one per file of this package, the file's name is the back end's name.

A file holds one class ending in `Backend` with the methods of `engines.backend.Backend`, and `available() -> str` (why
it can't be used on this machine, empty when it can), which must be cheap: the window asks it for every back end. One that
can compute in several number formats names them in `PRECISIONS`, and its class takes one of them or None. One that has
something to find out once on a machine does so in `settle(folder, card)`, which `engines.choice` calls, and tells what
it remembers in `settled(card)`. A back end imports its library inside its methods, so that importing this package
never loads one.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from engines.backend import Backend
from engines.card import ModelCard
from engines.errors import EngineError

# Best first, until `engines.choice` has measured: GPUs, then OpenVINO, then ONNX Runtime, which is always there.
# OpenVINO computes in bfloat16 where the processor has it, and is worth it: a run takes half the time, while near ties
# are read again in float32, so that fewer than 1 face in 1,000 is decided differently; age moves by 0.03 years on average
# (at most 0.94). Without bfloat16 both give the same numbers in about the same time.
_PREFERENCE = ("tensorrt", "onnxruntime_cuda", "openvino_gpu", "openvino", "onnxruntime")


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


def _module(name: str) -> ModuleType:
    if name not in backend_names():
        raise EngineError(f"back end: expected auto or one of {', '.join(backend_names())}, found {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
