"""Batches that hold faces of every set at once, each set repeated as often as its share needs (BK5, GF7)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.card import InputSpec
from engines.preprocess import cut_chip, normalise
from training.data.augmentation import Augmentation
from training.data.prepared import PreparedFaces
from training.errors import DatasetError

LABELS = ("age_years", "female", "smile", "race")
_PREFETCHED = 6


@dataclass(frozen=True)
class MixedBatches:
    """Training batches with a fixed number of faces from each set.

    Attributes:
        sets: Set name -> prepared faces; their "train" split is used.
        shares: Set name -> faces in every batch. Batch normalisation then sees the same mixture in every step.
        spec: Input of the network.
        augmentation: How faces are changed.
        align: Use the landmarks.
        epoch_set: An epoch is one pass over this set; the others are repeated or cut to fit.
        seed: Makes the order and every change repeatable, epoch by epoch.
    """

    sets: Mapping[str, PreparedFaces]
    shares: Mapping[str, int]
    spec: InputSpec
    augmentation: Augmentation
    align: bool
    epoch_set: str
    seed: int
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        for name in self.shares:
            if len(self.sets[name].where("train")) == 0:
                raise DatasetError(f"{name}: expected training pictures, found none; prepare the set again")
        steps = len(self.sets[self.epoch_set].where("train")) // self.shares[self.epoch_set]
        object.__setattr__(self, "steps", max(1, steps))

    def epoch(self, number: int) -> Iterator[dict[str, Tensor]]:
        """Yield the batches of one epoch: image (N, C, size, size), emotion (N, 8), age_years, female, smile (N,).

        A thread prepares the next batches meanwhile (OpenCV works outside the interpreter's lock).
        """
        ready: queue.Queue[dict[str, Tensor] | BaseException | None] = queue.Queue(_PREFETCHED)
        stopped = threading.Event()
        worker = threading.Thread(
            target=self._produce, args=(number, ready, stopped), daemon=True, name="batches"
        )
        worker.start()
        try:
            while (batch := ready.get()) is not None:
                if isinstance(batch, BaseException):
                    raise batch
                yield batch
        finally:
            stopped.set()
            while not ready.empty():
                ready.get_nowait()
            worker.join()

    def _produce(self, number: int, ready: queue.Queue, stopped: threading.Event) -> None:
        try:
            random = np.random.default_rng((self.seed, number))
            orders = {name: _endless(self.sets[name].where("train"), random) for name in self.shares}
            for _ in range(self.steps):
                if stopped.is_set():
                    return
                ready.put(self._batch(orders, random))
            ready.put(None)
        except Exception as error:  # the thread's top: the loop raises it
            ready.put(error)

    def _batch(self, orders: Mapping[str, Iterator[int]], random: np.random.Generator) -> dict[str, Tensor]:
        count, size = sum(self.shares.values()), self.spec.size
        images = np.empty((count, self.spec.channels, size, size), dtype=np.float32)
        chosen = [
            (self.sets[name], next(orders[name])) for name, share in self.shares.items() for _ in range(share)
        ]
        for row, (faces, position) in zip(images, chosen, strict=True):
            matrix = self.augmentation.geometry(faces.matrix(position, size, self.align), size, random)
            chip = cut_chip(faces.image(position), matrix, self.spec)
            normalise(self.augmentation.light(chip, random), self.spec, row)
        batch = {"image": torch.from_numpy(images)}
        batch["emotion"] = torch.from_numpy(np.stack([faces.emotion[position] for faces, position in chosen]))
        for label in LABELS:
            batch[label] = torch.tensor([getattr(faces, label)[position] for faces, position in chosen])
        return batch


def plain_images(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], spec: InputSpec, align: bool
) -> npt.NDArray[np.float32]:
    """Return unchanged faces as the program would prepare them, float32 (N, C, size, size)."""
    images = np.empty((len(positions), spec.channels, spec.size, spec.size), dtype=np.float32)
    for row, position in zip(images, positions, strict=True):
        matrix = faces.matrix(int(position), spec.size, align)
        normalise(cut_chip(faces.image(int(position)), matrix, spec), spec, row)
    return images


def _endless(positions: npt.NDArray[np.int64], random: np.random.Generator) -> Iterator[int]:
    """Yield the positions in random order, again and again, each once a round."""
    while True:
        yield from (int(position) for position in random.permutation(positions))
