"""Short sessions in every state, written through the real writer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from faceapp.session.annotation_edits import Annotations
from faceapp.session.annotations import Event
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from faceapp.ui.player.review import load_review
from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.session.results import picture, result
from tests.waiting import wait_until

FRAMES = 150
RATE_HZ = 25
AWAY = range(50, 65)


def write_session(folder: Path, *, video: bool = True) -> SessionWriter:
    """Six seconds: face 1 but for frames 50 to 64, face 2 from frame 100 on; happy in the first half."""
    writer = SessionWriter(
        folder, source="test", cards=[], settings={}, wait=True, video=video, time_origin_s=0.0
    )
    for index in range(FRAMES):
        faces = 0 if index in AWAY else 1 + (index >= 100)
        happiness = 0.9 if index < 75 else 0.05
        writer.put(result(index, faces=faces, happiness=happiness, image=picture(index, 160, 120)))
    return writer


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed session with marks of two annotators; not to be changed."""
    folder = write_session(tmp_path_factory.mktemp("player") / "session").close()
    annotations = Annotations(folder, span_s=(0.0, 5.96))
    annotations.add_all(
        [
            Event(0.0, 3.0, label="happiness", author="Ada"),
            Event(3.0, 5.96, label="neutral", author="Ada"),
            Event(0.0, 2.0, label="happiness", author="Ben"),
            Event(1.0, 1.0, label="nod", author="Ben"),
            Event(4.0, 4.4, kind="exclude", label="noise", author="Ben"),
        ],
        "marks",
    )
    return folder


@pytest.fixture(scope="session")
def recorded_without_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(tmp_path_factory.mktemp("player") / "table", video=False).close()


@pytest.fixture(scope="session")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kill leaves: copied while the recording ran."""
    parent = tmp_path_factory.mktemp("player")
    writer = write_session(parent / "running")
    wait_until(lambda: read_session(writer.folder).metadata["frames"]["analysed"] == FRAMES)
    shutil.copytree(parent / "running", parent / "killed")
    writer.close()
    return parent / "killed"


@pytest.fixture
def session(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the sealed session that may be changed."""
    return Path(shutil.copytree(recorded, tmp_path / "session"))


@pytest.fixture
def open_player(qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[Path], PlayerWindow]]:
    """Opens a session in a player and waits for its first picture; closes it at the end."""
    opened: list[PlayerWindow] = []

    def make(folder: Path, **options: object) -> PlayerWindow:
        window = PlayerWindow(**options)  # type: ignore[arg-type]
        window.controls.user_scheme = tmp_path / "user" / "annotation_scheme.json"
        opened.append(window)
        window.show()
        window.show_review(load_review(folder, window.controls.user_scheme))
        qtbot.waitUntil(lambda: window.stage.result is not None)
        return window

    yield make
    for window in opened:
        window.close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def player(open_player: Callable[[Path], PlayerWindow], session: Path) -> PlayerWindow:
    return open_player(session)
