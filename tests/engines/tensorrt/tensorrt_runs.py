"""What tests of the TensorRT back end do again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines.backends import create_backend
from engines.backends.tensorrt import TensorRtBackend
from engines.card import load_card
from engines.measure.verify import fixed_chips
from tests.engines.conftest import FakeMachine

Fake = Callable[..., FakeMachine]


def loaded(folder: Path, precision: str = "float32") -> TensorRtBackend:
    backend = TensorRtBackend(precision)  # type: ignore[arg-type]
    backend.load(folder / "model.onnx", load_card(folder), None)
    return backend


def chips_of(folder: Path, count: int) -> np.ndarray:
    return fixed_chips(load_card(folder).input, count)


def expected(folder: Path, chips: np.ndarray) -> dict[str, np.ndarray]:
    reference = create_backend("onnxruntime")
    reference.load(folder / "model.onnx", load_card(folder), 1)
    return reference.run(chips)


def assert_right(backend: TensorRtBackend, folder: Path, count: int) -> None:
    chips = chips_of(folder, count)
    found, wanted = backend.run(chips), expected(folder, chips)
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4)
