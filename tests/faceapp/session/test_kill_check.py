from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faceapp.session import kill_check
from faceapp.session.check import check_session
from faceapp.session.reader import read_frames, read_session
from faceapp.session.synthetic import write_long_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result
from tests.waiting import PATIENCE_S, wait_until


def test_recordings_killed_at_random_lose_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kill_check, "_LATEST_KILL_S", 3.0)
    deaths = list(kill_check.kill_many(tmp_path, count=3, parallel=1, first_seed=1))
    assert [death.problem for death in deaths] == [""] * 3
    assert sum(death.handed for death in deaths) > 10
    # A second is what is promised and measured (docs/sessions.md); a processor busy with other tests may be late.
    assert max(death.lost_rows_s for death in deaths) <= 10.0
    assert max(death.lost_video_s for death in deaths) <= 10.0


def test_a_victim_that_ends_by_itself_is_not_taken_for_a_killed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kill_check, "_EARLIEST_KILL_S", 0.0)
    monkeypatch.setattr(kill_check, "_LATEST_KILL_S", 0.0)
    real = subprocess.Popen
    code = "print('open 000'); raise SystemExit(3)"

    def crash(_arguments: list[str], **options) -> subprocess.Popen[str]:
        process = real([sys.executable, "-c", code], **options)
        process.wait(PATIENCE_S)
        return process

    monkeypatch.setattr(kill_check.subprocess, "Popen", crash)
    assert "ended by itself with exit code 3" in kill_check.kill_one(tmp_path, 1).problem


@pytest.mark.parametrize(("taken", "problem"), [(0, ""), (1, "holes at frames [4]")])
def test_a_result_that_the_writer_refused_is_no_hole(tmp_path: Path, taken: int, problem: str):
    writer = SessionWriter(
        tmp_path / "000", source="test", cards=[card()], settings={}, wait=True, captured=True
    )
    told = ["open 000"]
    for index in range(8):
        each = result(index)
        writer.put_frame(each.frame)
        if index in (0, 2, 6):
            writer.put(each)
        told.append(f"{index} 1 {int(index in (0, 2, 6) or (index == 4 and taken))}")
    writer.close()
    death = kill_check._examine(tmp_path, told)
    assert (death.problem, death.handed, death.lost_rows_s, death.lost_video_s) == (problem, 8, 0.0, 0.0)


def test_a_recording_cut_off_at_any_byte_is_repaired(tmp_path: Path):
    """The files of a recording, each cut at a random length, as a power cut may leave them."""
    writer = SessionWriter(
        tmp_path / "s", source="test", cards=[card()], settings={}, wait=True, captured=True
    )
    for index in range(60):
        each = result(index)
        writer.put_frame(each.frame)
        writer.put(each)
    wait_until(lambda: read_session(tmp_path / "s").table.num_rows == 60)
    whole = shutil.copytree(tmp_path / "s", tmp_path / "whole")
    writer.close()
    counted = json.loads((whole / "session.json").read_text())["frames"]["faces"]
    chance = random.Random(3)
    for number in range(25):
        folder = shutil.copytree(whole, tmp_path / f"cut-{number}")
        for name in ("faces.csv", "frames.csv", "events.jsonl"):
            path = folder / name
            path.write_bytes(path.read_bytes()[: chance.randint(0, path.stat().st_size)])
        cut = read_session(folder).table.num_rows if (folder / "faces.csv").stat().st_size > 600 else 0
        found = check_session(folder)
        gone = max(0, counted - found.rows)
        lost = [f"faces.csv: {gone} of {counted} rows that were counted are lost"] if gone else []
        assert found.problems == lost
        assert found.rows >= cut - 1, "a last row without its line end may be half a number"
        frames = read_frames(folder)["frame"].to_pylist()
        assert frames == list(range(len(frames)))


def test_a_long_session_is_written_whole(tmp_path: Path):
    folder = write_long_session(tmp_path / "s", minutes=0.5, faces=2, read_every=3)
    session = read_session(folder)
    counts = session.metadata["frames"]
    assert (counts["captured"], counts["in_video"], counts["analysed"]) == (900, 900, 300)
    assert counts["not_analysed"] == {"newer frame taken": 598, "recording stopped": 2}
    assert session.table.num_rows == 600
    assert check_session(folder).problems == []
