"""Two processes that `torchrun` starts train as one does.

The networks that are compared with one process have no batch normalisation and no dropout: on the CPU PyTorch has no
normalisation across processes, so each takes the statistics of its own part, and each draws its own dropout masks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.tiny_run import TinyRun, tiny_experiment
from training.fitting.loop import CHECKPOINT, fit

ROOT = Path(__file__).resolve().parents[2]
OWN = {"dropout": 0.3, "normalise": True, "noise": 0.1}
CASES = (
    ("mixed_{rank}", {}),
    ("alternating", {"mixing": "alternating"}),
    ("whole", OWN),
    ("cut", OWN | {"epochs": 1}),
    ("cut", OWN),
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what two processes made of the cases."""
    folder = tmp_path_factory.mktemp("two")
    cases = folder / "cases.json"
    cases.write_text(json.dumps([[str(folder / name), settings] for name, settings in CASES]))
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, "-W", "error", "-m", *torchrun, "-m", "tests.training.tiny_run", str(cases)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=800)
    return folder


def result(folder: Path, name: str, rank: int) -> dict[str, torch.Tensor]:
    return torch.load(folder / f"{name.format(rank=rank)}_result_{rank}.pt", weights_only=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["mixed_{rank}", "alternating", "whole", "cut"])
def test_all_processes_end_at_the_same_weights(name: str, results: Path) -> None:
    first, second = (result(results, name, rank) for rank in (0, 1))

    for weight, values in first.items():
        # Batch normalisation's running statistics are the first process's; the others' are never used.
        if "running" not in weight:
            assert torch.equal(values, second[weight]), weight


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "settings"), CASES[:2])
def test_two_processes_train_as_one_to_within_rounding(
    name: str, settings: dict, results: Path, tmp_path: Path
) -> None:
    experiment = tiny_experiment(TinyRun(**settings))
    alone = fit(experiment, tmp_path, progress=False)

    together = result(results, name, 0)
    wanted = {**alone.state_dict(), **experiment.loss.state_dict(prefix="loss.")}
    untrained = tiny_experiment(TinyRun(**settings)).net.state_dict()
    for weight, values in wanted.items():
        assert torch.allclose(values, together[weight], rtol=0, atol=2e-5), weight
    moved = max(float((wanted[weight] - values).abs().max()) for weight, values in untrained.items())
    assert moved > 0.05, "far more than the tolerance"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_only_the_first_process_writes_and_goes_ahead(results: Path) -> None:
    assert (results / "mixed_0" / CHECKPOINT).is_file()
    assert not (results / "mixed_1").exists()
    assert (results / "went_ahead.txt").read_text() == "0"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_of_two_processes_that_was_cut_ends_as_one_that_was_not(results: Path) -> None:
    whole, cut = (result(results, name, 0) for name in ("whole", "cut"))

    assert all(torch.equal(values, cut[name]) for name, values in whole.items())
    state = torch.load(results / "cut" / CHECKPOINT, weights_only=True)
    assert len(state["random"]) == 2
    assert not torch.equal(state["random"][0], state["random"][1]), "each draws its own dropout masks"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_of_two_processes_goes_on_alone(
    results: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / CHECKPOINT).write_bytes((results / "cut" / CHECKPOINT).read_bytes())

    fit(tiny_experiment(TinyRun(**OWN, epochs=3)), tmp_path, progress=False)

    assert "checkpoint of 2 processes, now 1" in caplog.text
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["epoch"] == 3
