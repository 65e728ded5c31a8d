"""Occlusion sensitivity as the program shows it live: how much the answer falls when a piece of the face is covered.

Zeiler and Fergus: Visualizing and understanding convolutional networks, ECCV 2014, section 4.2, with the covers and the
scale of `engines.sensitivity`. The program asks about the pieces over several frames and a moving mean; here all are asked
about one picture. For age, a piece counts by how far the expected age moves, up or down.
"""

from __future__ import annotations

import numpy as np
import torch

from engines.card import AGES_YEARS
from engines.sensitivity import PLACES, Covers, log_odds
from training.blocks.multi_task import MultiTaskNet
from training.explain.score import Classes, Floats, require_explainable, to_one

TITLE = "occlusion sensitivity"


def explain(net: MultiTaskNet, images: Floats, task: str, classes: Classes | None = None) -> Floats:
    """Return which places of each face the answer rests on; see the package."""
    require_explainable(net, images, task)
    covers = Covers((*images.shape[2:], images.shape[1]), PLACES * PLACES, np.float32)
    maps = np.empty((len(images), *images.shape[2:]), np.float32)
    for number, image in enumerate(images):
        chosen = None if classes is None else int(classes[number])
        maps[number] = covers.spread(np.clip(_falls(net, covers, image, task, chosen), 0, None))
    return to_one(maps)


def _falls(net: MultiTaskNet, covers: Covers, image: Floats, task: str, chosen: int | None) -> Floats:
    """Return each piece's part in the answer, (pieces,), for an image (C, size, size)."""
    covered = covers.over(np.ascontiguousarray(np.moveaxis(image, 0, -1)), range(PLACES * PLACES))
    batch = np.concatenate([image[None], np.moveaxis(covered, -1, 1)])
    with torch.inference_mode():
        probs = net(torch.from_numpy(batch))[task].softmax(dim=1).numpy()
    if task == "age":
        years = probs @ np.asarray(AGES_YEARS, np.float32)
        moved: Floats = np.abs(years[0] - years[1:])
        return moved
    odds = log_odds(probs[:, probs[0].argmax() if chosen is None else chosen])
    falls: Floats = odds[0] - odds[1:]
    return falls
