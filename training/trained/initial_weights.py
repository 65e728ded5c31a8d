"""Where a training starts: the averaged weights of a finished run, or those of an exported model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.card import CARD_FILE, InputSpec
from engines.models import MODELS_DIR
from training.batches.mixed_batches import plain_images
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces
from training.fitting.loop import averaged_weights
from training.trained.pretrained import load_pretrained
from training.trained.shipped import shipped_net

Floats = npt.NDArray[np.float32]

_STATISTICS_FACES = 512


def names_model(initial: str | Path) -> bool:
    """Return whether this is the name or folder of an exported model, not the folder of a run."""
    return any((folder / CARD_FILE).is_file() for folder in (MODELS_DIR / initial, Path(initial)))


def start_from(net: MultiTaskNet, initial: str, images: Callable[[], Floats], spec: InputSpec) -> None:
    """Give a network the weights it starts from; heads that only training has start as they are with a model's.

    Args:
        net: Changed in place.
        initial: Folder of a finished run, name or folder of an exported model, or a file of pretrained weights.
        images: Returns some training faces, float32 (N, C, size, size), for the statistics of batch normalisation, which
            an exported model has no more.
        spec: Input of the network.

    Raises:
        RecipeError: No finished run, or a model of another network.
        CardError: The model is damaged.
    """
    if Path(initial).is_file():
        load_pretrained(net, Path(initial), spec)
    elif names_model(initial):
        found = shipped_net(initial, images()).state_dict()
        net.load_state_dict({**net.state_dict(), **found})
    else:
        net.load_state_dict(averaged_weights(Path(initial)))


def statistics_images(faces: PreparedFaces, spec: InputSpec, align: bool, seed: int) -> Floats:
    """Return 512 training faces of a set (all, where it has fewer), float32 (N, C, size, size).

    Args:
        faces: The set.
        spec: Input contract of the network.
        align: Use the landmarks.
        seed: Chooses the faces.
    """
    chosen = np.random.default_rng(seed).permutation(faces.where("train"))[:_STATISTICS_FACES]
    return plain_images(faces, np.sort(chosen), spec, align)
