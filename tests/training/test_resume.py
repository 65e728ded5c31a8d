"""A run that is killed at random moments and started again ends at the very weights of one that never stopped."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from training.fitting.loop import CHECKPOINT

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"dropout": 0.3, "normalise": True, "noise": 0.1, "checkpoint_every_s": 0.0}
PATIENCE_S = 600


def start(folder: Path, name: str, **settings) -> subprocess.Popen:
    cases = folder / f"{name}.json"
    cases.write_text(json.dumps([[str(folder / name), SETTINGS | settings]]))
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.training.tiny_run", str(cases)], cwd=ROOT
    )


def kill_after_next_checkpoint(process: subprocess.Popen, checkpoint: Path, delay_s: float) -> None:
    """Kill a run some time after it has written a checkpoint."""
    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    until_s = time.monotonic() + PATIENCE_S
    while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before):
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < until_s, "the run wrote no checkpoint"
        time.sleep(0.005)
    time.sleep(delay_s)
    assert process.poll() is None, f"the run ended before it was killed after {delay_s} s"
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE_S) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_killed_run_ends_at_the_same_weights_bit_by_bit(tmp_path: Path) -> None:
    whole = start(tmp_path, "whole")
    places = []
    for _ in range(2):
        process = start(tmp_path, "killed", pause_s=0.08)
        kill_after_next_checkpoint(process, tmp_path / "killed" / CHECKPOINT, random.uniform(0, 0.6))
        state = torch.load(tmp_path / "killed" / CHECKPOINT, weights_only=True)
        places.append((state["epoch"], state["step"]))
    assert start(tmp_path, "killed").wait(PATIENCE_S) == 0
    assert whole.wait(PATIENCE_S) == 0

    assert places[0][1] > 0, f"killed within an epoch, at {places}"
    wanted, found = (
        torch.load(tmp_path / f"{name}_result_0.pt", weights_only=True) for name in ("whole", "killed")
    )
    assert wanted.keys() == found.keys()
    for name, values in wanted.items():
        assert torch.equal(values, found[name]), f"{name} after kills at {places}"
    states = [torch.load(tmp_path / name / CHECKPOINT, weights_only=True) for name in ("whole", "killed")]
    assert str(states[0]["optimizer"]) == str(states[1]["optimizer"])
    assert str(states[0]["balance"]) == str(states[1]["balance"])
    assert torch.equal(states[0]["random"], states[1]["random"])
