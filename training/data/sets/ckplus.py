"""CK+: posed expressions of known subjects, as original sequences or as the 48-pixel class folders.

Layouts: `cohn-kanade-images/S005/001/S005_001_00000001.png`, sequences from neutral to the peak, with
`Emotion/S005/001/S005_001_00000011_emotion.txt` (one number: 1 anger, 2 contempt, 3 disgust, 4 fear, 5 happy,
6 sadness, 7 surprise) for 327 of the 593; its first frame is read as neutral, its last three as the emotion, and
sequences without an emotion are dropped. Or `CK+48/<emotion>/S<subject>_<sequence>_<frame>.png`, three peak frames a
sequence, seven emotions with contempt, no neutral. Splits are by subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path

from training.data.emotions import one_emotion
from training.data.faults import Faults
from training.data.folders import find_root, folders_in, pictures_in
from training.data.sample import Sample, hashed_split
from training.data.tables import Row, read_rows
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = "Lucey et al.: The extended Cohn-Kanade dataset (CK+), CVPR workshops 2010"
LICENSE = "research use under the CK+ agreement"

_VALIDATION_PERCENT = 15
_TEST_PERCENT = 15
_SEQUENCES = "cohn-kanade-images"
_CROPS = "CK+48"
_EMOTION_FOLDERS = ("Emotion", "Emotion_labels/Emotion", "../Emotion", "../Emotion_labels/Emotion")
_CODES = {
    0: "neutral",
    1: "anger",
    2: "contempt",
    3: "disgust",
    4: "fear",
    5: "happiness",
    6: "sadness",
    7: "surprise",
}
_PEAK_FRAMES = 3
_NAME = re.compile(r"(S\d+)_\d+_\d+\.png")


def samples(root: Path, split: str | None = None, faults: Faults | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `cohn-kanade-images` or `CK+48`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.

    Raises:
        DatasetError: Missing folder, an unknown class, a name without subject, a sequence that is too short.
    """
    faults = faults or Faults("ckplus")
    top = find_root(root, (_SEQUENCES, _CROPS), "CK+")
    if (top / _SEQUENCES).is_dir():
        emotions = _emotion_folder(top)
        sequences = [path for subject in folders_in(top / _SEQUENCES) for path in folders_in(subject)]
        found: Iterable[Sample] = chain.from_iterable(
            faults.kept(sequences, partial(_read_sequence, emotions))
        )
    else:
        found = faults.kept(sorted((top / _CROPS).glob("*/*.png")), _read_name)
    return faults.usable(
        found, split, top, f"{_SEQUENCES} with Emotion, or {_CROPS}/<emotion>/*.png", people=True
    )


def _emotion_folder(top: Path) -> Path:
    for name in _EMOTION_FOLDERS:
        if (top / name).is_dir():
            return top / name
    raise DatasetError(
        f"{top}: expected the folder Emotion beside {_SEQUENCES}, found none; unpack the whole set"
    )


def _read_sequence(emotions: Path, folder: Path) -> list[Sample] | None:
    """Return the first frame as neutral and the last three as the sequence's emotion."""
    labels = sorted((emotions / folder.parent.name / folder.name).glob("*_emotion.txt"))
    rows: list[Row] = [row for path in labels for row in read_rows(path, ("emotion",), delimiter=None)]
    if not rows:
        return None
    emotion = _CODES[rows[0].whole("emotion", 0, len(_CODES) - 1)]
    frames = pictures_in(folder)
    if len(frames) <= _PEAK_FRAMES:
        raise DatasetError(
            f"{folder}: expected more than {_PEAK_FRAMES} frames, found {len(frames)}; unpack the whole set"
        )
    subject = folder.parent.name
    split = hashed_split(subject, _VALIDATION_PERCENT, _TEST_PERCENT)
    return [
        Sample(path=path, split=split, subject=subject, emotion=one_emotion(name))
        for path, name in ((frames[0], "neutral"), *((path, emotion) for path in frames[-_PEAK_FRAMES:]))
    ]


def _read_name(path: Path) -> Sample:
    name = _NAME.fullmatch(path.name)
    votes = one_emotion(path.parent.name)
    if name is None or votes is None:
        raise DatasetError(
            f"{path}: expected <emotion>/S<subject>_<sequence>_<frame>.png with one of the eight emotions; rename or remove it"
        )
    split = hashed_split(name[1], _VALIDATION_PERCENT, _TEST_PERCENT)
    return Sample(path=path, split=split, subject=name[1], emotion=votes)
