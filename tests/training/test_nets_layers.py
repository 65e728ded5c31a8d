"""The order of the layers, against the papers."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import nn

from tests.training.net_kinds import resnet18, resnet50, short_name, small, vgg13, without_numbers
from training.blocks.pre_activation import PreActivation
from training.nets import densenet, resnet_v1, resnet_v2, wide_resnet


def test_resnet_v1_shares_all_residual_blocks_and_v2_three_stages_of_four() -> None:
    def blocks(module: nn.Module) -> int:
        return sum(isinstance(part, PreActivation) for part in module.modules())

    first, second = without_numbers(resnet_v1), without_numbers(resnet_v2)

    assert (blocks(first.trunk), {blocks(branch) for branch in first.branches.values()}) == (16, {0})
    assert (blocks(second.trunk), {blocks(branch) for branch in second.branches.values()}) == (13, {3})


@pytest.mark.parametrize("net", [resnet_v1, resnet_v2, wide_resnet], ids=short_name)
def test_pre_activation_blocks_normalise_before_every_convolution(net: ModuleType) -> None:
    for block in small(net).modules():
        if isinstance(block, PreActivation):
            order = [type(layer) for layer in (*block.activation, *block.layers)]
            order = [kind for kind in order if kind is not nn.Dropout]
            assert order == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d] * (len(order) // 3)
            assert len(order) == (6 if net is wide_resnet else 9)


def test_the_short_cut_is_the_input_itself_before_activation_and_rectified_after() -> None:
    features = torch.randn(2, 8, 4, 4)
    before = PreActivation(8, 8, 1, [nn.Conv2d(8, 8, 3, padding=1, bias=False)])
    nn.init.zeros_(before.layers[-1].weight)
    after = small(resnet18).trunk[1][0]
    nn.init.zeros_(after.layers[-1].weight)

    assert torch.equal(before(features), features)
    assert torch.equal(after(features), features.relu())


def test_sub_sampling_blocks_of_the_bottlenecks_have_their_stride_in_the_3x3_convolution() -> None:
    for net in (resnet50, resnet_v1):
        strided = [
            module
            for name, module in without_numbers(net).trunk.named_modules()
            if isinstance(module, nn.Conv2d) and module.stride == (2, 2) and ".layers." in name
        ]
        assert [module.kernel_size for module in strided] == [(3, 3)] * 3


def test_the_last_pooling_of_vgg_reads_every_place_of_48_pixels() -> None:
    torch.manual_seed(1)
    last = small(vgg13).trunk[4]
    features = torch.randn(1, 64, 3, 3, requires_grad=True)
    last(features).sum().backward()

    assert tuple(last(features).shape) == (1, 64, 2, 2)
    assert (features.grad.abs().sum(dim=1) > 0).all()
    pool = last[-1]
    places = torch.arange(9.0).reshape(1, 1, 3, 3)
    assert pool(places).flatten().tolist() == [4, 5, 7, 8]


def test_dense_layers_append_to_what_they_read() -> None:
    block = small(densenet).eval().trunk[1]
    features = torch.randn(2, 8, 6, 6)
    made = block(features)

    assert tuple(made.shape) == (2, 8 + 2 * 4, 6, 6)
    assert torch.equal(made[:, :8], features)
    assert torch.equal(made[:, :12], block[0](features))


def test_a_depth_that_no_number_of_blocks_gives_is_refused() -> None:
    with pytest.raises(ValueError, match=r"depth: expected 6 n \+ 4 .* found 30"):
        wide_resnet.build(depth=30)
