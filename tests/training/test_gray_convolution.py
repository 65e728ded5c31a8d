from __future__ import annotations

import pytest
import torch
from torch import nn

from training.blocks.gray_convolution import GrayConvolution
from training.number_format import computes_in_bfloat16


def pair(entry: int) -> tuple[GrayConvolution, nn.Conv2d]:
    torch.manual_seed(1)
    ours = GrayConvolution(entry, 24, 3, padding=1)
    plain = nn.Conv2d(entry, 24, 3, padding=1)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


@pytest.mark.parametrize("entry", [1, 3])
def test_maps_and_gradients_are_those_of_a_plain_convolution(entry: int) -> None:
    ours, plain = pair(entry)
    image = torch.randn(6, entry, 20, 20)

    found = []
    for layer in (ours.train(), plain.train()):
        leaf = image.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            maps = layer(leaf)
        maps.float().square().mean().backward()
        found.append((maps.detach().float(), layer.weight.grad, layer.bias.grad, leaf.grad))

    for mine, wanted in zip(*found, strict=True):
        assert mine.shape == wanted.shape
        assert torch.allclose(mine, wanted, atol=0.02 * float(wanted.abs().max()))


def test_pictures_are_filled_up_only_in_training_and_only_in_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, _ = pair(1)
    seen = []
    plain = nn.Conv2d._conv_forward

    def conv_forward(self, picture, weight, bias):
        seen.append(picture.shape[1])
        return plain(self, picture, weight, bias)

    monkeypatch.setattr(nn.Conv2d, "_conv_forward", conv_forward)
    image = torch.randn(2, 1, 16, 16)
    ours.train()(image)
    with torch.autocast("cpu", torch.bfloat16):
        ours(image)
        ours.eval()(image)

    assert seen == [1, 16, 1]


def test_a_convolution_of_many_channels_is_left_alone() -> None:
    ours, plain = pair(32)
    image = torch.randn(2, 32, 16, 16)

    with torch.autocast("cpu", torch.bfloat16, enabled=computes_in_bfloat16("cpu")):
        assert torch.equal(ours.train()(image), plain.train()(image))
