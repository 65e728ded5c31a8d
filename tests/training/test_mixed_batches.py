from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
import torch

from engines.card import InputSpec
from engines.preprocess import cut_chip, normalise
from tests.training.made_faces import made_faces
from training.batches.face_order import EndlessOrder, alternating_turns
from training.batches.mixed_batches import MixedBatches, plain_images
from training.data.augmentation import Augmentation
from training.errors import DatasetError, RecipeError

STILL = Augmentation(rotation_deg=0, scale=0, shift=0, flip=0, gain=0, bias=0, blur=0, patch=0)
SETS = {name: made_faces(name, 48) for name in ("ferplus", "utkface", "genki4k")}
SHARES = {"ferplus": 4, "utkface": 3, "genki4k": 1}
IDENTITY = np.float32([[[1, 0, 0], [0, 1, 0]]])


def batches(augmentation: Augmentation = STILL, seed: int = 3, **settings) -> MixedBatches:
    return MixedBatches(SETS, SHARES, InputSpec(), augmentation, True, "ferplus", seed, **settings)


def assert_same(batch: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert batch.keys() == other.keys()
    for name, values in batch.items():
        assert torch.equal(values.nan_to_num(-1), other[name].nan_to_num(-1)), name


def test_every_batch_holds_each_set_in_its_share() -> None:
    made = list(batches().epoch(0))

    assert len(made) == batches().steps == 4
    for batch in made:
        assert batch["image"].shape == (8, 1, 48, 48)
        assert (~batch["emotion"].isnan().any(dim=1)).tolist() == [True] * 4 + [False] * 4
        assert (~batch["age_years"].isnan()).tolist() == [False] * 4 + [True] * 3 + [False]
        assert (~batch["smile"].isnan()).tolist() == [False] * 7 + [True]
        assert batch["source"].tolist() == [0] * 4 + [1] * 3 + [2]


def test_every_face_comes_with_the_labels_and_pixels_of_its_index() -> None:
    for batch in batches().epoch(1):
        for row, (source, index) in enumerate(zip(batch["source"], batch["index"], strict=True)):
            faces = SETS[tuple(SHARES)[source]]
            wanted = plain_images(faces, np.array([int(index)]), InputSpec(), True)[0]
            assert np.array_equal(batch["image"][row].numpy(), wanted)
            for label in ("emotion", "age_years", "female", "smile", "race"):
                assert np.array_equal(batch[label][row], getattr(faces, label)[index], equal_nan=True), label


def test_an_epoch_passes_once_over_its_set() -> None:
    seen = torch.cat([batch["index"][:4] for batch in batches().epoch(0)])

    assert sorted(seen.tolist()) == SETS["ferplus"].where("train").tolist()


def test_the_same_seed_and_epoch_give_the_same_batches_with_any_number_of_workers() -> None:
    first, again, threads, other = (
        list(batches(Augmentation(), workers=workers).epoch(number))
        for number, workers in ((1, 1), (1, 1), (1, 3), (2, 1))
    )

    for one, two, three in zip(first, again, threads, strict=True):
        assert_same(one, two)
        assert_same(one, three)
    assert not torch.equal(first[0]["image"], other[0]["image"])


def test_an_epoch_can_begin_in_its_middle() -> None:
    whole = list(batches(Augmentation()).epoch(1))
    rest = list(batches(Augmentation()).epoch(1, first=3))

    assert len(rest) == 1
    assert_same(rest[0], whole[3])


def test_the_parts_of_several_processes_make_the_whole_batch() -> None:
    whole = next(batches(Augmentation()).epoch(2))
    parts = [next(batches(Augmentation()).epoch(2, part=part, parts=4)) for part in range(4)]

    together = {name: torch.stack([part[name] for part in parts], 1).flatten(0, 1) for name in whole}
    assert_same(together, whole)
    with pytest.raises(RecipeError, match="3 processes can share equally, found 8"):
        next(batches().epoch(0, parts=3))


def test_alternating_batches_hold_one_set_each_as_often_as_its_share_says() -> None:
    made = [batch["source"] for number in range(4) for batch in batches(mixing="alternating").epoch(number)]

    assert all(len(sources) == 8 and len(sources.unique()) == 1 for sources in made)
    turns, before = alternating_turns((4, 3, 1), 80)
    assert np.bincount(turns).tolist() == [40, 30, 10]
    assert np.bincount(turns[:40]).tolist() == [20, 15, 5], "evenly spread"
    assert all(before[turns == place].tolist() == list(range((turns == place).sum())) for place in range(3))


def test_extra_labels_are_looked_up_by_set_and_position() -> None:
    taught = np.arange(48 * 2, dtype=np.float64).reshape(48, 2)
    ages = np.full(48, 7.0)
    extra = {"utkface": {"taught": taught}, "genki4k": {"age_years": ages}}

    for batch in batches(extra=extra).epoch(0):
        assert batch["taught"].dtype == torch.float32
        assert batch["taught"][[0, 1, 2, 3, 7]].isnan().all()
        assert np.array_equal(batch["taught"][4:7], taught[batch["index"][4:7]])
        assert batch["age_years"][7] == 7, "replaces the set's own label"


def test_extra_labels_of_another_set_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"utkface\.extra\.taught: .* 48 pictures, found 5"):
        batches(extra={"utkface": {"taught": np.zeros((5, 2))}})
    with pytest.raises(DatasetError, match=r"extra\.taught: .*\(2,\).*\(3,\)"):
        batches(extra={"ferplus": {"taught": np.zeros((48, 2))}, "utkface": {"taught": np.zeros((48, 3))}})


