"""Oulu-CASIA NIR&VIS: six posed expressions of 80 people, as sequences from neutral to the peak.

Layout: `VL/Strong/P001/Anger/000.jpeg` (folder OriginalImg), or `VL_Acropped/Strong/...` (folder PreProcessImg) where
that is absent; VL is visible light, NI near infrared, each in Strong, Weak and Dark illumination. Only visible, strong
light is read, as in the GF-CapsNet thesis, section 1.3, and from each sequence the last three frames. Splits are by subject.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import chain
from pathlib import Path

from training.data.emotions import one_emotion
from training.data.faults import Faults
from training.data.folders import find_root, folders_in, pictures_in
from training.data.sample import Sample, hashed_split
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = "Zhao, Huang, Taini, Li, Pietikäinen: Facial expression recognition from near-infrared videos, IVC 29(9), 2011"
LICENSE = "research use under the Oulu-CASIA agreement"

LIGHTS = ("VL", "NI")
ILLUMINATIONS = ("Strong", "Weak", "Dark")

_VALIDATION_PERCENT = 15
_TEST_PERCENT = 15
_PEAK_FRAMES = 3
_SUBJECT = re.compile(r"P\d{3}")


def samples(
    root: Path,
    split: str | None = None,
    faults: Faults | None = None,
    light: str = "VL",
    illumination: str = "Strong",
) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `VL/Strong`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.
        faults: Skips and counts what is malformed; None stops at the first.
        light: One of `LIGHTS`.
        illumination: One of `ILLUMINATIONS`.

    Raises:
        DatasetError: Missing folder, a name that is no subject or emotion, a sequence that is too short.
    """
    if light not in LIGHTS or illumination not in ILLUMINATIONS:
        raise DatasetError(
            f"light: expected one of {', '.join(LIGHTS)} in {', '.join(ILLUMINATIONS)}, found {light} in {illumination}"
        )
    faults = faults or Faults("oulucasia")
    places = (f"{light}/{illumination}", f"{light}_Acropped/{illumination}")
    top = find_root(root, places, "Oulu-CASIA")
    folder = next(top / place for place in places if (top / place).is_dir())
    sequences = [path for subject in folders_in(folder) for path in folders_in(subject)]
    found = chain.from_iterable(faults.kept(sequences, _read_sequence))
    return faults.usable(found, split, folder, "P001/Anger/000.jpeg", people=True)


def _read_sequence(folder: Path) -> list[Sample]:
    subject, votes = folder.parent.name, one_emotion(folder.name)
    if votes is None or not _SUBJECT.fullmatch(subject):
        raise DatasetError(
            f"{folder}: expected P001/Anger or another emotion, found {subject}/{folder.name}; rename or remove it"
        )
    frames = pictures_in(folder)
    if len(frames) <= _PEAK_FRAMES:
        raise DatasetError(
            f"{folder}: expected more than {_PEAK_FRAMES} frames, found {len(frames)}; unpack the whole set"
        )
    build = partial(
        Sample,
        split=hashed_split(subject, _VALIDATION_PERCENT, _TEST_PERCENT),
        subject=subject,
        emotion=votes,
    )
    return [build(path=path) for path in frames[-_PEAK_FRAMES:]]
