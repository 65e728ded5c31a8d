from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
import torch

from tests.training.made_faces import made_faces
from training.errors import RecipeError
from training.loop import CHECKPOINT, fit
from training.recipes import bknet

TINY = bknet.Config(
    epochs=2,
    size=16,
    shares={"ferplus": 4, "utkface": 3, "genki4k": 2, "ckplus": 1},
    bfloat16=False,
    average_decay=0.5,
)


def experiment(config: bknet.Config = TINY):
    return bknet.build_on(config, {name: made_faces(name) for name in config.shares})


def test_a_run_leaves_checkpoint_curves_and_configuration(tmp_path: Path) -> None:
    net = fit(experiment(), tmp_path, progress=False)

    with (tmp_path / "curves.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"loss_emotion", "ferplus_emotion_accuracy", "utkface_age_error", "genki4k_smile_accuracy"} <= set(
        rows[0]
    )
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert '"epochs": 2' in (tmp_path / "config.json").read_text()
    assert not net.training


def test_a_resumed_run_ends_as_one_that_was_never_cut(tmp_path: Path) -> None:
    whole = fit(experiment(), tmp_path / "whole", progress=False)

    cut = experiment()
    cut.epochs = 1
    fit(cut, tmp_path / "cut", progress=False)
    resumed = fit(experiment(), tmp_path / "cut", progress=False)

    for name, value in whole.state_dict().items():
        assert torch.allclose(value.float(), resumed.state_dict()[name].float(), atol=1e-6), name
    assert len((tmp_path / "cut" / "curves.csv").read_text().splitlines()) == 3


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path: Path) -> None:
    fit(experiment(dataclasses.replace(TINY, epochs=1)), tmp_path, progress=False)

    with pytest.raises(RecipeError, match="another"):
        fit(experiment(dataclasses.replace(TINY, epochs=1, learning_rate=0.01)), tmp_path, progress=False)


def test_a_loss_that_explodes_stops_the_run_with_advice(tmp_path: Path) -> None:
    broken = experiment()
    broken.loss = lambda outputs, batch: {"emotion": outputs["emotion"].sum() * float("inf")}

    with pytest.raises(RecipeError, match="learning rate"):
        fit(broken, tmp_path, progress=False)
    assert not (tmp_path / CHECKPOINT).exists()


def test_the_running_average_trails_the_network(tmp_path: Path) -> None:
    training = experiment(dataclasses.replace(TINY, epochs=1, average_decay=0.9))
    averaged = fit(training, tmp_path, progress=False)

    last = training.net.state_dict()["branches.emotion.0.weight"]
    assert not torch.equal(averaged.state_dict()["branches.emotion.0.weight"], last)
