"""Jobs on a Dask cluster (extra `cluster`): for collections that one machine takes too long for.

Every worker needs this program and sees inputs and sessions under the same paths. Dask sends Python objects between
machines without checking them: use a cluster of your own, in a network you trust. On one machine, several processes do
the same without a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from faceapp.batch.jobs import Done, Job, run_job
from faceapp.batch.processes import Progress
from faceapp.errors import SessionError


def run_on_cluster(jobs: Sequence[Job], address: str, progress: Progress) -> Iterator[Done]:
    """Run jobs on a cluster; yields them as they end.

    Args:
        jobs: The jobs.
        address: Address of a scheduler ("tcp://host:8786").
        progress: Called once a job has ended, for each of its frames: they can't be watched from here.

    Raises:
        SessionError: Dask is not installed, or nothing answers at the address.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    distributed = _library()
    try:
        client = distributed.Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise SessionError(
            f"cluster {address}: expected a Dask scheduler, found: {error}; check the address"
        ) from error
    futures: list[Any] = []
    try:
        futures = client.map(run_on_worker, jobs, pure=False, retries=0)
        for future in distributed.as_completed(futures):
            done: Done = future.result()
            for _ in range(done.frames):
                progress(done.job.number, done.frames)
            yield done
    finally:
        client.cancel(futures)
        client.close()


def run_on_worker(job: Job) -> Done:
    """Run one job; called on a worker."""
    return run_job(job, lambda _total: None, lambda: False)


def _library() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise SessionError(
            "cluster: expected the library distributed, found none; install it with `pip install 'faceapp[cluster]'`"
        ) from error
    return distributed
