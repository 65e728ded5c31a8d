from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.occlusion.meshed_faces import meshed_faces
from training.data.sample import SPLITS
from training.distillation.labels import PREFIX
from training.multi_task.loss import LossSettings, MultiTaskLoss
from training.multi_task.prior_adjustment import PriorAdjustment, emotion_prior

PRIORS = [np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.4, 0.4])]


@pytest.mark.parametrize("restored", [0.0, 0.5, 1.0])
def test_logits_get_the_prior_of_their_set_less_what_is_restored(restored: float) -> None:
    adjusted = PriorAdjustment(PRIORS, restored)(torch.zeros(2, 3), torch.tensor([0, 1]))
    expected = [np.log(prior) - restored * np.log(PRIORS[0]) for prior in PRIORS]
    assert np.allclose(adjusted.numpy(), expected, atol=1e-6)


def test_the_prior_counts_votes_of_training_faces_as_often_as_they_are_drawn() -> None:
    faces = meshed_faces("ferplus", 4)
    emotion = np.full((4, 8), np.nan, np.float32)
    emotion[:3] = np.eye(8, dtype=np.float32)[[0, 0, 1]]
    split = np.full(4, SPLITS.index("train"), np.uint8)
    faces = replace(faces, emotion=emotion, split=split)
    plain, weighted = emotion_prior(faces), emotion_prior(faces, np.array([1.0, 1.0, 2.0, 5.0]))
    assert plain[0] / plain[1] == pytest.approx(2) and weighted[0] == pytest.approx(weighted[1])
    assert plain[2] == pytest.approx(0.001, rel=0.01) and plain.sum() == pytest.approx(1)


def test_a_set_without_emotions_has_equal_shares() -> None:
    faces = meshed_faces("utkface", 3)
    faces = replace(faces, emotion=np.full((3, 8), np.nan, np.float32))
    assert np.allclose(emotion_prior(faces), 1 / 8)


def test_what_a_teacher_says_is_learned_with_the_prior_of_the_first_set() -> None:
    prior = np.array([0.6, *[0.4 / 7] * 7])
    adjustment = PriorAdjustment([prior, np.full(8, 1 / 8)], restored=0.0)
    loss = MultiTaskLoss(LossSettings(distillation_weight=1.0), adjustment)
    batch = {
        "source": torch.tensor([0, 1]),
        "emotion": torch.full((2, 8), torch.nan),
        PREFIX + "emotion": torch.from_numpy(np.stack([prior, prior])).float(),
    }
    logits = torch.zeros(2, 8, requires_grad=True)
    value = loss({"emotion": logits}, batch)["emotion"]
    assert value.item() == pytest.approx(0, abs=1e-6), "a face that shows nothing is what the prior says"
