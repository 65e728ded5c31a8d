"""Explanations of answers whose reasons are known."""

from __future__ import annotations

import numpy as np
import pytest

from engines.card import EMOTIONS, InputSpec
from engines.preprocess import Bytes
from faceapp.analysis.explaining import LEAST_LARGEST, PIECES_A_FRAME, PLACES, Explainer
from faceapp.predictions import head_values
from faceapp.settings import Explained
from faceapp.types import Explanation, FaceTrack, Floats
from tests.faceapp.tracking.meshes import face_mesh

SIZE = 48
HAPPINESS = EMOTIONS.index("happiness")
FRAMES = -(-PLACES * PLACES // PIECES_A_FRAME)
"""After so many frames every piece has been asked about."""


class CornerEngine:
    """Says happiness, woman and an age by how bright the lower right quarter of a chip is, and nothing else."""

    class card:
        name = "corner"
        input = InputSpec(size=SIZE)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def infer(self, batch: Bytes) -> dict[str, Floats]:
        self.batches.append(len(batch))
        bright = batch[:, SIZE // 2 :, SIZE // 2 :].mean(axis=(1, 2)) / 255
        emotion = np.full((len(batch), len(EMOTIONS)), 0, np.float32)
        emotion[:, HAPPINESS] = 0.5 + 0.499 * bright
        emotion[:, 0] = 1 - emotion[:, HAPPINESS]
        female = (0.4 - 0.3 * bright).astype(np.float32)
        return {"emotion": emotion, "female": female, "age_years": (20 + 40 * bright).astype(np.float32)}


def chip() -> Bytes:
    made = np.zeros((SIZE, SIZE), np.uint8)
    made[SIZE // 2 :, SIZE // 2 :] = 255
    return made


def face(track_id: int = 1, side_px: float = 100) -> FaceTrack:
    box = np.array([0, 0, side_px, side_px], np.float32)
    return FaceTrack(track_id, box, face_mesh(200, 200), 0.9)


def explain(explainer: Explainer, engine: CornerEngine, frames: int = FRAMES) -> Explanation | None:
    said = head_values(engine.infer(chip()[None]), 1)[0]
    explanation = None
    for _ in range(frames):
        explanation = explainer.read(engine, chip(), face(), said)  # type: ignore[arg-type]
    return explanation


@pytest.mark.parametrize(
    ("task", "answer"), [("emotion", "happiness"), ("gender", "man"), ("age", "60 years")]
)
def test_the_heat_is_where_the_answer_comes_from(task: Explained, answer: str) -> None:
    explanation = explain(Explainer(task), CornerEngine())
    assert explanation is not None and explanation.answer == answer
    assert explanation.largest > LEAST_LARGEST[task]
    heat, half = explanation.heat, SIZE // 2
    assert heat.shape == (SIZE, SIZE) and heat.min() >= 0 and heat.max() <= 1
    assert heat[half:, half:].mean() > 4 * heat[:half, :half].mean()
    assert explanation.matrix.shape == (2, 3)


def test_every_frame_asks_about_one_batch_of_pieces() -> None:
    engine = CornerEngine()
    explain(Explainer("emotion"), engine, frames=5)
    assert engine.batches == [1] + [PIECES_A_FRAME] * 5


def test_where_nothing_matters_the_heat_is_faint() -> None:
    engine = CornerEngine()
    dark = np.zeros((SIZE, SIZE), np.uint8)
    explainer, said = Explainer("emotion"), head_values(engine.infer(dark[None]), 1)[0]
    explanation = None
    for _ in range(FRAMES):
        explanation = explainer.read(engine, dark, face(), said)  # type: ignore[arg-type]
    assert explanation is not None
    assert explanation.largest == pytest.approx(0, abs=1e-3) and explanation.heat.max() < 0.01


def test_an_answer_the_network_lacks_is_not_explained() -> None:
    assert explain(Explainer("smile"), CornerEngine()) is None


def test_another_face_starts_anew_and_the_picture_is_not_changed() -> None:
    engine, explainer = CornerEngine(), Explainer("emotion")
    explain(explainer, engine)
    said = head_values(engine.infer(chip()[None]), 1)[0]
    picture = chip()
    other = explainer.read(engine, picture, face(track_id=2), said)  # type: ignore[arg-type]
    assert other is not None and other.track_id == 2
    assert np.array_equal(picture, chip())
    again = Explainer("emotion").read(engine, chip(), face(track_id=2), said)  # type: ignore[arg-type]
    assert again is not None


@pytest.mark.parametrize(
    ("task", "chosen", "wanted"),
    [("off", None, None), ("emotion", None, 2), ("emotion", 1, 1), ("emotion", 9, 2)],
)
def test_the_chosen_face_is_explained_else_the_largest(
    task: Explained, chosen: int | None, wanted: int | None
) -> None:
    explainer = Explainer(task)
    explainer.chosen_id = chosen
    assert explainer.wanted([face(1, 50), face(2, 120), face(3, 60)]) == wanted
    assert explainer.wanted([]) is None
