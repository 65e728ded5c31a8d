from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A picture file with one smiling woman."""
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    cv2.imwrite(str(path), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A second of her at ten frames, moving a little."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (512, 512))
    for shift in range(10):
        writer.write(cv2.cvtColor(np.roll(astronaut, 2 * shift, axis=1), cv2.COLOR_RGB2BGR))
    writer.release()
    return path
