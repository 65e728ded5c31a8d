"""The checks of explanations, on networks whose reasons are known and on the shipped one with the demo's face."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engines.crops import face_crops
from engines.preprocess import normalised
from training.blocks.multi_task import MultiTaskNet
from training.explain.checks import agreement, agreement_table, check, check_table
from training.explain.faithfulness import STEPS, curves, misplaced, said_classes
from training.explain.methods import grad_cam, guided_backpropagation
from training.explain.sanity import randomised, rank_correlations
from training.measuring.resampling import resampling
from training.trained.trained_net import trained_net

SMILE = np.array([1, 1])


@pytest.fixture(scope="module")
def shipped():
    net, spec = trained_net("multitask")
    return net, normalised(face_crops(spec, 4), spec)


class Spot(nn.Module):
    """Answers by what is clearly bright in the upper left quarter alone; a blurred spot is not."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        with torch.no_grad():
            self.convolution.weight.zero_()
            self.convolution.weight[0, 0, 1, 1] = 1

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (self.convolution(image)[:, :, :8, :8] - 0.9).relu().sum(dim=(2, 3))


def corner_net() -> MultiTaskNet:
    branch = nn.Linear(1, 2)
    with torch.no_grad():
        branch.weight.copy_(torch.tensor([[-1.0], [1.0]]))
        branch.bias.copy_(torch.tensor([3.0, -3.0]))
    return MultiTaskNet(Spot(), {"smile": branch}).eval()


def corner_faces() -> np.ndarray:
    images = np.full((2, 1, 16, 16), 0, np.float32)
    images[:, :, 2:5, 2:5] = 2
    return images


def corner_map() -> np.ndarray:
    maps = np.zeros((2, 16, 16), np.float32)
    maps[:, 2:5, 2:5] = 1
    return maps


def test_the_right_map_deletes_fast_and_inserts_fast() -> None:
    net, images = corner_net(), corner_faces()
    right = curves(net, images, corner_map(), "smile", SMILE)
    wrong = curves(net, images, 1 - corner_map(), "smile", SMILE)

    assert right.deletion.shape == right.insertion.shape == (2, STEPS + 1)
    (gone, come), (gone_wrong, come_wrong) = right.areas(), wrong.areas()
    assert (gone < gone_wrong - 0.1).all() and (come > come_wrong + 0.1).all()
    np.testing.assert_allclose(right.deletion[:, 0], right.insertion[:, -1])
    np.testing.assert_allclose(right.deletion[:, -1], right.insertion[:, 0])
    assert (right.deletion[:, 0] > 0.99).all(), "nothing is deleted yet"


def test_a_misplaced_map_has_the_same_numbers_elsewhere() -> None:
    maps = np.random.default_rng(1).random((8, 16, 16)).astype(np.float32)
    moved = misplaced(maps)
    np.testing.assert_array_equal(np.sort(moved.reshape(8, -1)), np.sort(maps.reshape(8, -1)))
    assert np.abs(rank_correlations(maps, moved)).mean() < 0.2
    np.testing.assert_array_equal(misplaced(maps), moved)


def test_rank_correlation_is_spearmans() -> None:
    ladder = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    assert rank_correlations(ladder, ladder**3) == pytest.approx(1)
    assert rank_correlations(ladder, -ladder) == pytest.approx(-1)
    assert rank_correlations(ladder, np.ones_like(ladder)) == 0


@pytest.mark.parametrize("method", [grad_cam, guided_backpropagation])
def test_shuffled_weights_change_the_picture(shipped, method) -> None:
    net, images = shipped
    classes = said_classes(net, images, "emotion")
    maps = method.explain(net, images, "emotion", classes)
    again = method.explain(net, images, "emotion", classes)
    other = method.explain(randomised(net), images, "emotion", classes)

    told = maps.max(axis=(1, 2)) > 0
    assert told.any()
    assert rank_correlations(maps, again)[told] == pytest.approx(1)
    assert rank_correlations(maps, other)[told].mean() < 0.5


def test_shuffling_keeps_the_numbers_and_the_network_it_came_from() -> None:
    net = corner_net()
    before = net.branches["smile"].weight.clone()
    other = randomised(net)
    assert torch.equal(net.branches["smile"].weight, before)
    kernel, shuffled = (one.trunk.convolution.weight.flatten() for one in (net, other))
    assert torch.equal(kernel.sort().values, shuffled.sort().values) and not torch.equal(kernel, shuffled)


def test_tables_give_every_method_with_intervals() -> None:
    net, images, draws = corner_net(), corner_faces(), resampling(2)
    lines = check_table(check(net, images, "smile", ["grad_cam"]), draws).splitlines()
    assert lines[2].startswith("| grad_cam | 0.") and lines[2].count("[") == 5
    agreed = agreement(net, images, "smile", "occlusion_sensitivity")
    assert agreed["grad_cam"][0].mean() > agreed["grad_cam"][1].mean(), "both find the bright corner"
    assert "2 of 2" in agreement_table(agreed, draws)
