from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from faceapp.types import FrameResult
from faceapp.ui.overlay import Overlay, PictureMap
from faceapp.ui.readout import Readouts
from faceapp.ui.theme import DARK, RECORD_RED
from faceapp.ui.video_view import VideoView, _wrap
from tests.faceapp.ui.scenes import image_pixels, make_result, make_track


@pytest.fixture
def view(qtbot: QtBot) -> VideoView:
    shown = VideoView(DARK)
    qtbot.addWidget(shown)
    return shown


def colours(image: QImage, area: QRectF) -> np.ndarray:
    """(H, W, 3) of a part of an image."""
    return image_pixels(image.copy(area.toAlignedRect()))


@pytest.mark.parametrize("size", [(900, 400), (400, 900), (512, 512)])
def test_picture_is_letterboxed_and_never_stretched(
    view: VideoView, result: FrameResult, readouts: Readouts, size: tuple[int, int]
) -> None:
    view.resize(*size)
    view.show_result(result, readouts)
    where = view.picture_map()
    assert where is not None
    assert where.scale == pytest.approx(min(size) / 512)
    side = 512 * where.scale
    assert where.offset.x() == pytest.approx((size[0] - side) / 2)
    assert where.offset.y() == pytest.approx((size[1] - side) / 2)


def test_letterbox_has_the_windows_colour(view: VideoView, result: FrameResult) -> None:
    view.resize(900, 400)
    view.show_result(result, Readouts())
    grabbed = view.grab().toImage()
    assert grabbed.pixelColor(20, 200).name() == DARK.background.lower()
    assert grabbed.pixelColor(880, 200).name() == DARK.background.lower()


def test_shown_picture_is_the_frames_own_memory(result: FrameResult) -> None:
    image = result.frame.image
    wrapped = _wrap(image)
    assert np.frombuffer(wrapped.constBits(), np.uint8).ctypes.data == image.ctypes.data


def test_colours_and_rows_are_right_also_for_odd_widths(view: VideoView) -> None:
    image = np.zeros((200, 301, 3), np.uint8)
    image[:, :150] = (250, 10, 20)
    image[:, 150:] = (10, 240, 30)
    view.resize(301, 200)
    view.show_result(make_result(image, ()), Readouts())
    grabbed = view.grab().toImage()
    assert grabbed.pixelColor(40, 190).name() == "#fa0a14"
    assert grabbed.pixelColor(280, 5).name() == "#0af01e"


def test_large_pictures_are_averaged_down(view: VideoView) -> None:
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    view.resize(400, 400)
    view.show_result(make_result(stripes, ()), Readouts())
    gray = colours(view.grab().toImage(), QRectF(100, 100, 100, 100))
    assert np.abs(gray.astype(int) - 127).max() <= 2


def test_nothing_is_drawn_on_a_face(result: FrameResult, readouts: Readouts) -> None:
    canvas = QImage(512, 512, QImage.Format.Format_RGB32)
    canvas.fill(QColor("#336699"))
    painter = QPainter(canvas)
    Overlay(DARK).paint(
        painter, result.faces, readouts, PictureMap(1.0, QPointF(0, 0)), QRectF(0, 0, 512, 512)
    )
    painter.end()
    x0, y0, x1, y1 = (float(value) for value in result.faces[0].box)
    inside = colours(canvas, QRectF(x0 + 5, y0 + 5, x1 - x0 - 10, y1 - y0 - 10))
    assert (inside == (0x33, 0x66, 0x99)).all()
    assert (colours(canvas, QRectF(0, 0, 512, 512)) != (0x33, 0x66, 0x99)).any(), "box and label are there"


def test_mesh_is_drawn_only_when_wanted(result: FrameResult, readouts: Readouts) -> None:
    def changed_inside(show_mesh: bool) -> int:
        canvas = QImage(512, 512, QImage.Format.Format_RGB32)
        canvas.fill(QColor("#000000"))
        painter = QPainter(canvas)
        overlay = Overlay(DARK)
        overlay.show_mesh = show_mesh
        overlay.paint(painter, result.faces, readouts, PictureMap(1.0, QPointF(0, 0)), QRectF(0, 0, 512, 512))
        painter.end()
        x0, y0, x1, y1 = (float(value) for value in result.faces[0].box)
        inside = colours(canvas, QRectF(x0 + 5, y0 + 5, x1 - x0 - 10, y1 - y0 - 10))
        return int((inside > 60).any(axis=2).sum())

    assert changed_inside(False) == 0
    assert changed_inside(True) > 400


def test_a_click_chooses_the_face_under_it(
    qtbot: QtBot, view: VideoView, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    near = make_track(astronaut_landmarks, 4)
    away = make_track(astronaut_landmarks + np.float32([150, 200, 0]), 9)
    result = make_result(astronaut, (near, away))
    known = Readouts()
    known.update(result)
    view.resize(1024, 1024)
    view.show_result(result, known)
    centre = (away.box[:2] + away.box[2:]) / 2 * 2
    with qtbot.waitSignal(view.face_chosen) as chosen:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(*(int(value) for value in centre)))
    assert chosen.args == [9]
    with qtbot.assertNotEmitted(view.face_chosen):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))


def test_snapshot_has_the_pictures_own_size_and_its_labels(
    view: VideoView, result: FrameResult, readouts: Readouts
) -> None:
    view.resize(300, 300)
    assert view.snapshot() is None
    view.show_result(result, readouts)
    picture = view.snapshot()
    assert picture is not None
    assert (picture.width(), picture.height()) == (512, 512)
    drawn = colours(picture, QRectF(0, 0, 512, 512)) != result.frame.image
    assert 500 < drawn.any(axis=2).sum() < 60_000


def test_hint_note_and_recording_dot_are_painted(view: VideoView, result: FrameResult) -> None:
    view.resize(500, 500)
    view.show_result(result, Readouts())
    plain = colours(view.grab().toImage(), QRectF(0, 0, 500, 500)).astype(int)
    view.set_hint("No face found.")
    hinted = colours(view.grab().toImage(), QRectF(0, 0, 500, 500)).astype(int)
    assert (hinted != plain)[430:].any() and not (hinted != plain)[:400].any()
    view.set_hint("")
    view.set_note("lost: trying again in 3 s")
    dimmed = colours(view.grab().toImage(), QRectF(0, 0, 500, 500)).astype(int)
    assert dimmed[:200].mean() < 0.8 * plain[:200].mean()
    view.set_note("")
    view.set_recording(True)
    assert view.grab().toImage().pixelColor(476, 24).name() == RECORD_RED.lower()


def test_a_given_name_takes_the_place_of_the_id_in_the_chip(readouts: Readouts) -> None:
    from faceapp.ui.overlay import _Chip
    from faceapp.ui.theme import text_font

    readout, font = next(iter(readouts)), text_font(1.0)
    plain, named = _Chip(readout, font, ""), _Chip(readout, font, "Ada")
    long = _Chip(readout, font, "Wolfeschlegelsteinhausenbergerdorff")
    assert (plain._id, named._id) == (str(readout.track_id), "Ada")
    assert long._id.startswith("Wolfe") and long._id.endswith("…"), "it leaves room for the emotion"
    assert plain.size.width() < named.size.width() < long.size.width() < 2.2 * plain.size.width()
