"""Live sources without a window: so many seconds of them, and marks that come meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faceapp.batch import time_limit
from faceapp.batch.live_marks import TypedMarks
from faceapp.batch.time_limit import TimeLimit
from faceapp.errors import SourceError
from faceapp.session.annotations import read_events
from faceapp.session.metadata import load_metadata
from faceapp.sources import make_source
from faceapp.sources.options import Clip
from faceapp.sources.outage import Outage, during
from tests.faceapp.sources.mjpeg_server import MjpegServer
from tests.waiting import PROMPT_S, wait_until

ROOT = Path(__file__).resolve().parents[3]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "faceapp", *arguments]


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "QT_QPA_PLATFORM": "offscreen",
        "OMP_NUM_THREADS": "2",
    }


def run(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(folder), input=typed, capture_output=True, text=True, timeout=150
    )


def lines_of(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.slow
def test_a_stream_is_recorded_for_so_many_seconds(tmp_path: Path) -> None:
    with MjpegServer(period_s=0.03) as server:
        done = run(tmp_path, "analyze", server.url(), "--for", "2", "--out", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "out").iterdir()
    session = load_metadata(folder)
    assert session["state"] == "closed" and session["input"]["complete"] is True
    assert session["settings"]["for_s"] == 2 and session["frames"]["analysed"] > 0


@pytest.mark.slow
def test_a_source_without_a_display_is_read_for_ten_seconds_and_says_so(tmp_path: Path) -> None:
    with MjpegServer(period_s=0.03) as server:
        done = run(tmp_path, "--source", server.url(), "--sessions", str(tmp_path / "out"))

    assert done.returncode == 0, done.stderr
    assert "no display: analysing 10 s of http://127.0.0.1" in done.stdout
    (folder,) = (tmp_path / "out").iterdir()
    assert (folder / "window.png").is_file() and load_metadata(folder)["state"] == "closed"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there")
def test_lines_of_the_standard_input_are_marks_of_their_moment(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = command("analyze", "demo", "--markers", "stdin", "--out", str(out))
    pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(arguments, env=environment(tmp_path), text=True, **pipes) as program:
        wait_until(lambda: lines_of(out / "demo" / "faces.csv") > 3, "nothing is recorded")
        for text in ("first stimulus", "", "zweiter Reiz"):
            program.stdin.write(f"{text}\n")
            program.stdin.flush()
        wait_until(lambda: len(read_events(out / "demo")) == 2, "the marks are not stored")
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=PROMPT_S)

    assert program.returncode == 130, errors
    session = load_metadata(out / "demo")
    events = read_events(out / "demo")
    assert [event.label for event in events] == ["first stimulus", "zweiter Reiz"]
    times_s = [0.0, *(event.start for event in events), session["last_time_s"]]
    assert times_s == sorted(times_s)
    assert {event.author for event in events} == {"standard input"}


def test_marks_of_a_recording_are_refused(tmp_path: Path) -> None:
    done = run(
        tmp_path, "analyze", "demo", "--for", "1", "--markers", "stdin", "--out", str(tmp_path / "out")
    )

    assert done.returncode == 2 and done.stderr.startswith("faceapp: markers: expected one camera or stream")
    assert not (tmp_path / "out").exists()


def test_typed_lines_come_in_order_with_their_times() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as lines, os.fdopen(writing, "w", encoding="utf-8") as typist:
        marks = TypedMarks(lines)
        typist.write("one\n\n  two \n")
        typist.flush()
        come: list[tuple[str, float]] = []
        wait_until(lambda: come.extend(marks.take()) or len(come) == 2, "the lines did not come")
        typist.close()
    assert [text for text, _ in come] == ["one", "two"] and come[0][1] <= come[1][1]


def test_the_seconds_count_from_the_first_result(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time_limit.time, "perf_counter", lambda: now_s)
    limit = TimeLimit(5.0)
    now_s = 100.0 + time_limit.START_S + 4.9
    assert not limit.over
    limit.begin()
    now_s += 4.9
    limit.begin()
    assert not limit.over
    now_s += 0.2
    assert limit.over
    limit.require_begun("camera")


def test_a_source_that_never_gives_anything_is_an_error_when_the_time_is_up() -> None:
    with pytest.raises(SourceError, match="camera: expected pictures within 65 s, found none"):
        TimeLimit(5.0).require_begun("camera")
    assert not TimeLimit(None).over


def test_so_many_seconds_of_a_recording_are_a_part_of_it() -> None:
    assert Clip(10.0, None, for_s=5.0).of_recording == Clip(10.0, 15.0)
    assert Clip(None, 3.0, for_s=5.0).of_recording == Clip(None, 3.0)
    assert Clip(1.0, 3.0).of_recording == Clip(1.0, 3.0)
    assert make_source("demo", for_s=1.0).live is False and make_source("rtsp://x/y", for_s=1.0).live is True
    with pytest.raises(SourceError, match="for_s: expected seconds above 0"):
        Clip(for_s=0.0)


@pytest.mark.slow
def test_an_outage_stands_in_the_session_with_its_reason(tmp_path: Path) -> None:
    out = tmp_path / "out"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with MjpegServer(period_s=0.03) as server:
        arguments = command("analyze", server.url(), "--no-video", "--out", str(out))
        with subprocess.Popen(arguments, env=environment(tmp_path), **pipes) as program:
            rows = out / "video" / "frames.csv"
            wait_until(lambda: lines_of(rows) > 3, "nothing is recorded")
            server.stop()
            before = lines_of(rows)
            server.start()
            wait_until(lambda: lines_of(rows) > before + 60, "it does not come back")
            program.send_signal(signal.SIGINT)
            _, errors = program.communicate(timeout=PROMPT_S)

    session = load_metadata(out / "video")
    (outage,) = session["outages"]
    assert 0 <= outage["from_s"] < outage["to_s"] <= session["last_time_s"] + 5, errors
    assert outage["why"].startswith("http://127.0.0.1") and "expected" in outage["why"]


def test_an_outage_is_told_on_the_clock_of_the_session() -> None:
    outages = (Outage(1.0, 2.0, "cut"), Outage(5.0, 7.5, "cut"), Outage(9.0, None, "gone"))

    assert during(outages, None) == []
    assert during(outages, 3.0) == [
        {"from_s": 2.0, "to_s": 4.5, "why": "cut"},
        {"from_s": 6.0, "to_s": None, "why": "gone"},
    ]