def test_sampling_draws_faces_as_often_as_their_weights_say() -> None:
    weights = np.array([0.0, 1.0, 2.5, 4.5])
    order = EndlessOrder(np.array([10, 11, 12, 13]), weights, (1, 2))

    drawn = order.at(0, 0, 4 * 500)

    counts = np.bincount(drawn, minlength=14)[10:]
    assert counts == pytest.approx(weights / weights.sum() * 2000, abs=45)
    for start in range(0, 2000, 4):
        round_counts = np.bincount(drawn[start : start + 4], minlength=14)[10:]
        assert (np.abs(round_counts - weights / 2) < 1).all(), "a round is as near to the weights as can be"


def test_sampling_takes_the_weights_of_the_training_faces() -> None:
    weights = np.zeros(48)
    chosen = SETS["ferplus"].where("train")[3]
    weights[chosen] = 1

    made = list(batches(sampling={"ferplus": weights}).epoch(0))

    assert all((batch["index"][:4] == chosen).all() for batch in made)
    assert len({int(index) for batch in made for index in batch["index"][4:7]}) > 3


@pytest.mark.parametrize(
    "weights", [np.zeros(48), np.full(48, np.nan), np.full(48, -1.0), np.ones(5)], ids=("0", "nan", "-1", "5")
)
def test_wrong_sampling_weights_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(DatasetError, match="sampling"):
        batches(sampling={"ferplus": weights})


def test_any_place_of_an_order_is_found_at_once() -> None:
    order = EndlessOrder(np.arange(5), None, (1,))

    whole = order.at(0, 0, 23)

    assert all(sorted(whole[start : start + 5]) == list(range(5)) for start in (0, 5, 10, 15))
    assert np.array_equal(order.at(0, 7, 9), whole[7:16])
    assert not np.array_equal(order.at(1, 0, 23), whole)


def test_leaving_an_epoch_early_ends_its_threads() -> None:
    with_threads = batches(workers=2).epoch(0)
    assert "image" in next(with_threads)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("batches")]
    with_threads.close()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_an_empty_training_split_is_refused() -> None:
    faces = made_faces("ferplus", 24)
    faces.split[:] = 1

    with pytest.raises(DatasetError, match="training pictures"):
        MixedBatches({"ferplus": faces}, {"ferplus": 4}, InputSpec(), STILL, True, "ferplus", 1)


@pytest.mark.parametrize(
    ("settings", "name"), [({"mixing": "shaken"}, "mixing"), ({"workers": 0}, "workers")]
)
def test_a_wrong_setting_is_named(settings: dict, name: str) -> None:
    with pytest.raises(RecipeError, match=name):
        batches(**settings)


