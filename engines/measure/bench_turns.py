"""Calls that take turns on the same batches of faces, timed one by one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from engines.card import ModelCard
from engines.crops import face_crops
from engines.preprocess import Bytes

_SETTLE_S = 0.005
"""Pause before a row's turn: threads of the row before may still spin for some milliseconds."""
_CROPS = 256
"""Faces that the batches are made of."""


def batches_of_faces(card: ModelCard, count: int) -> list[Bytes]:
    """Return different batches of faces: in bfloat16 a face near a tie takes longer, so a single batch could mislead.

    Args:
        card: The model's.
        count: Faces in a batch.

    Returns:
        uint8 (count, size, size) for gray, (count, size, size, 3) for RGB, each.
    """
    crops = face_crops(card.input, max(_CROPS, count), card.occlusion)
    return [crops[start : start + count] for start in range(0, len(crops) - count + 1, count)]


def times_in_turns_ms(
    subjects: dict[str, Callable[[Bytes], object]], batches: Sequence[Bytes], rounds: int, calls: int
) -> dict[str, list[float]]:
    """Return every call's duration by subject; they take turns, in an order mixed anew each round.

    In a round all get the same batches, one after the other.

    Args:
        subjects: Name -> call on a batch.
        batches: At least one.
        rounds: Turns each subject gets.
        calls: In a turn, after one that is not timed.
    """
    order = list(subjects)
    shuffle = random.Random(0).shuffle
    times_ms: dict[str, list[float]] = {name: [] for name in order}
    for call in subjects.values():
        call(batches[0])
    for turn in range(rounds):
        shuffle(order)
        for name in order:
            call = subjects[name]
            time.sleep(_SETTLE_S)
            call(batches[0])
            for number in range(calls):
                batch = batches[(turn * calls + number) % len(batches)]
                start_s = time.perf_counter()
                call(batch)
                times_ms[name].append((time.perf_counter() - start_s) * 1000)
    return times_ms
