"""Jobs on a Dask cluster (extra `cluster`): for collections that one machine takes too long for.

Every worker needs this program and sees inputs and sessions under the same paths. Dask sends Python objects between
machines without checking them: use a cluster of your own, in a network you trust.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from faceapp.batch.jobs import Done, Job, run_job
from faceapp.batch.processes import Progress, share_processor
from faceapp.errors import SessionError

LOCAL = "local"


def run_on_cluster(jobs: Sequence[Job], address: str, processes: int, progress: Progress) -> Iterator[Done]:
    """Run jobs on a cluster; yields them as they end.

    Args:
        jobs: The jobs.
        address: Address of a scheduler ("tcp://host:8786"), or "local" for workers on this machine only.
        processes: Workers of a local cluster.
        progress: Called once a job has ended, for each of its frames: they can't be watched from here.

    Raises:
        SessionError: Dask is not installed, or nothing answers at the address.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    distributed = _library()
    try:
        client = _client(distributed, address, processes)
    except (OSError, ValueError, TimeoutError) as error:
        raise SessionError(
            f"cluster {address}: expected a Dask scheduler, found: {error}; check the address"
        ) from error
    futures: list[Any] = []
    try:
        shared = [share_processor(job, processes) if address == LOCAL else job for job in jobs]
        futures = client.map(run_on_worker, shared, pure=False, retries=0)
        for future in distributed.as_completed(futures):
            done: Done = future.result()
            for _ in range(done.frames):
                progress(done.job.number, done.frames)
            yield done
    finally:
        client.cancel(futures)
        if client.cluster is not None:
            client.cluster.close()
        client.close()


def run_on_worker(job: Job) -> Done:
    """Run one job; called on a worker."""
    return run_job(job, lambda _total: None, lambda: False)


def _client(distributed: Any, address: str, processes: int) -> Any:
    if address != LOCAL:
        return distributed.Client(address, timeout="10s")
    cluster = distributed.LocalCluster(
        n_workers=processes,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    )
    return distributed.Client(cluster)


def _library() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise SessionError(
            "cluster: expected the library distributed, found none; install it with `pip install 'faceapp[cluster]'`"
        ) from error
    return distributed
