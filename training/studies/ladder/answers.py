"""What a network says of faces: scores and embeddings, with some of them hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.card import AGES_YEARS
from training.blocks.multi_task import MultiTaskNet
from training.fitting.number_format import autocast
from training.studies.ladder.faces import Faces
from training.studies.ladder.settings import Half

Floats = npt.NDArray[np.float32]

_BATCH = 256


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a network says of N faces.

    Attributes:
        logits: float32 (N, classes).
        embeddings: float32 (N, E).
    """

    logits: Floats
    embeddings: Floats

    def said(self, task: str) -> Floats:
        """Return the class numbers said, or the expected years, float32 (N,)."""
        return said(task, self.logits)


def said(task: str, logits: Floats) -> Floats:
    """Return the class numbers that logits (N, classes) say, or the years they expect, float32 (N,)."""
    if task != "age":
        return logits.argmax(axis=1).astype(np.float32)
    probabilities = torch.from_numpy(logits).double().softmax(dim=1).numpy()
    return (probabilities @ np.array(AGES_YEARS, np.float64)).astype(np.float32)


def read_faces(
    net: MultiTaskNet, task: str, faces: Faces, half: Half | None, bfloat16: bool = True, flip: bool = False
) -> Answer:
    """Return what a network, in evaluation mode, says of all faces.

    Args:
        net: The network; it stays in evaluation mode.
        task: Which of its branches.
        faces: The faces.
        half: Which half is hidden; None shows them in full.
        bfloat16: Compute in bfloat16 where the device computes in it.
        flip: Mirror all of them.
    """
    net = net.eval()
    device = next(net.parameters()).device
    found: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(faces), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(faces)))
        images = torch.from_numpy(faces.images(rows, half, np.full(len(rows), flip)))
        images = images.to(device, memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(device, bfloat16):
            embeddings = net.embedding(images, task)
            logits = net.logits_of(embeddings, task)
        found.append((logits.float().cpu(), embeddings.float().cpu()))
    logits, embeddings = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return Answer(logits, embeddings)
