"""A queue of inputs that is filled, stopped and taken up again by hand; it outlives the program."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.json_text import read_json
from engines.whole_file import rename, write_whole
from faceapp.batch.inputs import expand_inputs, expected_frames
from faceapp.batch.jobs import Done, Job, make_jobs, split_finished
from faceapp.batch.options import QueueOptions
from faceapp.batch.queue_items import Item, Look, State, item_as_entry, item_from_entry
from faceapp.batch.tally import Tally
from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.metadata import folder_error
from faceapp.settings import Settings

QUEUE_FILE = "queue.json"
_VERSION = 1


class Queue:
    """Inputs and what becomes of them; may be used from several threads.

    Args:
        path: Where it is kept, after every change of an input's state; None keeps it in memory only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._items: dict[int, Item] = {}
        self._jobs: dict[int, Job] = {}
        self._stopping: set[int] = set()
        self._tally = Tally({})
        self._next = 0
        self._working = False
        self._at_once = 1
        self.options = QueueOptions()

    def load(self) -> None:
        """Read the queue that was kept; inputs that ran when the program ended wait again.

        Raises:
            SessionError: The file holds something else; it is set aside and the queue stays empty.
        """
        if self._path is None or not self._path.exists():
            return
        try:
            content = read_json(self._path)
            items = [item_from_entry(number, entry) for number, entry in enumerate(content["items"])]
            options = QueueOptions.from_json(content["options"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            broken = self._path.with_name(self._path.name + ".broken")
            rename(self._path, broken)
            raise SessionError(
                f"{self._path}: expected a queue, found something else ({error}); "
                f"it is kept as {broken.name}, add the files again"
            ) from error
        with self._lock:
            self._items, self._next, self.options = {item.number: item for item in items}, len(items), options

    def add(self, texts: Iterable[str]) -> int:
        """Add files and folders; a folder stands for the videos in it. Returns how many inputs came of it.

        Looks into every file's header, so not on the interface thread.

        Raises:
            SessionError: The queue can't be kept.
            SourceError: The options' clip ends before it starts.
        """
        inputs = expand_inputs(texts)
        clip = self.options.clip
        lengths = [expected_frames(text, clip) for text in inputs]
        with self._lock:
            for text, expected in zip(inputs, lengths, strict=True):
                self._items[self._next] = Item(self._next, text, expected=expected)
                self._next += 1
            self._save()
        return len(inputs)

    def set_options(self, options: QueueOptions) -> None:
        """Take other options for what waits; looks into files again when other frames are wanted.

        Raises:
            SessionError: The queue can't be kept.
            SourceError: The clip ends before it starts; nothing changes then.
        """
        clip = options.clip
        changed = clip != self.options.clip
        self.options = options
        waiting = [item for item in self.look().items if item.state == "waiting"] if changed else []
        lengths = {item.number: expected_frames(item.text, clip) for item in waiting}
        with self._lock:
            for number, expected in lengths.items():
                if number in self._items:
                    self._change(number, expected=expected)
            running = {item.number for item in self._items.values() if item.state in ("running", "stopping")}
            self._jobs = {number: job for number, job in self._jobs.items() if number in running}
            self._save()

    def take_out(self, numbers: Iterable[int]) -> None:
        """Take inputs out; one that runs is cancelled first. Sessions stay.

        Raises:
            SessionError: The queue can't be kept.
        """
        with self._lock:
            for number in numbers:
                self.cancel(number)
                item = self._items.get(number)
                if item is not None and item.state != "stopping":
                    del self._items[number]
            self._save()

    def cancel(self, number: int) -> None:
        """Cancel an input that waits or runs; what was analysed stays a session."""
        with self._lock:
            item = self._items.get(number)
            if item is not None and item.state == "waiting":
                self._change(number, state="cancelled")
            elif item is not None and item.state == "running":
                self._change(number, state="stopping")
                self._stopping.add(number)

    def again(self, numbers: Iterable[int]) -> None:
        """Let inputs that failed or were cancelled wait again.

        Raises:
            SessionError: The queue can't be kept.
        """
        with self._lock:
            for number in numbers:
                if number in self._items and self._items[number].state in ("failed", "cancelled"):
                    self._change(number, state="waiting", problem="", frames=0)
            self._save()

    def look(self) -> Look:
        """Return the queue as it is now."""
        with self._lock:
            items = tuple(self._now(item) for item in self._items.values())
            left = [item.number for item in items if item.state in ("waiting", "running")]
            left_s = self._tally.left_s(left) if self._working else None
            return Look(items, self._working, left_s, self._tally.rate_hz() if self._working else 0.0)

    # What works it off calls these

    def begin(self, settings: Settings) -> None:
        """Make jobs of what waits; inputs that an earlier run finished in the same way are done at once.

        Args:
            settings: Of the live window.

        Raises:
            SessionError: The queue can't be kept.
            SourceError: The clip ends before it starts.
        """
        with self._lock:
            self._at_once = self.options.processes
            self._tally = Tally({number: item.expected for number, item in self._items.items()})
            self._working = True
        self._make_jobs(settings)

    def take(self, settings: Settings) -> Job | None:
        """Return the next job and count it as running; None when nothing waits."""
        self._make_jobs(settings)
        with self._lock:
            waiting = [item for item in self._items.values() if item.state == "waiting"]
            ready = next((item.number for item in waiting if item.number in self._jobs), None)
            if ready is None:
                return None
            self._change(ready, state="running", frames=0)
            self._tally.done.pop(ready, None)
            return self._jobs[ready]

    def take_stopping(self) -> set[int]:
        """Return the running inputs that were cancelled since the last call."""
        with self._lock:
            stopping, self._stopping = self._stopping, set()
            return stopping

    def step(self, number: int, frames: int | None) -> None:
        """Count one frame of an input."""
        with self._lock:
            self._tally.step(number, frames)

    def ended(self, done: Done) -> None:
        """Note what became of a job.

        Raises:
            SessionError: The queue can't be kept.
        """
        number = done.job.number
        with self._lock:
            item = self._items.get(number)
            self._jobs.pop(number, None)
            if item is None:
                return
            state: State = "failed" if done.error else "done"
            if done.interrupted:
                state = "cancelled" if item.state == "stopping" else "waiting"
            frames = 0 if state == "waiting" else done.frames
            self._tally.ended(number)
            self._change(number, state=state, folder=done.folder, problem=done.error, frames=frames)
            if state == "done":
                self._change(number, expected=done.frames)
            self._save()

    def end(self) -> None:
        """Note that nothing works on the queue any more."""
        with self._lock:
            self._working = False
            for item in list(self._items.values()):
                if item.state in ("running", "stopping"):
                    self._change(item.number, state="waiting", frames=0)
            self._jobs.clear()

    def _make_jobs(self, settings: Settings) -> None:
        """Make jobs of inputs that wait and have none yet; reads earlier sessions, so without the lock."""
        with self._lock:
            options = self.options
            waiting = [item for item in self._items.values() if item.state == "waiting"]
            new = [item for item in waiting if item.number not in self._jobs]
        if not new:
            return
        texts = [item.text for item in new]
        jobs = make_jobs(texts, options.out, options.settings(settings), options.clip, About())
        numbered = [replace(job, number=item.number) for job, item in zip(jobs, new, strict=True)]
        to_do, finished = split_finished(numbered, options.out)
        with self._lock:
            self._jobs |= {job.number: job for job in to_do if job.number in self._items}
            for job in to_do:
                if job.number in self._items:
                    self._tally.expected[job.number] = self._items[job.number].expected
            for job, folder in finished:
                if job.number in self._items:
                    self._change(job.number, state="done", folder=folder)
            if finished:
                self._save()

    def _now(self, item: Item) -> Item:
        if item.state not in ("running", "stopping"):
            return item
        frames = self._tally.done.get(item.number, 0)
        running = sum(each.state == "running" for each in self._items.values())
        left_s = self._tally.left_s([item.number], max(1, min(running, self._at_once)))
        expected = self._tally.expected.get(item.number, item.expected)
        return replace(item, frames=frames, expected=expected, left_s=left_s)

    def _change(self, number: int, **values: Any) -> None:
        self._items[number] = replace(self._items[number], **values)

    def _save(self) -> None:
        if self._path is None:
            return
        content = {
            "version": _VERSION,
            "options": self.options.as_json(),
            "items": [item_as_entry(item) for item in self._items.values()],
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise folder_error(self._path.parent, error) from error
