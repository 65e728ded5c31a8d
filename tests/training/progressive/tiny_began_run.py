"""A tiny BEGAN's training as a program, for the test that starts it by torchrun: `... tiny_began_run FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from tests.training.progressive.test_began import tiny_experiment
from training.fitting.loop import fit

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    net = fit(tiny_experiment(epochs=1), folder / "run", progress=False, draw=False)
    torch.save(net.state_dict(), folder / f"result_{os.environ['RANK']}.pt")
