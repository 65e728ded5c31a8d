"""Gabor responses in front of a network: beside the image as further channels, or fused with it into one picture.

Hosseini and Cho: GF-CapsNet: using Gabor jet and capsule networks for face-related tasks, 2019 (chapter 2 of the thesis),
section 2.1.1 and figure 2.2. The filters are fixed (`engines.gabor`); the weights of the fusion are learned with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.gabor import WAVELENGTHS_PX, BankName, gabor_bank, require_kernel
from training.blocks.multi_task import MultiTaskNet


class GaborConvolution(nn.Module):
    """The bank as a fixed convolution: float (N, C, H, W) -> (N, F, H, W), of the mean of the channels, zeros around it.

    Args:
        bank: "jet" (F = 32) or "single" (8).
        kernel: Side of the filters in pixels, odd.

    Raises:
        ValueError: No such bank, or the side is no odd number.
    """

    filters: Tensor

    def __init__(self, bank: BankName = "jet", kernel: int = 3) -> None:
        super().__init__()
        # torch's convolution correlates: turned by half a turn, the filters are those of equation 2.1.
        turned = gabor_bank(bank, kernel)[:, None, ::-1, ::-1].copy()
        self.register_buffer("filters", torch.from_numpy(turned).float(), persistent=False)
        self.kernel = kernel
        self.count = len(turned)

    def forward(self, image: Tensor) -> Tensor:
        """Return the responses, float (N, F, H, W)."""
        gray = image.mean(dim=1, keepdim=True)
        return functional.conv2d(gray, self.filters.to(image.dtype), padding=self.kernel // 2)


class GaborConcatenation(nn.Module):
    """The image and its responses as one picture of many channels (figure 2.2a): (N, C, H, W) -> (N, C + F, H, W).

    Args:
        channels: C.
        bank: "jet" or "single".
        kernel: Side of the filters in pixels, odd.
    """

    def __init__(self, channels: int = 1, bank: BankName = "jet", kernel: int = 3) -> None:
        super().__init__()
        self.gabor = GaborConvolution(bank, kernel)
        self.channels = channels + self.gabor.count

    def forward(self, image: Tensor) -> Tensor:
        """Return float (N, C + F, H, W)."""
        return torch.cat([image, self.gabor(image)], dim=1)


class GaborFusion(nn.Module):
    """Equation 2.2, F_in = w_image I + sum_k w_k F_k: a learned 1x1 convolution over image and responses, without bias.

    It is computed as one convolution with the kernel w_image delta + sum_k w_k g_k, which is the same number by number
    (both are linear) and costs a 33rd. The thesis does not say where the weights start: ours start at the image itself
    with a little of every response, drawn so that all responses together have a tenth of the image's deviation.

    Args:
        channels: C; an image of colours counts as their mean, as a gray one does.
        bank: "jet" or "single".
        kernel: Side of the filters in pixels, odd.
    """

    channels = 1

    def __init__(self, channels: int = 1, bank: BankName = "jet", kernel: int = 3) -> None:
        super().__init__()
        self.gabor = GaborConvolution(bank, kernel)
        self.image_weight = nn.Parameter(torch.ones(1))
        gains = self.gabor.filters.abs().sum(dim=(1, 2, 3))
        self.weights = nn.Parameter(0.1 * torch.randn(self.gabor.count) / (gains * self.gabor.count**0.5))
        middle = torch.zeros_like(self.gabor.filters[:1])
        middle[..., kernel // 2, kernel // 2] = 1
        self.register_buffer("middle", middle, persistent=False)

    middle: Tensor

    def fused_kernel(self) -> Tensor:
        """Return w_image delta + sum_k w_k g_k, float (1, 1, kernel, kernel), as torch correlates with it."""
        summed = torch.tensordot(self.weights, self.gabor.filters, dims=1)[None]
        return self.image_weight * self.middle + summed

    def forward(self, image: Tensor) -> Tensor:
        """Return the fused picture, float (N, 1, H, W), of float (N, C, H, W)."""
        gray = image.mean(dim=1, keepdim=True)
        return functional.conv2d(gray, self.fused_kernel().to(image.dtype), padding=self.gabor.kernel // 2)


Front = GaborConcatenation | GaborFusion
FEEDINGS: dict[str, type[Front]] = {"concatenation": GaborConcatenation, "fusion": GaborFusion}


@dataclass(frozen=True, slots=True)
class GaborSettings:
    """Whether and how a network gets Gabor responses; `--set gabor=fusion` is short for `--set gabor.feeding=fusion`.

    Attributes:
        feeding: "none", or one of `FEEDINGS`.
        bank: "jet" or "single".
        kernel: Side of the filters in pixels, odd.
    """

    SHORT: ClassVar[str] = "feeding"

    feeding: str = "none"
    bank: BankName = "jet"
    kernel: int = 3

    def __post_init__(self) -> None:
        if self.feeding not in ("none", *FEEDINGS):
            raise ValueError(f"feeding: expected one of none, {', '.join(FEEDINGS)}, found {self.feeding!r}")
        if self.bank not in WAVELENGTHS_PX:
            raise ValueError(f"bank: expected one of {', '.join(WAVELENGTHS_PX)}, found {self.bank!r}")
        if self.kernel < 3 or self.kernel % 2 == 0:
            raise ValueError(f"kernel: expected an odd number of pixels from 3, found {self.kernel}")

    def front(self, channels: int, size: int) -> Front | None:
        """Return what turns an image into the input of a network of `front.channels` channels; None for "none".

        Args:
            channels: Of the image.
            size: Its side in pixels.

        Raises:
            ValueError: The kernel is larger than the image.
        """
        if self.feeding == "none":
            return None
        require_kernel(self.kernel, size)
        return FEEDINGS[self.feeding](channels, self.bank, self.kernel)


def fed_by(front: Front, net: MultiTaskNet) -> MultiTaskNet:
    """Put a front before a network's trunk; return the network.

    Args:
        front: Gives what the network reads.
        net: Built for `front.channels` channels.
    """
    net.trunk = nn.Sequential(front, net.trunk)
    return net


def front_of(net: MultiTaskNet) -> Front | None:
    """Return a network's Gabor front, or None where it has none."""
    first = net.trunk[0] if isinstance(net.trunk, nn.Sequential) and len(net.trunk) else None
    return first if isinstance(first, GaborConcatenation | GaborFusion) else None
