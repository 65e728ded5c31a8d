"""From a set's samples to its prepared files: every picture is read and its face found, in several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tqdm import tqdm

from training.data.face_cuts import Cutter, FaceCut, MeshCutter
from training.data.faults import Faults, OnBad
from training.data.prepared_files import PreparedWriter
from training.data.prepared_places import place_for
from training.data.sample import Sample
from training.data.source import read_samples
from training.errors import DatasetError

DETECTORS = ("mediapipe", "mtcnn")

_BLOCK = 64


def prepare(
    name: str,
    data: Path,
    cache: Path,
    workers: int = 2,
    on_bad: OnBad = "stop",
    detector: str = "mediapipe",
) -> Path:
    """Read one set, find the face of every picture and write the prepared files; return their folder.

    Args:
        name: One of `training.data.prepared.DATA_SETS`.
        data: Folder with the unpacked sets.
        cache: Folder for the prepared files.
        workers: Processes that find landmarks.
        on_bad: "stop" at the first malformed row or picture, or "skip" and count them.
        detector: One of `DETECTORS`.

    Raises:
        DatasetError: The set is missing or malformed, or a picture can't be read.
        RecipeError: The detector is not installed.
    """
    faults = Faults(name, on_bad)
    found, source = read_samples(name, data, faults)
    folder = place_for(name, cache, source)
    blocks = [found[start : start + _BLOCK] for start in range(0, len(found), _BLOCK)]
    bar = tqdm(total=len(found), desc=f"align {name}", unit="face")
    with bar, PreparedWriter(folder, name) as writer:
        for block, cuts in zip(blocks, _cut_blocks(blocks, workers, detector), strict=True):
            for sample, cut in zip(block, cuts, strict=True):
                if isinstance(cut, FaceCut):
                    writer.add(sample, cut)
                else:
                    faults.note(DatasetError(cut))
            bar.update(len(block))
        writer.seal(detector=detector, skipped=faults.count, source=source.as_dict())
    faults.log()
    return folder


def _cut_blocks(
    blocks: Sequence[Sequence[Sample]], workers: int, detector: str
) -> Iterator[list[FaceCut | str]]:
    """Yield the blocks in order; with one worker in this process, else in fresh ones (MediaPipe can't be forked)."""
    cut = partial(_cut_block, detector)
    if workers == 1:
        yield from map(cut, blocks)
        return
    with ProcessPoolExecutor(max_workers=workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(cut, blocks)


_cutters: dict[str, Cutter] = {}


def _cut_block(detector: str, samples: Sequence[Sample]) -> list[FaceCut | str]:
    """Read and cut some faces, or tell what is wrong with one; runs in a worker process, which keeps its models."""
    if detector not in _cutters:
        _cutters[detector] = _new_cutter(detector)
    return [_cut_sample(_cutters[detector], sample) for sample in samples]


def _new_cutter(detector: str) -> Cutter:
    if detector == "mtcnn":
        from training.data.mtcnn import MtcnnCutter

        return MtcnnCutter()
    return MeshCutter()


def _cut_sample(cutter: Cutter, sample: Sample) -> FaceCut | str:
    try:
        picture = sample.picture()
        height, width = picture.shape[:2]
        return cutter(picture, sample.face_box(width, height))
    except DatasetError as error:
        text = str(error)
        return text if text.startswith(str(sample.path)) else f"{sample.path}: {text}"
