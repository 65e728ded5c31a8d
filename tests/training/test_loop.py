from __future__ import annotations

import csv
import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.training.made_faces import made_faces
from tests.training.tiny_run import TinyRun, brightened, tiny_experiment
from training.errors import RecipeError
from training.fitting import loop, number_format
from training.fitting.checkpoints import mean_weights
from training.fitting.curves import draw_curves
from training.fitting.loop import CHECKPOINT, CURVES, Experiment, averaged_weights, fit, kept_epochs
from training.fitting.processes import choose_device
from training.recipes import bknet

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


def assert_identical(weights: Weights, others: Weights) -> None:
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / CURVES).open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_recipes_run_leaves_checkpoint_curves_and_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fitting.loop.draw_curves", draw_curves)
    shares = {"ferplus": 4, "utkface": 3, "genki4k": 2, "ckplus": 1}
    config = bknet.Config(epochs=2, size=16, shares=shares, bfloat16=False, average_decay=0.5)
    net = fit(bknet.build_on(config, {name: made_faces(name) for name in shares}), tmp_path, progress=False)

    rows = rows_of(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss_emotion", "ferplus_emotion_accuracy", "utkface_age_error"} <= set(rows[0])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert '"epochs": 2' in (tmp_path / "config.json").read_text()
    assert not net.training
    assert_identical(averaged_weights(tmp_path), net.state_dict())


class Cut(Exception):
    """The moment a run ends before its time."""


def cut_after(batches: int, settings: TinyRun):
    """Return a change of batches that ends the run."""
    left = [batches]

    def change(batch: dict[str, torch.Tensor], random: np.random.Generator) -> dict[str, torch.Tensor]:
        left[0] -= 1
        if left[0] < 0:
            raise Cut
        return brightened(batch, random, settings)

    return change


@pytest.mark.parametrize("moment", [3, 17, 26, 29, 41])
def test_a_run_that_was_cut_anywhere_ends_as_one_that_was_not(
    moment: int, tmp_path: Path, no_pictures: None
) -> None:
    settings = TinyRun(dropout=0.3, normalise=True, noise=0.1, checkpoint_every_s=0.0)
    whole, weights = trained(tmp_path / "whole", settings)
    with pytest.raises(Cut):
        trained(tmp_path / "cut", settings, change_batch=cut_after(moment, settings))

    resumed, again = trained(tmp_path / "cut", settings)

    assert_identical(weights, again)
    assert_identical(whole.net.state_dict(), resumed.net.state_dict())
    assert_identical(whole.balance.state_dict(), resumed.balance.state_dict())
    for one, two in zip(rows_of(tmp_path / "whole"), rows_of(tmp_path / "cut"), strict=True):
        assert one | {"duration_s": ""} == two | {"duration_s": ""}


def test_an_epoch_that_is_trained_again_keeps_one_row(tmp_path: Path, no_pictures: None) -> None:
    trained(tmp_path, TinyRun(epochs=1))
    with (tmp_path / CURVES).open("a") as stream:
        stream.write("2,0.5,1,1,1,1,1\n")  # as if killed between the row and its checkpoint

    trained(tmp_path, TinyRun(epochs=2))

    assert [row["epoch"] for row in rows_of(tmp_path)] == ["1", "2"]
    assert rows_of(tmp_path)[1]["learning_rate"] != "0.5"


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path, no_pictures: None) -> None:
    trained(tmp_path, TinyRun(epochs=1))

    with pytest.raises(RecipeError, match="another"):
        trained(tmp_path, TinyRun(epochs=1, normalise=True))


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None], ids=("empty", "text", "half"))
def test_a_damaged_checkpoint_is_refused_with_advice(
    damage: bytes | None, tmp_path: Path, no_pictures: None
) -> None:
    trained(tmp_path, TinyRun(epochs=1))
    whole = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(whole[: len(whole) // 2] if damage is None else damage)

    with pytest.raises(RecipeError, match="checkpoint"):
        trained(tmp_path, TinyRun(epochs=2))
    with pytest.raises(RecipeError, match="checkpoint"):
        averaged_weights(tmp_path)


def test_the_running_average_trails_the_network(tmp_path: Path, no_pictures: None) -> None:
    experiment, averaged = trained(tmp_path / "averaged", TinyRun(epochs=1))

    last = experiment.net.state_dict()["branches.emotion.weight"]
    assert not torch.equal(averaged["branches.emotion.weight"], last)
    plain, weights = trained(tmp_path / "plain", TinyRun(epochs=1, average_decay=0.0))
    assert torch.equal(weights["branches.emotion.weight"], last), "the same training without the average"
    assert_identical(averaged_weights(tmp_path / "plain"), plain.net.state_dict())


def test_the_last_epochs_are_kept_for_an_ensemble(tmp_path: Path, no_pictures: None) -> None:
    _, weights = trained(tmp_path, TinyRun(epochs=3, keep_last=2))

    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["epoch_0002.pt", "epoch_0003.pt"]
    before, last = kept_epochs(tmp_path)
    assert_identical(last, {name: weights[name] for name in last})
    assert not torch.equal(before["branches.emotion.weight"], last["branches.emotion.weight"])
    with pytest.raises(RecipeError, match="keep_last"):
        kept_epochs(tmp_path / "nowhere")


def test_the_balance_decides_what_is_learned(tmp_path: Path, no_pictures: None) -> None:
    class OnlyGender(nn.Module):
        def weigh(self, losses: Weights, shared: nn.Parameter) -> Weights:
            return {name: loss * (name == "gender") for name, loss in losses.items()}

    first = tiny_experiment(TinyRun()).net.state_dict()
    experiment, _ = trained(tmp_path, TinyRun(epochs=1), balance=OnlyGender())

    last = experiment.net.state_dict()
    assert torch.equal(first["branches.emotion.weight"], last["branches.emotion.weight"])
    assert not torch.equal(first["branches.gender.weight"], last["branches.gender.weight"])
    assert float(rows_of(tmp_path)[0]["loss_emotion"]) > 0, "losses are shown before balancing"


def test_gradients_are_clipped_together() -> None:
    lengths = []
    for clip_norm in (None, 1e-3):
        experiment = tiny_experiment(TinyRun())
        experiment.clip_norm, experiment.schedule = clip_norm, None
        before = torch.cat([weight.detach().flatten() for weight in experiment.net.parameters()])
        experiment.step(next(experiment.batches.epoch(0)))
        after = torch.cat([weight.detach().flatten() for weight in experiment.net.parameters()])
        lengths.append(float((after - before).norm()))

    assert lengths[0] > 0.05 * 1e-2
    assert lengths[1] <= 0.05 * 1e-3 * 1.91, "the rate times the norm, with Nesterov's first step of 1.9"


def test_a_schedule_that_observes_is_told_the_mean_loss(tmp_path: Path, no_pictures: None) -> None:
    experiment, _ = trained(tmp_path, TinyRun())

    wanted = 1.0
    for row in rows_of(tmp_path):
        wanted /= 1 + sum(float(value) for name, value in row.items() if name.startswith("loss_")) / 100
    assert experiment.schedule.factor == pytest.approx(wanted, rel=1e-5)


def test_changes_of_batches_differ_from_batch_to_batch_and_repeat(tmp_path: Path, no_pictures: None) -> None:
    drawn: list[float] = []

    def note(batch: dict[str, torch.Tensor], random: np.random.Generator) -> dict[str, torch.Tensor]:
        drawn.append(random.random())
        return batch

    for folder, seed in (("one", 1), ("two", 1), ("three", 2)):
        trained(tmp_path / folder, TinyRun(epochs=2), change_batch=note, seed=seed)

    one, two, three = np.split(np.array(drawn), 3)
    assert len(set(one)) == len(one)
    assert np.array_equal(one, two) and not np.isin(one, three).any()


def test_bfloat16_and_compilation_train_nearly_the_same(
    tmp_path: Path, no_pictures: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []
    compile_net = torch.compile

    def without_inductor(net: nn.Module) -> nn.Module:
        compiled.append(net)
        return compile_net(net, backend="eager")  # the compiler itself takes a minute

    monkeypatch.setattr(torch, "compile", without_inductor)
    # Also where the processor would convert back and forth, and is spared it otherwise.
    monkeypatch.setattr(number_format, "computes_in_bfloat16", lambda device_type: True)
    _, plain = trained(tmp_path / "plain", TinyRun(epochs=1))
    assert not compiled
    _, faster = trained(tmp_path / "compiled", TinyRun(epochs=1, compile=True))
    _, shorter = trained(tmp_path / "short", TinyRun(epochs=1, bfloat16=True))

    assert len(compiled) == 1
    assert_identical(plain, faster)
    name = "branches.emotion.weight"
    assert not torch.equal(plain[name], shorter[name]) and torch.allclose(
        plain[name], shorter[name], atol=0.02
    )


def test_devices_that_are_not_there_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto", 1) == torch.device("cuda", 1)
    assert choose_device("cpu", 1) == torch.device("cpu")
    with pytest.raises(RecipeError, match="GPU 2 for this process, found 2"):
        choose_device("auto", 2)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(RecipeError, match="found 0 GPUs"):
        choose_device("cuda")
    with pytest.raises(RecipeError, match="auto, cpu or cuda"):
        choose_device("gpu")


def test_a_checkpoint_of_one_process_before_steps_were_saved_goes_on(
    tmp_path: Path, no_pictures: None, caplog: pytest.LogCaptureFixture
) -> None:
    trained(tmp_path, TinyRun(epochs=1))
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    state["random"] = state["random"][0]
    del state["step"], state["sums"]
    torch.save(state, tmp_path / CHECKPOINT)

    with caplog.at_level(logging.INFO):
        trained(tmp_path, dataclasses.replace(TinyRun(), epochs=2))

    assert "resuming after epoch 1" in caplog.text
    assert len(rows_of(tmp_path)) == 2


def test_the_mean_of_several_epochs_is_taken_number_by_number() -> None:
    first = {"weight": torch.tensor([1.0, 3.0]), "batches": torch.tensor(4)}
    second = {"weight": torch.tensor([2.0, 5.0]), "batches": torch.tensor(8)}

    mean = mean_weights([first, second])

    assert mean["weight"].tolist() == [1.5, 4.0] and mean["weight"].dtype == torch.float32
    assert mean["batches"].item() == 6 and mean["batches"].dtype == torch.int64
