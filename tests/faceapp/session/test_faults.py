"""Killed programs and full disks, with real processes, real signals and real limits."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session.check import check_session
from faceapp.session.reader import read_session
from faceapp.session.video_repair import video_frames
from tests.faceapp.session.recording_process import RATE_HZ
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
KILLED_AT_FRAME = 200


def start(folder: Path, frames: int = 0, limit_bytes: int = 0, video: str = "video") -> subprocess.Popen[str]:
    arguments = [str(folder), str(frames), str(limit_bytes), video]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faceapp.session.recording_process", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def killed_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session whose program got SIGKILL after two hundred frames."""
    folder = tmp_path_factory.mktemp("killed") / "s"
    with start(folder) as process:
        for line in process.stdout:
            if line.startswith(f"{KILLED_AT_FRAME} "):
                break
        process.kill()
        process.stdout.read()
        process.stderr.read()
        assert process.wait(PATIENCE_S) == (-signal.SIGKILL if sys.platform != "win32" else 1)
    return folder


@pytest.fixture
def killed(killed_session: Path, tmp_path: Path) -> Path:
    """A copy of the killed session, with the times of its files."""
    return shutil.copytree(killed_session, tmp_path / "s")


def test_a_killed_recording_loses_at_most_a_second_and_is_repaired(killed: Path):
    before = read_session(killed)
    assert before.metadata["state"] == "recording"
    assert before.column("frame").max() >= KILLED_AT_FRAME - RATE_HZ

    result = check_session(killed)
    assert result.problems == []
    assert result.repairs

    session = read_session(killed)
    assert session.metadata["state"] == "repaired"
    frames = session.column("frame")
    assert frames.max() >= KILLED_AT_FRAME - RATE_HZ
    assert sorted(set(frames)) == list(range(int(frames.max()) + 1)), "no hole"
    assert session.table.num_rows == 2 * len(set(frames)) == session.metadata["frames"]["faces"]
    assert session.metadata["frames"]["in_video"] == video_frames(session.video) >= KILLED_AT_FRAME - RATE_HZ
    assert session.metadata["frames"]["analysed"] >= len(set(frames))
    assert session.metadata["ended_utc"] > session.metadata["started_utc"]
    assert sorted(path.name for path in killed.iterdir()) == [
        *("events.jsonl", "faces.parquet", "frames.parquet", "session.json", "video.mkv"),
    ]


def test_the_repaired_video_can_be_searched(killed: Path):
    import av

    check_session(killed)
    with av.open(str(killed / "video.mkv")) as container:
        assert container.duration is not None
        container.seek(2_000_000)
        assert next(container.decode(video=0)).time == pytest.approx(2.0, abs=1.3)


def test_a_second_check_finds_nothing_to_do(killed: Path):
    check_session(killed)
    again = check_session(killed)
    assert (again.repairs, again.problems) == ([], [])


def test_looking_only_changes_nothing(killed: Path):
    before = {path.name: path.read_bytes() for path in killed.iterdir()}
    assert check_session(killed, repair=False).repairs
    assert {path.name: path.read_bytes() for path in killed.iterdir()} == before


def test_half_rows_and_leftovers_of_a_kill_are_removed(killed: Path):
    for name in ("faces.csv", "events.jsonl"):
        with (killed / name).open("a") as stream:
            stream.write('{"start": 1')
    (killed / ".session.json.part").write_text("{")
    result = check_session(killed)
    assert result.problems == []
    assert sum("incomplete last" in repair for repair in result.repairs) == 2
    assert not list(killed.glob(".*.part"))
    assert read_session(killed).table.num_rows == result.rows


def test_a_running_recording_is_left_alone(tmp_path: Path):
    with start(tmp_path / "s") as process:
        for line in process.stdout:
            if line.startswith("20 "):
                break
        with pytest.raises(SessionError, match="being recorded"):
            check_session(tmp_path / "s")
        assert (tmp_path / "s" / "faces.csv").exists()
        process.kill()
        process.stdout.read()
        process.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are POSIX")
def test_a_full_disk_ends_the_recording_with_one_line_and_whole_rows(tmp_path: Path):
    folder = tmp_path / "s"
    with start(folder, frames=150, limit_bytes=20_000, video="table") as process:
        output, _ = process.communicate()
    *frames, last = output.splitlines()
    assert process.returncode == 0, "the program went on to its own end"
    assert last.startswith("error:") and "expected a folder that can be written" in last
    assert frames[0] == "0 1" and frames[-1] == "149 0", "frames are refused once the disk is full"
    assert json.loads((folder / "session.json").read_text())["state"] == "recording"
    recorded = read_session(folder).table.num_rows
    assert recorded > 0

    counted = json.loads((folder / "session.json").read_text())["frames"]["faces"]
    lost = f"faces.csv: {counted - recorded} of {counted} rows that were counted are lost"
    assert check_session(folder).problems == ([lost] if counted > recorded else [])
    assert read_session(folder).table.num_rows == recorded
    assert json.loads((folder / "session.json").read_text())["frames"]["faces"] == recorded
    assert check_session(folder).problems == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are POSIX")
def test_a_failing_video_ends_the_video_and_the_table_goes_on(tmp_path: Path):
    folder = tmp_path / "s"
    with start(folder, frames=150, limit_bytes=400_000) as process:
        output, _ = process.communicate()
    *frames, last = output.splitlines()
    assert "expected to record video" in last
    assert all(line.endswith(" 1") for line in frames)
    session = read_session(folder)
    assert session.metadata["state"] == "closed"
    assert session.metadata["errors"] == [last.removeprefix("error: ").replace(str(folder), "s")]
    assert session.table.num_rows == 300
    assert 0 < video_frames(session.video) < 150
