"""OpenVINO on the processor: bfloat16 where the processor has it, which halves the time of a run.

Measured on an AMD EPYC with AVX-512 BF16, one thread each, a network of 140 million multiplications: one face
1.1 ms (float32 2.5, ONNX Runtime 2.2), four faces 3.1 ms (5.9 and 6.2). Eight faces run at 107 billion multiplications
a second where the processor's largest float32 product of matrices reaches 49: what is left is arithmetic. Faces near a tie,
2 in 100, are read once more in float32 (`engines.near_ties`).

Eight-bit integers were tried (ONNX Runtime's static quantisation, calibrated on 700 training faces): eight faces 1.4
times faster still, but of 2,000 validation faces 6 to 9 in a thousand got another emotion, so they are not used.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.backend import MAX_BATCH, Bytes, Floats, resolve_threads
from engines.card import ModelCard
from engines.errors import EngineError, PrecisionError
from engines.model_file import checked_model
from engines.near_ties import class_outputs, read_again
from engines.signature import Tensor, check_signature
from engines.user_cache import make_private_folder, user_cache_folder

if TYPE_CHECKING:
    from types import ModuleType

logger = logging.getLogger(__name__)

PRECISIONS = ("bfloat16", "float32")
_MOST_KEPT = 12
"""Compiled models in the cache; the oldest goes."""
# "dynamic": as in the file, and networks are exported in float32.
_NUMBER_FORMATS = {"f32": "float32", "bf16": "bfloat16", "f16": "float16", "dynamic": "float32"}
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_WARM_BATCHES = (1, 2, 3, 4)
"""Batch sizes run once on loading. The very first run takes 20 ms longer, the first of a further size 2 to 3 ms (up to
9 ms while others compile): little enough that larger batches neither wait for a warm size nor are padded to one."""

_loading = threading.Lock()
"""One thread loads at a time. What OpenVINO's binding makes at first use, such as the table of number formats, it makes behind
a lock of C++ while it wants Python's: two threads that load their first models at once wait for each other for ever."""


def available() -> str:
    """Return why OpenVINO can't be used here; empty when it can."""
    return "" if find_spec("openvino") else "OpenVINO is not installed; run: pip install openvino"


class OpenVinoBackend:
    """One compiled model and its inference request; in bfloat16 beside it the same in float32 for near ties."""

    description = "OpenVINO CPU"
    precision = "float32"
    _device = "CPU"

    def __init__(self, precision: str | None = None) -> None:
        """Choose the number format.

        Args:
            precision: "float32" or "bfloat16"; None = what the library finds best on this processor.
        """
        self._wanted = precision
        self._request: Any = None
        self._tensor: Any = None
        self._outputs: dict[str, int] = {}
        self._deciding: tuple[str, ...] = ()
        self._exact: OpenVinoBackend | None = None

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Compile the model; see `engines.backend.Backend`."""
        content = checked_model(path, card)
        with _loading:
            self._load(path, content, card, resolve_threads(threads))

    def _load(self, path: Path, content: bytes, card: ModelCard, threads: int) -> None:
        openvino, spec = import_openvino(), card.input
        try:
            core = shared_core()
            model = _read_onnx(content)
            check_signature(card, _tensors(model.inputs), _tensors(model.outputs))
            # A bounded batch is at most 5% slower than a model compiled for each size, and never recompiled.
            batch = openvino.Dimension(1, MAX_BATCH)
            model.reshape({spec.name: openvino.PartialShape([batch, *spec.chip_shape])})
            compiled = core.compile_model(
                model, self._device, self._settings(threads) | self._hint() | _kept_kernels()
            )
            short_format = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
            self._outputs = _output_indices(compiled, card)
            self._request, self._tensor = compiled.create_infer_request(), openvino.Tensor
        except _library_errors() as error:
            raise EngineError(
                f"{path}: OpenVINO can't load the model ({_last_line(error)}); restore it"
            ) from error
        self.precision = _NUMBER_FORMATS[short_format]
        if self._wanted not in (None, self.precision):
            self.close()
            raise PrecisionError(
                f"OpenVINO: expected to compute in {self._wanted}, found {self.precision}: this {self._device} has no other; "
                "choose that"
            )
        self.description = f"OpenVINO {short_format} {self._device}"
        self._deciding = class_outputs(card)
        if self.precision == "bfloat16" and self._deciding:
            self._exact = OpenVinoBackend("float32")
            self._exact._load(path, content, card, threads)
        for size in _WARM_BATCHES:
            self.run(np.zeros((size, *spec.chip_shape), dtype=np.uint8))

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch; see `engines.backend.Backend`."""
        if self._request is None:
            raise EngineError("OpenVINO: expected a loaded model, found none; load it first")
        try:
            self._request.set_input_tensor(0, self._tensor(batch, shared_memory=batch.flags.writeable))
            self._request.infer()
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed ({_last_line(error)}); choose another back end") from error
        request = self._request
        said: dict[str, Floats] = {
            name: np.array(request.get_output_tensor(index).data) for name, index in self._outputs.items()
        }
        if self._exact is not None:
            read_again(said, batch, self._deciding, self._exact.run)
        return said

    def close(self) -> None:
        """Release the compiled model."""
        self._request = None
        if self._exact is not None:
            self._exact.close()
            self._exact = None

    def _hint(self) -> dict[str, object]:
        return {} if self._wanted is None else {"INFERENCE_PRECISION_HINT": _HINTS[self._wanted]}

    def _settings(self, threads: int) -> dict[str, object]:
        """Return the device's settings for the shortest time of one run."""
        return _latency(threads)


