from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.__main__ import main
from faceapp.session.check import check_session
from faceapp.session.reader import read_session


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr("faceapp.commands.demo.DURATION_S", 1.0)


def test_without_a_display_the_demo_is_analysed_and_the_window_drawn(
    tiny_model: Path, tmp_path: Path, capsys
):
    assert main(["--model", str(tiny_model)]) == 0
    text = capsys.readouterr().out
    (folder,) = (tmp_path / "faceapp-sessions").iterdir()
    assert check_session(folder).problems == []
    session = read_session(folder)
    assert session.metadata["frames"]["analysed"] == session.metadata["frames"]["with_faces"] == 30
    assert session.metadata["settings"]["end_s"] == 1.0
    assert session.metadata["settings"]["source"] == session.metadata["source"] == "demo"
    picture = cv2.imread(str(folder / "window.png"))
    assert picture.shape[0] >= 600 and picture.shape[1] >= 960
    assert np.asarray(picture).std() > 10, "a window with a face in it, not one plain colour"
    assert "30 frames" in text and str(folder) in text


def test_another_source_may_be_shown(tiny_model: Path, tmp_path: Path):
    assert main(["--model", str(tiny_model), "--source", "demo:mask"]) == 0
    assert [folder.name for folder in (tmp_path / "faceapp-sessions").iterdir()] == ["demo-mask"]


def test_a_source_that_is_none_is_one_line(tiny_model: Path, tmp_path: Path, capsys):
    assert main(["--model", str(tiny_model), "--source", str(tmp_path / "missing.mp4")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("faceapp: ") and "missing.mp4" in line
