"""CK+: posed expressions of known subjects, as the 48-pixel class folders.

Layout: `CK+48/<emotion>/S<subject>_<sequence>_<frame>.png`; seven emotions with contempt, no neutral; three peak
frames a sequence. Splits are by subject.
"""

from __future__ import annotations

import re
from pathlib import Path

from engines.card import EMOTIONS
from training.data.sample import Sample, find_root, hashed_split
from training.errors import DatasetError

TASKS = ("emotion",)
CITATION = "Lucey et al.: The extended Cohn-Kanade dataset (CK+), CVPR workshops 2010"
LICENSE = "research use under the CK+ agreement"

_VALIDATION_PERCENT = 15
_TEST_PERCENT = 15
_CLASSES = {"happy": "happiness", **{name: name for name in EMOTIONS if name not in ("neutral", "happiness")}}
_NAME = re.compile(r"(S\d+)_\d+_\d+\.png")


def samples(root: Path, split: str | None = None) -> list[Sample]:
    """Read the set.

    Args:
        root: Folder that holds `CK+48`, here or at most two levels down.
        split: One of `SPLITS`, or None for all.

    Raises:
        DatasetError: Missing folder, an unknown class folder, or a name without subject.
    """
    folder = find_root(root, "CK+48", "CK+") / "CK+48"
    found = [_read_name(path) for path in sorted(folder.glob("*/*.png"))]
    if not found:
        raise DatasetError(
            f"{folder}: expected <emotion>/S<subject>_<sequence>_<frame>.png, found no picture; unpack the set there"
        )
    return [sample for sample in found if split in (None, sample.split)]


def _read_name(path: Path) -> Sample:
    name = _NAME.fullmatch(path.name)
    emotion = _CLASSES.get(path.parent.name)
    if name is None or emotion is None:
        raise DatasetError(
            f"{path}: expected <emotion>/S<subject>_<sequence>_<frame>.png of {', '.join(_CLASSES)}; rename or remove it"
        )
    votes = tuple(float(label == emotion) for label in EMOTIONS)
    split = hashed_split(name[1], _VALIDATION_PERCENT, _TEST_PERCENT)
    return Sample(path=path, split=split, subject=name[1], emotion=votes)
