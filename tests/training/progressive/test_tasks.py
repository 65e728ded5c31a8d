"""Tasks: labels, parts that share no picture, people who are in every part, and bad sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.card import EMOTIONS
from tests.training.made_faces import made_faces
from training.data.prepared import PreparedFaces
from training.errors import DatasetError, RecipeError
from training.losses.age_classes import ADIENCE
from training.progressive.tasks import TASKS, task_faces


def people(expressions: int = 4, persons: int = 3, frames: int = 2) -> PreparedFaces:
    """Return people with some pictures of some expressions each."""
    faces = made_faces("ckplus", persons * expressions * frames, side=16)
    number = np.arange(len(faces))
    return replace(
        faces,
        subject=np.array([f"S{one // (expressions * frames):03}" for one in number]),
        emotion=np.eye(8, dtype=np.float32)[number // frames % expressions],
    )


def test_every_person_is_in_every_part_with_other_expressions() -> None:
    faces = people()
    found = task_faces("identity", faces)
    shown = {
        part: set(zip(faces.subject[rows].tolist(), faces.emotion[rows].argmax(axis=1).tolist(), strict=True))
        for part, rows in found.positions.items()
    }

    assert found.labels == ("S000", "S001", "S002")
    assert all({person for person, _ in own} == set(found.labels) for own in shown.values())
    assert not shown["train"] & shown["test"] and not shown["train"] & shown["validation"]
    assert not shown["validation"] & shown["test"]
    assert {part: len(own) for part, own in shown.items()} == {"train": 6, "validation": 3, "test": 3}
    for part, rows in found.positions.items():
        assert [found.labels[number] for number in found.truth(part)] == faces.subject[rows].tolist()


def test_identity_takes_those_with_most_pictures() -> None:
    faces = people(persons=3)
    fewer = replace(faces, subject=np.where(np.arange(len(faces)) == 0, "S009", faces.subject))
    assert task_faces("identity", fewer, people=2).labels == ("S001", "S002")


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"identity"}))
def test_parts_share_no_picture_and_all_have_labels(task: str) -> None:
    faces = made_faces(TASKS[task], 48, side=16)
    found = task_faces(task, faces)
    together = np.concatenate(list(found.positions.values()))

    assert len(together) == len(set(together.tolist()))
    assert found.targets.shape == (48, len(found.labels))
    assert np.allclose(found.targets[together].sum(axis=1), 1)
    assert set(found.positions) == {"train", "validation", "test"}


def test_a_set_without_a_test_part_is_measured_on_validation_and_chosen_on_training_faces() -> None:
    faces = made_faces("ferplus", 2400, side=2)
    without = replace(faces, split=np.where(faces.split == 2, 0, faces.split).astype(np.uint8))
    found = task_faces("emotion", without)

    assert found.labels == EMOTIONS
    assert found.positions["test"].tolist() == without.where("validation").tolist()
    assert set(found.positions["validation"]) < set(without.where("train"))
    assert 0.06 < len(found.positions["validation"]) / len(without.where("train")) < 0.14


@pytest.mark.parametrize(
    ("years", "group"),
    [
        (0, 0),
        (2, 0),
        (3, 1),
        (6, 1),
        (8, 2),
        (13, 2),
        (14, 3),
        (17, 3),
        (22, 3),
        (23, 4),
        (32, 4),
        (36, 5),
        (50, 6),
        (61, 7),
    ],
)
def test_ages_fall_into_the_groups_of_adience(years: int, group: int) -> None:
    faces = made_faces("utkface", 24, side=16)
    ages = faces.age_years.copy()
    ages[0] = years
    found = task_faces("age_group", replace(faces, age_years=ages))
    assert found.targets[0].argmax() == group
    assert ADIENCE[group][0] - 2 <= years <= ADIENCE[group][1] + 2


def test_age_groups_of_a_set_that_gives_groups_are_its_own() -> None:
    faces = made_faces("ferplus", 24, side=16)
    low, high = np.full(24, 25, np.float32), np.full(24, 32, np.float32)
    low[::2], high[::2] = 60, 100
    found = task_faces("age_group", replace(faces, age_low_years=low, age_high_years=high))
    assert found.targets[:2].argmax(axis=1).tolist() == [7, 4]


def test_a_limit_takes_faces_from_all_over_the_set() -> None:
    found = task_faces("gender", made_faces("utkface", 240, side=16), limit=10)
    whole = task_faces("gender", made_faces("utkface", 240, side=16)).positions["train"]
    assert len(found.positions["train"]) == 10
    assert found.positions["train"][-1] == whole[-1] and found.positions["train"][0] == whole[0]


def test_a_task_with_one_class_is_one_clear_line() -> None:
    faces = made_faces("utkface", 48, side=16)
    with pytest.raises(
        DatasetError, match=r"task gender: expected .* two classes in utkface, found only 'male'"
    ):
        task_faces("gender", replace(faces, female=np.zeros(48, np.float32)))


def test_a_set_without_the_label_or_with_strangers_is_one_clear_line() -> None:
    with pytest.raises(DatasetError, match="with a label of gender in train, found none"):
        task_faces("gender", made_faces("ferplus", 48, side=16))
    with pytest.raises(DatasetError, match="at least two people with 3 expressions"):
        task_faces("identity", people(expressions=2))
    with pytest.raises(RecipeError, match="task: expected one of"):
        task_faces("hair", made_faces("ferplus", 48, side=16))


def test_pictures_of_people_without_expressions_stand_each_for_themselves() -> None:
    faces = made_faces("lfw", 30, side=16)
    named = replace(faces, subject=np.array([f"person {number // 10}" for number in range(30)]))
    found = task_faces("identity", named, people=2)

    assert found.labels == ("person 0", "person 1")
    assert {part: len(rows) for part, rows in found.positions.items()} == {
        "train": 12,
        "validation": 4,
        "test": 4,
    }
    assert len(np.unique(np.concatenate(list(found.positions.values())))) == 20
