"""The shared features of a face inside a shipped network, from the very file the program runs.

No model has to be exported again: an ONNX file is a protobuf message, and messages that follow each other are merged
when they are read. A few bytes behind the file's own declare one tensor more as an output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.backend import resolve_threads
from engines.backends.onnxruntime import first_line, library_errors
from engines.card import MODEL_FILE, load_card
from engines.decode import Floats, decode
from engines.errors import EngineError
from engines.model_file import checked_model, verify_model
from engines.models import find_model
from engines.preprocess import Bytes

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Field numbers of onnx.proto3.
_MODEL_GRAPH, _GRAPH_NODE, _GRAPH_OUTPUT = 7, 1, 12
_NODE_INPUT, _NODE_TYPE = 1, 4
_BYTES_WIRE = 2
_FLOAT_TENSOR = b"\x0a\x02\x08\x01"
"""TypeProto: a tensor of float32 of any shape."""


class FeatureNet:
    """Reads features and answers of one network, in float32 on the processor, whatever runs the network elsewhere.

    What is learned on features then holds on every machine and back end.

    Args:
        model: A name below `engines.models.MODELS_DIR`, or a model's folder.
        threads: Processor threads; None = automatic.

    Attributes:
        card: The model's card.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: It has no tensor that several branches share.
    """

    def __init__(self, model: str | Path, threads: int | None = None) -> None:
        folder = find_model(model)
        self.card = load_card(folder)
        verify_model(self.card, folder / MODEL_FILE)
        content = checked_model(folder / MODEL_FILE, self.card)
        shared = shared_tensor(content)
        if not shared:
            raise EngineError(
                f"model {self.card.name!r}: expected features that several branches share, found none; "
                "choose a model with several answers"
            )
        self._outputs = [head.output for head in self.card.heads] + [shared]
        self._session = _session(content + _declared(shared), resolve_threads(threads), self.card.name)

    def read(self, chips: Bytes) -> tuple[dict[str, Floats], Floats]:
        """Return the answers, as `engines.decode.decode` names them, and the features, float32 (N, F).

        Args:
            chips: uint8 (N, size, size) or (N, size, size, 3), from `engines.preprocess.prepare_batch`.

        Raises:
            EngineError: The network failed.
        """
        try:
            arrays = self._session.run(self._outputs, {self.card.input.name: np.ascontiguousarray(chips)})
        except library_errors() as error:
            raise EngineError(
                f"model {self.card.name!r}: expected features, found {first_line(error)}; restore the model"
            ) from error
        answers = decode(dict(zip(self._outputs[:-1], arrays[:-1], strict=True)), self.card)
        return answers, arrays[-1].reshape(len(chips), -1)


def shared_tensor(content: bytes) -> str:
    """Return the name of the tensor that most fully connected layers read; "" where none is read twice.

    Args:
        content: An ONNX file.

    Raises:
        EngineError: It is none.
    """
    counts: Counter[str] = Counter()
    try:
        for graph in _fields(content, _MODEL_GRAPH):
            for node in _fields(graph, _GRAPH_NODE):
                if b"".join(_fields(node, _NODE_TYPE)) == b"Gemm":
                    counts[next(_fields(node, _NODE_INPUT)).decode()] += 1
    except (IndexError, StopIteration, UnicodeDecodeError, RuntimeError) as error:
        raise EngineError("expected an ONNX file, found something else; restore it") from error
    name, count = counts.most_common(1)[0] if counts else ("", 0)
    return name if count > 1 else ""


def _session(content: bytes, threads: int, name: str) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except library_errors() as error:
        raise EngineError(f"model {name!r}: ONNX Runtime can't load it ({first_line(error)})") from error


def _declared(tensor: str) -> bytes:
    """Return the message that adds an output to a model's graph."""
    value = _field(1, tensor.encode()) + _field(2, _FLOAT_TENSOR)
    return _field(_MODEL_GRAPH, _field(_GRAPH_OUTPUT, value))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES_WIRE) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the contents of a message's fields of bytes with one number."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        wire = key & 7
        if wire == _BYTES_WIRE:
            length, place = _read_varint(message, place)
            if place + length > len(message):
                raise IndexError("a field ends behind its message")
            if key >> 3 == wanted:
                yield message[place : place + length]
            place += length
        elif wire == 0:
            _, place = _read_varint(message, place)
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise IndexError("no protobuf")


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
