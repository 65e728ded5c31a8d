"""Fixtures shared by all tests; each part of the project adds its own below a comment with its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
MEDIA = TESTS.parent.parent / "shared" / "media"

# Tests do not time: a busy machine must not fail a property test.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """Folder of real test videos and pictures; absent on most machines."""
    if not MEDIA.is_dir():
        pytest.skip("needs the shared test media in ../shared/media beside the checkout")
    return MEDIA


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """uint8 (512, 512, 3) RGB picture of a person, read-only."""
    from skimage.data import astronaut as read_astronaut

    picture = np.ascontiguousarray(read_astronaut())
    picture.setflags(write=False)
    return picture


@pytest.fixture(scope="session")
def astronaut_landmarks() -> np.ndarray:
    """float32 (478, 3) mesh of the astronaut in picture pixels, as MediaPipe 0.10.21 found it; read-only."""
    points = np.load(TESTS / "data" / "astronaut_landmarks.npy")
    points.setflags(write=False)
    return points


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a fast random `model.onnx` (48x48 gray, four heads) and its card."""
    pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
    from tests.tiny_models import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
