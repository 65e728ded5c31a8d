"""A fixed region drawn with the mouse: in shares of the picture, remembered, clearable."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from pytestqt.qtbot import QtBot

from faceapp.settings import Settings
from faceapp.settings.region import Region
from faceapp.types import FrameResult
from faceapp.ui.fixed_region import NO_PICTURE
from faceapp.ui.readout import Readouts
from faceapp.ui.region_tool import RegionTool
from faceapp.ui.theme import DARK
from faceapp.ui.video_view import VideoView
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline
from tests.faceapp.ui.scenes import make_result, make_track, pixels

PICTURE = QRectF(100, 0, 400, 200)


def drag(tool: RegionTool, start: tuple[float, float], stop: tuple[float, float]) -> Region | None:
    tool.press(QPointF(*start))
    tool.move(QPointF(*stop))
    return tool.release(PICTURE)


@pytest.fixture
def view(qtbot: QtBot, result: FrameResult, readouts: Readouts) -> VideoView:
    """The square portrait in the middle of a wider view."""
    made = VideoView(DARK)
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    made.show_result(result, readouts)
    return made


@pytest.fixture
def picture_window(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> MainWindow:
    pipeline.waiting = [result]
    qtbot.waitUntil(lambda: live_window.centre.shows_picture)
    return live_window


def draw(qtbot: QtBot, view: VideoView, start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Drag between two places, in shares of the picture."""
    where = view.picture_map()
    assert where is not None and view._result is not None
    height, width = view._result.frame.image.shape[:2]
    corners = [
        QPoint(
            round(where.offset.x() + x * width * where.scale),
            round(where.offset.y() + y * height * where.scale),
        )
        for x, y in (start, stop)
    ]
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=corners[0])
    qtbot.mouseMove(view, corners[1])
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=corners[1])


def test_a_drag_in_any_direction_is_a_region_in_shares_of_the_picture() -> None:
    tool = RegionTool()
    tool.begin()
    assert drag(tool, (200, 50), (400, 150)) == Region(0.25, 0.25, 0.5, 0.5)
    assert not tool.drawing
    tool.begin()
    assert drag(tool, (400, 150), (200, 50)) == Region(0.25, 0.25, 0.5, 0.5)
    tool.begin()
    assert drag(tool, (0, -40), (300, 100)) == Region(0.0, 0.0, 0.5, 0.5), "cut at the edges"


@pytest.mark.parametrize("stop", [(204.0, 54.0), (200.0, 190.0), (200.0, 50.0)])
def test_a_slip_is_no_region_and_drawing_goes_on(stop: tuple[float, float]) -> None:
    tool = RegionTool()
    tool.begin()
    assert drag(tool, (200, 50), stop) is None
    assert tool.drawing


def test_without_being_asked_the_mouse_draws_nothing() -> None:
    assert drag(RegionTool(), (200, 50), (400, 150)) is None


def test_the_region_is_a_dashed_frame_where_it_lies(view: VideoView) -> None:
    before = pixels(view)
    view.region_tool.region = Region(0.25, 0.25, 0.5, 0.5)
    view.update()
    changed = np.argwhere((pixels(view) != before).any(axis=2))
    assert changed.min(axis=0) == pytest.approx([100, 200], abs=4)
    assert changed.max(axis=0) == pytest.approx([300, 400], abs=4)
    edge = pixels(view)[99:103, 210:390].astype(int)
    bright = (edge.min(axis=2) > 235).any(axis=0)
    assert np.count_nonzero(np.diff(bright)) > 4, "dashes, not a line"


def test_the_frame_lies_below_the_labels_of_faces(view: VideoView, monkeypatch: pytest.MonkeyPatch) -> None:
    painted = []
    monkeypatch.setattr(view.region_tool, "paint", lambda *_: painted.append("region"))
    monkeypatch.setattr(view.overlay, "paint", lambda *_: painted.append("labels"))
    view.grab()
    assert painted == ["region", "labels"]


def test_a_region_drawn_in_the_window_reaches_the_pipeline_and_the_settings_file(
    qtbot: QtBot, picture_window: MainWindow, pipeline: FakePipeline
) -> None:
    window = picture_window
    window.fixed_region.begin()
    chosen: list[int] = []
    window.centre.video.face_chosen.connect(chosen.append)
    draw(qtbot, window.centre.video, (0.25, 0.2), (0.75, 0.9))
    found = window.settings.region
    assert found is not None
    np.testing.assert_allclose(found, (0.25, 0.2, 0.5, 0.7), atol=0.01)
    assert pipeline.calls[-1] == ("region", found)
    assert window.centre.video.region_tool.region == found and not window.fixed_region.drawing
    assert chosen == [], "drawing over a face does not choose it"
    window.fixed_region.clear()
    assert window.settings.region is None and pipeline.calls[-1] == ("region", None)
    assert window.centre.video.region_tool.region is None


def test_escape_leaves_the_region_as_it_was(
    qtbot: QtBot, picture_window: MainWindow, pipeline: FakePipeline
) -> None:
    window = picture_window
    window.controls.change("region", Region(0.1, 0.1, 0.5, 0.5))
    window.fixed_region.begin()
    window.controls.act("back", "")
    assert not window.fixed_region.drawing
    draw(qtbot, window.centre.video, (0.3, 0.3), (0.9, 0.9))
    assert window.settings.region == Region(0.1, 0.1, 0.5, 0.5)


def test_a_region_is_remembered_and_asked_for_at_the_next_start(
    qtbot: QtBot,
    open_window: Callable[..., MainWindow],
    settings: Settings,
    pipeline: FakePipeline,
    tmp_path: Path,
) -> None:
    path = tmp_path / "settings.json"
    window = open_window(settings, settings_path=path)
    window.controls.change("region", Region(0.2, 0.3, 0.4, 0.5))
    qtbot.waitUntil(path.exists)
    assert json.loads(path.read_text())["region"] == [0.2, 0.3, 0.4, 0.5]
    again = open_window(replace(settings, region=Settings.load(path).region))
    again.start()
    qtbot.waitUntil(lambda: ("region", Region(0.2, 0.3, 0.4, 0.5)) in pipeline.calls)
    assert again.centre.video.region_tool.region == Region(0.2, 0.3, 0.4, 0.5)


def test_drawing_needs_a_picture_and_leaves_the_comparison(
    picture_window: MainWindow, open_window: Callable[..., MainWindow]
) -> None:
    picture_window.comparing.toggle()
    picture_window.fixed_region.begin()
    assert picture_window.fixed_region.drawing and not picture_window.comparing.on
    idle = open_window()
    idle.fixed_region.begin()
    assert idle.centre.problem.text == NO_PICTURE and not idle.fixed_region.drawing


def test_a_face_without_a_mesh_is_drawn_with_the_mesh_on(
    view: VideoView, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    box = make_track(astronaut_landmarks, 1).box
    nothing = np.full_like(astronaut_landmarks, np.nan)
    result = make_result(astronaut, (make_track(nothing, 1, box=box),), 1.0)
    known = Readouts()
    known.update(result)
    view.show_result(result, known)
    plain = pixels(view)
    view.overlay.show_mesh = True
    view.update()
    np.testing.assert_array_equal(pixels(view), plain)
