"""The networks of the Gabor thesis: what makes each one what it is, and the hybrid's training in three steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from engines.card import GENDERS
from tests.training.made_faces import made_faces
from tests.training.net_kinds import resnet101, vgg16, vgg19
from training.blocks.gabor import GaborSettings, fed_by
from training.blocks.multi_task import parameter_count
from training.errors import RecipeError
from training.fitting.checkpoints import averaged_weights
from training.losses.age_classes import ADIENCE, GALLAGHER, AgeClassLoss, age_groups
from training.multi_task.loss import LossSettings, MultiTaskLoss
from training.nets import levi, vgg16_hybrid, vgg19_extra_dropout, zero_bias_cnn
from training.recipes import multitask
from training.recipes import vgg16_hybrid as hybrid_recipe

FEMALE, MALE = GENDERS.index("female"), GENDERS.index("male")


def hybrid_config(**settings: object) -> hybrid_recipe.Config:
    return hybrid_recipe.Config(
        net_settings=dict(vgg16_hybrid.SMALL),
        size=16,
        bfloat16=False,
        shares={"utkface": 16},
        epochs=1,
        gender_epochs=1,
        expert_epochs=1,
        average_decay=0.0,
        weight_decay=0.0,
        **settings,
    )


def test_the_zero_bias_cnn_has_no_bias_before_its_fully_connected_layer() -> None:
    net = zero_bias_cnn.build(**zero_bias_cnn.SMALL)

    assert {type(module) for module in net.modules() if getattr(module, "bias", None) is not None} == {
        nn.Linear
    }
    assert not net.trunk[:-4](torch.zeros(1, 1, 48, 48)).any(), "black stays black through every convolution"


@pytest.mark.parametrize(("side", "middle"), [(12, False), (5, True)])
def test_quadrants_are_pooled_one_by_one(side: int, middle: bool) -> None:
    features = torch.randn(1, 2, side, side)
    half, start = (side + 1) // 2, side // 2
    found = zero_bias_cnn.quadrant_pooling(side)(features)

    assert found.shape == (1, 2, 2, 2)
    assert torch.equal(found[..., 0, 1], features[..., :half, start:].amax(dim=(2, 3)))
    assert torch.equal(found[..., 1, 0], features[..., start:, :half].amax(dim=(2, 3)))
    assert (half > start) == middle


def test_the_extra_dropout_is_all_that_vgg_19_gets() -> None:
    plain, extra = vgg19.build(**vgg19.SMALL), vgg19_extra_dropout.build(**vgg19_extra_dropout.SMALL)
    extra.load_state_dict(plain.state_dict())
    image = torch.randn(2, 1, 48, 48)

    assert [branch[0].p for branch in extra.branches.values()] == [0.5] * 4
    assert torch.equal(plain.eval()(image)["emotion"], extra.eval()(image)["emotion"])
    assert not torch.equal(extra.train()(image)["emotion"], plain(image)["emotion"])


def test_the_hybrids_age_is_that_of_the_certain_genders_expert_and_between_them_where_uncertain() -> None:
    torch.manual_seed(1)
    net = vgg16_hybrid.build(**vgg16_hybrid.SMALL).eval()
    features = net.features(torch.randn(3, 1, 48, 48))
    experts = {name: head(features) for name, head in vgg16_hybrid.age_experts(net).items()}
    last = net.branches["gender"][-1]
    nn.init.zeros_(last.weight)

    found = {}
    for name, chosen in (("age_of_female", FEMALE), ("age_of_male", MALE)):
        with torch.no_grad():
            last.bias.copy_(torch.where(torch.arange(2) == chosen, 50.0, -50.0))
        found[name] = net.branches["age"](features)
        assert torch.allclose(found[name], experts[name], atol=1e-5)
    with torch.no_grad():
        last.bias.zero_()
    between = net.branches["age"](features)
    assert torch.allclose(between, (found["age_of_female"] + found["age_of_male"]) / 2, atol=1e-5)
    assert not torch.allclose(found["age_of_female"], found["age_of_male"], atol=1e-2)


@pytest.mark.parametrize(
    ("net", "settings", "plain", "beside"),
    [
        (levi, {"size": 224, "stem_stride": 4}, 11_405_640, 32 * 96 * 7 * 7),
        (levi, {}, 3_541_320, 32 * 96 * 7 * 7),
        (vgg16, {}, 39_920_328, 32 * 64 * 3 * 3),
        (resnet101, {}, 42_507_720, 32 * 64 * 3 * 3),
        (vgg19_extra_dropout, {}, 45_230_024, 32 * 64 * 3 * 3),
        (zero_bias_cnn, {}, 1_335_508, 32 * 64 * 5 * 5),
    ],
)
def test_gabor_costs_33_numbers_as_fusion_and_a_wider_first_layer_beside(
    net: ModuleType, settings: dict[str, int], plain: int, beside: int
) -> None:
    """The counts that docs/gabor.md shows, for eight classes."""
    counts = {}
    for feeding in ("none", "fusion", "concatenation"):
        front = GaborSettings(feeding).front(1, settings.get("size", 48))
        with torch.device("meta"):
            built = net.build(classes={"any": 8}, channels=1 if front is None else front.channels, **settings)
        counts[feeding] = parameter_count(built if front is None else fed_by(front, built))

    assert counts == {"none": plain, "fusion": plain + 33, "concatenation": plain + beside}


def test_the_hybrid_is_refused_without_gender() -> None:
    with pytest.raises(
        ValueError, match="expected gender beside age, which it chooses the head of, found age"
    ):
        vgg16_hybrid.build(classes={"age": 8}, **vgg16_hybrid.SMALL)
    with pytest.raises(
        RecipeError, match="expected vgg16_hybrid with age and gender, found vgg16_hybrid with age"
    ):
        hybrid_config(tasks=("age",))
    with pytest.raises(RecipeError, match="step: expected gender, experts or joint, found 'all'"):
        hybrid_config(step="all")


def moved(config: hybrid_recipe.Config, keep: float | None = None) -> set[str]:
    """Train one step on one batch; return which weights moved. `keep` leaves only faces of one gender."""
    experiment = hybrid_recipe.build_on(config, {"utkface": made_faces("utkface", side=16)})
    batch = next(iter(experiment.batches.epoch(0)))
    if keep is not None:
        batch["female"] = torch.full_like(batch["female"], keep)
    before = {name: value.clone() for name, value in experiment.net.state_dict().items()}
    experiment.schedule = None
    experiment.net.train()
    experiment.step(batch)
    return {
        name for name, value in experiment.net.state_dict().items() if not torch.equal(value, before[name])
    }


def test_the_first_step_trains_no_age_expert_and_the_second_nothing_else() -> None:
    first, second = moved(hybrid_config(step="gender")), moved(hybrid_config(step="experts"))

    own = ("branches.age.0.experts.", "branches.age.1.")
    assert first and not [name for name in first if name.startswith(own)]
    assert any(name.startswith("trunk.") for name in first)
    assert second and all(name.startswith(own) for name in second)


def test_each_expert_learns_from_faces_of_its_gender_only() -> None:
    config = hybrid_config(step="experts")
    other = {0.0: FEMALE, 1.0: MALE}

    for female, untouched in other.items():
        names = moved(config, keep=female)
        assert names and not [name for name in names if f"experts.{untouched}." in name]


def test_the_three_steps_follow_each_other_and_go_on_from_what_is_there(tmp_path: Path) -> None:
    sets = {"utkface": made_faces("utkface", side=16)}
    config = hybrid_recipe.before_joint(hybrid_config(), sets, tmp_path, progress=False)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/checkpoint.pt")}

    assert config.initial == str(tmp_path / "experts") and len(made) == 2
    joint = hybrid_recipe.build_on(config, sets)
    assert not joint.net.training_heads and joint.balance is not None
    weights = averaged_weights(tmp_path / "experts")
    assert all(torch.equal(value, weights[name]) for name, value in joint.net.state_dict().items())
    assert hybrid_recipe.prepare(replace(hybrid_config(), initial="x"), tmp_path).initial == "x"


def test_age_groups_are_those_of_the_two_sets_and_others_are_refused() -> None:
    assert (len(age_groups("adience")), len(age_groups("gallagher"))) == (8, 7)
    assert age_groups("adience") is ADIENCE and age_groups("gallagher") is GALLAGHER
    with pytest.raises(
        ValueError, match="age groups: expected one of adience, gallagher, single_years, found 'morph'"
    ):
        age_groups("morph")
    with pytest.raises(ValueError, match=r"age: expected one of .*gallagher_classes, .*found 'decades'"):
        LossSettings(age="decades")
    assert len(MultiTaskLoss(LossSettings(age="gallagher_classes")).age.groups) == 7


def test_a_set_that_gives_ranges_of_years_teaches_the_age_classes() -> None:
    """Adience names groups, not years: they must reach the loss through the batches."""
    faces = made_faces("utkface", side=16)
    ranges = replace(
        faces,
        age_low_years=torch.full((len(faces),), 25.0).numpy(),
        age_high_years=torch.full((len(faces),), 32.0).numpy(),
        age_years=torch.full((len(faces),), torch.nan).numpy(),
    )
    config = multitask.Config(
        net="levi",
        net_settings={"widths": [4, 4, 4], "hidden": [8]},
        tasks=("age",),
        size=16,
        shares={"utkface": 8},
        loss=LossSettings(age="classes"),
        bfloat16=False,
    )
    experiment = multitask.build_on(config, {"utkface": ranges})
    batch = next(iter(experiment.batches.epoch(0)))
    logits = torch.randn(8, 101)
    found = experiment.loss({"age": logits}, batch)["age"]

    wanted = AgeClassLoss(ADIENCE)(logits, torch.full((8,), 25.0), torch.full((8,), 32.0))
    assert float(found) == pytest.approx(float(wanted)) and float(wanted) > 0.1
