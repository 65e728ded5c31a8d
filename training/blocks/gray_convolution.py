"""A convolution of a gray picture that trains quickly in bfloat16 on a processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_CHANNELS = 16


class GrayConvolution(nn.Conv2d):
    """`nn.Conv2d` for pictures of few channels, which in training are filled up with channels of zeros.

    oneDNN, which multiplies for PyTorch on processors, has no fast bfloat16 code for so few: a first layer of BKNet (1 to
    32 filters, 128 pictures of 48x48 pixels) took longer than all its other layers' forward passes together, 13 times as
    long as with 16 channels. Weights, answers and gradients are those of `nn.Conv2d`, to within rounding; in evaluation
    mode, and so in an exported model, it is one.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return maps, float (N, out, h, w), of pictures, float (N, in, H, W)."""
        missing = _CHANNELS - self.in_channels
        on_processor = input.device.type == "cpu"
        if not self.training or missing <= 0 or not (on_processor and torch.is_autocast_enabled("cpu")):
            return super().forward(input)
        filled = functional.pad(input, (0, 0, 0, 0, 0, missing))
        weight = functional.pad(self.weight, (0, 0, 0, 0, 0, missing))
        return self._conv_forward(filled.contiguous(memory_format=torch.channels_last), weight, self.bias)
