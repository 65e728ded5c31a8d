"""Batches that hold faces of every set at once, each set repeated as often as its share needs.

What a batch holds follows from seed, epoch and number alone, so it is the same with any number of workers and
processes, and after a resume.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.card import InputSpec
from engines.preprocess import cut_chip, normalised
from training.batches.face_order import EndlessOrder, alternating_turns
from training.data.augmentation import Augmentation
from training.data.prepared import PreparedFaces
from training.errors import DatasetError, RecipeError
from training.occlusion.either_half import EitherHalf
from training.occlusion.hiding import Hider

LABELS = ("age_years", "female", "smile", "race")
PREFETCHED = 6
"""Batches that are ready, or being made, ahead of the one in use."""

_ORDER, _CHANGES, _FORMS = 0, 1, 2
"""Second number of a seed: the order of faces, their changes and what hides them draw from different streams."""

Batch = dict[str, Tensor]
Rows = npt.NDArray[np.int64]
Change = Callable[[npt.NDArray[np.float32], int], npt.NDArray[np.float32]]


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
        extra: Set name -> label -> float (N, ...) of all its pictures, added to the batches; rows of NaN for other
            sets. The name of a set's own label replaces it.
        sampling: Set name -> float (N,) weights of its pictures, how often each is drawn in relation to the others of
            its set; a set that is absent here has each picture once a round.
        mixing: "mixed", or "alternating": each batch is from one set only, as often as its share says; the baseline
            that mixed batches are compared with.
        hider: Hides the faces, or None.
        workers: Threads that make batches.
        epoch_steps: Batches in an epoch, however many faces `epoch_set` has; 0 for one pass over it.
        steps: Batches in an epoch.
    """

    sets: Mapping[str, PreparedFaces]
    shares: Mapping[str, int]
    spec: InputSpec
    augmentation: Augmentation
    align: bool
    epoch_set: str
    seed: int
    extra: Mapping[str, Mapping[str, npt.NDArray[Any]]] = field(default_factory=dict)
    sampling: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    mixing: Literal["mixed", "alternating"] = "mixed"
    hider: Hider | EitherHalf | None = None
    workers: int = 1
    epoch_steps: int = 0
    steps: int = field(init=False)
    _faces: tuple[PreparedFaces, ...] = field(init=False, repr=False)
    _orders: tuple[EndlessOrder, ...] = field(init=False, repr=False)
    _turns: tuple[Rows, Rows] = field(init=False, repr=False)
    _matrices: tuple[npt.NDArray[np.float32], ...] = field(init=False, repr=False)
    _labels: tuple[Mapping[str, npt.NDArray[Any]], ...] = field(init=False, repr=False)
    _shapes: Mapping[str, tuple[int, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.mixing not in ("mixed", "alternating"):
            raise RecipeError(f"mixing: expected mixed or alternating, found {self.mixing!r}")
        if self.workers < 1:
            raise RecipeError(f"workers: expected 1 or more threads, found {self.workers}")
        trained = {name: self.sets[name].where("train") for name in self.shares}
        for name, positions in trained.items():
            if len(positions) == 0:
                raise DatasetError(f"{name}: expected training pictures, found none; prepare the set again")
        steps = self.epoch_steps or max(1, len(trained[self.epoch_set]) // self.shares[self.epoch_set])
        labels = tuple(_labels(self.sets[name], self.extra.get(name, {})) for name in self.shares)
        made = {
            "steps": steps,
            "_faces": tuple(_in_memory(self.sets[name]) for name in self.shares),
            "_orders": tuple(
                EndlessOrder(positions, self._weights(name, positions), (self.seed, _ORDER, place))
                for place, (name, positions) in enumerate(trained.items())
            ),
            "_turns": alternating_turns(tuple(self.shares.values()), steps),
            "_matrices": tuple(
                _matrices(self.sets[name], positions, self.spec.size, self.align)
                for name, positions in trained.items()
            ),
            "_labels": labels,
            "_shapes": _shapes(labels),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def epoch(
        self, number: int, first: int = 0, part: int = 0, parts: int = 1
    ) -> Generator[Batch, None, None]:
        """Yield the batches of one epoch; threads prepare the next ones meanwhile (OpenCV works outside Python's lock).

        Args:
            number: Which epoch.
            first: Leave out the batches before this one; they cost nothing.
            part: Which part of every batch to make, from 0: each of several processes takes another one.
            parts: Number of parts; rows part, part + parts, ... make one.

        Yields:
            image float32 (N, C, size, size); emotion (N, 8), age_years, female, smile, race (N,), NaN where absent;
            source int64 (N,), position of the face's set in `shares`; index int64 (N,), its position in the set; the
            labels of `extra`.

        Raises:
            RecipeError: The batch can't be divided into equal parts.
        """
        count = sum(self.shares.values())
        if count % parts:
            raise RecipeError(
                f"shares: expected a sum that {parts} processes can share equally, found {count}; change the shares"
            )
        steps = iter(range(first, self.steps))
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="batches")
        waiting: deque[Future[Batch]] = deque()
        try:
            for step in islice(steps, max(PREFETCHED, self.workers)):
                waiting.append(pool.submit(self.batch, number, step, part, parts))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(
                    pool.submit(self.batch, number, step, part, parts) for step in islice(steps, 1)
                )
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def batch(self, number: int, step: int, part: int = 0, parts: int = 1) -> Batch:
        """Return one batch of an epoch, or a part of it; see `epoch`."""
        source, index = self._chosen(number, step)
        random = np.random.default_rng((self.seed, _CHANGES, number, step))
        rows = slice(part, None, parts)
        changes = self.augmentation.draw(len(source), self.spec.size, random).of(rows)
        source, index = source[rows], index[rows]
        matrices = changes.matrices(self._plain_matrices(source, index))
        chips = self._chips(source, index, matrices)
        if self.hider is None:
            images = changes.normalised(chips, self.spec)
        else:
            random = np.random.default_rng((self.seed, _FORMS, number, step))
            forms = self.hider.draw_forms(sum(self.shares.values()), random)[rows]
            forms = self.hider.draw_on(chips, forms, source, index, changes.maps)
            images = changes.normalised(chips, self.spec)
            self.hider.blacken(images, forms, matrices, self._heights(source, index), self.spec)
        return {"image": torch.from_numpy(images), **self._labels_of(source, index)}

    def _chosen(self, number: int, step: int) -> tuple[Rows, Rows]:
        """Return the set and the position of every face of a batch."""
        shares = tuple(self.shares.values())
        if self.mixing == "alternating":
            place, before = (int(turns[step]) for turns in self._turns)
            index = self._orders[place].at(number, before * sum(shares), sum(shares))
            return np.full(len(index), place, np.int64), index
        chosen = [
            order.at(number, step * share, share) for order, share in zip(self._orders, shares, strict=True)
        ]
        return np.repeat(np.arange(len(shares)), shares), np.concatenate(chosen)

    def _plain_matrices(self, source: Rows, index: Rows) -> npt.NDArray[np.float32]:
        matrices = np.empty((len(source), 2, 3), np.float32)
        for place, own in enumerate(self._matrices):
            matrices[source == place] = own[index[source == place]]
        return matrices

    def _heights(self, source: Rows, index: Rows) -> Rows:
        heights = np.empty(len(source), np.int64)
        for place, faces in enumerate(self._faces):
            heights[source == place] = faces.shapes[index[source == place], 0]
        return heights

    def _chips(self, source: Rows, index: Rows, matrices: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        size = self.spec.size
        shape = (size, size) if self.spec.channels == 1 else (size, size, self.spec.channels)
        chips = np.empty((len(source), *shape), np.uint8)
        for row, (place, position) in enumerate(zip(source.tolist(), index.tolist(), strict=True)):
            chips[row] = cut_chip(self._faces[place].image(position), matrices[row], self.spec)
        return chips

    def _labels_of(self, source: Rows, index: Rows) -> Batch:
        batch = {"source": torch.from_numpy(source), "index": torch.from_numpy(index)}
        for label, shape in self._shapes.items():
            values = np.full((len(source), *shape), np.nan, np.float32)
            for place, own in enumerate(self._labels):
                if label in own:
                    values[source == place] = own[label][index[source == place]]
            batch[label] = torch.from_numpy(values)
        return batch

    def _weights(self, name: str, positions: Rows) -> npt.NDArray[Any] | None:
        if name not in self.sampling:
            return None
        _check_rows(f"{name}.sampling", self.sampling[name], len(self.sets[name]))
        return self.sampling[name][positions]


def plain_images(
    faces: PreparedFaces,
    positions: npt.NDArray[np.int64],
    spec: InputSpec,
    align: bool,
    change: Change | None = None,
) -> npt.NDArray[np.float32]:
    """Return faces as a network that is not exported takes them, float32 (N, C, size, size); see `plain_chips`."""
    return normalised(plain_chips(faces, positions, spec, align, change), spec)


def plain_chips(
    faces: PreparedFaces,
    positions: npt.NDArray[np.int64],
    spec: InputSpec,
    align: bool,
    change: Change | None = None,
) -> npt.NDArray[np.uint8]:
    """Return faces as the program cuts them, uint8 (N, size, size) or (N, size, size, 3).

    Args:
        faces: The set.
        positions: Which faces.
        spec: The input.
        align: Use the landmarks.
        change: (crop map float32 (2, 3), side of the chip) -> the map to cut with; None leaves it as it is.
    """
    chips = np.empty((len(positions), *spec.chip_shape), dtype=np.uint8)
    for chip, position in zip(chips, positions, strict=True):
        matrix = faces.matrix(int(position), spec.size, align)
        if change is not None:
            matrix = change(matrix, spec.size)
        chip[:] = cut_chip(faces.image(int(position)), matrix, spec)
    return chips


def _in_memory(faces: PreparedFaces) -> PreparedFaces:
    """Return the set with its pixels as a plain array: slicing a memory map costs 10 us more a picture."""
    return replace(faces, pixels=np.asarray(faces.pixels))


def _matrices(faces: PreparedFaces, positions: Rows, size: int, align: bool) -> npt.NDArray[np.float32]:
    """Return the unchanged crop maps of some pictures, in the rows of their positions; made once, 10 us a picture."""
    matrices = np.zeros((len(faces), 2, 3), np.float32)
    for position in positions.tolist():
        matrices[position] = faces.matrix(position, size, align)
    return matrices


def _labels(faces: PreparedFaces, extra: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    for label, values in extra.items():
        _check_rows(f"{faces.name}.extra.{label}", values, len(faces))
    return {**{label: getattr(faces, label) for label in ("emotion", *LABELS)}, **extra}


def _check_rows(name: str, values: npt.NDArray[Any], count: int) -> None:
    if len(values) != count:
        raise DatasetError(
            f"{name}: expected a row for each of the {count} pictures, found {len(values)}; make it from this set"
        )


def _shapes(labels: tuple[Mapping[str, npt.NDArray[Any]], ...]) -> dict[str, tuple[int, ...]]:
    """Return label -> shape of one row; all sets must agree."""
    shapes: dict[str, tuple[int, ...]] = {}
    for own in labels:
        for label, values in own.items():
            if shapes.setdefault(label, values.shape[1:]) != values.shape[1:]:
                raise DatasetError(
                    f"extra.{label}: expected rows of shape {shapes[label]} as in the sets before, found {values.shape[1:]}"
                )
    return shapes
