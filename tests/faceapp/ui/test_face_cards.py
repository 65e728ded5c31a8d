from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from faceapp.ui.face_card import FaceCard
from faceapp.ui.face_cards import ESTIMATES, MAX_CARDS, FaceCards
from faceapp.ui.readout import Readouts
from faceapp.ui.theme import DARK, EMOTION_COLOURS
from tests.faceapp.ui.scenes import make_prediction, make_result, make_track, no_reading, pixels


def readouts_of(landmarks: np.ndarray, *ids: int) -> Readouts:
    known = Readouts()
    faces = tuple(make_track(landmarks, track_id) for track_id in ids)
    known.update(make_result(np.zeros((64, 64, 3), np.uint8), faces, 1.0))
    return known


@pytest.fixture
def cards(qtbot: QtBot) -> FaceCards:
    shown = FaceCards(DARK)
    qtbot.addWidget(shown)
    shown.resize(390, 620)
    shown.show()
    return shown


def shown_cards(cards: FaceCards) -> list[FaceCard]:
    found = [card for card in cards.findChildren(FaceCard) if card.isVisible()]
    return sorted(found, key=lambda card: card.y())


def names(cards: FaceCards) -> list[str]:
    return [card.accessibleName() for card in shown_cards(cards)]


def test_up_to_four_faces_get_cards_in_order_and_the_rest_a_list(
    cards: FaceCards, astronaut_landmarks: np.ndarray
) -> None:
    cards.show_readouts(readouts_of(astronaut_landmarks, 3, 1, 9, 4, 12, 20), 1)
    assert names(cards) == ["Face 1", "Face 3", "Face 4", "Face 9"]
    assert len(shown_cards(cards)) == MAX_CARDS
    assert list(cards._rows) == [12, 20]


def test_cards_come_and_go_with_the_faces(
    qtbot: QtBot, cards: FaceCards, astronaut_landmarks: np.ndarray
) -> None:
    cards.show_readouts(readouts_of(astronaut_landmarks, 1, 2), 1)
    kept = shown_cards(cards)[1]
    cards.show_readouts(readouts_of(astronaut_landmarks, 2, 3), 2)
    qtbot.waitUntil(lambda: names(cards) == ["Face 2", "Face 3"])
    assert shown_cards(cards)[0] is kept, "a face keeps its card"
    cards.show_readouts(Readouts(), None)
    assert shown_cards(cards) == []


def test_the_line_about_estimates_stands_under_the_first_face(
    qtbot: QtBot, cards: FaceCards, astronaut_landmarks: np.ndarray
) -> None:
    cards.show_readouts(readouts_of(astronaut_landmarks, 1, 2), 1)
    (note,) = (label for label in cards.findChildren(QLabel) if label.text() == ESTIMATES)
    first, second = shown_cards(cards)
    qtbot.waitUntil(lambda: first.geometry().bottom() < note.y() < second.y())


def test_four_cards_fit_without_cutting_one(cards: FaceCards, astronaut_landmarks: np.ndarray) -> None:
    cards.show_readouts(readouts_of(astronaut_landmarks, 1), 1)
    assert not shown_cards(cards)[0].compact
    cards.show_readouts(readouts_of(astronaut_landmarks, 1, 2, 3, 4), 1)
    assert all(card.compact for card in shown_cards(cards))
    assert sum(card.height() for card in shown_cards(cards)) < 620


