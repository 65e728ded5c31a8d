"""What labels of one's own add to a frame: the same faces read without and with them, in turns."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from statistics import median
from typing import Any

from faceapp.analysis.analyzer import make_reader, make_tracker, track_timed
from faceapp.analysis.face_reader import FaceReader
from faceapp.bench import passes
from faceapp.bench.inputs import endless
from faceapp.settings import Settings
from faceapp.settings.label_names import label_list
from faceapp.types import FaceTrack, Frame

Tracked = tuple[Frame, tuple[FaceTrack, ...], float]
"""A frame, its faces and the milliseconds it took to find them."""
Times = tuple[float, float]
"""Milliseconds by the clock, and of the processor."""


def label_pass(text: str, settings: Settings, frames: int, rounds: int) -> dict[str, Any]:
    """Read the faces of every frame twice, without labels and with them, the other one first every second frame.

    Args:
        text: Path of a video or picture.
        settings: `labels` names what is read.
        frames: Timed frames a round.
        rounds: Rounds; each gives medians of its own.

    Returns:
        `names`; `without_ms` and `with_ms`, the time of reading a frame's faces; `added_ms` and
        `added_processor_ms`, what the labels add to a frame by the clock and in the processor's time; `rounds_ms` and
        `rounds_processor_ms`, each round's median of it. The others are medians of the rounds' medians.

    Raises:
        SourceError: The input can't be read.
        CardError: A model is missing or damaged.
        EngineError: A back end refuses a model.
        SessionError: A label is missing, damaged or of another network.
    """
    with ExitStack() as opened:
        readers = []
        for labels in (None, settings.labels):
            readers.append(make_reader(replace(settings, labels=labels)))
            opened.callback(readers[-1].close)
        shown = _tracked(text, settings)
        opened.callback(shown.close)
        _round(readers, shown, passes.WARM_UP_FRAMES)
        taken = [_round(readers, shown, frames) for _ in range(rounds)]
    rounds_ms, rounds_processor_ms = (
        [median(after[way] - before[way] for before, after in one) for one in taken] for way in (0, 1)
    )
    without_ms, with_ms = (median(median(row[place][0] for row in one) for one in taken) for place in (0, 1))
    return {
        "names": list(label_list(settings.labels)),
        "frames_a_round": frames,
        "without_ms": without_ms,
        "with_ms": with_ms,
        "added_ms": median(rounds_ms),
        "added_processor_ms": median(rounds_processor_ms),
        "rounds_ms": rounds_ms,
        "rounds_processor_ms": rounds_processor_ms,
    }


def _tracked(text: str, settings: Settings) -> Generator[Tracked, None, None]:
    """Yield the frames of an input for ever, each with its faces; source and tracker end with the generator."""
    source, tracker = endless(text), make_tracker(settings)
    try:
        source.open()
        while True:
            frame = source.read()
            if frame is not None:
                yield frame, *track_timed(tracker, frame)
    finally:
        tracker.close()
        source.close()


def _round(readers: Sequence[FaceReader], shown: Iterator[Tracked], frames: int) -> list[tuple[Times, ...]]:
    """Return the times of each reader for each frame."""
    taken = []
    for number, tracked in enumerate(islice(shown, frames)):
        order = (0, 1) if number % 2 else (1, 0)
        times = {which: _timed(readers[which], tracked) for which in order}
        taken.append(tuple(times[which] for which in (0, 1)))
    return taken


def _timed(reader: FaceReader, tracked: Tracked) -> Times:
    started_s, processor_s = time.perf_counter(), time.process_time()
    reader.read(*tracked)
    return (time.perf_counter() - started_s) * 1e3, (time.process_time() - processor_s) * 1e3
