"""The queue over the window, with processes of our own making, and once with real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from faceapp.batch.queue import QUEUE_FILE
from faceapp.batch.queue_items import Item, Look
from faceapp.batch.worker import QueueWorker
from faceapp.session.reader import read_session
from faceapp.session.video_encoder import VideoEncoder
from faceapp.settings import Settings
from faceapp.ui.queue.sheet import QueueSheet
from faceapp.ui.queue.words import item_words, look_words, time_words
from faceapp.ui.window import MainWindow
from tests.faceapp.batch.test_queue import FakePool
from tests.faceapp.ui.scenes import pixels


@pytest.fixture
def window(open_window: Callable[..., MainWindow], tmp_path: Path) -> MainWindow:
    """A window that keeps its queue, with made-up processes."""
    made = open_window(settings_path=tmp_path / "settings.json")
    made.queue.worker = QueueWorker(made.queue.queue, FakePool)  # type: ignore[arg-type]
    return made


def films(tmp_path: Path, *names: str) -> list[Path]:
    for name in names:
        (tmp_path / name).write_bytes(b"no video at all")
    return [tmp_path / name for name in names]


def drop(target: object, paths: list[Path]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    target.dropEvent(  # type: ignore[attr-defined]
        QDropEvent(
            QPointF(QPoint(5, 5)),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )


def states(window: MainWindow) -> list[str]:
    return [item.state for item in window.queue.queue.look().items]


def test_dropped_files_are_worked_off_and_told(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    sheet = window.queue.show()
    assert not sheet.run.isEnabled()
    drop(sheet, films(tmp_path, "a.mkv", "bad.mkv"))
    qtbot.waitUntil(lambda: sheet.table.rowCount() == 2)
    assert sheet.run.isEnabled()
    sheet.run.click()
    qtbot.waitUntil(lambda: states(window) == ["done", "failed"])
    qtbot.waitUntil(lambda: sheet.run.text() == "Start")
    assert not sheet.run.isEnabled(), "nothing waits"
    assert sheet.words.text() == "1 of 2 done, 1 failed"
    sheet.view.selectRow(1)
    assert "expected a video" in sheet.problem.text()
    assert sheet.again.isEnabled() and sheet.remove.isEnabled() and not sheet.cancel.isEnabled()
    sheet.again.click()
    qtbot.waitUntil(lambda: states(window) == ["done", "waiting"])
    qtbot.waitUntil(sheet.cancel.isEnabled)
    sheet.cancel.click()
    assert states(window) == ["done", "cancelled"]
    sheet.view.setFocus()
    qtbot.keyClick(sheet.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: states(window) == ["done"])


def test_the_toolbar_shows_how_far_it_is_and_stop_lets_it_wait(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    held = True

    class Slow(FakePool):
        def results(self) -> list:  # type: ignore[type-arg]
            return [] if held and not self.cancelled else super().results()

    window.queue.worker = QueueWorker(window.queue.queue, Slow)  # type: ignore[arg-type]
    window.queue.add([str(path) for path in films(tmp_path, "a.mkv", "b.mkv")])
    qtbot.waitUntil(lambda: len(states(window)) == 2)
    window.queue.toggle_run()
    qtbot.waitUntil(lambda: states(window) == ["running", "waiting"])
    qtbot.waitUntil(lambda: "0% done" in window.toolbar._queue.toolTip())
    sheet = window.queue.sheet
    assert sheet is not None and sheet.run.text() == "Stop" and not sheet.form.isEnabled()
    sheet.hide()
    qtbot.wait(300)
    assert "0% done" in window.toolbar._queue.toolTip(), "it goes on behind"
    window.queue.toggle_run()
    qtbot.waitUntil(lambda: not window.queue.worker.working)
    assert states(window) == ["waiting", "waiting"]
    qtbot.waitUntil(lambda: "done" not in window.toolbar._queue.toolTip())


def test_it_is_there_again_after_a_restart(
    qtbot: QtBot, window: MainWindow, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    window.queue.add([str(path) for path in films(tmp_path, "a.mkv")])
    qtbot.waitUntil(lambda: (tmp_path / QUEUE_FILE).exists())
    window.queue.change_option("every", 3)
    qtbot.waitUntil(lambda: window.queue.queue.options.every == 3)
    window.close()
    again = open_window(settings_path=tmp_path / "settings.json")
    sheet = again.queue.show()
    assert states(again) == ["waiting"]
    assert again.queue.queue.options.every == 3
    assert sheet.table.rowCount() == 1


def test_a_clip_that_ends_before_it_starts_is_told(qtbot: QtBot, window: MainWindow) -> None:
    sheet = window.queue.show()
    window.queue.change_option("start_s", 8.0)
    qtbot.waitUntil(lambda: window.queue.queue.options.start_s == 8.0)
    window.queue.change_option("end_s", 2.0)
    assert "end after the start" in sheet.message.text
    assert window.queue.queue.options.end_s is None


def test_several_dropped_files_go_into_the_queue_and_one_is_opened(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    paths = films(tmp_path, "a.mkv", "b.mkv")
    drop(window, paths[:1])
    assert window.settings.source == str(paths[0])
    assert window.queue.sheet is None
    drop(window, paths)
    qtbot.waitUntil(lambda: len(states(window)) == 2)
    assert window.queue.sheet is not None and window.queue.sheet.isVisible()


def test_keys_show_and_hide_it_and_it_stays_in_the_middle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    sheet = window.queue.sheet
    assert sheet is not None and sheet.isVisible()
    window.resize(960, 600)
    assert window.rect().contains(sheet.geometry())
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_a_chosen_session_opens_in_the_player_and_a_damaged_queue_is_told(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / QUEUE_FILE).write_text("{")
    shown: list[Path] = []
    monkeypatch.setattr(window.annotation, "show_session", shown.append)
    sheet = window.queue.show()
    assert "expected a queue" in sheet.message.text
    item = Item(0, "a.mkv", "done", tmp_path / "a", frames=30, expected=30)
    sheet.show_look(Look((item,), False, None, 0.0), False)
    sheet.view.selectRow(0)
    assert sheet.review.isEnabled()
    sheet.review.click()
    assert shown == [tmp_path / "a"]


def test_a_running_input_has_a_bar_as_long_as_its_share(qtbot: QtBot, window: MainWindow) -> None:
    sheet = window.queue.show()
    window.queue._look.stop()

    def bright(frames: int) -> int:
        item = Item(0, "a.mkv", "running", frames=frames, expected=100)
        sheet.show_look(Look((item,), True, None, 0.0), False)
        cell = sheet.view.visualRect(sheet.table.index(0, 1))
        shown = pixels(sheet.view.viewport())[cell.top() : cell.bottom(), cell.left() : cell.right() - 50]
        return int((shown.min(axis=2) > 200).sum())

    few, many = bright(25), bright(75)
    assert few > 50 and 2.5 < many / few < 3.5


def test_words() -> None:
    assert [time_words(each) for each in (0.2, 42, 61, 3700)] == ["1 s", "42 s", "1 min", "1 h 2 min"]
    item = Item(0, "a.mkv", "running", frames=10, expected=100, left_s=90)
    assert item_words(item) == "10 frames, 2 min left"
    assert item_words(replace(item, frames=0, left_s=None)) == "loading the model"
    assert item_words(Item(0, "a", "done")) == "finished earlier"
    look = Look((item, Item(1, "b", "failed")), True, 200.0, 31.0)
    assert look_words(look, False) == "0 of 2 done, 1 failed, 31 frames a second, about 3 min left"
    assert "being closed" in look_words(look, True)


@pytest.mark.slow
def test_real_processes_make_real_sessions_while_the_window_goes_on(
    qtbot: QtBot,
    open_window: Callable[..., MainWindow],
    tmp_path: Path,
    tiny_model: Path,
    astronaut,
    settings: Settings,
) -> None:
    encoder = VideoEncoder(tmp_path / "film.mkv")
    for index in range(12):
        encoder.add(astronaut[::2, ::2], index / 25)
    encoder.close()
    window = open_window(settings_path=tmp_path / "settings.json")
    window.queue.queue.options = replace(
        window.queue.queue.options, model=str(tiny_model), record_video=False, out=tmp_path / "out"
    )
    sheet: QueueSheet = window.queue.show()
    window.queue.add([str(tmp_path / "film.mkv"), str(tmp_path / "missing.mkv")])
    qtbot.waitUntil(lambda: len(states(window)) == 2)
    ticks: list[int] = []
    window.queue._look.timeout.connect(lambda: ticks.append(1))
    qtbot.waitUntil(sheet.run.isEnabled)
    sheet.run.click()
    qtbot.waitUntil(lambda: not {"waiting", "running"} & {*states(window)}, timeout=150_000)
    assert states(window) == ["done", "failed"], [each.problem for each in window.queue.queue.look().items]
    assert len(ticks) > 3, "the interface went on"
    folder = window.queue.queue.look().items[0].folder
    assert folder is not None
    assert read_session(folder).metadata["frames"]["analysed"] == 12
    qtbot.waitUntil(sheet.study.isEnabled)
    sheet.study.click()
    qtbot.waitUntil(lambda: "study.csv" in sheet.message.text)
    assert (tmp_path / "out" / "study.csv").exists()
