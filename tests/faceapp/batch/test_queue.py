"""The queue that outlives the program: states, cancelling, stopping, resuming; with processes of our own making."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from faceapp.batch.jobs import Done, Job
from faceapp.batch.options import QueueOptions
from faceapp.batch.processes import Progress
from faceapp.batch.queue import QUEUE_FILE, Queue
from faceapp.batch.queue_items import Item, Look
from faceapp.batch.tally import Tally
from faceapp.batch.worker import QueueWorker
from faceapp.errors import SessionError, SourceError
from faceapp.settings import Settings
from tests.waiting import PATIENCE_S


class FakePool:
    """Runs the jobs a step a look; `lengths` says how many steps a name takes."""

    def __init__(self, processes: int, progress: Progress) -> None:
        self.processes, self.progress = processes, progress
        self.left: dict[int, int] = {}
        self.jobs: dict[int, Job] = {}
        self.cancelled: set[int] = set()
        self.most = 0
        self.each_look: Callable[[FakePool], None] = lambda pool: None

    def __enter__(self) -> FakePool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.cancelled |= set(self.jobs)

    @property
    def running(self) -> tuple[Job, ...]:
        return tuple(self.jobs.values())

    @property
    def has_room(self) -> bool:
        return len(self.jobs) < self.processes

    def submit(self, job: Job) -> None:
        self.jobs[job.number], self.left[job.number] = job, 3
        self.most = max(self.most, len(self.jobs))

    def cancel(self, number: int) -> None:
        self.cancelled.add(number)

    def cancel_all(self) -> None:
        self.cancelled |= set(self.jobs)

    def results(self) -> list[Done]:
        self.each_look(self)
        ended = []
        for number, job in list(self.jobs.items()):
            self.left[number] -= 1
            self.progress(number, 3)
            stopped = number in self.cancelled
            if stopped or self.left[number] == 0:
                problem = "expected a video, found none; name another" if "bad" in job.text else ""
                ended.append(Done(job, job.out / job.key, 3 - self.left[number], 1.0, problem, stopped))
                del self.jobs[number]
        return ended


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    kept = Queue(tmp_path / "settings" / QUEUE_FILE)
    kept.set_options(QueueOptions(out=tmp_path / "out"))
    return kept


def films(tmp_path: Path, *names: str) -> list[str]:
    for name in names:
        (tmp_path / name).write_bytes(b"no video at all")
    return [str(tmp_path / name) for name in names]


def work_off(queue: Queue, each_look: Callable[[FakePool], None] = lambda pool: None) -> FakePool:
    """Work the queue off with made-up processes, waiting for its end."""
    made: list[FakePool] = []

    def make(processes: int, progress: Progress) -> FakePool:
        made.append(FakePool(processes, progress))
        made[0].each_look = each_look
        return made[0]

    worker = QueueWorker(queue, make)  # type: ignore[arg-type]
    worker.start(Settings())
    assert worker._thread is not None
    worker._thread.join(PATIENCE_S)
    assert not worker.working and worker.problem == ""
    return made[0]


def states(queue: Queue) -> list[str]:
    return [item.state for item in queue.look().items]


def test_everything_that_waits_is_worked_off_and_a_failure_does_not_stop_the_rest(
    queue: Queue, tmp_path: Path
) -> None:
    assert queue.add(films(tmp_path, "a.mkv", "bad.mkv", "c.mkv")) == 3
    pool = work_off(queue)
    assert pool.most == 1, "one process"
    assert states(queue) == ["done", "failed", "done"]
    first, failed, _ = queue.look().items
    assert first.frames == 3 and first.share == 1.0 and first.folder is not None
    assert failed.problem.startswith("expected a video")
    assert queue.look().share == 1.0 and not queue.look().working


def test_as_many_at_once_as_wanted(queue: Queue, tmp_path: Path) -> None:
    queue.set_options(replace(queue.options, processes=2))
    queue.add(films(tmp_path, "a.mkv", "b.mkv", "c.mkv"))
    assert work_off(queue).most == 2
    assert states(queue) == ["done"] * 3


def test_one_can_be_cancelled_while_it_waits_or_runs(queue: Queue, tmp_path: Path) -> None:
    queue.add(films(tmp_path, "a.mkv", "b.mkv", "c.mkv"))
    queue.cancel(2)
    seen: list[list[str]] = []

    def cancel_first(pool: FakePool) -> None:
        seen.append(states(queue))
        if 0 in pool.jobs:
            queue.cancel(0)

    work_off(queue, cancel_first)
    assert seen[0] == ["running", "waiting", "cancelled"]
    assert states(queue) == ["cancelled", "done", "cancelled"]
    queue.again([2])
    assert states(queue) == ["cancelled", "done", "waiting"]


def test_stopped_work_waits_again_and_goes_on_later(queue: Queue, tmp_path: Path) -> None:
    queue.add(films(tmp_path, "a.mkv", "b.mkv"))
    worker = QueueWorker(queue, FakePool)  # type: ignore[arg-type]
    worker.stop()  # a stop before the start counts for nothing
    stopped: list[str] = []
    looked = threading.Event()

    def stop_it(pool: FakePool) -> None:
        worker.stop()
        stopped.extend(states(queue))
        looked.set()

    def make(processes: int, progress: Progress) -> FakePool:
        pool = FakePool(processes, progress)
        pool.each_look = stop_it
        return pool

    worker = QueueWorker(queue, make)  # type: ignore[arg-type]
    worker.start(Settings())
    assert looked.wait(PATIENCE_S), "a stop before anything ran would leave nothing to see"
    assert worker.close(PATIENCE_S)
    assert stopped[0] == "running"
    assert states(queue) == ["waiting", "waiting"]
    work_off(queue)
    assert states(queue) == ["done", "done"]


def test_it_is_kept_and_read_again_and_what_ran_waits(queue: Queue, tmp_path: Path) -> None:
    queue.add(films(tmp_path, "a.mkv", "bad.mkv", "c.mkv"))
    content: list[dict[str, object]] = []

    def look_at_the_file(pool: FakePool) -> None:
        queue.add([])  # any change keeps the queue
        content.append(json.loads((tmp_path / "settings" / QUEUE_FILE).read_text()))

    work_off(queue, look_at_the_file)
    assert content[0]["items"][0]["state"] == "waiting", "it runs, and would wait after a kill"  # type: ignore[index]
    again = Queue(tmp_path / "settings" / QUEUE_FILE)
    again.load()
    assert states(again) == ["done", "failed", "done"]
    assert again.options == queue.options
    assert [item.text for item in again.look().items] == [item.text for item in queue.look().items]
    assert again.look().items[1].problem == queue.look().items[1].problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"items": [{"text": 3, "state": "waiting"}], "options": {}}',
        '{"items": [], "options": {"every": 0}}',
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / QUEUE_FILE
    path.write_text(text)
    queue = Queue(path)
    with pytest.raises(SessionError, match="expected a queue"):
        queue.load()
    assert not queue.look().items
    assert (tmp_path / f"{QUEUE_FILE}.broken").read_text() == text


def test_a_clip_that_ends_before_it_starts_is_refused_and_nothing_changes(queue: Queue) -> None:
    before = queue.options
    with pytest.raises(SourceError, match="end after the start"):
        queue.set_options(replace(before, start_s=5.0, end_s=2.0))
    assert queue.options == before


def test_the_window_s_camera_does_not_reach_the_analysis() -> None:
    window = Settings(simulate="mask", occlusion="headset", smoothing=0.8, source="0")
    made = QueueOptions(model="multitask", record_video=False).settings(window)
    assert (made.simulate, made.occlusion, made.region) == ("none", "auto", None)
    assert (made.smoothing, made.model, made.record_video) == (0.8, "multitask", False)


def test_what_is_left_follows_the_rate() -> None:
    now = [0.0]
    tally = Tally({0: 100, 1: 50, 2: None}, now=lambda: now[0])
    assert tally.total is None and tally.left_s([0]) is None
    for _ in range(40):
        now[0] += 0.1
        tally.step(0, 100)
    assert tally.rate_hz() == pytest.approx(10, rel=0.05)
    assert tally.left_s([0]) == pytest.approx(6, rel=0.05)
    assert tally.left_s([0], at_once=2) == pytest.approx(12, rel=0.05)
    assert tally.left_s([0, 1]) == pytest.approx(11, rel=0.05)
    assert tally.left_s([0, 2]) is None, "nobody knows how long the third is"
    tally.ended(2)
    assert tally.total == 150


def test_shares_count_frames_or_inputs() -> None:
    known = (Item(0, "a", "done", expected=30, frames=30), Item(1, "b", "running", expected=90, frames=30))
    assert Look(known, True, None, 0.0).share == pytest.approx(0.5)
    unknown = (*known, Item(2, "c"))
    assert Look(unknown, True, None, 0.0).share == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert Look((), False, None, 0.0).share == 0.0


def test_results_of_a_broken_process_are_one_line(tmp_path: Path) -> None:
    from concurrent.futures.process import BrokenProcessPool

    from faceapp.batch.jobs import make_jobs
    from faceapp.batch.processes import _result_or_problem
    from faceapp.session.about import About
    from faceapp.sources.options import Clip

    (job,) = make_jobs(["demo"], tmp_path, Settings(), Clip(), About())
    future: Future[Done] = Future()
    future.set_exception(BrokenProcessPool())
    assert "was killed" in _result_or_problem(job, future).error
