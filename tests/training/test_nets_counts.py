"""Numbers of parameters: the published ones, and counts by hand where none is published."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import pytest

from engines.card import LABELS
from tests.training.net_kinds import (
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    short_name,
    vgg13,
    vgg16,
    vgg19,
    without_numbers,
)
from training.blocks.multi_task import parameter_count
from training.nets import (
    bknet,
    densenet,
    ferplus_vgg13,
    googlenet,
    levi,
    resnet,
    resnet_v1,
    resnet_v2,
    vgg,
    vgg16_without_last_pool,
    vgg19_extra_dropout,
    vgg_f,
    vgg_face,
    wide_resnet,
    zero_bias_cnn,
)

STEM = 3 * 64 * (7**2 - 3**2)
"""Weights that a 3x3 stem of 64 channels on colour saves against one of 7x7."""

PRE_ACTIVATION_50 = 25_557_032 - STEM + 2 * (-64 - 15_104 - 3_840 + 13_120 + 2_048)
"""ResNet-50 less the normalisations of the stem, the blocks' ends and the four projections, plus those of the blocks' entries
and of the last stage: two numbers a channel."""


def convolution_numbers(entry: int, *widths: int) -> int:
    """Weights and biases of 3x3 convolutions in a row."""
    return sum((9 * before + 1) * width for before, width in zip((entry, *widths), widths, strict=False))


def linear_numbers(*widths: int) -> int:
    """Weights and biases of linear layers in a row."""
    return sum((before + 1) * width for before, width in pairwise(widths))


@pytest.mark.parametrize(
    ("net", "settings", "published"),
    [
        # torchvision, 1000 classes of colour pictures
        (vgg13, {"size": 224}, 133_047_848),
        (vgg16, {"size": 224}, 138_357_544),
        (vgg19, {"size": 224}, 143_667_240),
        (vgg19_extra_dropout, {"size": 224}, 143_667_240),
        # table 3 of Parkhi et al. is VGG-16
        (vgg_face, {"size": 224}, 138_357_544),
        # a count by hand of table 1 of Chatfield et al.: 224 pixels there end in the 6x6 places that 48 do here
        (
            vgg_f,
            {},
            linear_numbers(11 * 11 * 3, 64)
            + linear_numbers(5 * 5 * 64, 256)
            + 3 * linear_numbers(3 * 3 * 256, 256)
            + linear_numbers(6 * 6 * 256, 4096, 4096, 1000)
            - 64 * 3 * (11**2 - 3**2),
        ),
        (resnet18, {}, 11_689_512 - STEM),
        (resnet34, {}, 21_797_672 - STEM),
        (resnet50, {}, 25_557_032 - STEM),
        (resnet101, {}, 44_549_160 - STEM),
        # a count by hand of section 3.1 of Levi and Hassner: their 227 pixels end in the 7x7 places that 224 do here
        (
            levi,
            {"size": 224, "stem_stride": 4},
            linear_numbers(7 * 7 * 3, 96)
            + linear_numbers(5 * 5 * 96, 256)
            + linear_numbers(3 * 3 * 256, 384)
            + linear_numbers(7 * 7 * 384, 512, 512, 1000),
        ),
        # and of section 3 of Khorrami et al., whose convolutions have no bias
        (
            zero_bias_cnn,
            {"size": 96},
            5 * 5 * (3 * 64 + 64 * 128 + 128 * 256) + linear_numbers(4 * 256, 300, 1000),
        ),
        (densenet, {}, 7_978_856 - STEM - 2 * 64),  # our stem has no normalisation
        # BVLC's Caffe model; each of its 7,280 biases is a scale and a shift here
        (googlenet, {}, 6_998_552 - STEM + 7_280),
        (resnet_v2, {}, PRE_ACTIVATION_50),
        # the same, with two layers of 256 units and their normalisation before the last
        (
            resnet_v1,
            {},
            PRE_ACTIVATION_50 - linear_numbers(2048, 1000) + linear_numbers(2048, 256, 256, 1000) + 2 * 256,
        ),
    ],
    ids=short_name,
)
def test_a_network_of_one_task_has_the_published_number_of_parameters(
    net: ModuleType, settings: dict[str, int], published: int
) -> None:
    assert parameter_count(without_numbers(net, classes={"any": 1000}, channels=3, **settings)) == published


@pytest.mark.parametrize(
    ("depth", "widen", "millions"),
    [(40, 4, 8.9), (16, 8, 11.0), (22, 8, 17.2), (28, 10, 36.5), (28, 12, 52.5)],
)
def test_wide_resnets_are_as_large_as_in_their_paper(depth: int, widen: int, millions: float) -> None:
    net = without_numbers(wide_resnet, classes={"any": 10}, channels=3, depth=depth, widen=widen)

    # table 4 of Zagoruyko and Komodakis, to its last digit, cut or rounded
    assert parameter_count(net) / 1e6 == pytest.approx(millions, abs=0.1)


def test_networks_without_published_count_agree_with_a_count_by_hand() -> None:
    classes = [len(labels) for labels in LABELS.values()]
    ferplus = without_numbers(ferplus_vgg13, classes={"emotion": 8}, size=64)
    vgg_16 = without_numbers(vgg16_without_last_pool)
    bk = without_numbers(bknet)

    assert parameter_count(ferplus) == (
        convolution_numbers(1, 64, 64, 128, 128, *[256] * 6) + linear_numbers(256 * 4 * 4, 1024, 1024, 8)
    )
    assert parameter_count(vgg_16) == convolution_numbers(1, 64, 64, 128, 128, *[256] * 3, *[512] * 6) + sum(
        linear_numbers(512 * 3 * 3, 512, 512, count) for count in classes
    )
    # a scale and a shift in place of a bias: one number more a channel
    assert parameter_count(bk) == (
        convolution_numbers(1, *(widths := (32, 32, 64, 64, 128, 128, 256, 256, 256)))
        + sum(widths)
        + sum(linear_numbers(256 * 3 * 3, 256, 256, count) + 2 * 256 for count in classes)
    )


@pytest.mark.parametrize(("net", "known"), [(vgg, "13, 16, 19"), (resnet, "18, 34, 50, 101")], ids=short_name)
def test_a_depth_that_nobody_published_is_refused(net: ModuleType, known: str) -> None:
    with pytest.raises(ValueError, match=f"depth: expected one of {known}, found 20"):
        net.build(depth=20)
