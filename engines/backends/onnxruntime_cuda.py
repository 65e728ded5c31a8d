"""ONNX Runtime on an NVIDIA GPU, for machines without TensorRT: float32, inputs and outputs bound, runs as CUDA graphs."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from engines.backend import MAX_BATCH, Bytes, Floats, resolve_threads
from engines.backends.onnxruntime import first_line, library_errors, tensors
from engines.card import ModelCard
from engines.errors import EngineError, GpuError
from engines.model_file import checked_model
from engines.signature import check_signature
from engines.tensorrt.cuda_driver import NoDriverError, find_driver

_PROVIDER = "CUDAExecutionProvider"
_LIBRARY = "onnxruntime_providers_cuda.dll" if sys.platform == "win32" else "libonnxruntime_providers_cuda.so"
_SIZES = (1, 2, 4, 8, MAX_BATCH)
"""Batch sizes with a captured graph; others are filled up to the next: on a GPU the rows of small batches cost nothing."""
_OPTIONS = {
    "device_id": "0",
    "enable_cuda_graph": "1",
    "cudnn_conv_algo_search": "EXHAUSTIVE",
    # TensorFloat-32, the library's default, keeps ten of float32's 23 bits.
    "use_tf32": "0",
}


def available() -> str:
    """Return why ONNX Runtime can't use a GPU here and what to do; empty when it can."""
    spec = find_spec("onnxruntime")
    if spec is None or not spec.submodule_search_locations:
        return "ONNX Runtime is not installed; run: pip install onnxruntime-gpu"
    if not (Path(spec.submodule_search_locations[0]) / "capi" / _LIBRARY).is_file():
        return (
            "this ONNX Runtime has no CUDA provider; with an NVIDIA GPU run: pip uninstall onnxruntime, then pip install "
            "onnxruntime-gpu"
        )
    try:
        find_driver()
    except NoDriverError as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """What stays in place for one batch size, so that its graph can be replayed.

    Attributes:
        staging: uint8 (size, *chip_shape), where crops are laid before they are copied to the GPU.
        image: The same on the GPU.
        outputs: Output name -> values on the GPU.
        binding: Binds both to the session.
        run_options: Names the graph.
    """

    staging: Bytes
    image: Any
    outputs: dict[str, Any]
    binding: Any
    run_options: Any


class OnnxRuntimeCudaBackend:
    """One session on the GPU and what is bound to it for each batch size."""

    description = "ONNX Runtime fp32 GPU"
    precision = "float32"

    def __init__(self) -> None:
        self._session: Any = None
        self._bound: dict[int, _Bound] = {}

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Open a session and capture a graph for each of `_SIZES`; see `engines.backend.Backend`."""
        resolve_threads(threads)  # a run needs none, but a wrong number is refused as everywhere
        onnxruntime = _import_with_cuda()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        # Without this a node without a CUDA kernel, or all of them, would silently run on the processor.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        content = checked_model(path, card)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=[(_PROVIDER, _OPTIONS)])
        except library_errors() as error:
            raise EngineError(
                f"{path}: ONNX Runtime can't load the model on the GPU ({first_line(error)}); install CUDA 13 and cuDNN 9 "
                "or choose another back end"
            ) from error
        if session.get_providers()[0] != _PROVIDER:
            raise EngineError(
                f"{path}: expected ONNX Runtime's CUDA provider, found {session.get_providers()[0]} in its place; install "
                "CUDA 13 and cuDNN 9 (pip install 'onnxruntime-gpu[cuda,cudnn]') or choose another back end"
            )
        check_signature(card, tensors(session.get_inputs()), tensors(session.get_outputs()))
        self._session = session
        try:
            self._bound = {size: _bind(onnxruntime, session, card, size) for size in _SIZES}
            for size, bound in self._bound.items():
                self.run(bound.staging[:size])  # captures its graph
        except library_errors() as error:
            self.close()
            raise GpuError(
                f"the GPU can't hold the model ({first_line(error)}); close other programs"
            ) from error

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch; see `engines.backend.Backend`.

        Raises:
            EngineError: No model is loaded.
            GpuError: The GPU failed.
        """
        if self._session is None:
            raise EngineError("ONNX Runtime: expected a loaded model, found none; load it first")
        count = len(batch)
        bound = self._bound[next(size for size in _SIZES if size >= count)]
        bound.staging[:count] = batch
        try:
            bound.image.update_inplace(bound.staging)
            self._session.run_with_iobinding(bound.binding, bound.run_options)
            # `numpy` copies from the GPU into an array of its own.
            return {name: value.numpy()[:count] for name, value in bound.outputs.items()}
        except library_errors() as error:
            raise GpuError(
                f"ONNX Runtime failed on the GPU ({first_line(error)}); start again or choose another back end"
            ) from error

    def close(self) -> None:
        """Release session and memory on the GPU."""
        self._bound = {}
        self._session = None


def _import_with_cuda() -> Any:
    """Import ONNX Runtime and load NVIDIA's libraries from their packages, which it doesn't find by itself."""
    onnxruntime = _onnxruntime()
    with redirect_stdout(io.StringIO()):  # it prints which ones it lacks; the session's error tells that
        onnxruntime.preload_dlls()
    return onnxruntime


def _onnxruntime() -> Any:
    import onnxruntime

    return onnxruntime


def _bind(onnxruntime: Any, session: Any, card: ModelCard, size: int) -> _Bound:
    """Place and bind input and outputs of one batch size."""
    make = onnxruntime.OrtValue.ortvalue_from_shape_and_type
    staging = np.zeros((size, *card.input.chip_shape), dtype=np.uint8)
    image = make(list(staging.shape), np.uint8, "cuda", 0)
    outputs = {head.output: make([size, head.width], np.float32, "cuda", 0) for head in card.heads}
    binding = session.io_binding()
    binding.bind_ortvalue_input(card.input.name, image)
    for name, value in outputs.items():
        binding.bind_ortvalue_output(name, value)
    run_options = onnxruntime.RunOptions()
    run_options.add_run_config_entry("gpu_graph_id", str(size))  # one graph a size, in place of one a session
    return _Bound(staging, image, outputs, binding, run_options)
