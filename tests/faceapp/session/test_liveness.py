from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session import liveness
from faceapp.session.check import check_session
from faceapp.session.liveness import LOCK_FILE, is_being_recorded
from faceapp.session.new_folder import new_session_folder
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
_RECORDER = """
import sys, time
from pathlib import Path
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result
writer = SessionWriter(Path(sys.argv[1]), source="t", cards=[card()], settings={}, wait=True)
for index in range(5):
    writer.put(result(index))
while not (writer.folder / "faces.csv").stat().st_size:
    time.sleep(0.01)
print("recording", flush=True)
sys.stdin.readline()
writer.close()
"""


@pytest.fixture
def recorder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", _RECORDER, str(tmp_path / "s")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline().strip() == "recording"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="programs can't be stopped there")
def test_a_recorder_that_stands_still_lives(tmp_path: Path, recorder: subprocess.Popen[str]) -> None:
    folder = tmp_path / "s"
    recorder.send_signal(signal.SIGSTOP)
    long_ago = time.time() - 3600
    os.utime(folder / "session.json", (long_ago, long_ago))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SessionError, match="being recorded; stop the recording first"):
        check_session(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    recorder.send_signal(signal.SIGCONT)
    recorder.communicate("\n")
    assert read_session(folder).table.num_rows == 5 and not (folder / LOCK_FILE).exists()
    assert check_session(folder).problems == []


def test_what_a_killed_recorder_left_is_repaired_at_once(
    tmp_path: Path, recorder: subprocess.Popen[str]
) -> None:
    folder = tmp_path / "s"
    recorder.kill()
    recorder.communicate()
    wait_until(lambda: not is_being_recorded(folder), "the lock was not freed")
    assert check_session(folder).problems == []
    assert not (folder / LOCK_FILE).exists() and read_session(folder).metadata["state"] == "repaired"


def test_a_disk_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SessionWriter(tmp_path / "s", source="t", cards=[card()], settings={}, wait=True)
    writer.put(result(0))

    def no_locks(handle: int) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(liveness, "try_lock", no_locks)
    with pytest.raises(SessionError, match="expected a disk with locks"):
        check_session(tmp_path / "s")
    monkeypatch.undo()
    writer.close()
    assert check_session(tmp_path / "s").problems == []


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_recording_is_its_owners_business(tmp_path: Path) -> None:
    assert new_session_folder(tmp_path, "a").stat().st_mode & 0o777 == 0o700
