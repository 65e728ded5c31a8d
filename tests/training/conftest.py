"""Training tests run tiny networks, on one thread: more only wait for each other."""

from __future__ import annotations

import torch

from tests.engines.conftest import fake_machine  # noqa: F401

torch.set_num_threads(1)
