"""Pictures read once, their faces found once: gray pixels, alignment maps and labels in three numpy files a set.

The map of each picture comes from `engines.preprocess.alignment_matrix` on the mesh that `CropLandmarker` finds, so
training, evaluation and the program share crop and landmarks. Pixels keep their own resolution; cutting happens per
batch with `engines.preprocess.cut_chip`, where augmentation only changes the map: one interpolation, as at run time.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from engines.card import EMOTIONS
from engines.preprocess import alignment_matrix, box_matrix
from training.data.sample import SPLITS, Sample
from training.errors import DatasetError

DATA_SETS = ("ferplus", "utkface", "genki4k", "ckplus")
UNIT_SIZE = 48
"""Maps are stored for chips of this side; another side only scales them."""

Images = list[npt.NDArray[np.uint8]]
Matrices = list[npt.NDArray[np.float32]]

_FORMAT = 1
_BLOCK = 64


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

    def __len__(self) -> int:
        return len(self.offsets)

    def image(self, position: int) -> npt.NDArray[np.uint8]:
        """Return one picture, uint8 (H, W), without copying."""
        height, width = (int(side) for side in self.shapes[position])
        start = int(self.offsets[position])
        return self.pixels[start : start + height * width].reshape(height, width)

    def matrix(self, position: int, size: int, align: bool = True) -> npt.NDArray[np.float32]:
        """Return the map of one picture onto a chip: aligned where asked and found, else the whole picture.

        Args:
            position: Which picture.
            size: Side of the chip in pixels.
            align: Use the landmarks.
        """
        if align and np.isfinite(self.aligned[position]).all():
            scale = size / UNIT_SIZE
            matrix = self.aligned[position] * np.float32(scale)
            matrix[:, 2] += 0.5 * (scale - 1)
            return matrix
        height, width = (float(side) for side in self.shapes[position])
        return box_matrix(np.array([0, 0, width, height]), size)

    def where(self, split: str) -> npt.NDArray[np.int64]:
        """Return the positions of one split."""
        return np.flatnonzero(self.split == SPLITS.index(split))


def load_prepared(name: str, data: Path, cache: Path, workers: int = 2) -> PreparedFaces:
    """Return a set, preparing it first where the cache lacks it.

    Args:
        name: One of `DATA_SETS`.
        data: Folder with the unpacked sets.
        cache: Folder for the prepared files.
        workers: Processes that find landmarks.

    Raises:
        DatasetError: The set is missing or malformed.
    """
    folder = cache / name
    if not (folder / "about.json").is_file():
        prepare(name, data, cache, workers)
    try:
        about = json.loads((folder / "about.json").read_text())
        if about != {"format": _FORMAT, "set": name}:
            raise ValueError(f"format {about}")
        with (folder / "labels.npz").open("rb") as stream, np.load(stream, allow_pickle=False) as labels:
            arrays = dict(labels)
        return PreparedFaces(name=name, pixels=np.load(folder / "pixels.npy", mmap_mode="r"), **arrays)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{folder}: expected a prepared set, found a damaged one ({error}); remove the folder, it is made again"
        ) from error


def prepare(name: str, data: Path, cache: Path, workers: int = 2) -> None:
    """Read one set, find the landmarks of every picture and write the prepared files.

    Raises:
        DatasetError: The set is missing or malformed, or a picture can't be read.
    """
    found: list[Sample] = importlib.import_module(f"training.data.{name}").samples(data)
    blocks = [found[start : start + _BLOCK] for start in range(0, len(found), _BLOCK)]
    images: Images = []
    matrices: Matrices = []
    paths = [[str(sample.path) for sample in block] for block in blocks]
    with tqdm(total=len(found), desc=f"align {name}", unit="face") as bar:
        for block_images, block_matrices in _aligned_blocks(paths, workers):
            images += block_images
            matrices += block_matrices
            bar.update(len(block_images))
    _save(cache / name, name, found, images, matrices)


def _aligned_blocks(paths: Sequence[Sequence[str]], workers: int) -> Iterator[tuple[Images, Matrices]]:
    """Yield the blocks in order; with one worker in this process, else in fresh ones (MediaPipe can't be forked)."""
    if workers == 1:
        yield from map(_align_block, paths)
        return
    with ProcessPoolExecutor(max_workers=workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_align_block, paths)


_landmarker = None


def _align_block(paths: Sequence[str]) -> tuple[Images, Matrices]:
    """Read and align some pictures; runs in a worker process, which keeps its landmark models."""
    from faceapp.tracking.face_crops import CropLandmarker

    global _landmarker
    if _landmarker is None:
        _landmarker = CropLandmarker()
    images, matrices = [], []
    for path in paths:
        picture = cv2.imread(path, cv2.IMREAD_COLOR)
        if picture is None:
            raise DatasetError(
                f"{path}: expected a picture, found something that can't be decoded; restore or remove it"
            )
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        landmarks = _landmarker.find(picture)
        matrix = (
            np.full((2, 3), np.nan, np.float32)
            if landmarks is None
            else alignment_matrix(landmarks, UNIT_SIZE)
        )
        images.append(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        matrices.append(matrix)
    return images, matrices


def _save(
    folder: Path,
    name: str,
    found: Sequence[Sample],
    images: Images,
    matrices: Matrices,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sizes = np.array([image.size for image in images], dtype=np.int64)
    pixels = np.lib.format.open_memmap(
        folder / "pixels.npy", mode="w+", dtype=np.uint8, shape=(int(sizes.sum()),)
    )
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    for image, offset in zip(images, offsets, strict=True):
        pixels[offset : offset + image.size] = image.ravel()
    pixels.flush()
    np.savez(
        folder / "labels.npz",
        offsets=offsets,
        shapes=np.array([image.shape for image in images], dtype=np.int32),
        aligned=np.stack(matrices).astype(np.float32),
        split=np.array([SPLITS.index(sample.split) for sample in found], dtype=np.uint8),
        emotion=np.array([sample.emotion or (np.nan,) * len(EMOTIONS) for sample in found], dtype=np.float32),
        subject=np.array([sample.subject for sample in found]),
        **{label: _column(found, label) for label in ("age_years", "female", "smile", "race")},
    )
    (folder / "about.json").write_text(json.dumps({"format": _FORMAT, "set": name}))


def _column(found: Sequence[Sample], label: str) -> npt.NDArray[np.float32]:
    values = (getattr(sample, label) for sample in found)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)
