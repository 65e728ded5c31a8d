"""Records analysed frames on a thread of its own: encoding and the disk never hold up the analysis."""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.card import ModelCard
from faceapp.errors import SessionError
from faceapp.session.metadata import folder_error
from faceapp.session.recording import FLUSH_EVERY_S, Recording
from faceapp.types import FrameResult

logger = logging.getLogger(__name__)

_POLL_S = 0.2


class SessionWriter:
    """Takes results from the analysis and writes a session folder.

    `put` may be called from one thread and `close` from another. When the disk fails the recording ends,
    `error` says why, later frames are counted as dropped and the caller goes on; when only the video fails
    the table goes on.

    Args:
        folder: New or empty folder, see `new_session_folder`.
        source: Name of the source.
        cards: Cards of the models in use, stored with their hashes.
        settings: Resolved settings, stored as they are.
        participant: Participant's code.
        notes: Free text.
        video: Whether to record the clean video.
        queue_size: Frames that may wait; at 1280x720 each holds 2.8 MB.
        wait: True makes `put` wait for room (files: no frame may be lost) instead of dropping the frame.
        time_origin_s: `Frame.time_s` that is 0 s of the session; None takes the first frame's, which suits
            live sources. Files pass 0.0 to keep their own times.

    Raises:
        SessionError: The folder holds a session already or can't be written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        cards: Sequence[ModelCard],
        settings: Mapping[str, Any],
        participant: str = "",
        notes: str = "",
        video: bool = True,
        queue_size: int = 60,
        wait: bool = False,
        time_origin_s: float | None = None,
    ) -> None:
        self._recording = Recording(
            folder,
            source=source,
            cards=cards,
            settings=settings,
            participant=participant,
            notes=notes,
            video=video,
            time_origin_s=time_origin_s,
        )
        self._wait = wait
        self._error: SessionError | None = None
        self._queue: queue.Queue[FrameResult | None] = queue.Queue(queue_size)
        self._closing = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session-writer", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """The session folder."""
        return self._recording.folder

    @property
    def dropped(self) -> int:
        """Frames refused by `put` because the queue was full or the recording had ended with an error."""
        return self._recording.counts.dropped

    @property
    def written(self) -> int:
        """Frames that reached the session."""
        return self._recording.counts.analysed

    @property
    def error(self) -> SessionError | None:
        """Why the recording, or only its video, ended early; None when all is well."""
        return self._error or self._recording.video_error

    @property
    def stopped(self) -> bool:
        """True once nothing is recorded any more: closed, or ended by an error."""
        return self._stopped.is_set()

    def put(self, result: FrameResult) -> bool:
        """Hand over one analysed frame.

        Returns:
            False when it was dropped: the queue was full (never with `wait`), or the recording has ended.
        """
        while not (self._stopped.is_set() or self._closing.is_set()):
            if self._offer(result, wait=self._wait):
                return True
            if not self._wait:
                break
        if not self._closing.is_set():
            self._recording.counts.dropped += 1
        return False

    def close(self) -> Path:
        """Write everything that waits, seal the session and return its folder; may be called twice.

        It takes as long as the queue needs (0.5 s when full), so a window calls it from a thread of its
        own. It does not raise: see `error`.
        """
        if not self._closing.is_set():
            self._closing.set()
            while not self._stopped.is_set() and not self._offer(None, wait=True):
                pass
        self._thread.join()
        return self.folder

    def _offer(self, result: FrameResult | None, wait: bool) -> bool:
        """Put one item into the queue, waiting a moment at most: the thread may have ended."""
        try:
            self._queue.put(result, block=wait, timeout=_POLL_S)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        try:
            self._record()
        except SessionError as error:
            self._error = error
        except Exception as error:
            logger.exception("the recording failed")
            self._error = SessionError(
                f"{self.folder}: expected to record, found {type(error).__name__}: {error}; "
                "run `faceapp session check`"
            )
        self._finish()
        self._stopped.set()

    def _record(self) -> None:
        while True:
            try:
                result = self._queue.get(timeout=min(_POLL_S, FLUSH_EVERY_S))
            except queue.Empty:
                self._recording.flush_when_due()
                continue
            if result is None:
                return
            self._recording.add(result)

    def _finish(self) -> None:
        """Close the files; the first error is the one that counts."""
        if self._error is not None:
            self._stopped.set()
            self._recording.counts.dropped += self._queue.qsize()
        try:
            self._recording.close(self._error)
        except SessionError as error:
            self._error = self._error or error
        if self._error is not None:
            logger.info("%s", self._error)  # whoever owns the writer shows it


def new_session_folder(parent: Path, name: str) -> Path:
    """Create an empty folder for a session; an existing one is never reused.

    Args:
        parent: Folder of all sessions; made where missing.
        name: Wanted name; characters that some file system refuses become "-"; "-2" ... follows one in use.

    Returns:
        The new folder.

    Raises:
        SessionError: The parent can't be written.
    """
    stem = re.sub(r"[^\w.+ -]+", "-", name).strip(" .-")[:100] or "session"
    for number in range(1, 100_000):
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            return folder
        except FileExistsError:
            if not parent.is_dir():
                raise SessionError(
                    f"{parent}: expected a folder, found a file; choose another folder"
                ) from None
        except OSError as error:
            raise folder_error(parent, error) from error
    raise SessionError(
        f"{parent}: expected a free name like {stem}, found 99,999 in use; choose another folder"
    )
