"""Whatever a person names as `--out`, nothing that was recorded is replaced."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.__main__ import main
from faceapp.session.annotation_faces import FaceEdits, save_face_edits
from faceapp.session.recorded_files import BY_PEOPLE, BY_RECORDING, holds_session, write_named_file
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


def record(folder: Path) -> Path:
    writer = SessionWriter(folder, source="t", cards=[card()], settings={}, wait=True, captured=True)
    for index in range(5):
        writer.put_frame(result(index).frame)
        writer.put(result(index))
    folder = writer.close()
    save_face_edits(folder, FaceEdits(names={1: "Anna"}))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def sessions(tmp_path: Path) -> tuple[Path, Path]:
    return record(tmp_path / "one"), record(tmp_path / "other")


@pytest.mark.parametrize("name", sorted((BY_RECORDING | BY_PEOPLE) - {"recording.lock"}))
@pytest.mark.parametrize("whole", [True, False])
def test_reports_figures_and_predictions_replace_no_recorded_file(
    sessions: tuple[Path, Path], name: str, whole: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = sessions
    if not whole:
        (other / "session.json").unlink()
    picture = one.parent / "picture.png"
    cv2.imwrite(str(picture), np.zeros((64, 64, 3), np.uint8))
    before, out = contents(other), str(other / name)
    for command in (
        ["session", "report", str(one), "--out", out],
        ["session", "summary", str(one), "--out", out],
        ["predict", "--model", "multitask", "--images", str(picture), "--crops", "--out", out],
    ):
        assert main(command) == 2, command
        assert f"found one of the recorded session in {other}" in capsys.readouterr().err
    assert contents(other) == before


@pytest.mark.parametrize("name", ["parquet", "csv"])
def test_exports_go_into_no_session_that_has_lost_its_session_file(
    sessions: tuple[Path, Path], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = sessions
    (other / "session.json").unlink()
    before = contents(other)
    assert main(["session", "export", str(one), "--format", name, "--out", str(other)]) == 2
    assert "found a recorded session" in capsys.readouterr().err
    assert contents(other) == before


def test_own_names_are_written_and_written_again(sessions: tuple[Path, Path], tmp_path: Path) -> None:
    one, other = sessions
    for _ in range(2):
        assert main(["session", "report", str(one), "--out", str(other / "of the other.html")]) == 0
        assert (
            main(["session", "export", str(one), "--format", "parquet", "--out", str(tmp_path / "out")]) == 0
        )
        assert main(["session", "summary", str(one), "--out", str(tmp_path / "out" / "figures.csv")]) == 0
    assert not holds_session(tmp_path / "out") and holds_session(one)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_named_file(pipe, "text")
    reader.join()
    assert read == ["text"] and pipe.is_fifo()
