"""Networks against the literature: numbers of parameters, shapes, what the tasks share, the order of the layers."""

from __future__ import annotations

import importlib
import pkgutil
from itertools import pairwise
from types import ModuleType

import pytest
import torch
from torch import nn

from engines.card import LABELS
from training import nets
from training.blocks.multi_task import MultiTaskNet, parameter_count
from training.blocks.pre_activation import PreActivation
from training.nets import (
    bknet,
    densenet,
    ferplus_vgg13,
    googlenet,
    levi,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet_v1,
    resnet_v2,
    vgg13,
    vgg16,
    vgg16_hybrid,
    vgg16_without_last_pool,
    vgg19,
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
NETS = [
    importlib.import_module(f"training.nets.{found.name}") for found in pkgutil.iter_modules(nets.__path__)
]


def short_name(value: object) -> str | None:
    return value.__name__.rsplit(".", 1)[-1] if isinstance(value, ModuleType) else None


OTHER_KINDS = ("training.nets.gf_capsnet", "training.nets.matrix_capsules")
"""Capsules: no linear layers, no dropout, sizes of their own; see test_capsules.py."""
every_net = pytest.mark.parametrize(
    "net", [net for net in NETS if net.__name__ not in OTHER_KINDS], ids=short_name
)


def small(net: ModuleType, **settings: object) -> MultiTaskNet:
    return net.build(**{**getattr(net, "SMALL", {}), **settings})


def without_numbers(net: ModuleType, **settings: object) -> MultiTaskNet:
    """The network at full size, on a device that only knows shapes."""
    with torch.device("meta"):
        return net.build(**settings)


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


@pytest.mark.parametrize(
    ("net", "at_48", "at_64"),
    [
        (bknet, (2304,), (4096,)),
        (densenet, (1024,), (1024,)),
        (ferplus_vgg13, (2304,), (4096,)),
        (googlenet, (1024,), (1024,)),
        (levi, (512,), (512,)),
        (resnet18, (512,), (512,)),
        (resnet34, (512,), (512,)),
        (resnet50, (2048,), (2048,)),
        (resnet101, (2048,), (2048,)),
        (resnet_v1, (2048,), (2048,)),
        (resnet_v2, (1024, 6, 6), (1024, 8, 8)),
        (vgg13, (4096,), (4096,)),
        (vgg16, (4096,), (4096,)),
        (vgg16_hybrid, (512, 3, 3), (512, 4, 4)),
        (vgg16_without_last_pool, (4608,), (8192,)),
        (vgg19, (4096,), (4096,)),
        (vgg19_extra_dropout, (4096,), (4096,)),
        (vgg_f, (4096,), (4096,)),
        (vgg_face, (4096,), (4096,)),
        (wide_resnet, (256,), (256,)),
        (zero_bias_cnn, (300,), (300,)),
    ],
    ids=short_name,
)
def test_shared_features_have_the_shapes_of_the_paper(
    net: ModuleType, at_48: tuple[int, ...], at_64: tuple[int, ...]
) -> None:
    for size, expected in ((48, at_48), (64, at_64)):
        features = without_numbers(net, size=size).features(torch.empty(2, 1, size, size, device="meta"))
        assert tuple(features.shape) == (2, *expected)


@every_net
def test_every_size_and_colour_and_choice_of_tasks_is_answered(net: ModuleType) -> None:
    for size, channels in ((48, 1), (64, 3)):
        network = without_numbers(net, classes={"emotion": 7, "race": 5}, size=size, channels=channels)
        answers = network(torch.empty(2, channels, size, size, device="meta"))
        assert {task: tuple(logits.shape) for task, logits in answers.items()} == {
            "emotion": (2, 7),
            "race": (2, 5),
        }


@every_net
def test_a_picture_too_small_is_refused(net: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"size: expected .*16.*found 8"):
        small(net, size=8)


@every_net
def test_equal_seeds_give_equal_weights_and_others_do_not(net: ModuleType) -> None:
    states = []
    for seed in (4, 4, 5):
        torch.manual_seed(seed)
        states.append(small(net).state_dict())

    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    first = next(iter(states[0]))
    assert not torch.equal(states[0][first], states[2][first])


@every_net
def test_the_asked_dropout_is_in_the_network(net: ModuleType) -> None:
    found = {module.p for module in small(net, dropout=0.37).modules() if isinstance(module, nn.Dropout)}

    assert 0.37 in found


@every_net
def test_nothing_before_a_batch_normalisation_has_a_bias(net: ModuleType) -> None:
    network = small(net, **({"batch_norm": True} if "batch_norm" in net.build.__annotations__ else {}))

    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert all(module.bias is None for module in network.modules() if isinstance(module, nn.Conv2d))
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            layers = list(module)
            for layer, following in pairwise(layers):
                assert not isinstance(following, nn.BatchNorm1d) or layer.bias is None


@pytest.mark.parametrize("net", [vgg16, resnet18, wide_resnet, densenet, googlenet], ids=short_name)
def test_weights_begin_as_he_and_others_say(net: ModuleType) -> None:
    torch.manual_seed(1)
    for module in small(net).modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            inputs = module.weight[0].numel()
            if module.weight.numel() > 2000:
                assert float(module.weight.std().detach()) == pytest.approx((2 / inputs) ** 0.5, rel=0.1)
            assert module.bias is None or not module.bias.any()


def test_resnet_v1_shares_all_residual_blocks_and_v2_three_stages_of_four() -> None:
    def blocks(module: nn.Module) -> int:
        return sum(isinstance(part, PreActivation) for part in module.modules())

    first, second = without_numbers(resnet_v1), without_numbers(resnet_v2)

    assert (blocks(first.trunk), {blocks(branch) for branch in first.branches.values()}) == (16, {0})
    assert (blocks(second.trunk), {blocks(branch) for branch in second.branches.values()}) == (13, {3})


@pytest.mark.parametrize("net", [bknet, resnet_v2], ids=short_name)
def test_one_task_trains_the_trunk_and_its_own_branch(net: ModuleType) -> None:
    network = small(net)
    network(torch.randn(3, *net.INPUT))["gender"].square().sum().backward()

    trained = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    own = {name for name, _ in network.named_parameters() if name.startswith(("trunk.", "branches.gender."))}
    assert trained == own


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


@every_net
def test_the_embedding_is_what_the_last_layer_reads(net: ModuleType) -> None:
    network = small(net).eval()
    image = torch.randn(2, *net.INPUT)
    with torch.inference_mode():
        answers, embeddings = network(image), network.embeddings(image)
        for task, embedding in embeddings.items():
            last = [module for module in network.branches[task].modules() if isinstance(module, nn.Linear)][
                -1
            ]
            assert embedding.shape == (2, last.in_features)
            assert torch.allclose(last(embedding), answers[task], atol=1e-5)
            assert torch.equal(network.logits_of(embedding, task), last(embedding))
            assert torch.allclose(network.embedding(image, task), embedding, atol=1e-5)


def test_the_embedding_knows_no_dropout_before_the_last_layer_but_the_logits_do() -> None:
    body, dropout, last = nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 2)
    network = MultiTaskNet(nn.Flatten(), {"any": nn.Sequential(body, nn.Sequential(dropout, last))}).train()
    image = torch.randn(500, 4)

    embedding = network.embedding(image, "any")
    assert torch.equal(embedding, body(image))
    assert not torch.allclose(network.logits_of(embedding, "any"), last(embedding))


def test_a_branch_without_linear_layer_at_its_end_has_no_embedding() -> None:
    network = MultiTaskNet(nn.Flatten(), {"any": nn.Sequential(nn.Linear(4, 3), nn.ReLU())})

    with pytest.raises(ValueError, match="expected a linear layer at its end, found ReLU"):
        network.embedding(torch.zeros(1, 4), "any")
