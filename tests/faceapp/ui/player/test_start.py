from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from faceapp.__main__ import main
from faceapp.ui.player import start
from faceapp.ui.player.window import PlayerWindow


def test_without_a_display_the_command_says_what_else_there_is(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["session", "open", str(recorded)]) == 2
    error = capsys.readouterr().err
    assert "expected a display" in error and error.count("\n") == 1


def test_what_is_no_session_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session", "open", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "expected a session folder" in error and error.count("\n") == 1


def test_the_command_shows_the_session_until_its_window_is_closed(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: QApplication
) -> None:
    monkeypatch.setattr(start, "has_display", lambda: True)
    monkeypatch.setattr(start, "default_path", lambda: tmp_path / "settings.json")
    seen: list[str] = []

    def look() -> None:
        (window,) = (
            each for each in qapp.topLevelWidgets() if isinstance(each, PlayerWindow) and each.isVisible()
        )
        seen.append(window.windowTitle())
        window.close()

    QTimer.singleShot(300, look)
    assert main(["session", "open", str(recorded)]) == 0
    assert seen == ["session – faceapp player"]
    assert (tmp_path / start.MEMORY_FILE).exists()
