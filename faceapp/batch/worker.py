"""Works off a queue on a thread of its own, in processes that leave the interface free."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from faceapp.batch.processes import JobPool, Progress
from faceapp.batch.queue import Queue
from faceapp.errors import SessionError, SourceError
from faceapp.settings import Settings

logger = logging.getLogger(__name__)

MakePool = Callable[[int, Progress], JobPool]


class QueueWorker:
    """Starts, stops and watches the work on a queue.

    Args:
        queue: The queue.
        make_pool: Makes the processes, from their number and what takes their progress.

    Attributes:
        problem: Why the work ended early; empty when it did not.
    """

    def __init__(self, queue: Queue, make_pool: MakePool = JobPool) -> None:
        self._queue = queue
        self._make_pool = make_pool
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem = ""

    @property
    def working(self) -> bool:
        """Whether the queue is being worked off."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was stopped and the sessions that run are still being closed."""
        return self.working and self._stop.is_set()

    def start(self, settings: Settings) -> None:
        """Work off what waits; returns at once.

        Args:
            settings: Of the live window, for what the queue's options don't say.
        """
        if self.working:
            return
        self._stop.clear()
        self.problem = ""
        self._thread = threading.Thread(
            target=self._work, args=(settings,), name="faceapp-queue", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Let what runs close its session and wait again; returns at once."""
        self._stop.set()

    def close(self, timeout_s: float) -> bool:
        """Stop and wait for the end; False when it is still busy after the time."""
        self.stop()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.working

    def _work(self, settings: Settings) -> None:
        try:
            self._queue.begin(settings)
            self._work_off(settings)
        except (SessionError, SourceError) as error:
            self.problem = str(error)
        except Exception as error:  # the thread's top
            logger.exception("an error in the queue")
            self.problem = f"the queue stopped ({type(error).__name__}: {error}); start it again"
        finally:
            self._queue.end()

    def _work_off(self, settings: Settings) -> None:
        queue = self._queue
        with self._make_pool(queue.options.processes, queue.step) as pool:
            while True:
                if self._stop.is_set():
                    pool.cancel_all()
                while not self._stop.is_set() and pool.has_room and (job := queue.take(settings)):
                    pool.submit(job)
                for number in queue.take_stopping():
                    pool.cancel(number)
                if not pool.running:
                    return
                for done in pool.results():
                    queue.ended(done)
