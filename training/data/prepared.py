"""Pictures read once, their faces found once: gray pixels, alignment maps, meshes and labels in four files a set.

The map of each picture comes from `engines.preprocess.alignment_matrix` on the mesh that `CropLandmarker` finds, so
training, evaluation and the program share crop and landmarks. Pixels keep their own resolution; cutting happens per
batch with `engines.preprocess.cut_chip`, where augmentation only changes the map: one interpolation, as at run time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.preprocess import LANDMARK_COUNT, box_matrix
from training.data.face_cuts import UNIT_SIZE
from training.data.faults import OnBad
from training.data.preparation import prepare
from training.data.prepared_files import read_arrays
from training.data.prepared_places import find_prepared
from training.data.sample import SPLITS
from training.errors import DatasetError
from training.names import names_in

DATA_SETS = names_in("data.sets")


def _empty() -> npt.NDArray[Any]:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFaces:
    """All pictures of one set.

    Attributes:
        name: The set.
        pixels: uint8, all gray pictures one after the other.
        offsets: int64 (N,), where picture i starts in `pixels`.
        shapes: int32 (N, 2), height and width.
        aligned: float32 (N, 2, 3), picture -> 48-pixel chip from landmarks; NaN where none were found.
        split: uint8 (N,), position in `SPLITS`.
        emotion: float32 (N, 8) vote shares, NaN where absent; the other labels are float32 (N,), NaN where absent.
        subject: (N,) text.
        age_low_years: float32 (N,), youngest age of the group where the set gives groups, NaN elsewhere.
        age_high_years: float32 (N,), oldest age of the group.
        fold: int32 (N,), the set's own fold, -1 where it has none.
        box: float32 (N, 4), the face in its picture, xyxy px; NaN where it fills the picture.
        landmarks: float32 (N, 478, 3), the mesh in its picture, px; NaN where none was found.

        place: The set's folder; empty where the faces come from no folder.
        kept: Folder of the prepared files.

    All from `age_low_years` on may be left out: labels are then filled with "absent".
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    shapes: npt.NDArray[np.int32]
    aligned: npt.NDArray[np.float32]
    split: npt.NDArray[np.uint8]
    emotion: npt.NDArray[np.float32]
    age_years: npt.NDArray[np.float32]
    female: npt.NDArray[np.float32]
    smile: npt.NDArray[np.float32]
    race: npt.NDArray[np.float32]
    subject: npt.NDArray[np.str_]
    age_low_years: npt.NDArray[np.float32] = field(default_factory=_empty)
    age_high_years: npt.NDArray[np.float32] = field(default_factory=_empty)
    fold: npt.NDArray[np.int32] = field(default_factory=_empty)
    box: npt.NDArray[np.float32] = field(default_factory=_empty)
    landmarks: npt.NDArray[np.float32] = field(default_factory=_empty)
    place: str = ""
    kept: str = ""

    def __post_init__(self) -> None:
        count = len(self.offsets)
        absent = np.full(count, np.nan, np.float32)
        fillings = {
            "age_low_years": absent,
            "age_high_years": absent,
            "fold": np.full(count, -1, np.int32),
            "box": np.full((count, 4), np.nan, np.float32),
            "landmarks": np.broadcast_to(np.float32(np.nan), (count, LANDMARK_COUNT, 3)),
        }
        for column, filling in fillings.items():
            if not getattr(self, column).size:
                object.__setattr__(self, column, filling)

    def __len__(self) -> int:
        return len(self.offsets)

    def image(self, position: int) -> npt.NDArray[np.uint8]:
        """Return one picture, uint8 (H, W), without copying."""
        height, width = (int(side) for side in self.shapes[position])
        start = int(self.offsets[position])
        return self.pixels[start : start + height * width].reshape(height, width)

    def matrix(self, position: int, size: int, align: bool = True) -> npt.NDArray[np.float32]:
        """Return the map of one picture onto a chip: aligned where asked and found, else the face's box.

        Args:
            position: Which picture.
            size: Side of the chip in pixels.
            align: Use the landmarks.
        """
        if align and np.isfinite(self.aligned[position]).all():
            scale = size / UNIT_SIZE
            matrix: npt.NDArray[np.float32] = self.aligned[position] * np.float32(scale)
            matrix[:, 2] += 0.5 * (scale - 1)
            return matrix
        if np.isfinite(self.box[position]).all():
            return box_matrix(self.box[position], size)
        height, width = (float(side) for side in self.shapes[position])
        return box_matrix(np.array([0, 0, width, height]), size)

    def where(self, split: str) -> npt.NDArray[np.int64]:
        """Return the positions of one split."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def read_text(self, split: str) -> str:
        """Return in words how many pictures of a split were read from where."""
        return f"{self.name}: {len(self.where(split)):,} {split} pictures of {self.place or 'no folder'}"

    def require(self, *splits: str) -> None:
        """Check that splits are not empty.

        Raises:
            DatasetError: One is.
        """
        for split in splits:
            if not len(self.where(split)):
                raise DatasetError(
                    f"{self.name}: expected pictures in {split}, found none among {len(self)}; unpack the whole set"
                )


def load_prepared(
    name: str, data: Path, cache: Path, workers: int = 2, on_bad: OnBad = "stop"
) -> PreparedFaces:
    """Return a set as it lies in a folder now, preparing it first where the cache lacks it.

    Args:
        name: One of `DATA_SETS`.
        data: Folder with the unpacked sets.
        cache: Folder for the prepared files.
        workers: Processes that find landmarks.
        on_bad: "stop" at the first malformed row or picture, or "skip" and count them.

    Raises:
        DatasetError: The set is missing or malformed.
    """
    found, place = find_prepared(name, data, cache)
    folder = prepare(name, data, cache, workers, on_bad) if found is None else found
    arrays = read_arrays(folder, name)
    try:
        return PreparedFaces(name=name, place=str(place), kept=str(folder), **arrays)
    except TypeError as error:
        raise DatasetError(
            f"{folder}: expected a prepared set, found other arrays ({error}); remove the folder, it is made again"
        ) from error
