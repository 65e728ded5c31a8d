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
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from engines.errors import CardError, EngineError
from faceapp.batch.jobs import Done, Job, run_job
from faceapp.errors import SessionError

if TYPE_CHECKING:
    from faceapp.batch.engine_shelf import EngineShelf
    from faceapp.batch.live_marks import TypedMarks

Progress = Callable[[int, int | None], object]
"""Called with a job's number after each of its frames, and with the number of frames it has, once known."""
Ended = tuple[Job, "Future[Done]"]
"""A job and what becomes, or became, of it."""
KILLED = (
    "expected its process to go on, found that it was killed (out of memory?); "
    "do it again, with fewer processes at once"
)
_LOOK_S = 0.1
_shared: dict[str, Any] = {}


def run_here(jobs: Sequence[Job], progress: Progress, typed: TypedMarks | None = None) -> Iterator[Done]:
    """Run jobs one after the other in this process, up to the first that is interrupted.

    Args:
        jobs: The jobs.
        progress: Called after every frame of any job.
        typed: Lines that are marks of a live source; None takes none.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    from faceapp.batch.engine_shelf import EngineShelf

    with closing(EngineShelf()) as shelf:
        for job in jobs:
            step = partial(progress, job.number)
            done = run_job(job, step, lambda: False, shelf, typed)
            yield done
            if done.interrupted:
                return


def run_in_processes(jobs: Sequence[Job], processes: int, progress: Progress) -> Iterator[Done]:
    """Run jobs in so many processes, each with its share of the processor; yields them as they end.

    Ctrl-C lets every running job close its session and yields it as interrupted. A job whose process was killed failed;
    the others go on.

    Args:
        jobs: The jobs.
        processes: Processes at once.
        progress: Called after every frame of any job.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    waiting = deque(jobs)
    with JobPool(processes, progress) as pool:
        while waiting or pool.running:
            ended: list[Ended] = []
            try:
                while waiting and pool.has_room:
                    pool.submit(waiting.popleft())
                ended = pool.look()
            except KeyboardInterrupt:
                waiting.clear()
                pool.cancel_all()
            for job, future in ended:
                yield _result(job, future)


class _Worker:
    """One process, which runs a job at a time; its death is no other's concern.

    Attributes:
        running: Its job and what becomes of it; None while it is free.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # forks of a process with threads hang
        self.steps = context.Queue()
        self._cancelled = context.Value("b", 0, lock=False)
        self._executor = ProcessPoolExecutor(1, context, _set_up, (self.steps, self._cancelled))
        self.running: Ended | None = None

    def submit(self, job: Job) -> None:
        """Begin a job.

        Raises:
            BrokenProcessPool: The process was killed while it was free.
        """
        self._cancelled.value = 0
        with _interrupts_held_back():  # the process is started here, and keeps what is held back
            self.running = job, self._executor.submit(_run, job)

    def cancel(self) -> None:
        """Ask the job to close its session and end."""
        self._cancelled.value = 1

    def close(self) -> None:
        """End the process; waits for its job."""
        self._executor.shutdown(cancel_futures=True)
        self.steps.cancel_join_thread()
        self.steps.close()


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let Ctrl-C wait; a process started meanwhile never sees it, also before it is set up."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class JobPool:
    """Processes that run one job each; jobs may come, and be cancelled, at any time.

    A killed process takes its own job with it, and another takes its place. A worker whose parent was killed closes its
    session and ends too.

    Args:
        processes: Jobs at once.
        progress: Called from `look`, after every frame of any job.
    """

    def __init__(self, processes: int, progress: Progress) -> None:
        self._progress = progress
        self._workers = [_Worker() for _ in range(processes)]

    def __enter__(self) -> JobPool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def running(self) -> tuple[Job, ...]:
        """Jobs that run now."""
        return tuple(worker.running[0] for worker in self._workers if worker.running)

    @property
    def has_room(self) -> bool:
        """Whether another job would run at once."""
        return len(self.running) < len(self._workers)

    def submit(self, job: Job) -> None:
        """Begin a job; only while `has_room`."""
        place = next(place for place, worker in enumerate(self._workers) if not worker.running)
        shared = share_processor(job, len(self._workers))
        try:
            self._workers[place].submit(shared)
        except BrokenProcessPool:  # killed while it was free
            self._renew(place)
            self._workers[place].submit(shared)

    def cancel(self, number: int) -> None:
        """Ask the running job of this number to close its session and end."""
        for worker in self._workers:
            if worker.running and worker.running[0].number == number:
                worker.cancel()

    def cancel_all(self) -> None:
        """Ask every running job to close its session and end."""
        for job in self.running:
            self.cancel(job.number)

    def look(self) -> list[Ended]:
        """Wait a moment, report progress, and return the jobs that have ended with what became of them."""
        futures = [worker.running[1] for worker in self._workers if worker.running]
        done, _ = wait(futures, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        ended = []
        for place, worker in enumerate(self._workers):
            with suppress(queue.Empty):
                while True:
                    self._progress(*worker.steps.get_nowait())
            if worker.running and worker.running[1] in done:
                ended.append(worker.running)
                worker.running = None
                if isinstance(ended[-1][1].exception(), BrokenProcessPool):
                    self._renew(place)
        return ended

    def results(self) -> list[Done]:
        """Do as `look`, and make of every error a job that failed."""
        return [_result_or_problem(job, future) for job, future in self.look()]

    def close(self) -> None:
        """End the processes; waits for jobs that run, which are cancelled."""
        self.cancel_all()
        for worker in self._workers:
            worker.close()

    def _renew(self, place: int) -> None:
        self._workers[place].close()
        self._workers[place] = _Worker()


def share_processor(job: Job, processes: int) -> Job:
    """Return the job with engine threads for one of several processes, unless the person has chosen them."""
    if job.settings.engine_threads is not None or processes == 1:
        return job
    threads = max(1, (os.cpu_count() or 1) // processes)
    return replace(job, settings=replace(job.settings, engine_threads=threads))


def _result(job: Job, future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        return Done(job, error=f"{job.text}: {KILLED}")


def _result_or_problem(job: Job, future: Future[Done]) -> Done:
    try:
        return _result(job, future)
    except (CardError, EngineError, SessionError) as error:
        return Done(job, error=str(error))


def _set_up(steps: Any, cancelled: Any) -> None:
    """Prepare a worker: the parent alone answers Ctrl-C, and its death ends the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared.update(steps=steps, cancelled=cancelled, busy=threading.Lock(), orphaned=threading.Event())
    threading.Thread(target=_watch_parent, name="faceapp-parent", daemon=True).start()
    # After Ctrl-C a thread may still load a model: the process ends all the same when all else is closed.
    Finalize(None, os._exit, args=(0,), exitpriority=-100)


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    _shared["orphaned"].set()
    with _shared["busy"]:  # the job that runs closes its session first
        os._exit(1)


def _run(job: Job) -> Done:
    steps, cancelled, orphaned = _shared["steps"], _shared["cancelled"], _shared["orphaned"]

    def stopped() -> bool:
        return bool(cancelled.value) or orphaned.is_set()

    with _shared["busy"]:
        if stopped():
            return Done(job, interrupted=True)
        return run_job(job, lambda total: steps.put((job.number, total)), stopped, _shelf())


def _shelf() -> EngineShelf:
    """Return this worker's engines; made late, because it loads slow libraries."""
    from faceapp.batch.engine_shelf import EngineShelf

    shelf: EngineShelf = _shared.setdefault("shelf", EngineShelf())
    return shelf
