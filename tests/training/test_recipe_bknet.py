from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.card import load_card
from tests.training.made_faces import made_faces
from tests.training.native_sets import WRITERS
from training.blocks.multi_task import parameter_count
from training.errors import RecipeError
from training.loop import averaged_weights, fit
from training.nets.bknet import build
from training.recipes import bknet
from training.run import export_run, run_recipe
from training.settings import with_settings

TINY = bknet.Config(
    epochs=1,
    size=16,
    shares={"ferplus": 4, "utkface": 3, "genki4k": 2, "ckplus": 1},
    bfloat16=False,
    average_decay=0.5,
)


def experiment(config: bknet.Config):
    return bknet.build_on(config, {name: made_faces(name) for name in config.shares})


def test_the_network_has_the_papers_layers() -> None:
    net = build()

    convolutions = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [32, 32, 64, 64, 128, 128, 256, 256, 256]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    linear = [module for module in net.branches["emotion"] if isinstance(module, torch.nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [
        (2304, 256),
        (256, 256),
        (256, 8),
    ]
    assert parameter_count(net) == 4_417_553


def test_the_papers_initial_weights_can_be_asked_for() -> None:
    net = build(initial_std=0.01)

    weights = torch.cat(
        [module.weight.flatten() for module in net.modules() if isinstance(module, torch.nn.Conv2d)]
    )
    assert float(weights.detach().std()) == pytest.approx(0.01, rel=0.02)


def test_a_size_that_four_poolings_cannot_halve_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        build(size=50)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": 50}, "size"),
        ({"schedule": "cosine"}, "schedule"),
        ({"loss": "mse"}, "loss"),
        ({"shares": {"utkface": 4}}, "shares"),
        ({"task_weights": {"emotion": 1.0}}, "task_weights"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_a_wrong_configuration_names_its_field(change: dict, field: str) -> None:
    with pytest.raises(RecipeError, match=field):
        dataclasses.replace(TINY, **change)


def test_settings_reach_nested_fields_and_refuse_what_is_unknown() -> None:
    config = with_settings(
        TINY, ["epochs=3", "shares.genki4k=5", "augmentation.flip=0", "align=false", "loss=squared_hinge"]
    )

    assert (config.epochs, config.shares["genki4k"], config.augmentation.flip) == (3, 5, 0.0)
    assert (config.align, config.loss) == (False, "squared_hinge")
    for wrong in ("epoch=3", "epochs=many", "augmentation.flap=0", "epochs", "augmentation.flip=-1"):
        with pytest.raises(RecipeError):
            with_settings(TINY, [wrong])


def test_smile_is_taken_only_from_training_votes_without_doubt() -> None:
    faces = made_faces("ferplus", 24)
    faces.emotion[2] = [0.3, 0.7, 0, 0, 0, 0, 0, 0]

    smile = bknet.with_smile_from_happiness(faces).smile

    assert smile[:8].tolist()[1] == 1 and np.isnan(smile[2]) and smile[3] == 0
    assert np.isnan(smile[8:]).all(), "held-out faces get no label that the set does not have"
    assert np.isnan(faces.smile).all(), "the set itself stays as it is"


def test_a_run_can_start_from_another_ones_average(tmp_path: Path) -> None:
    fit(experiment(TINY), tmp_path / "first", progress=False)

    second = experiment(dataclasses.replace(TINY, initial=str(tmp_path / "first")))

    for name, value in averaged_weights(tmp_path / "first").items():
        assert torch.equal(second.net.state_dict()[name], value), name
    with pytest.raises(RecipeError, match="checkpoint"):
        experiment(dataclasses.replace(TINY, initial=str(tmp_path)))


@pytest.mark.slow
def test_a_run_from_data_to_measured_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for write in WRITERS.values():
        write(tmp_path / "data")
    settings = ["epochs=1", "size=16", "bfloat16=false", *(f"shares.{name}=2" for name in WRITERS)]

    assert run_recipe("bknet", tmp_path / "data", tmp_path / "out", tmp_path / "cache", settings) == 0

    card = load_card(tmp_path / "out" / "model")
    assert card.recipe["config"]["epochs"] == 1 and "data" not in card.recipe["config"]
    assert card.metrics["ferplus_validation"]["emotion_accuracy"]["count"] == 3
    assert card.data["ferplus"]["pictures"] == {"train": 3, "validation": 3, "test": 0}
    assert card.license and card.limits
    assert "emotion accuracy" in capsys.readouterr().out
    assert (tmp_path / "out" / "confusion_ferplus.png").read_bytes().startswith(b"\x89PNG")
    again = export_run(tmp_path / "out", tmp_path / "again")
    assert again.metrics == card.metrics


def test_an_unknown_recipe_or_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="training list"):
        run_recipe("nothing", tmp_path, tmp_path, tmp_path, [])
    with pytest.raises(RecipeError, match="name"):
        run_recipe("../x", tmp_path, tmp_path, tmp_path, [])
    with pytest.raises(RecipeError, match="--out folder"):
        export_run(tmp_path, tmp_path / "model")
