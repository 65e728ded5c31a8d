"""Whether a map finds what the answer rests on: take its pixels away, or bring them back, most telling ones first.

Petsiuk et al.: RISE: randomized input sampling for explanation of black-box models, BMVC 2018, section 4.2: the area
below the probability of the class over the share of pixels deleted (small is good) or inserted (large is good). We differ
in what stands for a missing pixel: the face so blurred that little is left of it, in both directions, where the paper
takes gray for deletion; gray on a half that is black already would be something new to see. Held against it is not
noise, which tears a picture finer than any map does, but the same maps moved and mirrored at random: as coarse and as
uneven as the real ones, at the wrong place.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.explain.score import Classes, Floats, require_explainable

STEPS = 10
"""Shares of the pixels between none and all."""
_BLUR = 1 / 6
"""Deviation of the blur as a share of the side: eyes and mouth are gone."""
_BATCH = 128


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Probability of what a network said of faces while their pixels go and come.

    Attributes:
        deletion: float32 (N, STEPS + 1), with the first 0, 1/STEPS, ... of the pixels deleted.
        insertion: The same, inserted.
    """

    deletion: Floats
    insertion: Floats

    def areas(self) -> tuple[Floats, Floats]:
        """Return each face's area below deletion and below insertion, (N,), 0 to 1."""
        return _area(self.deletion), _area(self.insertion)


def said_classes(net: MultiTaskNet, images: Floats, task: str) -> Classes:
    """Return the class that the network says of each face, (N,).

    Args:
        net: In evaluation mode.
        images: float32 (N, C, size, size), normalised.
        task: A branch of the network, except age.

    Raises:
        RecipeError: Age, a task that the network lacks, or no face.
    """
    if task == "age":
        raise RecipeError(
            "task: expected emotion, gender or smile, whose classes have a probability; found age"
        )
    require_explainable(net, images, task)
    return _probs(net, images, task).argmax(axis=1)


def curves(net: MultiTaskNet, images: Floats, maps: Floats, task: str, classes: Classes) -> Curves:
    """Return the probability of each face's class while pixels go and come in the order of a map.

    Args:
        net: In evaluation mode.
        images: float32 (N, C, size, size), normalised.
        maps: float32 (N, size, size); the highest pixels first, equal ones in a fixed random order.
        task: A branch of the network, except age.
        classes: (N,), of `said_classes`.
    """
    ranks, blank = _ranks(maps), blurred(images)
    gone, come = [], []
    for step in range(STEPS + 1):
        chosen = (ranks < round(step / STEPS * ranks[0].size))[:, None]
        gone.append(_prob(net, np.where(chosen, blank, images), task, classes))
        come.append(_prob(net, np.where(chosen, images, blank), task, classes))
    return Curves(np.stack(gone, axis=1), np.stack(come, axis=1))


def misplaced(maps: Floats, seed: int = 1) -> Floats:
    """Return every map moved by a random way around its edges, and mirrored at random, both ways.

    Args:
        maps: float32 (N, size, size).
        seed: Of the moves.
    """
    random = np.random.default_rng(seed)
    moved = np.empty_like(maps)
    for out, one in zip(moved, maps, strict=True):
        down, right = random.integers(0, one.shape[0], 2)
        mirrored = one[:: random.choice((-1, 1)), :: random.choice((-1, 1))]
        out[:] = np.roll(mirrored, (int(down), int(right)), axis=(0, 1))
    return moved


def blurred(images: Floats) -> Floats:
    """Return images (N, C, size, size) without their features."""
    deviation = images.shape[-1] * _BLUR
    channels = [
        cv2.GaussianBlur(plane, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE)
        for plane in images.reshape(-1, *images.shape[2:])
    ]
    return np.stack(channels).reshape(images.shape).astype(np.float32)


def _ranks(maps: Floats) -> npt.NDArray[np.int64]:
    """Return each pixel's place in the order, (N, size, size), 0 for the highest."""
    flat = maps.reshape(len(maps), -1)
    tie_breakers = np.random.default_rng(2).random(flat.shape)
    order = np.lexsort((tie_breakers, -flat), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1])[None], axis=1)
    return ranks.reshape(maps.shape)


def _prob(net: MultiTaskNet, images: Floats, task: str, classes: Classes) -> Floats:
    chosen: Floats = np.take_along_axis(_probs(net, images, task), classes[:, None], axis=1)[:, 0]
    return chosen


def _probs(net: MultiTaskNet, images: Floats, task: str) -> Floats:
    with torch.inference_mode():
        found = [
            net(torch.from_numpy(images[start : start + _BATCH]))[task].softmax(dim=1)
            for start in range(0, len(images), _BATCH)
        ]
    probs: Floats = torch.cat(found).numpy()
    return probs


def _area(curve: Floats) -> Floats:
    area: Floats = ((curve[:, 1:] + curve[:, :-1]) / 2).mean(axis=1)
    return area
