from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from tests.training.made_faces import made_faces
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.explain import command
from training.explain.grad_cam import grad_cam, last_convolution
from training.nets import bknet, resnet18
from training.recipes import multitask


class Corner(nn.Module):
    """Answers by the brightness of the upper left quarter alone."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        with torch.no_grad():
            self.convolution.weight.zero_()
            self.convolution.weight[0, 0, 1, 1] = 1

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        maps = self.convolution(image)
        quarter = torch.zeros_like(maps)
        quarter[:, :, :8, :8] = 1
        return (maps * quarter).mean(dim=(2, 3))


def test_the_map_lies_where_a_network_really_looks() -> None:
    branch = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        branch.weight.copy_(torch.tensor([[-1.0], [1.0]]))
    net = MultiTaskNet(Corner(), {"smile": branch}).eval()
    image = np.zeros((1, 1, 16, 16), np.float32)
    image[0, 0, 2:6, 2:6] = 1

    heat = grad_cam(net, image, "smile")[0]

    assert heat.max() == 1 and heat[2:6, 2:6].min() == 1
    assert heat[9:, 9:].max() == 0
    against = grad_cam(net, image, "smile", np.array([0]))[0]
    assert not against.any(), "nothing speaks for the other class"


@pytest.mark.parametrize("net", [bknet, resnet18])
def test_every_task_of_a_network_can_be_explained(net) -> None:
    torch.manual_seed(1)
    network = net.build(**getattr(net, "SMALL", {})).eval()
    images = np.random.default_rng(1).normal(size=(3, *net.INPUT)).astype(np.float32)
    for task in ("emotion", "age"):
        heat = grad_cam(network, images, task)
        assert heat.shape == (3, *net.INPUT[1:]) and heat.min() >= 0 and heat.max() <= 1
    assert isinstance(last_convolution(network), nn.Conv2d)
    assert all(weight.grad is None for weight in network.parameters()), "explaining trains nothing"


def test_a_task_the_network_lacks_is_named() -> None:
    network = multitask.build_net(multitask.Config(net="bknet", tasks=("smile",))).eval()
    with pytest.raises(RecipeError, match="expected one of smile, found 'emotion'"):
        grad_cam(network, np.zeros((1, 1, 48, 48), np.float32), "emotion")


def test_the_command_draws_a_row_for_each_model_and_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "load_prepared", lambda name, data, cache: made_faces(name))
    parser = argparse.ArgumentParser()
    command.add_explain(parser.add_subparsers(), tmp_path)
    base = ["explain", "--data", str(tmp_path), "--out", str(tmp_path / "seen.png"), "--faces", "3", "--mean"]
    options = parser.parse_args(
        [*base, "--model", "multitask", "multitask", "--view", "visible", "upper_half"]
    )

    assert options.command(options) == 0
    assert "emotion on ferplus" in capsys.readouterr().out
    picture = cv2.imread(str(tmp_path / "seen.png"))
    assert picture is not None and picture.shape[1] > picture.shape[0] > 300
    with pytest.raises(RecipeError, match="one for each of 1 models, found 2"):
        options = parser.parse_args([*base, "--view", "visible", "mask"])
        options.command(options)
