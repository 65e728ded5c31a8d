"""Fixtures shared by all tests; each part of the project adds its own below a comment with its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
MEDIA = TESTS.parent.parent / "shared" / "media"

# Tests do not time: a busy machine must not fail a property test.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the program remembers about this machine out of the user's cache, in programs that tests start too."""
    folder = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        # Matplotlib would make its list of fonts anew, which takes seconds.
        if "MPLCONFIGDIR" not in os.environ:
            patch.setenv("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
            patch.setenv(name, folder)
        yield


@pytest.fixture(autouse=True)
def brief_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `auto` measure the test's own model, a few calls long, and know nothing of the test before."""
    from engines import choice
    from engines.tensorrt import streams

    monkeypatch.setattr(choice, "MEASURED_MODEL", "")
    monkeypatch.setattr(choice, "BUDGET_S", 0.0)
    monkeypatch.setattr(streams, "BUDGET_S", 0.0)
    monkeypatch.setattr(choice, "_known", {})
    monkeypatch.setattr(choice, "_told", set())


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
