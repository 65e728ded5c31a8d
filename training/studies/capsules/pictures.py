"""Faces beside what the decoder draws from their class capsule's pose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.card import InputSpec
from engines.gabor import enhanced, enhancing_kernel
from training.blocks.capsules.net import CapsuleNet
from training.multi_task.capsule_loss import CapsuleLoss

_ENLARGED = 3


def reconstruction_picture(
    net: nn.Module, loss: CapsuleLoss, images: Tensor, path: Path, spec: InputSpec | None = None
) -> None:
    """Write a picture of three rows: faces, decoded faces, and the decoded faces' lines as Gabor filters show them.

    Args:
        net: A capsule network.
        loss: With its decoder.
        images: float (N, C, size, size), normalised.
        path: Of the PNG.
        spec: Of the input; None: the usual one.

    Raises:
        ValueError: There is no decoder, or the network has no capsules.
    """
    if loss.decoder is None or not isinstance(net, CapsuleNet):
        raise ValueError(
            "reconstruction: expected a capsule network and its decoder, found none; train with one"
        )
    spec = spec or InputSpec()
    with torch.inference_mode():
        read = net.eval().branches[loss.decoded_task].read(net.features(images))
        decoded = loss.decoder(read.poses, read.capsule_logits.argmax(dim=1))
    rows = [_levels(images, spec), _levels(decoded, spec)]
    kernel = enhancing_kernel()
    rows.append(np.stack([enhanced(one, kernel) for one in rows[1]]))
    sheet = np.vstack([np.hstack(list(row)) for row in rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(
        str(path), cv2.resize(sheet, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_NEAREST)
    )


def _levels(images: Tensor, spec: InputSpec) -> npt.NDArray[np.uint8]:
    """Return gray levels, uint8 (N, size, size)."""
    shares = images.float().mean(dim=1).cpu().numpy() * spec.std + spec.mean
    return np.clip(np.rint(255 * shares), 0, 255).astype(np.uint8)
