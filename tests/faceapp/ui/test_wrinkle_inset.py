"""The corner that shows the chosen face with its wrinkles enhanced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from engines.gabor import enhanced, enhancing_kernel
from faceapp.types import FrameResult
from faceapp.ui.readout import Readouts
from faceapp.ui.theme import DARK
from faceapp.ui.video_view import VideoView
from faceapp.ui.wrinkle_inset import WrinkleInset
from tests.faceapp.ui.scenes import make_result, make_track, pixels


@pytest.fixture
def view(qtbot: QtBot, result: FrameResult, readouts: Readouts) -> VideoView:
    shown = VideoView(DARK)
    qtbot.addWidget(shown)
    shown.resize(900, 600)
    shown.show_result(result, readouts)
    return shown


def test_the_corner_is_painted_while_it_is_on_and_nothing_else_changes(view: VideoView) -> None:
    before = pixels(view)
    view.show_wrinkles(True)
    changed = (pixels(view) != before).any(axis=2)
    rows, columns = np.nonzero(changed)

    assert changed[430:590, 20:300].mean() > 0.8, "lower left"
    assert rows.min() > 380 and columns.max() < 360
    view.show_wrinkles(False)
    np.testing.assert_array_equal(pixels(view), before)


def test_the_second_chip_is_the_first_one_filtered_and_shows_more_detail(result: FrameResult) -> None:
    plain, strong = WrinkleInset().chips(result, None)

    np.testing.assert_array_equal(strong, enhanced(plain, enhancing_kernel("jet", 3, 2.0)))
    detail = [np.abs(np.diff(chip.astype(float), axis=1)).mean() for chip in (plain, strong)]
    assert detail[1] > 1.5 * detail[0]
    assert plain.shape == (112, 112) and 60 < plain.mean() < 200


def test_the_chosen_face_is_shown_and_a_picture_is_filtered_once(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    shifted = astronaut_landmarks - np.array([60, -40, 0])
    result = make_result(astronaut, (make_track(astronaut_landmarks, 1), make_track(shifted, 2)))
    inset = WrinkleInset()
    first = inset.chips(result, 1)

    assert inset.chips(result, 1) is first
    assert not np.array_equal(inset.chips(result, 2)[0], first[0])
    np.testing.assert_array_equal(inset.chips(result, 99)[0], first[0])


@pytest.mark.parametrize("level", [0, 255])
def test_a_constant_picture_and_a_face_without_mesh_are_shown(
    view: VideoView, result: FrameResult, level: int
) -> None:
    frame = replace(result.frame, image=np.full_like(result.frame.image, level))
    face = replace(result.faces[0], landmarks=np.full_like(result.faces[0].landmarks, np.nan))
    bare = replace(result, frame=frame, faces=(face,))

    assert all((chip == level).all() for chip in WrinkleInset().chips(bare, None))
    view.show_wrinkles(True)
    view.show_result(bare, Readouts())
    view.grab()


def test_no_face_no_corner(view: VideoView, result: FrameResult) -> None:
    empty = replace(result, faces=(), predictions=(), raw_predictions=())
    view.show_result(empty, Readouts())
    before = pixels(view)
    view.show_wrinkles(True)

    np.testing.assert_array_equal(pixels(view), before)


def test_the_menu_switches_it(open_window) -> None:
    window = open_window()
    (action,) = (
        found for found in window.findChildren(QAction) if found.text().startswith("Enhance wrinkles")
    )
    action.trigger()
    assert window.centre.video.wrinkles.on and action.isChecked()
    action.trigger()
    assert not window.centre.video.wrinkles.on
