"""ONNX Runtime on the processor: always installed, float32, the numbers others are compared with."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.backend import Bytes, Floats, resolve_threads
from engines.card import ModelCard
from engines.errors import EngineError
from engines.model_file import checked_model
from engines.signature import Tensor, check_signature

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def available() -> str:
    """Return why ONNX Runtime can't be used here; empty when it can."""
    return "" if find_spec("onnxruntime") else "ONNX Runtime is not installed; run: pip install onnxruntime"


class OnnxRuntimeBackend:
    """One inference session."""

    description = "ONNX Runtime CPU"
    precision = "float32"

    def __init__(self) -> None:
        self._session: InferenceSession | None = None
        self._input = ""
        self._outputs: list[str] = []

    def load(self, path: Path, card: ModelCard, threads: int | None) -> None:
        """Open a session; see `engines.backend.Backend`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = resolve_threads(threads)
        options.inter_op_num_threads = 1
        # A spinning thread waits by burning a processor that tracking needs: with two threads and one
        # of two processors busy, p95 rises from 2.6 to 6.6 ms for one face, from 7.6 to 15.2 ms for four.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # errors are raised anyway; without this they are printed as well
        content = checked_model(path, card)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except library_errors() as error:
            raise EngineError(
                f"{path}: ONNX Runtime can't load the model ({first_line(error)}); restore it"
            ) from error
        check_signature(card, tensors(session.get_inputs()), tensors(session.get_outputs()))
        self._input, self._outputs = card.input.name, [head.output for head in card.heads]
        self._session = session
        # The first run plans the memory and takes several times longer; better here than on the first face.
        self.run(np.zeros((1, *card.input.chip_shape), dtype=np.uint8))

    def run(self, batch: Bytes) -> dict[str, Floats]:
        """Run one batch; see `engines.backend.Backend`."""
        if self._session is None:
            raise EngineError("ONNX Runtime: expected a loaded model, found none; load it first")
        try:
            arrays = self._session.run(self._outputs, {self._input: batch})
        except library_errors() as error:
            raise EngineError(
                f"ONNX Runtime failed ({first_line(error)}); choose another back end"
            ) from error
        return dict(zip(self._outputs, arrays, strict=True))

    def close(self) -> None:
        """Release the session."""
        self._session = None


def plain_call(path: Path, card: ModelCard, threads: int | None = None) -> Callable[[Bytes], object]:
    """Return `InferenceSession.run` with every default of the library: what benchmarks compare with.

    Args:
        path: The ONNX file.
        card: Its card.
        threads: Replaces the library's own number of threads, which is that of the processors.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {card.input.name: batch})


_FORMATS = {"tensor(float)": "float32", "tensor(float16)": "float16"}


def tensors(values: list[Any]) -> dict[str, Tensor]:
    """Return name -> tensor; ONNX Runtime gives a free size as its name or as None."""
    return {
        value.name: Tensor(
            _FORMATS.get(value.type, value.type.removeprefix("tensor(").removesuffix(")")),
            tuple(size if isinstance(size, int) else None for size in value.shape),
        )
        for value in values
    }


def library_errors() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises: its classes share no base below Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NoSuchFile",
        "NoModel",
        "NotImplemented",
    )
    errors = [getattr(state, name) for name in (*names, "RuntimeException", "EPFail")]
    return (*errors, RuntimeError, ValueError)


def first_line(error: Exception) -> str:
    """Return what an error says, without its further lines."""
    return str(error).strip().split("\n", maxsplit=1)[0]
