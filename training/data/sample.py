"""One labelled picture, and how pictures are split into train, validation and test once and for all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.errors import DatasetError

SPLITS = ("train", "validation", "test")
LABEL_OF = {"emotion": "emotion", "age": "age_years", "gender": "female", "smile": "smile"}
"""Task -> the label it learns from, of samples, prepared faces and batches."""
OLDEST_YEARS = 120
"""No set may give a higher age."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture of one face with the labels its set gives; a missing label is None and masked in the loss.

    Attributes:
        path: The picture, or the table that holds its pixels.
        split: "train", "validation" or "test".
        subject: Who it shows, where the set tells, else the picture's own name.
        emotion: Votes per class in the order of `engines.card.EMOTIONS`, sum 1.
        age_years: Age in years, where the set gives years.
        female: 0 male, 1 female.
        smile: 0 or 1.
        race: The set's own group number, for fairness figures only; never trained on.
        age_range_years: Youngest and oldest age of the group, where the set gives groups.
        box_px: x0, y0, x1, y1 of the face in a larger picture; None where the picture is the face.
        face_share: Share of the picture's sides that the face fills around the centre, where the set says so.
        fold: The set's own fold for cross-validation.
        pixels: uint8 (H, W) gray, where the set keeps pixels in its table instead of picture files.
    """

    path: Path
    split: str
    subject: str
    emotion: tuple[float, ...] | None = None
    age_years: float | None = None
    female: int | None = None
    smile: int | None = None
    race: int | None = None
    age_range_years: tuple[float, float] | None = None
    box_px: tuple[float, float, float, float] | None = None
    face_share: float = 1.0
    fold: int | None = None
    pixels: npt.NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)

    def picture(self) -> npt.NDArray[np.uint8]:
        """Return the picture, uint8 (H, W, 3) RGB.

        Raises:
            DatasetError: The file is empty or no picture.
        """
        if self.pixels is not None:
            return np.repeat(self.pixels[:, :, None], 3, axis=2)
        try:
            read = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        except cv2.error as error:  # OpenCV refuses sizes that would fill the memory
            raise DatasetError(f"{self.path}: expected a picture, found {error}; remove it") from error
        if read is None:
            raise DatasetError(
                f"{self.path}: expected a picture, found something that can't be decoded; restore or remove it"
            )
        picture: npt.NDArray[np.uint8] = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
        return picture

    def face_box(self, width: int, height: int) -> npt.NDArray[np.float32] | None:
        """Return where the face is in a picture of this size, float32 (4,) xyxy px; None: it fills the picture."""
        if self.box_px is not None:
            return np.array(self.box_px, dtype=np.float32)
        if self.face_share >= 1:
            return None
        margin = (1 - self.face_share) / 2
        return np.array([margin, margin, 1 - margin, 1 - margin], np.float32) * (width, height, width, height)


def hashed_split(key: str, validation_percent: int, test_percent: int) -> str:
    """Return the split of a picture or subject, from a hash of its name alone: the same on every machine, for ever.

    Args:
        key: File name, or subject where the set names one, so that no subject stands on both sides.
        validation_percent: Share of validation, in percent.
        test_percent: Share of our own test part, in percent.
    """
    bucket = hash_number(key) % 100
    if bucket < test_percent:
        return "test"
    return "validation" if bucket < test_percent + validation_percent else "train"


def hash_number(key: str) -> int:
    """Return a picture's or subject's place in the fixed order of all names, from a hash of the name alone, 32 bits."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
