from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.tiny_run import TinyRun, tiny_experiment
from training.errors import RecipeError
from training.fitting import loop
from training.fitting.loop import CHECKPOINT, Experiment, fit

Weights = dict[str, torch.Tensor]


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the picture of the curves, which takes longer than a tiny run."""
    monkeypatch.setattr(loop, "draw_curves", lambda table, picture: None)


def trained(folder: Path, settings: TinyRun, **changes) -> tuple[Experiment, Weights]:
    experiment = tiny_experiment(settings)
    for name, value in changes.items():
        setattr(experiment, name, value)
    net = fit(experiment, folder, progress=False)
    return experiment, {**net.state_dict(), **experiment.loss.state_dict(prefix="loss.")}


def test_a_loss_that_explodes_stops_the_run_with_advice(tmp_path: Path) -> None:
    def infinite(outputs: dict[str, torch.Tensor], batch: dict[str, torch.Tensor]) -> Weights:
        return {"emotion": outputs["emotion"].sum() * float("inf")}

    with pytest.raises(RecipeError, match="learning rate"):
        trained(tmp_path, TinyRun(), loss=infinite, balance=None)
    assert not (tmp_path / CHECKPOINT).exists()


def test_what_diverges_tells_where_and_what_to_lower_and_keeps_the_checkpoint(
    tmp_path: Path, no_pictures: None
) -> None:
    trained(tmp_path, TinyRun(epochs=1))
    kept = (tmp_path / CHECKPOINT).read_bytes()
    experiment = tiny_experiment(TinyRun(epochs=2))
    steps = iter(range(100))

    def diverges(outputs: Weights, batch: Weights) -> Weights:
        factor = float("nan") if next(steps) else 1.0
        return {"emotion": outputs["emotion"].square().mean() * factor}

    experiment.loss, experiment.balance = diverges, None
    with pytest.raises(
        RecipeError, match=r"epoch 2, step \d+: .*emotion nan at a learning rate of .*clip_norm"
    ) as caught:
        fit(experiment, tmp_path, progress=False)
    assert "the last good checkpoint is" in str(caught.value) and "\n" not in str(caught.value)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept
