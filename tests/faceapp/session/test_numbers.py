from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from faceapp.commands import session as session_command
from faceapp.session.annotations import EVENTS_FILE
from faceapp.session.numbers import counted, rounded_text
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


def test_one_is_no_plural():
    assert [counted(number, "frame") for number in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (-0.001, False, "0.00"),
        (-0.001, True, "0.00"),
        (0.0, True, "0.00"),
        (0.5, True, "+0.50"),
        (-0.5, False, "-0.50"),
    ],
)
def test_what_rounds_to_nothing_has_no_sign(value: float, sign: bool, text: str):
    assert rounded_text(value, 2, sign) == text


def test_a_check_names_its_folder_once_and_one_row_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    writer = SessionWriter(tmp_path / "s", source="t", cards=[card()], settings={}, wait=True, video=False)
    writer.put(result(0))
    folder = writer.close()
    arguments = argparse.Namespace(action="check", folders=[folder], look_only=False)
    assert session_command.run(arguments) == 0
    assert capsys.readouterr().out == f"{folder}: sound, 1 row, no video\n"
    (folder / EVENTS_FILE).write_text("no mark\n")
    assert session_command.run(arguments) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"faceapp: {folder}: {EVENTS_FILE}") and line.count(str(folder)) == 1
