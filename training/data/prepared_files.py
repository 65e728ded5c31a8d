"""The files of a prepared set: pixels and landmarks, written face by face, labels, and `about.json`, which seals them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from engines.preprocess import LANDMARK_COUNT
from engines.whole_file import part_of, put_in_place, write_whole
from training.data.face_cuts import FaceCut
from training.data.sample import SPLITS, Sample
from training.errors import DatasetError

ABOUT = "about.json"
_PIXELS = "pixels.npy"
_LANDMARKS = "landmarks.npy"
LABELS = "labels.npz"
_FORMAT = 2
_FORMATS = (1, _FORMAT)
"""Those that can be read; the first had no landmarks."""


class PreparedWriter:
    """Writes one set; pixels go to the disk as they come, so that a set may be larger than the memory.

    Nothing of an older preparation is touched before `seal`: a training that reads it goes on undisturbed.

    Args:
        folder: The set's folder in the cache; made here.
        name: The set.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = name
        self._samples: list[Sample] = []
        self._shapes: list[tuple[int, ...]] = []
        self._aligned: list[npt.NDArray[np.float32]] = []
        self._boxes: list[npt.NDArray[np.float32]] = []
        self._pixels = _GrowingFile(folder / _PIXELS, "|u1", ())
        self._landmarks = _GrowingFile(folder / _LANDMARKS, "<f4", (LANDMARK_COUNT, 3))

    def __enter__(self) -> PreparedWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        for growing in (self._pixels, self._landmarks):
            growing.discard()

    def add(self, sample: Sample, cut: FaceCut) -> None:
        """Append one face."""
        self._pixels.write(np.ascontiguousarray(cut.image))
        self._landmarks.write(cut.landmarks.astype("<f4"))
        self._samples.append(sample)
        self._shapes.append(cut.image.shape)
        self._aligned.append(cut.aligned)
        self._boxes.append(cut.box)

    def seal(self, **about: Any) -> None:
        """Make the set readable.

        Args:
            about: What else `about.json` is to say.

        Raises:
            DatasetError: No face was added.
        """
        if not self._samples:
            raise DatasetError(f"{self._name}: expected at least one face, found none; see what was skipped")
        sizes = np.array([np.prod(shape) for shape in self._shapes], dtype=np.int64)
        for growing, count in ((self._pixels, int(sizes.sum())), (self._landmarks, len(sizes))):
            growing.close(count)
        for stale in (ABOUT, *(seal.name for seal in self._folder.glob("layers_*.json"))):
            (self._folder / stale).unlink(missing_ok=True)
        for growing in (self._pixels, self._landmarks):
            growing.put_in_place()
        np.savez(
            self._folder / LABELS,
            offsets=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
            shapes=np.array(self._shapes, dtype=np.int32),
            aligned=np.stack(self._aligned).astype(np.float32),
            box=np.stack(self._boxes).astype(np.float32),
            **_label_columns(self._samples),
        )
        described = {"format": _FORMAT, "set": self._name, **about}
        write_whole(self._folder / ABOUT, json.dumps(described) + "\n")


class _GrowingFile:
    """An array file whose rows come one after another; it gets its name when it is complete.

    Args:
        path: Its name.
        dtype: As in the header of .npy files.
        row: Shape of a row.
    """

    def __init__(self, path: Path, dtype: str, row: tuple[int, ...]) -> None:
        self._path, self._dtype, self._row = path, dtype, row
        self._partial = part_of(path)  # two may prepare at once
        self._stream: BinaryIO = self._partial.open("w+b")
        self._header(0)

    def write(self, rows: npt.NDArray[Any]) -> None:
        self._stream.write(rows.tobytes())

    def close(self, count: int) -> None:
        self._stream.seek(0)
        self._header(count)
        self._stream.close()

    def put_in_place(self) -> None:
        put_in_place(self._partial, self._path)

    def discard(self) -> None:
        self._stream.close()
        self._partial.unlink(missing_ok=True)

    def _header(self, count: int) -> None:
        """Write the array's header; numpy keeps room in it for any count, so that its length never changes."""
        header = {"descr": self._dtype, "fortran_order": False, "shape": (count, *self._row)}
        np.lib.format.write_array_header_1_0(self._stream, header)


def read_about(folder: Path, name: str) -> dict[str, Any]:
    """Return what `about.json` says.

    Raises:
        OSError: It is not there.
        ValueError: It is of another set or format.
    """
    about = json.loads((folder / ABOUT).read_text())
    if not isinstance(about, dict) or about.get("format") not in _FORMATS or about.get("set") != name:
        raise ValueError(f"format {about}")
    return about


def read_arrays(folder: Path, name: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a prepared set by name, its pixels and landmarks mapped from the disk.

    Raises:
        DatasetError: The files are damaged or of another format.
    """
    try:
        about = read_about(folder, name)
        with (folder / LABELS).open("rb") as stream, np.load(stream, allow_pickle=False) as labels:
            arrays = dict(labels)
        files = {"pixels": folder / _PIXELS, "landmarks": folder / _LANDMARKS}
        if about["format"] == 1:
            del files["landmarks"]
        mapped = {key: np.load(file, mmap_mode="r", allow_pickle=False) for key, file in files.items()}
        return {**mapped, **arrays}
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{folder}: expected a prepared set, found a damaged one ({error}); remove the folder, it is made again"
        ) from error


def _label_columns(samples: Sequence[Sample]) -> dict[str, npt.NDArray[Any]]:
    ranges = [sample.age_range_years or (np.nan, np.nan) for sample in samples]
    return {
        "split": np.array([SPLITS.index(sample.split) for sample in samples], dtype=np.uint8),
        "emotion": np.array(
            [sample.emotion or (np.nan,) * len(EMOTIONS) for sample in samples], dtype=np.float32
        ),
        "subject": np.array([sample.subject for sample in samples]),
        "fold": np.array([-1 if sample.fold is None else sample.fold for sample in samples], dtype=np.int32),
        "age_low_years": np.array([low for low, _ in ranges], dtype=np.float32),
        "age_high_years": np.array([high for _, high in ranges], dtype=np.float32),
        **{label: _column(samples, label) for label in ("age_years", "female", "smile", "race")},
    }


def _column(samples: Sequence[Sample], label: str) -> npt.NDArray[np.float32]:
    values = (getattr(sample, label) for sample in samples)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)
