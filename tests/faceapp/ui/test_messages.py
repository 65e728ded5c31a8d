from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from faceapp.pipeline import PipelineState
from faceapp.types import FrameResult
from faceapp.ui.banner import Banner
from faceapp.ui.centre import NO_FACE, NO_FACE_AFTER_S, NO_FACE_IN_PICTURE, Centre
from faceapp.ui.readout import Readouts
from faceapp.ui.theme import DARK, LIGHT
from tests.faceapp.ui.scenes import make_result

OFFERS = (("play", "Try the demo", lambda: None), ("file", "Open a video…", lambda: None))


@pytest.fixture
def banner(qtbot: QtBot) -> Banner:
    shown = Banner(DARK)
    qtbot.addWidget(shown)
    return shown


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def centre(qtbot: QtBot, opened: list[str]) -> Centre:
    shown = Centre(DARK, opened.append)
    qtbot.addWidget(shown)
    shown.resize(700, 500)
    shown.show()
    return shown


def button(widget: Banner | Centre, text: str) -> QPushButton:
    found = [each for each in widget.findChildren(QPushButton) if each.text().strip() == text]
    return found[-1]


def test_an_error_stays_until_it_is_dismissed(qtbot: QtBot, banner: Banner) -> None:
    banner.show_error("camera 0: expected a camera, found none; plug one in")
    assert banner.text.startswith("camera 0")
    assert banner.accessibleName() == banner.text
    with qtbot.waitSignal(banner.dismissed):
        banner._cross.click()
    assert banner.text == ""


def test_a_button_does_its_work_and_takes_the_banner_away(banner: Banner) -> None:
    done: list[str] = []
    banner.show_error("gone", ("Try again", lambda: done.append("again")))
    button(banner, "Try again").click()
    assert done == ["again"]
    assert banner.text == ""


def test_a_newer_message_takes_the_place_of_the_older_with_its_buttons(qtbot: QtBot, banner: Banner) -> None:
    banner.show_error("first", ("Try again", lambda: None))
    banner.show_notice("second", ("Open folder", lambda: None))
    qtbot.waitUntil(lambda: [each.text() for each in banner.findChildren(QPushButton)] == ["Open folder"])
    assert banner.text == "second"


def test_a_notice_goes_by_itself_and_an_error_does_not(
    qtbot: QtBot, banner: Banner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceapp.ui.banner.NOTICE_S", 0.05)
    banner.show_notice("saved")
    qtbot.waitUntil(lambda: banner.text == "")
    banner.show_error("broken")
    qtbot.wait(120)
    assert banner.text == "broken"


def test_without_a_camera_demo_and_file_are_offered(centre: Centre) -> None:
    centre.tell(PipelineState.FAILED, "Camera 0", "", OFFERS)
    assert not centre.shows_picture
    assert centre.empty.title == "No picture from Camera 0"
    assert button(centre, "Try the demo").property("primary") is True
    assert button(centre, "Open a video…").property("primary") is False


def test_a_web_address_can_be_typed_in(qtbot: QtBot, centre: Centre, opened: list[str]) -> None:
    centre.empty.ask_address()
    (field,) = centre.findChildren(QLineEdit)
    assert field.isVisible()
    qtbot.keyClicks(field, " http://phone:8080/video ")
    field.returnPressed.emit()
    assert opened == ["http://phone:8080/video"]


def test_opening_is_said(centre: Centre) -> None:
    centre.tell(PipelineState.STARTING, "Camera 0", "", OFFERS)
    assert centre.empty.title == "Opening Camera 0"


def test_a_lost_camera_counts_down_over_the_last_picture(centre: Centre, result: FrameResult) -> None:
    centre.show_result(result, Readouts())
    centre.tell(PipelineState.WAITING, "Camera 0", "lost: trying again in 3 s", OFFERS)
    assert centre.shows_picture
    assert centre.video._note == "lost: trying again in 3 s"
    centre.tell(PipelineState.RUNNING, "Camera 0", "", OFFERS)
    assert centre.video._note == ""


def test_a_camera_that_never_gave_a_picture_counts_down_in_the_empty_state(centre: Centre) -> None:
    centre.tell(PipelineState.WAITING, "Camera 0", "trying again in 2 s", OFFERS)
    assert "trying again in 2 s" in centre.empty.accessibleName()
    centre.tell(PipelineState.WAITING, "Camera 0", "trying again in 1 s", OFFERS)
    assert "trying again in 1 s" in centre.empty.accessibleName()


def test_a_while_without_a_face_brings_a_hint(centre: Centre, result: FrameResult) -> None:
    image = result.frame.image
    centre.show_result(result, Readouts())
    centre.show_result(make_result(image, (), 1.0 + 0.5 * NO_FACE_AFTER_S), Readouts())
    centre.tell(PipelineState.RUNNING, "demo", "", OFFERS)
    assert centre.video._hint == ""
    centre.show_result(make_result(image, (), 1.1 + NO_FACE_AFTER_S), Readouts())
    centre.tell(PipelineState.RUNNING, "demo", "", OFFERS)
    assert centre.video._hint == NO_FACE
    centre.show_result(make_result(image, result.faces, 1.2 + NO_FACE_AFTER_S), Readouts())
    centre.tell(PipelineState.RUNNING, "demo", "", OFFERS)
    assert centre.video._hint == ""


def test_themes_change_while_shown(centre: Centre, result: FrameResult) -> None:
    centre.show_result(result, Readouts())
    centre.set_theme(LIGHT)
    assert centre.video.grab().toImage().pixelColor(2, 250).name() == LIGHT.background.lower()


def test_a_still_picture_does_not_end(centre: Centre, result: FrameResult) -> None:
    centre.show_result(result, Readouts())
    centre.tell(PipelineState.ENDED, "portrait.png", "", OFFERS, still=True)
    assert centre.video._hint == ""
    centre.show_result(make_result(result.frame.image, (), 1.0), Readouts())
    centre.tell(PipelineState.ENDED, "portrait.png", "", OFFERS, still=True)
    assert centre.video._hint == NO_FACE_IN_PICTURE
    centre.tell(PipelineState.ENDED, "film.mp4", "", OFFERS)
    assert centre.video._hint == "The video has ended. Space plays it again."
