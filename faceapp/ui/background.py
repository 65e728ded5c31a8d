"""Slow work off the interface thread: one job after another, each answer delivered back on that thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QObject, Signal

logger = logging.getLogger(__name__)

Job = Callable[[], Any]
Done = Callable[[Any], None]
Failed = Callable[[Any], None]


class Background(QObject):
    """One thread that works through jobs in order."""

    _answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: queue.Queue[tuple[Job, Done | None, Failed | None] | None] = queue.Queue()
        self._answered.connect(lambda answer, value: answer(value))
        self._thread = threading.Thread(target=self._work, name="faceapp-background", daemon=True)
        self._thread.start()

    def run(self, job: Job, done: Done | None = None, failed: Failed | None = None) -> None:
        """Do a job later, on the other thread.

        Args:
            job: What to do; must not touch a widget.
            done: Called on the interface thread with what the job returned.
            failed: Called on the interface thread with its error; without it the error is only logged.
        """
        self._jobs.put((job, done, failed))

    def close(self, timeout_s: float) -> bool:
        """Finish the jobs that wait and end the thread.

        Returns:
            False when it is still busy after the time; it then ends with its present job.
        """
        self._jobs.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, done, failed = entry
            try:
                value = job()
            except BaseException as error:  # whatever a job raises: the jobs behind it are done all the same
                self._tell(job, error, failed)
                self._answer(failed, error)
            else:
                self._answer(done, value)

    def _tell(self, job: Job, error: BaseException, failed: Failed | None) -> None:
        """Log a job's error, with its trace where nobody else is told; a log that fails is no reason to end."""
        with suppress(Exception):
            name = getattr(job, "__name__", "job")
            logger.warning("%s: %s", name, error, exc_info=error if failed is None else None)

    def _answer(self, answer: Callable[[Any], None] | None, value: Any) -> None:
        if answer is None:
            return
        try:
            self._answered.emit(answer, value)
        except RuntimeError:  # the window was destroyed meanwhile: nobody waits for the answer
            logger.debug("an answer came after the window had gone")
