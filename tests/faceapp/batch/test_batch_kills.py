"""Killed processes: the program's, whose workers close their sessions, and a worker's, which takes its own job alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceapp.batch.jobs import Done, make_jobs
from faceapp.batch.processes import KILLED, JobPool
from faceapp.session.about import About
from faceapp.settings import Settings
from faceapp.sources.options import Clip
from tests.faceapp.films import FRAMES, write_film
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def state(path: Path) -> str:
    return str(json.loads(path.read_text())["state"])


@pytest.mark.slow
def test_workers_of_a_killed_program_close_their_sessions_and_end(
    tiny_model: Path, media_dir: Path, tmp_path: Path
):
    out = tmp_path / "out"
    inputs = [str(media_dir / "face_noface.mov")] * 4
    command = [sys.executable, "-m", "faceapp", "analyze", *inputs, "--no-video", "--processes", "2"]
    arguments = [*command, "--model", str(tiny_model), "--out", str(out)]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE)
    wait_until(lambda: list(out.glob("*/session.json")))
    process.kill()
    process.communicate()  # its workers write into the same pipe, so that it ends with the last of them
    states = [state(path) for path in out.glob("*/session.json")]
    assert set(states) == {"closed"}
    assert len(states) <= 2, "no worker goes on with the next input"


@pytest.fixture
def born(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of the processes that executors begin from now on."""
    spawn = ProcessPoolExecutor._spawn_process  # type: ignore[attr-defined]
    ids: list[int] = []

    def noted_spawn(pool: ProcessPoolExecutor) -> None:
        spawn(pool)
        ids.extend(set(pool._processes) - set(ids))

    monkeypatch.setattr(ProcessPoolExecutor, "_spawn_process", noted_spawn)
    return ids


def test_a_killed_process_takes_its_own_job_alone_and_another_takes_its_place(
    tiny_model: Path, tmp_path: Path, born: list[int]
):
    jobs = make_jobs(["demo"] * 3, tmp_path, Settings(model=str(tiny_model)), Clip(), About())
    stepped: set[int] = set()
    ended: list[Done] = []

    def look() -> None:
        ended.extend(pool.results())

    with JobPool(2, lambda number, _: stepped.add(number)) as pool:
        for job in jobs[:2]:
            pool.submit(job)
        wait_until(lambda: look() or stepped == {0, 1})
        os.kill(born[-1], signal.SIGKILL)
        wait_until(lambda: look() or ended)
        assert [(done.job.number, done.error) for done in ended] == [(1, f"demo: {KILLED}")]
        assert [job.number for job in pool.running] == [0] and pool.has_room
        pool.submit(jobs[2])
        stepped.clear()
        wait_until(lambda: look() or stepped == {0, 2})
        pool.cancel_all()
        wait_until(lambda: look() or len(ended) == 3)
    assert {done.job.number for done in ended if done.interrupted} == {0, 2}
    assert [state(path) for path in sorted(tmp_path.glob("*/session.json"))].count("closed") == 2


def test_a_process_killed_while_it_was_free_is_replaced(
    tiny_model: Path, astronaut: np.ndarray, tmp_path: Path, born: list[int]
):
    films = [tmp_path / "film1.mkv", tmp_path / "film2.mkv"]
    for film in films:
        write_film(film, astronaut)
    texts = [str(film) for film in films]
    first, second = make_jobs(texts, tmp_path, Settings(model=str(tiny_model)), Clip(), About())
    ended: list[Done] = []
    with JobPool(1, lambda number, _: None) as pool:
        pool.submit(first)
        wait_until(lambda: ended.extend(pool.results()) or not pool.running)
        os.kill(born[-1], signal.SIGKILL)
        wait_until(lambda: pool._workers[0]._executor._broken)
        pool.submit(second)
        wait_until(lambda: ended.extend(pool.results()) or not pool.running)
    assert len(born) == 2
    assert [done.error for done in ended] == ["", ""]
    assert [done.frames for done in ended] == [FRAMES, FRAMES]
