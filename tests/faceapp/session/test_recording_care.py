"""Consent, disk space and two writers on one folder."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session.about import About, Consent
from faceapp.session.check import check_session
from faceapp.session.disk_watch import DiskWatch
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from faceapp.settings.notice import NOTICE
from tests.faceapp.session.results import card, result
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


def make_writer(folder: Path, **options) -> SessionWriter:
    return SessionWriter(folder, source="test", cards=[card()], settings={}, wait=True, **options)


def test_what_people_say_and_the_consent_are_kept_word_for_word(tmp_path: Path):
    consent = Consent(NOTICE, "2026-01-31T09:15:02.040Z")
    about = About("P07", "first try", session="2", condition="mask", consent=consent)
    metadata = read_session(make_writer(tmp_path / "s", about=about).close()).metadata
    assert (metadata["participant"], metadata["session"], metadata["condition"]) == ("P07", "2", "mask")
    assert metadata["consent"] == {"text": NOTICE, "accepted_utc": "2026-01-31T09:15:02.040Z"}


def test_without_a_notice_there_is_no_consent(tmp_path: Path):
    assert read_session(make_writer(tmp_path / "s").close()).metadata["consent"] is None


@pytest.mark.parametrize(
    ("text", "moment"), [(" ", "2026-01-31T09:15:02Z"), ("yes?", "today"), ("a", "2026-01-31")]
)
def test_a_consent_without_text_or_moment_is_refused(text: str, moment: str):
    with pytest.raises(SessionError, match="consent: expected"):
        Consent(text, moment)


def test_a_nearly_full_disk_ends_the_recording_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faceapp.session.disk_watch._EVERY_S", 0.2)
    writer = make_writer(tmp_path / "s")
    writer.put(result(0))
    writer.disk.measure = lambda _folder: 100_000_000
    for index in range(1, 12):
        writer.put(result(index))
    indices = count(12)
    wait_until(lambda: writer.stopped or writer.put(result(next(indices))) is None)
    assert writer.disk.low
    assert "expected at least 200 MB free, found 100 MB" in str(writer.error)
    session = read_session(writer.close())
    assert session.metadata["state"] == "closed"
    assert session.metadata["errors"] == [str(writer.error).replace(str(tmp_path / "s"), "s")]
    assert session.table.num_rows > 10
    assert (session.folder / "faces.parquet").exists() and not (session.folder / "faces.csv").exists()
    assert check_session(session.folder).problems == []


def test_a_disk_too_full_to_seal_is_not_told_as_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise SessionError("no room")

    writer = make_writer(tmp_path / "s")
    writer.put(result(0))
    writer.disk.measure = lambda _folder: 0
    with monkeypatch.context() as patched:
        patched.setattr("faceapp.session.recording.seal", full)
        indices = count(1)
        wait_until(lambda: writer.stopped or writer.put(result(next(indices))) is None)
        folder = writer.close()
    assert str(writer.error) == "no room"
    assert check_session(folder).problems == [] and read_session(folder).table.num_rows >= 1


def test_the_disk_is_asked_now_and_then_and_a_folder_that_went_is_no_reason():
    asked = []
    watch = DiskWatch(Path("somewhere"), measure=lambda folder: asked.append(folder) or 5 * 10**8)
    for _ in range(5):
        watch.check()
    assert len(asked) == 1
    assert watch.low

    def gone(_folder: Path) -> int:
        raise FileNotFoundError

    DiskWatch(Path("somewhere"), measure=gone).check()


def test_of_two_programs_on_one_folder_one_is_refused_with_one_line(tmp_path: Path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from faceapp.errors import SessionError\n"
        "from faceapp.session.writer import SessionWriter\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    SessionWriter(Path(sys.argv[1]), source='x', cards=[], settings={}).close()\n"
        "    print('recorded')\n"
        "except SessionError as error:\n"
        "    print('refused:', error)\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "s")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    programs = [subprocess.Popen(arguments, cwd=ROOT, **pipes) for _ in range(3)]
    assert [program.stdout.readline() for program in programs] == ["ready\n"] * 3
    for program in programs:
        program.stdin.write("go\n")
        program.stdin.flush()
    lines = [program.communicate()[0].splitlines() for program in programs]
    assert sorted(text[:8] for (text,) in lines) == ["recorded", "refused:", "refused:"]
    refused = [text for (text,) in lines if text.startswith("refused")]
    assert all("expected a new folder" in text for text in refused)
    assert read_session(tmp_path / "s").metadata["state"] == "closed"
    assert not list((tmp_path / "s").glob(".*"))
