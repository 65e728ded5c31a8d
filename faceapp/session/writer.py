"""Records captured and analysed frames on a thread of its own: encoding and the disk hold up nothing else."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.card import ModelCard
from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.disk_watch import DiskFullSoonError, DiskWatch
from faceapp.session.recording import FLUSH_EVERY_S, Recording
from faceapp.settings import FaceStyle
from faceapp.sources.outage import Outage
from faceapp.types import Frame, FrameResult, without_picture

logger = logging.getLogger(__name__)

_POLL_S = 0.2
_Item = Frame | FrameResult | tuple[str, Any] | None


class SessionWriter:
    """Takes captured frames and results and writes a session folder.

    `put_frame`, `put` and `close` may each be called from a thread of their own. When the disk fails the recording ends,
    `error` says why, later frames are counted as dropped and the caller goes on; when only the video fails
    the table goes on.

    Args:
        folder: New or empty folder, see `faceapp.session.new_folder`.
        source: Name of the source.
        cards: Cards of the models in use, stored with their hashes.
        settings: Resolved settings, stored as they are.
        about: What people say about the session.
        video: Whether to record the picture.
        faces: How faces look in the video: clear, blurred or as silhouettes.
        captured: True takes pictures from `put_frame`, every captured frame at the camera's rate, and from `put` only
            what was read; False takes the picture of every result.
        queue_size: Frames that may wait; at 1280x720 each holds 2.8 MB.
        wait: True makes `put` wait for room (files: no frame may be lost) instead of dropping the frame.
        time_origin_s: `Frame.time_s` that is 0 s of the session; None takes the first frame's, which suits
            live sources. Files pass 0.0 to keep their own times.
        input_key: Tells the input and the way of analysis from others; stored with whether it came to its end.
        outages: Gives when a live source was lost since it was opened, stored with reasons; None stores nothing.

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
        about: About | None = None,
        video: bool = True,
        faces: FaceStyle = "clear",
        captured: bool = False,
        queue_size: int = 60,
        wait: bool = False,
        time_origin_s: float | None = None,
        input_key: str = "",
        outages: Callable[[], tuple[Outage, ...]] | None = None,
    ) -> None:
        self._recording = Recording(
            folder,
            source=source,
            cards=cards,
            settings=settings,
            about=about,
            video=video,
            faces=faces,
            captured=captured,
            time_origin_s=time_origin_s,
            input_key=input_key,
            outages=outages,
        )
        self._wait = wait
        self._captured = captured
        self._first_s = time_origin_s
        self._error: SessionError | None = None
        self._queue: queue.Queue[_Item] = queue.Queue(queue_size * (2 if captured else 1))
        self._lost: deque[Frame | FrameResult] = deque()
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
    def dropped_pictures(self) -> int:
        """Captured pictures refused by `put_frame` for the same reasons."""
        return self._recording.counts.dropped_pictures

    @property
    def origin_s(self) -> float | None:
        """`Frame.time_s` that is 0 s of the session; None until the first frame has come."""
        return self._recording.origin_s if self._first_s is None else self._first_s

    @property
    def disk(self) -> DiskWatch:
        """How much room is left; `disk.low` asks for a warning."""
        return self._recording.disk

    @property
    def written(self) -> int:
        """Frames that reached the session."""
        return self._recording.counts.analysed

    @property
    def begun(self) -> bool:
        """Whether the first frame has reached the session."""
        counts = self._recording.counts
        return counts.captured > 0 or counts.analysed > 0

    @property
    def error(self) -> SessionError | None:
        """Why the recording, or only its video, ended early; None when all is well."""
        return self._error or self._recording.video_error

    @property
    def stopped(self) -> bool:
        """True once nothing is recorded any more: closed, or ended by an error."""
        return self._stopped.is_set()

    def put_frame(self, frame: Frame) -> bool:
        """Hand over one captured frame for the video, before its result or without one.

        Returns:
            False when it was dropped: the queue was full (never with `wait`), or the recording has ended. True
            without effect where results bring the pictures.
        """
        if not self._captured:
            return True
        if self._first_s is None:
            self._first_s = frame.time_s
        if self._put(frame):
            return True
        if not self._closing.is_set():
            self._recording.counts.dropped_pictures += 1
            self._lost.append(without_picture(frame))
        return False

    def put(self, result: FrameResult) -> bool:
        """Hand over one analysed frame.

        Returns:
            False when it was dropped: the queue was full (never with `wait`), or the recording has ended.
        """
        if self._put(result):
            return True
        if not self._closing.is_set():
            self._recording.counts.dropped += 1
            self._lost.append(replace(result, frame=without_picture(result.frame)))
        return False

    def note_change(self, name: str, value: Any) -> None:
        """Note in the session that a setting changes from the next frame on; waits for room in the queue."""
        while not (self._stopped.is_set() or self._closing.is_set() or self._offer((name, value), wait=True)):
            pass

    def mark_complete(self) -> None:
        """Note that the input came to its end, before `close`."""
        self._recording.complete = True

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

    def _put(self, item: Frame | FrameResult) -> bool:
        while not (self._stopped.is_set() or self._closing.is_set()):
            if self._offer(item, wait=self._wait):
                return True
            if not self._wait:
                break
        return False

    def _offer(self, item: _Item, wait: bool) -> bool:
        """Put one item into the queue, waiting a moment at most: the thread may have ended."""
        try:
            self._queue.put(item, block=wait, timeout=_POLL_S)
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
                item = self._queue.get(timeout=min(_POLL_S, FLUSH_EVERY_S))
            except queue.Empty:
                self._note_lost()
                self._recording.flush_when_due()
                continue
            self._note_lost()
            if item is None:
                return
            self._take(item)

    def _take(self, item: Frame | FrameResult | tuple[str, Any]) -> None:
        if isinstance(item, Frame):
            self._recording.add_frame(item)
        elif isinstance(item, FrameResult):
            self._recording.add(item)
        else:
            self._recording.note_change(*item)

    def _note_lost(self) -> None:
        while self._lost:
            item = self._lost.popleft()
            if isinstance(item, Frame):
                self._recording.lost_frame(item)
            else:
                self._recording.lost_result(item)

    def _finish(self) -> None:
        """Close the files; the first error is the one that counts, unless it promises what closing could not keep."""
        if self._error is not None:
            self._stopped.set()
            self._count_rest()
        try:
            self._recording.close(self._error)
        except SessionError as error:
            if self._error is None or isinstance(self._error, DiskFullSoonError):
                self._error = error
        if self._error is not None:
            logger.info("%s", self._error)  # whoever owns the writer shows it

    def _count_rest(self) -> None:
        """Count what waits in the queue of a recording that has failed."""
        counts = self._recording.counts
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            counts.dropped += isinstance(item, FrameResult)
            counts.dropped_pictures += isinstance(item, Frame)
