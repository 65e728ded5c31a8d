from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceapp.__main__ import main
from faceapp.session.annotations import Event, append_event
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


@pytest.fixture
def session(tmp_path: Path) -> Path:
    writer = SessionWriter(tmp_path / "s", source="test", cards=[card()], settings={}, wait=True)
    for index in range(5):
        writer.put(result(index))
    return writer.close()


def test_a_sound_session_is_said_to_be_sound(session: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["session", "check", str(session)]) == 0
    assert capsys.readouterr().out == f"{session}: sound, 5 rows, 5 frames of video\n"


def test_looking_only_says_what_would_be_done(session: Path, capsys: pytest.CaptureFixture[str]):
    (session / ".x.part").touch()
    assert main(["session", "check", "--look-only", str(session)]) == 0
    assert capsys.readouterr().out.startswith("to repair: .x.part")
    assert (session / ".x.part").exists()
    assert main(["session", "check", str(session)]) == 0
    assert capsys.readouterr().out.startswith("repaired: .x.part")


def test_a_problem_ends_with_2_and_the_other_sessions_are_checked(session: Path, tmp_path: Path, capsys):
    metadata = json.loads((session / "session.json").read_text())
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "session.json").write_text(json.dumps(metadata))
    assert main(["session", "check", str(tmp_path), str(tmp_path / "t"), str(session)]) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].endswith("sound, 5 rows, 5 frames of video")
    assert any("found neither" in line for line in captured.err.splitlines())
    assert all(line.startswith("faceapp: ") for line in captured.err.splitlines())


def test_export_and_report_print_the_files_they_wrote(session: Path, tmp_path: Path, capsys):
    assert main(["session", "export", str(session), "--format", "csv", "--format", "elan"]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in paths] == [
        *("faces.csv", "frames.csv", "events.csv", "columns.csv", "annotations.eaf"),
    ]
    assert all(path.is_file() for path in paths)
    assert main(["session", "report", str(session), "--out", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_one_output_for_several_sessions_is_refused(session: Path, tmp_path: Path, capsys):
    assert main(["session", "report", str(session), str(session), "--out", str(tmp_path / "x.html")]) == 2
    assert "expected one session" in capsys.readouterr().err


def test_summary_agreement_and_study_say_what_they_found(session: Path, tmp_path: Path, capsys):
    pytest.importorskip("statsmodels")
    pytest.importorskip("krippendorff")
    for author in ("A", "B"):
        append_event(session, Event(0.0, 0.1, label="x", author=author))
        append_event(session, Event(0.1, 0.2, label="y", author=author))
    assert (
        main(["session", "summary", str(session), "--baseline", "0", "1", "--out", str(tmp_path / "f.csv")])
        == 0
    )
    text = capsys.readouterr().out
    assert "face 1, session: 0.2 s, 5 rows, happiness 100%, smile 0.50 (0.00 against the baseline)" in text
    assert "face 1, range 'x'" in text and (tmp_path / "f.csv").exists()
    assert main(["session", "agreement", str(session)]) == 0
    assert "Cohen's kappa A and B: 1.000" in capsys.readouterr().out
    assert main(["session", "study", str(tmp_path)]) == 0
    assert (tmp_path / "study.csv").read_text().count("\n") == 4
    assert main(["session", "agreement", str(session), "--step", "0"]) == 2
    assert "expected seconds above 0" in capsys.readouterr().err
