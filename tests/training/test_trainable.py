"""A task that no face teaches is refused with the task, the set and the setting; ranges of years teach age groups."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.training.made_faces import made_faces
from training import losses
from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.losses.age_classes import ADIENCE, AgeClassLoss
from training.losses.masked_cross_entropy import MaskedCrossEntropy
from training.multi_task.capsule_loss import CapsuleLoss, MarginSchedule
from training.multi_task.loss import LossSettings, MultiTaskLoss
from training.multi_task.trainable import require_labels, taught_tasks
from training.recipes import bknet, capsules, distill_2md_mtl, ferplus_vgg13, multitask


def with_ranges(name: str = "adience") -> PreparedFaces:
    """Faces of which only the age group is known."""
    faces = made_faces("utkface", 24)
    count = len(faces)
    return dataclasses.replace(
        faces,
        name=name,
        age_years=np.full(count, np.nan, np.float32),
        age_low_years=np.full(count, 25, np.float32),
        age_high_years=np.full(count, 32, np.float32),
    )


def test_a_task_without_a_label_names_task_set_and_setting() -> None:
    config = multitask.Config(
        size=16, net="bknet", tasks=("age", "gender"), shares={"adience": 4}, device="cpu"
    )

    with pytest.raises(RecipeError, match=r"^age: .* ranges of years alone in adience.*loss\.age=classes"):
        multitask.build_on(config, {"adience": with_ranges()})
    with pytest.raises(RecipeError, match=r"^smile: .* none in adience; add a set with smile to shares"):
        multitask.build_on(dataclasses.replace(config, tasks=("smile",)), {"adience": with_ranges()})


def test_capsules_refuse_years_that_no_set_gives() -> None:
    config = capsules.Config(size=16, tasks=("age",), shares={"adience": 4}, device="cpu")

    with pytest.raises(RecipeError, match=r"loss\.age=classes"):
        capsules.build_on(config, {"adience": with_ranges()})


def test_ranges_teach_age_groups() -> None:
    require_labels(("age",), LossSettings(age="classes"), {"adience": with_ranges()}, {})


def test_the_tasks_of_a_set_alone_are_those_it_teaches() -> None:
    faces = made_faces("ferplus")

    assert taught_tasks(("emotion", "age", "smile"), LossSettings(), {"ferplus": faces}, {}) == ("emotion",)
    taught = {"ferplus": {"distilled_age": np.ones((len(faces), 101), np.float32)}}
    assert taught_tasks(("age",), LossSettings(), {"ferplus": faces}, taught) == ("age",)
    never = LossSettings(distillation_weight=0.0)
    assert taught_tasks(("age",), never, {"ferplus": faces}, taught) == ()


def test_the_capsules_of_age_groups_learn_from_ranges() -> None:
    loss = CapsuleLoss(MultiTaskLoss(LossSettings()), MarginSchedule(1, 0.1, 0.9), AgeClassLoss(ADIENCE))
    missing = torch.full((3,), torch.nan)
    batch = {
        "age_years": missing,
        "age_low_years": torch.tensor([25.0, 0.0, torch.nan]),
        "age_high_years": torch.tensor([32.0, 40.0, torch.nan]),
    }

    target = loss._group_target(batch)

    assert target[0].argmax() == AgeClassLoss(ADIENCE).group_of(torch.tensor([28.0]))[0]
    assert target[1:].isnan().all(), "a range over several groups, and no range, are no label"


def test_bknets_tasks_have_as_many_faces_of_a_batch() -> None:
    shares = bknet.Config().shares
    faces = (shares["ferplus"] + shares["ckplus"], shares["utkface"], shares["genki4k"])

    assert sum(faces) == 128 and max(faces) - min(faces) <= 1


@pytest.mark.parametrize("recipe", [ferplus_vgg13, distill_2md_mtl])
def test_deep_networks_without_normalisation_have_their_gradients_limited(recipe: ModuleType) -> None:
    faces = {name: made_faces(name) for name in recipe.Config().shares}
    settings = {"hidden": (16, 16), "blocks": ((4, 4), (8, 8), (8, 8), (8, 8))}
    small = (
        {"net_settings": settings}
        if recipe is ferplus_vgg13
        else {"net_settings": {"width": 4, "hidden": (16, 16)}}
    )
    experiment = recipe.build_on(
        recipe.Config(size=16, epoch_steps=100, epochs=1, device="cpu", **small), faces
    )

    assert experiment.clip_norm == 1.0
    rates = [experiment.optimizer.param_groups[0]["lr"]]
    experiment.optimizer.step()
    experiment.schedule.step()
    assert rates[0] < experiment.optimizer.param_groups[0]["lr"] <= recipe.Config().learning_rate


def test_a_loss_over_all_faces_shrinks_with_the_share_that_has_a_label() -> None:
    logits, target = torch.randn(4, 3), torch.eye(3)[[0, 1, 2, 0]].clone()
    target[1:] = torch.nan
    of_labelled, of_all = MaskedCrossEntropy(), MaskedCrossEntropy()
    of_all.over_all = True

    assert float(of_all(logits, target)) == pytest.approx(float(of_labelled(logits, target)) / 4)
    settings = LossSettings(mean_over="all")
    assert MultiTaskLoss(settings).emotion.over_all and MultiTaskLoss(settings).age.over_all
    assert not MultiTaskLoss(LossSettings()).emotion.over_all
    with pytest.raises(ValueError, match="mean_over: expected labelled or all, found 'some'"):
        LossSettings(mean_over="some")  # type: ignore[arg-type]


def test_one_new_file_is_a_loss_that_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doubled.py").write_text(
        "from training.losses.masked_cross_entropy import MaskedCrossEntropy\n\n\n"
        "class Doubled(MaskedCrossEntropy):\n"
        "    def per_image(self, logits, *labels):\n"
        "        losses, labelled = super().per_image(logits, *labels)\n"
        "        return 2 * losses, labelled\n\n\n"
        "def build():\n    return Doubled()\n"
    )
    monkeypatch.setattr(losses, "__path__", [*losses.__path__, str(tmp_path)])
    logits, target = torch.randn(4, 8), torch.eye(8)[:4]

    found = MultiTaskLoss(LossSettings(emotion="doubled"))({"emotion": logits}, {"emotion": target})

    assert float(found["emotion"]) == pytest.approx(2 * float(MaskedCrossEntropy()(logits, target)))
    with pytest.raises(ValueError, match=r"emotion: expected one of distribution, .* found 'tripled'"):
        LossSettings(emotion="tripled")
    with pytest.raises(RecipeError, match=r"losses/hint\.py: expected build\(\)"):
        MultiTaskLoss(LossSettings(emotion="hint"))
