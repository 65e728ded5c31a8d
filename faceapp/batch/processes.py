"""Jobs side by side in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from typing import Any

from faceapp.batch.jobs import Done, Job, run_job
from faceapp.errors import SessionError

Progress = Callable[[int, int | None], object]
"""Called with a job's number after each of its frames, and with the number of frames it has, once known."""
_LOOK_S = 0.1
_shared: dict[str, Any] = {}


def run_here(jobs: Sequence[Job], progress: Progress) -> Iterator[Done]:
    """Run jobs one after the other in this process, up to the first that is interrupted.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    for job in jobs:
        done = run_job(job, lambda total, number=job.number: progress(number, total), lambda: False)  # type: ignore[misc]
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
    context = multiprocessing.get_context("spawn")  # forks of a process with threads hang
    steps, cancel = context.Queue(), context.Event()
    pool = ProcessPoolExecutor(processes, context, _set_up, (steps, cancel))
    try:
        waiting = {pool.submit(_run, share_processor(job, processes)) for job in jobs}
        while waiting:
            try:
                ended = _look(waiting, steps, progress)
            except KeyboardInterrupt:
                cancel.set()
                ended = _stop(waiting)
                waiting = set()
            waiting = waiting - ended
            for future in ended:
                yield _result(future)
    finally:
        cancel.set()
        pool.shutdown(cancel_futures=True)
        steps.cancel_join_thread()


def share_processor(job: Job, processes: int) -> Job:
    """Return the job with engine threads for one of several processes, unless the person has chosen them."""
    if job.settings.engine_threads is not None or processes == 1:
        return job
    threads = max(1, (os.cpu_count() or 1) // processes)
    return replace(job, settings=replace(job.settings, engine_threads=threads))


def _look(waiting: set[Future[Done]], steps: Any, progress: Progress) -> set[Future[Done]]:
    ended, _ = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
    with suppress(queue.Empty):
        while True:
            progress(*steps.get_nowait())
    return ended


def _stop(waiting: set[Future[Done]]) -> set[Future[Done]]:
    """Give up the jobs that have not begun and wait for those that have."""
    begun = {future for future in waiting if not future.cancel()}
    wait(begun)
    return begun


def _result(future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise SessionError(
            "processes: expected all to go on, found one that was killed (out of memory?); "
            "go on with --resume and fewer processes"
        ) from error


def _set_up(steps: Any, cancel: Any) -> None:
    """Prepare a worker: the parent alone answers Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared.update(steps=steps, cancel=cancel)


def _run(job: Job) -> Done:
    steps, cancel = _shared["steps"], _shared["cancel"]
    if cancel.is_set():
        return Done(job, interrupted=True)
    return run_job(job, lambda total: steps.put((job.number, total)), cancel.is_set)
