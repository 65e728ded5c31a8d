"""Every network: what its tasks share, sizes, seeds, dropout, first weights, the embedding."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType

import pytest
import torch
from torch import nn

from tests.training.net_kinds import (
    every_net,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    short_name,
    small,
    vgg13,
    vgg16,
    vgg19,
    without_numbers,
)
from training.blocks.multi_task import MultiTaskNet
from training.nets import (
    bknet,
    densenet,
    ferplus_vgg13,
    googlenet,
    levi,
    resnet_v1,
    resnet_v2,
    vgg16_hybrid,
    vgg16_without_last_pool,
    vgg19_extra_dropout,
    vgg_f,
    vgg_face,
    wide_resnet,
    zero_bias_cnn,
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
    if short_name(net) == "mobilefacenet":
        pytest.skip("its pretrained weights have the normalisation of the convolutions folded in")
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


@pytest.mark.parametrize("net", [bknet, resnet_v2], ids=short_name)
def test_one_task_trains_the_trunk_and_its_own_branch(net: ModuleType) -> None:
    network = small(net)
    network(torch.randn(3, *net.INPUT))["gender"].square().sum().backward()

    trained = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    own = {name for name, _ in network.named_parameters() if name.startswith(("trunk.", "branches.gender."))}
    assert trained == own


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
