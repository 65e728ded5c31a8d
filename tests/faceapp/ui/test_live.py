from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from faceapp.__main__ import concerns_people
from faceapp.analysis.comparison import SideBySide
from faceapp.errors import SourceError
from faceapp.pipeline import PipelineState
from faceapp.settings import Settings
from faceapp.types import FrameResult
from faceapp.ui.background import Background
from faceapp.ui.live import Live
from faceapp.ui.window import MainWindow
from tests.faceapp.ui.fakes import FakePipeline, FakeVideo


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    worker = Background()
    yield worker
    assert worker.close(5.0)


def test_answers_come_back_on_the_interface_thread(qtbot: QtBot, background: Background) -> None:
    answers: list[tuple[object, threading.Thread]] = []

    def fail() -> None:
        raise ValueError("broken")

    def note(value: object) -> None:
        answers.append((value, threading.current_thread()))

    background.run(threading.current_thread, note)
    background.run(fail, note, note)
    qtbot.waitUntil(lambda: len(answers) == 2)
    (worker, _), (error, _) = answers
    assert worker is not threading.current_thread()
    assert str(error) == "broken"
    assert {thread for _, thread in answers} == {threading.current_thread()}


def test_a_failed_job_does_not_end_the_thread(qtbot: QtBot, background: Background) -> None:
    done: list[int] = []
    background.run(lambda: 1 // 0)
    background.run(lambda: 7, done.append)
    qtbot.waitUntil(lambda: done == [7])


@pytest.mark.parametrize("error", [SourceError("gone"), SystemExit(3), MemoryError(), KeyboardInterrupt()])
def test_whatever_a_job_raises_is_handed_over_and_the_next_is_done(
    qtbot: QtBot, background: Background, error: BaseException
) -> None:
    said: list[object] = []

    def fail() -> None:
        raise error

    with logged_as_for_people():
        background.run(fail, failed=said.append)
        background.run(fail)
        background.run(lambda: 7, said.append)
        qtbot.waitUntil(lambda: len(said) == 2)
    assert said == [error, 7]


@contextmanager
def logged_as_for_people() -> Iterator[None]:
    """Log through the filter that the program's own start puts in."""
    handler = logging.NullHandler()
    handler.addFilter(concerns_people)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def test_sources_are_started_and_stopped_off_the_interface_thread(
    qtbot: QtBot, background: Background, settings: Settings
) -> None:
    made: list[FakePipeline] = []

    def make(_settings: Settings, _wish: SideBySide) -> FakePipeline:
        made.append(FakePipeline())
        return made[-1]

    live = Live(background, make)
    with qtbot.waitSignal(live.opened):
        live.open(settings)
        assert live.state is PipelineState.STARTING
    assert live.pipeline is made[0]
    with qtbot.waitSignal(live.opened):
        live.open(replace(settings, source="demo:two"))
    assert live.pipeline is made[1]
    here = threading.current_thread()
    assert made[0].threads["start"] is not here and made[0].threads["stop"] is not here
    live.stop()
    assert live.state is PipelineState.STOPPED
    qtbot.waitUntil(lambda: "stop" in made[1].threads)


def test_of_two_quick_wishes_the_second_wins(
    qtbot: QtBot, background: Background, settings: Settings
) -> None:
    made: dict[str, FakePipeline] = {}

    def make(wanted: Settings, _wish: SideBySide) -> FakePipeline:
        return made.setdefault(wanted.source, FakePipeline())

    live = Live(background, make)
    with qtbot.waitSignal(live.opened):
        live.open(settings)
        live.open(replace(settings, source="demo:two"))
    assert live.pipeline is made["demo:two"]
    assert "stop" in made["demo"].threads
    live.stop()


def test_a_source_that_cannot_be_made_is_told(
    qtbot: QtBot, background: Background, settings: Settings
) -> None:
    def refuse(_settings: Settings, _wish: SideBySide) -> FakePipeline:
        raise SourceError("film.mp4: expected a video, found nothing; check the path")

    live = Live(background, refuse)
    with qtbot.waitSignal(live.refused) as told:
        live.open(settings)
    assert "film.mp4" in told.args[0]
    assert live.state is PipelineState.STOPPED


def test_pause_goes_on_and_an_ended_video_starts_again(
    qtbot: QtBot, background: Background, settings: Settings
) -> None:
    pipeline = FakePipeline(FakeVideo("film.mp4"))
    live = Live(background, lambda _settings, _wish: pipeline)
    with qtbot.waitSignal(live.opened):
        live.open(settings)
    live.toggle_pause()
    assert live.state is PipelineState.PAUSED
    live.toggle_pause()
    assert live.state is PipelineState.RUNNING
    pipeline.state = PipelineState.ENDED
    live.toggle_pause()
    assert pipeline.calls == [("seek", 0.0)]
    live.stop()


def test_a_held_picture_of_a_video_is_read_again_where_it_is(
    qtbot: QtBot, background: Background, settings: Settings, result: FrameResult
) -> None:
    pipeline = FakePipeline(FakeVideo("film.mp4"))
    live = Live(background, lambda _settings, _wish: pipeline)
    live.read_again()
    with qtbot.waitSignal(live.opened):
        live.open(settings)
    pipeline.state = PipelineState.PAUSED
    live.read_again()
    assert pipeline.calls == [], "nothing was shown yet"
    pipeline.waiting.append(result)
    assert live.take_result() is result
    live.read_again()
    pipeline.state = PipelineState.ENDED
    live.read_again()
    assert pipeline.calls == [("seek", result.frame.time_s)] * 2
    pipeline.state = PipelineState.RUNNING
    live.read_again()
    assert len(pipeline.calls) == 2, "the next picture shows it"
    live.stop()


def test_what_the_command_line_wants_drawn_is_drawn_from_the_start(
    qtbot: QtBot, open_window: Callable[..., MainWindow], settings: Settings
) -> None:
    wished: list[str] = []

    def make(_settings: Settings, wish: SideBySide) -> FakePipeline:
        wished.append(wish.hiding.what)
        return FakePipeline()

    window = open_window(replace(settings, simulate="headset"), make_pipeline=make)
    window.start()
    qtbot.waitUntil(lambda: wished == ["headset"])