def _latency(threads: int) -> dict[str, object]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        # A pinned thread would fight with tracking for a core; the latency alone is the same either way.
        "ENABLE_CPU_PINNING": False,
    }


@cache
def shared_core() -> Any:
    """Return the library's core, one for all models of the process: they share its devices and its idle threads."""
    return import_openvino().Core()


def import_openvino() -> ModuleType:
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


def _kept_kernels() -> dict[str, object]:
    """Return the setting that keeps compiled models for the next start; nothing where no folder is ours alone.

    Compiling `multitask` takes 80 ms of a processor, taking the kept one 20; each is as large as its model. OpenVINO
    itself tells by content, version and settings which belongs to a model.
    """
    folder = user_cache_folder() / "openvino"
    try:
        make_private_folder(folder)
        kept = sorted(folder.glob("*.blob"), key=lambda blob: blob.stat().st_mtime)
        for blob in kept[: -_MOST_KEPT + 1]:
            blob.unlink(missing_ok=True)
    except OSError as error:
        logger.info("OpenVINO compiles at every start: %s can't be used (%s)", folder, error)
        return {}
    return {"CACHE_DIR": str(folder)}


def _read_onnx(content: bytes) -> Any:
    """Read a model as ONNX: left to guess, OpenVINO tries other formats on a broken file."""
    from openvino.frontend import FrontEndManager

    reader = FrontEndManager().load_by_framework("onnx")
    return reader.convert(reader.load(io.BytesIO(content)))


def _library_errors() -> tuple[type[Exception], ...]:
    """Return what OpenVINO raises: its classes share no base below Exception."""
    from openvino import frontend

    names = ("GeneralFailure", "InitializationFailure", "NotImplementedFailure")
    return (
        *(getattr(frontend, name) for name in (*names, "OpConversionFailure", "OpValidationFailure")),
        RuntimeError,
    )


def compile_tflite(path: Path, shape: tuple[int, ...], threads: int = 1) -> Any:
    """Compile a TensorFlow-Lite model that sees pictures, such as MediaPipe's, in float32.

    Args:
        path: The file.
        shape: One picture, (H, W, 3).
        threads: Processor threads of a run.

    Returns:
        OpenVINO's inference request, which takes uint8 (N, H, W, 3) and shows it to the model in shares of 255.

    Raises:
        EngineError: The file is missing, or OpenVINO can't be imported or can't read it.
    """
    if not path.is_file():
        raise EngineError(f"{path.name}: expected MediaPipe's model, found none; reinstall mediapipe")
    with _loading:
        openvino = import_openvino()
        try:
            model = shared_core().read_model(path)
            model.reshape([openvino.Dimension(1, MAX_BATCH), *shape])
            steps = openvino.preprocess.PrePostProcessor(model)
            steps.input().tensor().set_element_type(openvino.Type.u8)
            steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
            settings = _latency(threads) | {"INFERENCE_PRECISION_HINT": "f32"} | _kept_kernels()
            return shared_core().compile_model(steps.build(), "CPU", settings).create_infer_request()
        except _library_errors() as error:
            raise EngineError(f"{path.name}: OpenVINO can't read it ({_last_line(error)})") from error


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
