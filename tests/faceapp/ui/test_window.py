from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QSlider, QWidget
from pytestqt.qtbot import QtBot

from faceapp.errors import SourceError
from faceapp.pipeline import PipelineState, PipelineStatistics
from faceapp.settings import Settings
from faceapp.types import FrameResult
from faceapp.ui.centre import FIRST_START
from faceapp.ui.main_window import save_window_picture, settle
from faceapp.ui.theme import DARK, LIGHT
from faceapp.ui.window import SMALLEST, MainWindow
from tests.faceapp.ui.fakes import FakePipeline, FakeVideo
from tests.faceapp.ui.scenes import make_result, make_track


def test_results_are_shown_as_they_come(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    pipeline.waiting.append(result)
    qtbot.waitUntil(lambda: live_window.centre.shows_picture)
    assert live_window.chosen_id == 1
    qtbot.waitUntil(lambda: "30 fps" in live_window.status._rate.text())
    assert live_window.status._model.text().startswith("multitask")
    assert live_window.status._backend.text().startswith("OpenVINO bf16 CPU")


def test_nothing_is_cut_or_covered_at_the_smallest_size(
    qtbot: QtBot, live_window: MainWindow, result: FrameResult
) -> None:
    live_window.resize(SMALLEST)
    live_window.toolbar.set_queue(1.0, 2)
    live_window.show_result(result)
    settle(live_window)
    assert (live_window.width(), live_window.height()) == (960, 600)
    assert live_window.toolbar.minimumSizeHint().width() <= 960, "every control fits"
    shown = [part for part in live_window.toolbar.findChildren(QAbstractButton) if part.isVisible()]
    assert all(part.width() >= part.minimumSizeHint().width() for part in shown)
    right = max(part.mapTo(live_window, part.rect().bottomRight()).x() for part in shown)
    assert right < 960
    assert live_window.centre.video.width() >= 280


def test_an_error_brings_a_banner_and_offers(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, result: FrameResult
) -> None:
    live_window.show_result(result)
    pipeline.error = SourceError("camera 0: expected a picture, found none; unplug it and plug it in again")
    pipeline.state = PipelineState.FAILED
    qtbot.waitUntil(lambda: live_window.centre.problem.text.startswith("camera 0"))
    assert not live_window.centre.shows_picture
    assert live_window.centre.empty.title.startswith("No picture from")
    live_window.centre.problem.dismiss()
    live_window.refresh()
    assert live_window.centre.problem.text == "", "an error is told once"


def test_a_refused_model_is_told_while_the_old_one_goes_on(
    live_window: MainWindow, pipeline: FakePipeline
) -> None:
    for end in ("", "."):
        pipeline.swap_error = ValueError(f"model x: expected a card, found none; restore it{end}")
        live_window.refresh()
        assert live_window.centre.problem.text.endswith("restore it. The model before goes on.")


def test_choosing_a_model_changes_the_reader_while_running(
    live_window: MainWindow, pipeline: FakePipeline
) -> None:
    live_window.status.model_chosen.emit("multitask-mask")
    assert live_window.settings.model == "multitask-mask"
    assert pipeline.calls[-1][0] == "reader"


def test_a_model_chosen_while_the_source_opens_is_not_forgotten(
    qtbot: QtBot, open_window: Callable[..., MainWindow], pipeline: FakePipeline
) -> None:
    window = open_window()
    window.start()
    window.status.model_chosen.emit("multitask-mask")
    assert window.live.pipeline is None, "still opening"
    qtbot.waitUntil(lambda: "reader" in [name for name, _ in pipeline.calls])


def test_smoothing_reaches_the_pipeline(live_window: MainWindow, pipeline: FakePipeline) -> None:
    live_window.form.changed.emit("smoothing", 0.2)
    live_window.form.changed.emit("landmark_smoothing", 0.0)
    assert pipeline.calls[-2:] == [("smoothing", 0.2), ("landmark_smoothing", 0.0)]


def test_a_setting_that_is_refused_is_told_and_taken_back(live_window: MainWindow) -> None:
    before = live_window.settings
    live_window.form.changed.emit("smoothing", 7.0)
    assert live_window.settings is before
    assert live_window.centre.problem.text.startswith(
        "Smoothing of predictions: expected a number from 0 to 1"
    )


def test_settings_are_remembered(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    window = open_window(settings_path=path)
    window.controls.change("theme", "light")
    window.controls.change("smoothing", 0.25)
    window.close()
    loaded = Settings.load(path)
    assert (loaded.theme, loaded.smoothing) == ("light", 0.25)


def test_place_and_panels_are_remembered(open_window: Callable[..., MainWindow], tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    window = open_window(settings_path=path)
    window.resize(1111, 700)
    window.timeline_dock.close()
    window.form_dock.show()
    window.close()
    again = open_window(settings_path=path)
    assert again.height() == 700, "the width is cut to this small screen's"
    assert not again.timeline_dock.isVisible()
    assert again.form_dock.isVisible()
    again.timeline_dock.toggleViewAction().trigger()
    assert again.timeline_dock.isVisible(), "a closed panel comes back from the menu"


def test_first_start_says_what_is_computed_and_stored_once(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    first = open_window(settings_path=path)
    first.start()
    assert first.centre.welcome.text == FIRST_START
    first.centre.welcome._buttons[0].click()
    first.close()
    second = open_window(settings_path=path)
    second.start()
    assert second.centre.welcome.text == ""


@pytest.mark.parametrize(("name", "theme"), [("dark", DARK), ("light", LIGHT)])
def test_themes_reach_every_part(open_window: Callable[..., MainWindow], name: str, theme: object) -> None:
    window = open_window()
    window.controls.change("theme", "light" if name == "dark" else "dark")
    window.controls.change("theme", name)
    image = window.grab().toImage()
    assert image.pixelColor(5, 300).name() == theme.background.lower()  # type: ignore[attr-defined]
    assert window.palette().window().color().name() == theme.background.lower()  # type: ignore[attr-defined]


def test_everything_can_be_reached_by_tab_and_has_a_name(
    live_window: MainWindow, result: FrameResult
) -> None:
    live_window.show_result(result)
    live_window.form_dock.show()
    kinds = (QAbstractButton, QComboBox, QSlider)
    shown = [w for kind in kinds for w in live_window.findChildren(kind) if w.isVisible()]
    assert len(shown) > 20
    for widget in shown:
        assert widget.accessibleName() or widget.text(), widget
    reached: set[QWidget] = set()
    widget = live_window.centre.video
    while widget not in reached:
        reached.add(widget)
        widget = widget.nextInFocusChain()
    usable = [w for w in shown if w.isEnabled() and not w.objectName().startswith("qt_")]
    for each in usable:
        assert each in reached
        assert each.focusPolicy() & Qt.FocusPolicy.TabFocus, each.accessibleName()


def test_a_dropped_file_is_opened(
    qtbot: QtBot, live_window: MainWindow, pipeline: FakePipeline, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.touch()
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(film))])
    how = (Qt.DropAction.CopyAction, dropped, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enters = QDragEnterEvent(QPoint(50, 50), *how)
    QApplication.sendEvent(live_window, enters)
    assert enters.isAccepted()
    QApplication.sendEvent(live_window, QDropEvent(QPointF(50, 50), *how))
    assert Path(live_window.settings.source) == film
    assert live_window.toolbar._source.currentText() == "film.mp4"


def test_a_video_has_a_seek_bar_and_may_loop(
    qtbot: QtBot, settings: Settings, open_window: Callable[..., MainWindow], result: FrameResult
) -> None:
    video = FakePipeline(FakeVideo("film.mp4"))
    window = open_window(make_pipeline=lambda _settings, _hiding: video)
    window.start()
    qtbot.waitUntil(lambda: window.live.pipeline is video)
    bar = window.centre.seek_bar
    window.refresh()
    assert not bar.isHidden()
    window.show_result(result)
    assert bar._times.text() == "0:01 / 0:12"
    bar.sought.emit(5.0)
    assert video.calls[-1] == ("seek", 5.0)
    video.state = PipelineState.ENDED
    window.refresh()
    assert video.calls[-1] == ("seek", 5.0), "it stops at its end"
    bar._loop.click()
    window.refresh()
    assert video.calls[-1] == ("seek", 0.0)


def test_the_chosen_face_is_shown_in_the_timeline_until_it_goes(
    live_window: MainWindow, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    first, second = make_track(astronaut_landmarks, 1), make_track(astronaut_landmarks, 2)
    live_window.show_result(make_result(astronaut, (first, second), 1.0))
    assert live_window.chosen_id == 1
    live_window.centre.video.face_chosen.emit(2)
    assert live_window.chosen_id == 2
    live_window.show_timeline()
    assert "face 2" in live_window.timeline_dock._label.text()
    live_window.show_result(make_result(astronaut, (first,), 3.0))
    assert live_window.chosen_id == 1


def test_stopping_takes_picture_and_faces_away(live_window: MainWindow, result: FrameResult) -> None:
    live_window.show_result(result)
    live_window.controls.toggle_run()
    assert not live_window.centre.shows_picture
    assert len(live_window.readouts) == 0
    assert live_window.centre.empty.title == "Choose a source"


def test_about_tells_use_limits_and_models(qtbot: QtBot, live_window: MainWindow) -> None:
    from PySide6.QtWidgets import QLabel

    live_window.controls.show_about()
    qtbot.waitUntil(live_window.sheet.isVisible)
    words = " ".join(label.text() for label in live_window.sheet.findChildren(QLabel))
    for expected in ("Meant for", "Not meant for", "Limits", "stored only while you record"):
        assert expected in words


def test_closing_ends_every_thread(
    qtbot: QtBot, open_window: Callable[..., MainWindow], pipeline: FakePipeline, result: FrameResult
) -> None:
    before = set(threading.enumerate())
    window = open_window()
    window.start()
    qtbot.waitUntil(lambda: window.live.pipeline is pipeline)
    window.show_result(result)
    window.close()
    assert "stop" in pipeline.threads
    assert set(threading.enumerate()) <= before


def test_a_picture_of_the_window_needs_no_source(
    qtbot: QtBot, astronaut: np.ndarray, astronaut_landmarks: np.ndarray, tmp_path: Path
) -> None:
    shown = [make_result(astronaut, (make_track(astronaut_landmarks, 1),), step / 10) for step in range(100)]
    statistics = PipelineStatistics(100, 100, 0, 30.0, 14.0, 19.0)
    for theme, background in (("dark", DARK.background), ("light", LIGHT.background)):
        path = tmp_path / "pictures" / f"{theme}.png"
        save_window_picture(shown, path, theme=theme, statistics=statistics)  # type: ignore[arg-type]
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        assert picture.shape[0] > 600 and picture.shape[1] > 960
        assert "#{:02X}{:02X}{:02X}".format(*picture[200, 5]) == background
        suit = (picture[..., 0] > 180) & (picture[..., 1] < 120) & (picture[..., 2] < 80)
        assert suit.sum() > 20_000, "the astronaut's orange suit is on it"
    assert replace(Settings()).theme == "dark"


def test_a_picture_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        save_window_picture([], tmp_path / "window.png")


def test_a_picture_that_cannot_be_written_is_told(qtbot: QtBot, result: FrameResult, tmp_path: Path) -> None:
    from faceapp.errors import SessionError

    folder = tmp_path / "window.png"
    folder.mkdir()
    with pytest.raises(SessionError, match="expected to write a picture"):
        save_window_picture([result], folder)
