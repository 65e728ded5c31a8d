"""One input as a job: what another process, or another machine, needs to analyse it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceapp.batch.halves import put_away
from faceapp.errors import SessionError, SourceError
from faceapp.session.about import About
from faceapp.session.metadata import SESSION_FILE, load_metadata
from faceapp.settings import STREAM_SETTINGS, WINDOW_SETTINGS, Settings
from faceapp.sources.options import Clip

if TYPE_CHECKING:
    from faceapp.batch.engine_shelf import EngineShelf
    from faceapp.batch.live_marks import TypedMarks

Advance = Callable[[int | None], object]
"""Called after every frame with the number of frames that the input has, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Job:
    """One input and how to analyse it; can be sent to another process.

    Attributes:
        number: Its place in the queue, from 0.
        text: The input, as `faceapp.sources.make_source` takes it.
        out: Folder for the session folder.
        settings: Model, back end, smoothing, and whether to keep the video.
        clip: Which frames are wanted.
        about: What people say about it.
        key: Tells input and way of analysis from others; the same again in a later run.
        halves: Sessions that an earlier run left unfinished; removed once this one is whole.
    """

    number: int
    text: str
    out: Path
    settings: Settings
    clip: Clip
    about: About
    key: str
    halves: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job.

    Attributes:
        job: The job.
        folder: Its session; None when not one frame came.
        frames: Frames analysed.
        elapsed_s: Wall time from the first result to the last.
        error: Why it ended early, one line; empty when it did not.
        interrupted: Stopped before its end.
    """

    job: Job
    folder: Path | None = None
    frames: int = 0
    elapsed_s: float = 0.0
    error: str = ""
    interrupted: bool = False


def make_jobs(texts: Sequence[str], out: Path, settings: Settings, clip: Clip, about: About) -> list[Job]:
    """Return a job for every input; one that is named twice is analysed twice."""
    seen: Counter[str] = Counter()
    jobs = []
    for number, text in enumerate(texts):
        key = _key(text, settings, clip, about, seen[text])
        seen[text] += 1
        jobs.append(Job(number, text, out, settings, clip, about, key))
    return jobs


def run_job(
    job: Job,
    advance: Advance,
    cancelled: Callable[[], bool],
    shelf: EngineShelf | None = None,
    typed: TypedMarks | None = None,
) -> Done:
    """Analyse one input to its end.

    Args:
        job: The job.
        advance: Called after every frame.
        cancelled: Asked after every frame and while none comes; True stops, and what was analysed stays a valid session.
        shelf: Lends engines; None loads them for this job alone.
        typed: Lines that are marks of a live source; None takes none.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    from faceapp.batch.headless import analyze, new_folder_for
    from faceapp.sources import make_source

    clip = job.clip
    try:
        source = make_source(
            job.text, start_s=clip.start_s, end_s=clip.end_s, every=clip.every, for_s=clip.for_s
        )
        folder = new_folder_for(job.out, job.text, job.settings.shared_recordings)
    except (SourceError, SessionError) as error:
        return Done(job, error=str(error))

    def each(_result: object) -> None:
        advance(getattr(source, "frame_count", None))

    open_reader = None if shelf is None else partial(shelf.reader, job.settings)
    outcome = analyze(
        source,
        folder,
        job.settings,
        clip,
        job.about,
        each,
        key=job.key,
        open_reader=open_reader,
        cancelled=cancelled,
        typed=typed,
    )
    problem = "" if outcome.error is None else str(outcome.error)
    done = Done(job, outcome.folder, outcome.frames, outcome.elapsed_s, problem, outcome.interrupted)
    if done.folder is not None and not (done.error or done.interrupted):
        for half in job.halves:
            put_away(half, job.about)
    return done


def earlier_sessions(out: Path) -> dict[str, list[tuple[Path, bool]]]:
    """Return what earlier runs left in a folder: key -> sessions, and whether each came to its input's end."""
    found: dict[str, list[tuple[Path, bool]]] = {}
    for path in sorted(out.glob(f"*/{SESSION_FILE}")):
        entry = _input_entry(path.parent)
        if entry is not None:
            found.setdefault(str(entry.get("key")), []).append((path.parent, entry.get("complete") is True))
    return found


def _input_entry(folder: Path) -> dict[str, Any] | None:
    try:
        entry = load_metadata(folder).get("input")
    except SessionError:
        return None  # no session of ours: it is neither skipped nor removed
    return entry if isinstance(entry, dict) else None


def split_finished(jobs: Iterable[Job], out: Path) -> tuple[list[Job], list[tuple[Job, Path]]]:
    """Part jobs into those still to do and those an earlier run finished.

    Returns:
        The jobs to do, with the half sessions that each will replace, and the finished ones with their sessions.
    """
    earlier = earlier_sessions(out)
    to_do, finished = [], []
    for job in jobs:
        sessions = earlier.get(job.key, [])
        whole = [folder for folder, complete in sessions if complete]
        if whole:
            finished.append((job, whole[0]))
        else:
            to_do.append(replace(job, halves=tuple(folder for folder, _ in sessions)))
    return to_do, finished


def _key(text: str, settings: Settings, clip: Clip, about: About, occurrence: int) -> str:
    """Return a hash of the input (a file with its size and time) and of all that decides what is made of it."""
    path = Path(text).expanduser()
    where: list[Any] = [text]
    if path.exists():
        state = path.stat()
        where = [str(path.resolve()), state.st_size if path.is_file() else 0, state.st_mtime_ns]
    unimportant = ("source", "sessions_dir", "shared_recordings", "theme", *STREAM_SETTINGS, *WINDOW_SETTINGS)
    chosen = {**settings.as_json(), **dict.fromkeys(unimportant, "")}
    part = [clip.start_s, clip.end_s, clip.every, *([] if clip.for_s is None else [clip.for_s])]
    content = [where, occurrence, chosen, part, about.as_json()]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]
