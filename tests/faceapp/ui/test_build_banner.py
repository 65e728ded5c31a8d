"""An engine being compiled in the window: shown, cancelled, and the processor in its place."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from faceapp.pipeline.engine_builds import EngineBuild
from faceapp.types import FrameResult
from faceapp.ui.build_banner import BuildBanner
from faceapp.ui.theme import DARK
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline


def test_a_build_is_shown_and_goes(qtbot: QtBot) -> None:
    banner = BuildBanner(DARK)
    qtbot.addWidget(banner)
    assert banner.text == ""
    banner.tell(EngineBuild("multitask", 0.42, "timing graph nodes"))
    assert banner.text == "Preparing multitask for this GPU, once: 42%. Timing graph nodes."
    assert banner.findChild(QProgressBar).value() == 42
    banner.tell(None)
    assert banner.text == ""


def test_the_window_shows_the_build_of_any_thread_and_cancels_it(
    qtbot: QtBot, live_window: MainWindow, result: FrameResult
) -> None:
    control = live_window.live.builds.control("multitask-mask")
    control.report(0.3, "Building engine")
    live_window.refresh()
    banner = live_window.centre.build
    assert banner.text.startswith("Preparing multitask-mask for this GPU")
    button = banner.findChild(QPushButton)
    button.click()
    assert control.cancelled.is_set()
    assert not button.isEnabled(), "pressed once"
    control.end()
    live_window.refresh()
    assert banner.text == ""
    later = live_window.live.builds.control("visibility")
    later.report(0.0, "reading the model")
    assert later.cancelled.is_set(), "the models that follow run on the processor too"
    later.end()
    live_window.status.backend_chosen.emit("tensorrt")
    again = live_window.live.builds.control("multitask")
    again.report(0.0, "reading the model")
    assert not again.cancelled.is_set()
    live_window.refresh()
    assert button.isEnabled()


def test_a_lost_gpu_is_told_once(live_window: MainWindow, pipeline: FakePipeline) -> None:
    sentence = "The GPU failed (x); restart the program. Until then faces are read on OpenVINO bf16 CPU."
    pipeline.problem = sentence
    live_window.refresh()
    assert live_window.centre.problem.text == sentence
    live_window.centre.problem.dismiss()
    live_window.refresh()
    assert live_window.centre.problem.text == ""
