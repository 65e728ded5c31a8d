"""The shipped visibility network and students on the public-domain portrait, drawn on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engines.card import OCCLUSIONS
from engines.engine import load_engine
from engines.errors import EngineError
from engines.occlusion import hide_half, occlude
from engines.preprocess import ALIGNMENT_POINTS, alignment_matrix, box_matrix, cut_chip
from engines.visibility import VisibilityReader, load_visibility

FACE = np.s_[30:230, 130:330]


@pytest.fixture(scope="module")
def reader() -> Iterator[VisibilityReader]:
    found = load_visibility("onnxruntime", threads=1)
    yield found
    found.close()


def looked(reader: VisibilityReader, image: np.ndarray, landmarks: np.ndarray) -> tuple[str, float]:
    """The occlusion that is seen, and how far the points are off in shares of the outer eye distance."""
    seen = reader.refine(image, [alignment_matrix(landmarks, reader.card.input.size)])
    wanted = landmarks[list(ALIGNMENT_POINTS), :2]
    error = np.linalg.norm(seen.points[0] - wanted, axis=1).mean() / np.linalg.norm(wanted[0] - wanted[3])
    return seen.kinds()[0], float(error)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("headset", "headset"),
        ("mask", "mask"),
        ("both", "hidden"),
        ("glasses", "none"),
        ("chin_mask", "none"),
    ],
)
def test_drawings_are_seen_for_what_they_hide(reader, kind, expected, astronaut, astronaut_landmarks) -> None:
    said = [
        looked(reader, occlude(astronaut, astronaut_landmarks, kind, seed=seed), astronaut_landmarks)
        for seed in range(1, 9)
    ]

    right = [seen == expected for seen, _ in said]
    assert sum(right) >= 7, said
    if expected != "hidden":
        assert np.median([error for _, error in said]) < 0.12


def test_a_bare_face_is_bare_and_its_points_are_found(reader, astronaut, astronaut_landmarks) -> None:
    seen, error = looked(reader, astronaut, astronaut_landmarks)
    assert seen == "none" and error < 0.08


@pytest.mark.parametrize(("half", "expected"), [("upper", "headset"), ("lower", "mask")])
def test_a_black_half_of_a_crop_is_seen_from_the_whole_crop(reader, half, expected, astronaut) -> None:
    crop = hide_half(np.ascontiguousarray(astronaut[FACE]), half)
    whole = box_matrix(np.array([0, 0, *crop.shape[1::-1]], np.float32), reader.card.input.size)
    assert reader.refine(crop, [whole]).kinds() == [expected]


def test_nothing_to_see_is_hidden(reader) -> None:
    size = reader.card.input.size
    blank = np.zeros((size, size, 3), np.uint8)
    seen = reader.look(blank, [box_matrix(np.array([0, 0, size, size], np.float32), size)])
    assert seen.kinds() == ["hidden"] and seen.occlusion.shape == (1, len(OCCLUSIONS))
    none = reader.look(blank, [])
    assert none.points.shape == (0, 10, 2) and none.kinds() == []


def test_a_model_without_the_heads_is_refused() -> None:
    engine = load_engine("multitask", "onnxruntime", 1)
    with pytest.raises(EngineError, match="expected heads occlusion and alignment, found no occlusion"):
        VisibilityReader(engine)
    engine.close()


@pytest.mark.parametrize(
    ("name", "half", "kind"), [("multitask-headset", "upper", "headset"), ("multitask-mask", "lower", "mask")]
)
def test_students_read_the_smile_of_a_half_hidden_face(
    name, half, kind, astronaut, astronaut_landmarks
) -> None:
    with load_engine(name, "onnxruntime", 1) as engine:
        assert engine.card.occlusion == kind
        size = engine.card.input.size
        pictures = [occlude(astronaut, astronaut_landmarks, kind, seed=seed) for seed in range(6)]
        said = [engine.predict(picture, [astronaut_landmarks], [np.zeros(4)]) for picture in pictures]
        chip = hide_half(
            cut_chip(astronaut, alignment_matrix(astronaut_landmarks, size), engine.card.input), half
        )
        black = engine.predict(chip, [None], [np.array([0, 0, size, size], np.float32)])

    assert np.mean([one["smile"][0] > 0.5 for one in [*said, black]]) > 0.8
    assert all(15 < one["age_years"][0] < 60 for one in [*said, black])
