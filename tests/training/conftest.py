"""Training tests run tiny networks, on one thread: more only wait for each other."""

from __future__ import annotations

import pytest
import torch

from tests.engines.conftest import fake_machine  # noqa: F401

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the curves takes longer than a tiny training; `test_curves.py` draws them."""
    monkeypatch.setattr("training.fitting.loop.draw_curves", lambda table, picture: None)
