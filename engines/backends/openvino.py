"""OpenVINO on the processor: bfloat16 where the processor has it, which halves the time of a run.

Measured on an AMD EPYC with AVX-512 BF16, one thread each, a network of 140 million multiplications: one face
1.1 ms (float32 2.5, ONNX Runtime 2.2), four faces 3.1 ms (5.9 and 6.2).
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.backends import MAX_BATCH, Bytes, Floats, resolve_threads
from engines.card import ModelCard
from engines.errors import EngineError
from engines.signature import Tensor, check_signature

if TYPE_CHECKING:
    from types import ModuleType

# "dynamic": as in the file, and networks are exported in float32.
_NUMBER_FORMATS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16", "dynamic": "float32"}
_WARM_BATCHES = (1, 2, 3, 4)
"""Batch sizes run once on loading: the first run of a size takes 2 to 30 ms longer and may drop a frame."""


def available() -> str:
    """Return why OpenVINO can't be used here; empty when it can."""
    return "" if find_spec("openvino") else "OpenVINO is not installed; run: pip install openvino"


class OpenVinoBackend:
    """One compiled model and its inference request."""

    description = "OpenVINO CPU"
    precision = "float32"

    def __init__(self) -> None:
        self._request: Any = None
        self._tensor: Any = None
        self._outputs: dict[str, int] = {}

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Compile the model; see `engines.backends.Backend`."""
        openvino = _import_openvino()
        spec, threads = card.input, resolve_threads(threads)
        try:
            core = openvino.Core()
            model = _read_onnx(path)
            check_signature(card, _tensors(model.inputs), _tensors(model.outputs))
            # A bounded batch is at most 5% slower than a model compiled for each size, and never recompiled.
            batch = openvino.Dimension(1, MAX_BATCH)
            model.reshape({spec.name: openvino.PartialShape([batch, *spec.chip_shape])})
            compiled = core.compile_model(model, "CPU", _settings(threads))
            short_format = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
            self._outputs = _output_indices(compiled, card)
            self._request, self._tensor = compiled.create_infer_request(), openvino.Tensor
        except _library_errors() as error:
            raise EngineError(
                f"{path}: OpenVINO can't load the model ({_last_line(error)}); restore it"
            ) from error
        self.precision, self.description = _NUMBER_FORMATS[short_format], f"OpenVINO {short_format} CPU"
        for size in _WARM_BATCHES:
            self.run(np.zeros((size, *spec.chip_shape), dtype=np.uint8))

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch; see `engines.backends.Backend`."""
        if self._request is None:
            raise EngineError("OpenVINO: expected a loaded model, found none; load it first")
        try:
            self._request.set_input_tensor(0, self._tensor(batch, shared_memory=batch.flags.writeable))
            self._request.infer()
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed ({_last_line(error)}); choose another back end") from error
        request = self._request
        return {
            name: np.array(request.get_output_tensor(index).data) for name, index in self._outputs.items()
        }

    def close(self) -> None:
        """Release the compiled model."""
        self._request = None


def _import_openvino() -> ModuleType:
    """Import OpenVINO without its usage reports.

    Its import makes a client id in ~/intel and forks a process that sends an event to Google Analytics (seen
    with strace: a look-up of the host). With the reporting package hidden it uses its own empty stand-in.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise EngineError(
            f"OpenVINO can't be imported ({error}); run: pip install --force-reinstall openvino"
        ) from error
    return openvino  # type: ignore[no-any-return]


def _read_onnx(path: Path) -> Any:
    """Read a model as ONNX: left to guess, OpenVINO tries other formats on a broken file."""
    from openvino.frontend import FrontEndManager

    reader = FrontEndManager().load_by_framework("onnx")
    return reader.convert(reader.load(str(path)))


def _library_errors() -> tuple[type[Exception], ...]:
    """Return what OpenVINO raises: its classes share no base below Exception."""
    from openvino import frontend

    names = ("GeneralFailure", "InitializationFailure", "NotImplementedFailure")
    return (
        *(getattr(frontend, name) for name in (*names, "OpConversionFailure", "OpValidationFailure")),
        RuntimeError,
    )


def _settings(threads: int) -> dict[str, object]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # A pinned thread would fight with tracking for a core; the latency alone is the same either way.
        "ENABLE_CPU_PINNING": False,
    }


def _tensors(ports: list[Any]) -> dict[str, Tensor]:
    """Return name -> tensor of a model's inputs or outputs."""
    return {
        name: Tensor(
            port.element_type.to_dtype().name,
            tuple(size.get_length() if size.is_static else None for size in port.partial_shape),
        )
        for port in ports
        for name in port.get_names()
    }


def _output_indices(compiled: Any, card: ModelCard) -> dict[str, int]:
    wanted = {head.output for head in card.heads}
    return {
        name: index
        for index, port in enumerate(compiled.outputs)
        for name in port.get_names()
        if name in wanted
    }


def _last_line(error: Exception) -> str:
    """Return the part of OpenVINO's many-line errors that says what is wrong."""
    return str(error).strip().rsplit("\n", maxsplit=1)[-1]
