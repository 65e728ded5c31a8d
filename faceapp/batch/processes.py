"""Jobs side by side in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from engines.errors import CardError, EngineError
from faceapp.batch.jobs import Done, Job, run_job
from faceapp.errors import SessionError

if TYPE_CHECKING:
    from faceapp.batch.engine_shelf import EngineShelf

Progress = Callable[[int, int | None], object]
"""Called with a job's number after each of its frames, and with the number of frames it has, once known."""
KILLED = (
    "processes: expected all to go on, found one that was killed (out of memory?); "
    "go on with --resume and fewer processes"
)
_LOOK_S = 0.1
_shared: dict[str, Any] = {}


def run_here(jobs: Sequence[Job], progress: Progress) -> Iterator[Done]:
    """Run jobs one after the other in this process, up to the first that is interrupted.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    from faceapp.batch.engine_shelf import EngineShelf

    with closing(EngineShelf()) as shelf:
        for job in jobs:
            step = partial(progress, job.number)
            done = run_job(job, step, lambda: False, shelf)
            yield done
            if done.interrupted:
                return


def run_in_processes(jobs: Sequence[Job], processes: int, progress: Progress) -> Iterator[Done]:
    """Run jobs in so many processes, each with its share of the processor; yields them as they end.

    Ctrl-C lets every running job close its session and yields it as interrupted.

    Args:
        jobs: The jobs.
        processes: Processes at once.
        progress: Called after every frame of any job.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
        SessionError: A process was killed.
    """
    waiting = deque(jobs)
    with JobPool(processes, progress) as pool:
        while waiting or pool.running:
            ended: list[Future[Done]] = []
            try:
                while waiting and pool.has_room:
                    pool.submit(waiting.popleft())
                ended = pool.look()
            except KeyboardInterrupt:
                waiting.clear()
                pool.cancel_all()
            for future in ended:
                yield _result(future)


class JobPool:
    """Processes that run one job each; jobs may come, and be cancelled, at any time.

    A worker whose parent was killed closes its session and ends too.

    Args:
        processes: Jobs at once.
        progress: Called from `look`, after every frame of any job.
    """

    def __init__(self, processes: int, progress: Progress) -> None:
        context = multiprocessing.get_context("spawn")  # forks of a process with threads hang
        self._processes, self._progress = processes, progress
        self._steps = context.Queue()
        self._cancelled = context.Array("b", processes, lock=False)
        self._pool = ProcessPoolExecutor(processes, context, _set_up, (self._steps, self._cancelled))
        self._running: dict[Future[Done], tuple[Job, int]] = {}

    def __enter__(self) -> JobPool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def running(self) -> tuple[Job, ...]:
        """Jobs that run now."""
        return tuple(job for job, _ in self._running.values())

    @property
    def has_room(self) -> bool:
        """Whether another job would run at once."""
        return len(self._running) < self._processes

    def submit(self, job: Job) -> None:
        """Begin a job; only while `has_room`.

        The executor looks for dead processes among those it knew when it last woke, and it wakes before it starts the one
        for a job: without the empty call behind, the death of the youngest would be noticed when another job ends.

        Raises:
            SessionError: A process was killed.
        """
        slot = min(set(range(self._processes)) - {slot for _, slot in self._running.values()})
        self._cancelled[slot] = 0
        try:
            future = self._pool.submit(_run, share_processor(job, self._processes), slot)
            self._pool.submit(_nothing)
        except BrokenProcessPool as error:
            raise SessionError(KILLED) from error
        self._running[future] = (job, slot)

    def cancel(self, number: int) -> None:
        """Ask the running job of this number to close its session and end."""
        for job, slot in self._running.values():
            if job.number == number:
                self._cancelled[slot] = 1

    def cancel_all(self) -> None:
        """Ask every running job to close its session and end."""
        for job in self.running:
            self.cancel(job.number)

    def look(self) -> list[Future[Done]]:
        """Wait a moment, report progress, and return what has ended."""
        ended, _ = wait(self._running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        with suppress(queue.Empty):
            while True:
                self._progress(*self._steps.get_nowait())
        for future in ended:
            del self._running[future]
        return list(ended)

    def results(self) -> list[Done]:
        """Do as `look`, and make of every error a job that failed."""
        running = dict(self._running)
        return [_result_or_problem(future, running[future][0]) for future in self.look()]

    def close(self) -> None:
        """End the processes; waits for jobs that run, which are cancelled."""
        self.cancel_all()
        self._pool.shutdown(cancel_futures=True)
        self._steps.cancel_join_thread()
        self._steps.close()


def share_processor(job: Job, processes: int) -> Job:
    """Return the job with engine threads for one of several processes, unless the person has chosen them."""
    if job.settings.engine_threads is not None or processes == 1:
        return job
    threads = max(1, (os.cpu_count() or 1) // processes)
    return replace(job, settings=replace(job.settings, engine_threads=threads))


def _result(future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise SessionError(KILLED) from error


def _result_or_problem(future: Future[Done], job: Job) -> Done:
    try:
        return _result(future)
    except (CardError, EngineError, SessionError) as error:
        return Done(job, error=str(error))


def _nothing() -> None:
    """Be an empty call."""


def _set_up(steps: Any, cancelled: Any) -> None:
    """Prepare a worker: the parent alone answers Ctrl-C, and its death ends the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared.update(steps=steps, cancelled=cancelled, busy=threading.Lock(), orphaned=threading.Event())
    threading.Thread(target=_watch_parent, name="faceapp-parent", daemon=True).start()


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    _shared["orphaned"].set()
    with _shared["busy"]:  # the job that runs closes its session first
        os._exit(1)


def _run(job: Job, slot: int) -> Done:
    steps, cancelled, orphaned = _shared["steps"], _shared["cancelled"], _shared["orphaned"]

    def stopped() -> bool:
        return bool(cancelled[slot]) or orphaned.is_set()

    with _shared["busy"]:
        if stopped():
            return Done(job, interrupted=True)
        return run_job(job, lambda total: steps.put((job.number, total)), stopped, _shelf())


def _shelf() -> EngineShelf:
    """Return this worker's engines; made late, because it loads slow libraries."""
    from faceapp.batch.engine_shelf import EngineShelf

    shelf: EngineShelf = _shared.setdefault("shelf", EngineShelf())
    return shelf
