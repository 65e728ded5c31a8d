"""Batches for the visibility network, a fixed number of faces from each set in every one."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from engines.card import InputSpec
from engines.preprocess import normalise
from training.errors import DatasetError
from training.occlusion.visibility_faces import Bytes, Floats, VisibilityFaces

PREFETCHED = 6


@dataclass(frozen=True)
class VisibilityBatches:
    """Batches with a fixed number of faces from each set; see `training.batches.mixed_batches`.

    Attributes:
        sets: Set name -> its faces.
        shares: Set name -> faces in every batch; an epoch is one pass over the first.
        seed: Makes everything repeatable.
        steps: Batches in an epoch.
    """

    sets: Mapping[str, VisibilityFaces]
    shares: Mapping[str, int]
    seed: int
    steps: int = field(init=False)

    def __post_init__(self) -> None:
        for name in self.shares:
            if not len(self.sets[name].usable("train")):
                raise DatasetError(
                    f"{name}: expected training faces with a mesh, found none; prepare it again"
                )
        first = next(iter(self.shares))
        steps = max(1, len(self.sets[first].usable("train")) // self.shares[first])
        object.__setattr__(self, "steps", steps)

    def epoch(
        self, number: int, first: int = 0, part: int = 0, parts: int = 1
    ) -> Generator[dict[str, Tensor], None, None]:
        """Yield the batches of one epoch: image (N, 1, size, size), occlusion (N,), alignment (N, 20)."""
        steps = iter(range(first, self.steps))
        waiting: deque[Future[dict[str, Tensor]]] = deque()
        pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        try:
            for step in islice(steps, PREFETCHED):
                waiting.append(pool.submit(self.batch, number, step, part, parts))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(
                    pool.submit(self.batch, number, step, part, parts) for step in islice(steps, 1)
                )
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def batch(self, number: int, step: int, part: int = 0, parts: int = 1) -> dict[str, Tensor]:
        """Return one batch, or a part of it."""
        random = np.random.default_rng((self.seed, number, step))
        rows = []
        for name, share in self.shares.items():
            positions = self.sets[name].usable("train")
            chosen = random.choice(positions, share, replace=share > len(positions))
            rows += [(self.sets[name], int(position), int(random.integers(2**32))) for position in chosen]
        return stacked(
            [
                faces.sample(position, np.random.default_rng(seed))
                for faces, position, seed in rows[part::parts]
            ],
            rows[0][0].spec,
        )


def stacked(samples: list[tuple[Bytes, int, Floats]], spec: InputSpec) -> dict[str, Tensor]:
    """Return samples as one batch."""
    images = np.empty((len(samples), 1, spec.size, spec.size), np.float32)
    for image, (chip, _, _) in zip(images, samples, strict=True):
        normalise(chip, spec, image)
    return {
        "image": torch.from_numpy(images),
        "occlusion": torch.tensor([kind for _, kind, _ in samples]),
        "alignment": torch.from_numpy(np.stack([points.ravel() for *_, points in samples])),
    }
