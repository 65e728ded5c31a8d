"""From the pose of the class capsule back to the face: the decoder of the reconstruction losses.

Sabour, Frosst and Hinton: Dynamic routing between capsules, NIPS 2017, section 4.1 and figure 2: every capsule but the
right one is set to zero, then fully connected layers of 512 and 1024 units with ReLU, and one of as many as the picture
has pixels. Figure 2.6 of the thesis behind GF-CapsNet (Hosseini and Cho, 2019) puts it on the output poses of matrix
capsules. The last layer has no sigmoid, since our pictures are normalised to mean and deviation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.blocks.capsules.layers import POSE

HIDDEN = (512, 1024)


class PoseDecoder(nn.Module):
    """Poses of class capsules -> picture.

    Args:
        classes: J.
        size: Side of the picture in pixels.
        channels: Of the picture.
        hidden: Units of the layers in between.
    """

    def __init__(self, classes: int, size: int, channels: int, hidden: Sequence[int] = HIDDEN) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        layers: list[nn.Module] = []
        width = classes * POSE
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU(inplace=True)]
            width = units
        self.layers = nn.Sequential(*layers, nn.Linear(width, channels * size * size))

    def forward(self, poses: Tensor, chosen: Tensor) -> Tensor:
        """Return float (N, C, size, size) in the unit of the network's input.

        Args:
            poses: float (N, J, 16).
            chosen: int64 (N,), the capsule that is decoded.
        """
        mask = functional.one_hot(chosen, poses.shape[1]).to(poses.dtype)
        picture: Tensor = self.layers((poses * mask[..., None]).flatten(1))
        return picture.reshape(-1, *self.shape)


def capsule_to_decode(logits: Tensor, target: Tensor) -> Tensor:
    """Return the true class of each face, or the most active capsule where it has no label, int64 (N,).

    Args:
        logits: float (N, J).
        target: float (N, J), class shares; rows of NaN have no label.
    """
    labelled = ~target.isnan().any(dim=1)
    return torch.where(labelled, target.nan_to_num().argmax(dim=1), logits.argmax(dim=1))
