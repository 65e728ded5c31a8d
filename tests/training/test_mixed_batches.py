from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from engines.card import InputSpec
from tests.training.made_faces import made_faces
from training.data.augmentation import Augmentation
from training.data.mixed_batches import MixedBatches, plain_images
from training.errors import DatasetError

STILL = Augmentation(rotation_deg=0, scale=0, shift=0, flip=0, gain=0, bias=0, blur=0, patch=0)


def batches(augmentation: Augmentation = STILL, seed: int = 3) -> MixedBatches:
    sets = {name: made_faces(name, 48) for name in ("ferplus", "utkface", "genki4k")}
    return MixedBatches(
        sets, {"ferplus": 4, "utkface": 3, "genki4k": 1}, InputSpec(), augmentation, True, "ferplus", seed
    )


def test_every_batch_holds_each_set_in_its_share() -> None:
    made = list(batches().epoch(0))

    assert len(made) == batches().steps == 4
    for batch in made:
        assert batch["image"].shape == (8, 1, 48, 48)
        assert (~batch["emotion"].isnan().any(dim=1)).tolist() == [True] * 4 + [False] * 4
        assert (~batch["age_years"].isnan()).tolist() == [False] * 4 + [True] * 3 + [False]
        assert (~batch["smile"].isnan()).tolist() == [False] * 7 + [True]


def test_an_epoch_passes_once_over_its_set() -> None:
    faces = made_faces("ferplus", 48)
    seen = torch.cat([batch["image"][:4] for batch in batches().epoch(0)]).numpy()

    wanted = plain_images(faces, faces.where("train"), InputSpec(), True)
    assert np.array_equal(np.sort(seen.reshape(16, -1).sum(1)), np.sort(wanted.reshape(16, -1).sum(1)))


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    first, again, other = (next(iter(batches(Augmentation()).epoch(number)))["image"] for number in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_leaving_an_epoch_early_ends_its_thread() -> None:
    for batch in batches().epoch(0):
        assert "image" in batch
        break

    assert not [thread for thread in threading.enumerate() if thread.name == "batches"]


def test_an_empty_training_split_is_refused() -> None:
    faces = made_faces("ferplus", 24)
    faces.split[:] = 1

    with pytest.raises(DatasetError, match="training pictures"):
        MixedBatches({"ferplus": faces}, {"ferplus": 4}, InputSpec(), STILL, True, "ferplus", 1)


def test_augmentation_of_zero_changes_nothing() -> None:
    random = np.random.default_rng(1)
    matrix = np.float32([[0.7, 0.1, 3], [-0.1, 0.7, 4]])
    chip = np.random.default_rng(2).integers(0, 256, (48, 48), dtype=np.uint8)

    assert STILL.geometry(matrix, 48, random) == pytest.approx(matrix, abs=1e-5)
    assert np.array_equal(STILL.light(chip.copy(), random), chip)


def test_a_certain_flip_mirrors_the_chip() -> None:
    random = np.random.default_rng(1)
    flip = Augmentation(rotation_deg=0, scale=0, shift=0, flip=1, gain=0, bias=0, blur=0, patch=0)

    matrix = flip.geometry(np.float32([[1, 0, 0], [0, 1, 0]]), 48, random)

    assert matrix == pytest.approx(np.array([[-1, 0, 47], [0, 1, 0]]), abs=1e-5)


def test_rotation_and_scale_stay_within_their_limits() -> None:
    random = np.random.default_rng(1)
    augmentation = Augmentation(rotation_deg=15, scale=0.1, shift=0.06, flip=0)
    identity = np.float32([[1, 0, 0], [0, 1, 0]])

    matrices = np.stack([augmentation.geometry(identity, 48, random) for _ in range(300)])

    angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    scales = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    assert np.abs(angles).max() <= 15.01 < np.abs(angles).max() + 1
    assert 1 / 1.11 < scales.min() < 0.95 and 1.05 < scales.max() < 1.101


def test_a_negative_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="blur"):
        Augmentation(blur=-1)