def test_a_failure_in_a_worker_reaches_the_loop() -> None:
    broken = dataclasses.replace(SETS["ferplus"], pixels=SETS["ferplus"].pixels[:100])
    made = MixedBatches({"ferplus": broken}, {"ferplus": 4}, InputSpec(), STILL, True, "ferplus", 1)

    with pytest.raises(ValueError, match="reshape"):
        next(made.epoch(0))


@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_augmentation_of_zero_changes_nothing(color: str) -> None:
    spec = InputSpec(color=color)
    picture = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    matrix = np.float32([[[0.7, 0.1, 3], [-0.1, 0.7, 4]]])
    changes = STILL.draw(1, 48, np.random.default_rng(1))

    assert changes.matrices(matrix) == pytest.approx(matrix, abs=1e-5)
    chip = cut_chip(picture, matrix[0], spec)
    wanted = np.empty((spec.channels, 48, 48), np.float32)
    normalise(chip, spec, wanted)
    assert np.array_equal(changes.normalised(chip[None].copy(), spec)[0], wanted)


def test_a_certain_flip_mirrors_the_chip() -> None:
    flip = dataclasses.replace(STILL, flip=1)

    matrices = flip.draw(1, 48, np.random.default_rng(1)).matrices(IDENTITY)

    assert matrices[0] == pytest.approx(np.array([[-1, 0, 47], [0, 1, 0]]), abs=1e-5)


def test_rotation_scale_and_shift_stay_within_their_limits() -> None:
    augmentation = dataclasses.replace(STILL, rotation_deg=15, scale=0.1, shift=0.06)

    matrices = augmentation.draw(300, 48, np.random.default_rng(1)).matrices(IDENTITY)

    angles = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    scales = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    centres = matrices @ np.array([23.5, 23.5, 1]) - 23.5
    assert np.abs(angles).max() <= 15.01 < np.abs(angles).max() + 1
    assert 1 / 1.11 < scales.min() < 0.95 and 1.05 < scales.max() < 1.101
    assert 0.9 * 0.06 * 48 < np.abs(centres).max() <= 0.06 * 48 + 1e-4


def test_light_changes_contrast_around_the_mean_and_brightness() -> None:
    chips = np.tile(np.uint8([100, 140]), (200, 48, 24))
    changes = dataclasses.replace(STILL, gain=0.25, bias=0.1).draw(200, 48, np.random.default_rng(1))

    levels = (changes.normalised(chips, InputSpec())[:, 0, 0, :2] * 0.25 + 0.5) * 255

    contrast, brightness = levels[:, 1] - levels[:, 0], levels.mean(axis=1) - 120
    assert contrast == pytest.approx(40 * changes.gain, abs=1.01)
    assert brightness == pytest.approx(changes.bias, abs=1.01)
    assert np.abs(changes.gain - 1).max() == pytest.approx(0.25, abs=0.01)
    assert np.abs(changes.bias).max() == pytest.approx(25.5, abs=1)


def test_patches_hide_a_rectangle_of_two_to_fifteen_percent() -> None:
    changes = dataclasses.replace(STILL, patch=0.5).draw(400, 48, np.random.default_rng(1))
    chips = np.random.default_rng(2).integers(0, 256, (400, 48, 48), dtype=np.uint8)

    images = changes.normalised(chips.copy(), InputSpec())

    plain = STILL.draw(400, 48, np.random.default_rng(1)).normalised(chips, InputSpec())
    hidden = (images != plain).mean(axis=(1, 2, 3))
    drawn = hidden > 0
    assert 0.4 < drawn.mean() < 0.6
    assert 0.015 < hidden[drawn].min() < 0.03 and 0.13 < hidden[drawn].max() < 0.17


def test_blur_takes_the_edge_off() -> None:
    chips = np.zeros((50, 48, 48), np.uint8)
    chips[:, :, 24:] = 200
    images = (
        dataclasses.replace(STILL, blur=1)
        .draw(50, 48, np.random.default_rng(1))
        .normalised(chips, InputSpec())
    )

    steps = np.diff(images, axis=3).max(axis=(1, 2, 3)) / (200 / 255 / 0.25)
    assert ((steps > 0.3) & (steps < 0.95)).all()


def test_a_negative_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="blur"):
        Augmentation(blur=-1)
