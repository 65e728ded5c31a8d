from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.card import load_card
from tests.training.made_faces import made_faces
from tests.training.native_sets import WRITERS
from training.blocks.multi_task import parameter_count
from training.commands.run import export_run, run_recipe
from training.errors import RecipeError
from training.fitting.loop import averaged_weights, fit
from training.multi_task.loss import LossSettings
from training.nets.bknet import build
from training.recipes import bknet, multitask
from training.settings import config_from_json, with_settings
from training.trained.shipped import shipped_net

TINY = multitask.Config(
    epochs=1,
    size=16,
    net_settings={"widths": [8, 8, 16, 16]},
    shares={"ferplus": 4, "utkface": 3, "genki4k": 2, "ckplus": 1},
    bfloat16=False,
    average_decay=0.5,
)


def experiment(config: multitask.Config):
    return multitask.build_on(config, {name: made_faces(name) for name in config.shares})


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
        ({"schedule": "sine"}, "schedule"),
        ({"net": "lenet"}, "net"),
        ({"balancing": "none"}, "balancing"),
        ({"mixing": "random"}, "mixing"),
        ({"sampling": "some"}, "sampling"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"device": "tpu"}, "device"),
        ({"tasks": ("emotion", "mood")}, "tasks"),
        ({"mixup": -1.0}, "mixup"),
        ({"average_last": 1}, "average_last"),
        ({"shares": {"utkface": 0}}, "shares"),
        ({"task_weights": {"emotion": 1.0}}, "task_weights"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_a_wrong_configuration_names_its_field(change: dict, field: str) -> None:
    with pytest.raises(RecipeError, match=field):
        dataclasses.replace(TINY, **change)


def test_settings_reach_nested_fields_and_refuse_what_is_unknown() -> None:
    config = with_settings(
        TINY,
        [
            "epochs=3",
            "shares.genki4k=5",
            "augmentation.flip=0",
            "align=false",
            "loss.binary=squared_hinge",
            'tasks=["age"]',
            "version=1.2",
        ],
    )

    assert (config.epochs, config.shares["genki4k"], config.augmentation.flip) == (3, 5, 0.0)
    assert (config.align, config.loss.binary, config.tasks) == (False, "squared_hinge", ("age",))
    assert config.version == "1.2", "a text that looks like a number stays a text"
    for wrong in (
        "epoch=3",
        "epochs=many",
        "augmentation.flap=0",
        "epochs",
        "augmentation.flip=-1",
        "loss.age=mse",
    ):
        with pytest.raises(RecipeError):
            with_settings(TINY, [wrong])


def test_smile_is_taken_only_from_training_votes_without_doubt() -> None:
    faces = made_faces("ferplus", 24)
    faces.emotion[2] = [0.3, 0.7, 0, 0, 0, 0, 0, 0]

    smile = multitask.with_smile_from_happiness(faces).smile

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


def test_a_run_can_start_from_an_exported_model() -> None:
    config = dataclasses.replace(TINY, net="bknet", net_settings={}, size=48, initial="multitask")

    started = experiment(config).net.eval()

    with torch.inference_mode():
        image = torch.randn(4, 1, 48, 48, generator=torch.Generator().manual_seed(1))
        said, wanted = started(image), shipped_net("multitask")(image)
    for task, logits in wanted.items():
        assert said[task].numpy() == pytest.approx(logits.numpy(), abs=1e-3)
    with pytest.raises(RecipeError, match=r"checkpoint\.pt"):
        experiment(dataclasses.replace(config, initial="multitask-nobody"))


def test_a_saved_configuration_comes_back_with_its_parts() -> None:
    config = dataclasses.replace(TINY, loss=LossSettings(age="regression"), tasks=("age", "gender"))

    saved = json.loads(json.dumps(dataclasses.asdict(config)))

    assert config_from_json(multitask.Config, {**saved, "gone": 1}) == config
    with pytest.raises(RecipeError, match="Config"):
        config_from_json(multitask.Config, {**saved, "epochs": "many"})


def test_the_bknet_recipe_has_the_papers_settings() -> None:
    config = bknet.Config()

    assert (config.net, config.epochs, config.learning_rate, config.schedule) == (
        "bknet",
        250,
        0.01,
        "exponential",
    )
    assert sum(config.shares.values()) == 128 and not config.nesterov
    weight = next(bknet.build_net(config).trunk.parameters())
    assert float(weight.detach().std()) == pytest.approx(0.01, rel=0.2)


def test_one_task_alone_makes_a_network_and_a_card_with_one_head() -> None:
    config = dataclasses.replace(TINY, tasks=("age",), shares={"utkface": 4})

    single = multitask.build_on(config, {"utkface": made_faces("utkface")})

    assert list(single.net.branches) == ["age"] and [
        head.task for head in multitask.draft_card(config).heads
    ] == ["age"]
    batch = next(iter(single.batches.epoch(0)))
    assert set(single.step(batch)) == {"age"}


@pytest.mark.parametrize(
    "change",
    [
        {"balancing": "gradnorm"},
        {"loss": LossSettings(domain_weight=0.5)},
        {"mixup": 0.2},
        {"sampling": "balanced"},
        {"mixing": "alternating"},
        {"optimizer": "adam", "learning_rate": 0.001},
        {"schedule": "dynamic"},
        {"loss": LossSettings(emotion="squared_hinge", age="classes", binary="squared_hinge")},
    ],
    ids=lambda change: "-".join(change),
)
def test_every_option_trains_an_epoch(change: dict, tmp_path: Path) -> None:
    changed = experiment(dataclasses.replace(TINY, **change))
    before = {name: value.clone() for name, value in changed.net.state_dict().items()}

    net = fit(changed, tmp_path, progress=False)

    assert not net.training and any(
        not torch.equal(before[name], value) for name, value in net.state_dict().items()
    )
    assert "ferplus_emotion_accuracy" in (tmp_path / "curves.csv").read_text()


@pytest.mark.slow
def test_a_run_from_data_to_measured_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in multitask.Config().shares:
        WRITERS[name](tmp_path / "data")
    settings = [
        "epochs=1",
        "size=16",
        "bfloat16=false",
        "keep_last=1",
        "average_last=1",
        *(f"shares.{name}=2" for name in multitask.Config().shares),
    ]

    assert run_recipe("multitask", tmp_path / "data", tmp_path / "out", tmp_path / "cache", settings) == 0

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
    with pytest.raises(RecipeError, match="recipe: expected one of"):
        run_recipe("nothing", tmp_path, tmp_path, tmp_path, [])
    with pytest.raises(RecipeError, match="recipe: expected one of"):
        run_recipe("../x", tmp_path, tmp_path, tmp_path, [])
    with pytest.raises(RecipeError, match="--out folder"):
        export_run(tmp_path, tmp_path / "model")