def test_a_click_or_enter_chooses_a_face(
    qtbot: QtBot, cards: FaceCards, astronaut_landmarks: np.ndarray
) -> None:
    cards.show_readouts(readouts_of(astronaut_landmarks, 1, 2), 1)
    second = shown_cards(cards)[1]
    with qtbot.waitSignal(cards.chosen) as chosen:
        qtbot.mousePress(second, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert chosen.args == [2]
    with qtbot.waitSignal(cards.chosen):
        qtbot.keyClick(second, Qt.Key.Key_Return)


def test_a_card_tells_a_screen_reader_everything(cards: FaceCards, astronaut_landmarks: np.ndarray) -> None:
    cards.show_readouts(readouts_of(astronaut_landmarks, 1), 1)
    spoken = shown_cards(cards)[0].accessibleDescription()
    assert spoken.startswith("Face 1, ")
    assert "age 39 ± 6" in spoken and "woman 0.93" in spoken


def count(card: FaceCard, colour: str) -> int:
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return int((pixels(card) == wanted).all(axis=2).sum())


def test_the_strongest_emotion_has_the_longest_bar_in_its_colour(qtbot: QtBot, readouts: Readouts) -> None:
    readout = next(iter(readouts))
    emotion = np.full(8, 0.05, np.float32)
    emotion[1] = 0.65
    readout.update(make_track(np.zeros((478, 3), np.float32), 1), make_prediction(1, emotion=emotion), 9.0)
    card = FaceCard(readout, DARK)
    qtbot.addWidget(card)
    card.resize(360, 240)
    readout.label, readout.confidence = 1, 1.0
    card.show_readout(readout, chosen=False)
    happiness, anger = (EMOTION_COLOURS[name] for name in ("happiness", "anger"))
    qtbot.waitUntil(lambda: count(card, happiness) > 4 * count(card, anger) > 0)
    counts = {name: count(card, colour) for name, colour in EMOTION_COLOURS.items()}
    assert max(counts, key=lambda name: counts[name]) == "happiness"


def test_without_a_reading_no_bar_is_drawn(qtbot: QtBot, astronaut_landmarks: np.ndarray) -> None:
    known = Readouts()
    image = np.zeros((64, 64, 3), np.uint8)
    known.update(make_result(image, (make_track(astronaut_landmarks, 1),), 1.0, (no_reading(1),)))
    card = FaceCard(next(iter(known)), DARK)
    qtbot.addWidget(card)
    card.resize(360, 240)
    card.show_readout(next(iter(known)), chosen=False)
    qtbot.wait(120)
    assert not any(count(card, colour) for colour in EMOTION_COLOURS.values())


def test_no_switch_between_networks_changes_a_cards_size(
    qtbot: QtBot, cards: FaceCards, astronaut_landmarks: np.ndarray
) -> None:
    known, image, sizes = Readouts(), np.zeros((64, 64, 3), np.uint8), set()
    states = (("none", "multitask"), ("headset", "multitask-headset"), ("mask", "multitask"), ("hidden", ""))
    for step, (occlusion, model) in enumerate(states):
        face = make_track(astronaut_landmarks, 1, occlusion=occlusion)
        said = make_prediction(1, model=model) if model else no_reading(1)
        known.update(make_result(image, (face,), float(step), (said,)), forced=occlusion == "mask")
        cards.show_readouts(known, 1)
        qtbot.wait(20)
        sizes.add((shown_cards(cards)[0].size().toTuple(), shown_cards(cards)[0].pos().toTuple()))
    assert len(sizes) == 1


def test_a_badge_looks_different_for_every_state(qtbot: QtBot, astronaut_landmarks: np.ndarray) -> None:
    heads = {}
    for occlusion in ("none", "headset", "mask", "hidden"):
        known = Readouts()
        face = make_track(astronaut_landmarks, 1, occlusion=occlusion)
        known.update(make_result(np.zeros((64, 64, 3), np.uint8), (face,), 1.0))
        card = FaceCard(next(iter(known)), DARK)
        qtbot.addWidget(card)
        card.resize(360, 300)
        card.show_readout(next(iter(known)), chosen=False)
        heads[occlusion] = pixels(card)[:34].tobytes()
    assert len(set(heads.values())) == 4


def test_two_cards_fit_into_the_smallest_window(
    qtbot: QtBot, cards: FaceCards, astronaut_landmarks: np.ndarray
) -> None:
    cards.resize(390, 335)
    cards.show_readouts(readouts_of(astronaut_landmarks, 1, 2), 1)
    assert all(card.compact for card in shown_cards(cards))
    qtbot.waitUntil(lambda: cards.verticalScrollBar().maximum() == 0)


def test_a_small_card_tells_an_unsuited_model_where_else_the_gaze_stands(
    qtbot: QtBot, astronaut_landmarks: np.ndarray
) -> None:
    def right_half(model: str, pose_deg: tuple[float, float, float]) -> bytes:
        known = Readouts()
        face = make_track(astronaut_landmarks, 1, occlusion="mask", head_pose_deg=pose_deg)
        said = make_prediction(1, model=model)
        known.update(make_result(np.zeros((64, 64, 3), np.uint8), (face,), 1.0, (said,)))
        card = FaceCard(next(iter(known)), DARK)
        qtbot.addWidget(card)
        card.resize(360, 140)
        card.set_shape(1.0, compact=True)
        card.show_readout(next(iter(known)), chosen=False)
        return pixels(card)[:28, 180:].tobytes()

    ahead, aside = (0.0, 0.0, 0.0), (30.0, 0.0, 0.0)
    assert right_half("multitask-mask", ahead) != right_half("multitask-mask", aside)
    assert right_half("multitask", ahead) == right_half("multitask", aside), (
        "the model takes the gaze's place"
    )
    assert right_half("multitask", ahead) != right_half("multitask-mask", ahead)
