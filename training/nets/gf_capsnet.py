"""GF-CapsNet at the size of the papers: 32 kinds of capsules in every layer, two convolutions at the head.

Hosseini and Cho: GF-CapsNet: using Gabor jet and capsule networks for face-related tasks, 2019 (chapter 2 of the thesis,
figure 2.5): the network of Hinton, Sabour and Frosst: Matrix capsules with EM routing, ICLR 2018 (a 5x5 convolution of
stride 2 and 32 channels, then 32 kinds of capsules in the primary layer and in both convolutional ones, kernel 3, strides 2
and 1, class capsules with coordinate addition), one more convolution at the head, and Gabor responses beside the image
(`--set gabor=concatenation`).

Image (N, C, 48, 48); convolutions (N, 64, 24, 24) and (N, 128, 12, 12); 32 kinds of primary capsules at 12 x 12 places;
convolutional capsules (N, 32 kinds, 5 x 5) and (N, 32 kinds, 3 x 3); the shared features are (N, 17 * 32, 3, 3); per task
one capsule a class (N, classes).

The thesis gives no widths, only that the network has 19.1 million numbers. This one has 0.45 million for eight classes,
0.50 with Gabor responses, and 3.5 million with the decoder of its reconstruction loss (512 and 1024 units, 48 x 48 pixels).
With a decoder for pictures of 128 x 128 pixels it would be 17.9 million: the thesis' count is likely to be mostly decoder,
but it does not say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.blocks.capsules.net import CapsuleNet
from training.nets import matrix_capsules

INPUT = (1, 48, 48)
CONVOLUTIONS = ((64, 5, 2), (128, 3, 2))
KINDS = (32, 32, 32)
SMALL = matrix_capsules.SMALL


def build(
    classes: Mapping[str, int] | None = None,
    size: int = INPUT[1],
    channels: int = INPUT[0],
    **settings: Any,
) -> CapsuleNet:
    """Return an untrained network.

    Args:
        classes: Task -> number of classes; all tasks of `engines.card.LABELS` unless given.
        size: Side of the input in pixels.
        channels: 1 gray, 3 RGB, or more with Gabor responses.
        settings: Of `matrix_capsules.build`, in place of the papers'.

    Raises:
        ValueError: A setting is out of its range.
    """
    return matrix_capsules.build(
        classes, size, channels, **{"convolutions": CONVOLUTIONS, "kinds": KINDS, **settings}
    )
