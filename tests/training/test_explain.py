from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from tests.training.made_faces import made_faces
from tests.training.net_kinds import resnet18
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.explain import command
from training.explain.methods import grad_cam, guided_backpropagation, occlusion_sensitivity
from training.explain.score import METHODS
from training.names import load, names_in
from training.nets import bknet, fast_face, matrix_capsules
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

    heat = grad_cam.explain(net, image, "smile")[0]

    assert heat.max() == 1 and heat[2:6, 2:6].min() == 1
    assert heat[9:, 9:].max() == 0
    against = grad_cam.explain(net, image, "smile", np.array([0]))[0]
    assert not against.any(), "nothing speaks for the other class"


def faces_of(net, count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, *net.INPUT)).astype(np.float32)


@pytest.mark.parametrize(
    ("net", "method"),
    [
        *product(
            (bknet, resnet18, fast_face, matrix_capsules),
            [name for name in names_in(METHODS) if name != "occlusion_sensitivity"],
        ),
        (fast_face, "occlusion_sensitivity"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__.rpartition(".")[2],
)
def test_every_method_explains_every_kind_of_network(net: ModuleType, method: str) -> None:
    torch.manual_seed(1)
    network = net.build(**getattr(net, "SMALL", {})).eval()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    for task in ("emotion", "age"):
        heat = load(METHODS, method).explain(network, faces_of(net), task)
        assert heat.shape == (3, *net.INPUT[1:]) and heat.dtype == np.float32
        assert np.isfinite(heat).all() and heat.min() >= 0 and heat.max() <= 1
    assert all(weight.grad is None for weight in network.parameters()), "explaining trains nothing"
    assert all(torch.equal(before[name], weight) for name, weight in network.state_dict().items())


def test_guided_backpropagation_passes_only_what_speaks_for_the_class_all_the_way() -> None:
    trunk = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.ReLU(inplace=True), nn.Flatten())
    branch = nn.Linear(32, 2, bias=False)
    with torch.no_grad():
        trunk[0].weight.copy_(torch.tensor([1.0, -1.0])[:, None, None, None])  # bright, dark
        branch.weight.zero_()
        branch.weight[1] = 1.0
        branch.weight[1, 0] = -1.0  # the first place of "bright" speaks against
    net = MultiTaskNet(trunk, {"smile": branch}).eval()
    image = np.full((1, 1, 4, 4), 1.0, np.float32)
    image[0, 0, 3, 3] = 0.0

    heat = guided_backpropagation.explain(net, image, "smile", np.array([1]))[0]

    assert heat[0, 0] == 0 and heat[3, 3] == 0, "gradient below 0, input not above 0"
    assert (heat.ravel()[1:15] == 1).all()
    (plain,) = torch.autograd.grad(
        net(picture := torch.tensor(image, requires_grad=True))["smile"][0, 1], picture
    )
    assert plain[0, 0, 0, 0] == -1, "outside, ReLUs are plain ones again"


def test_guided_backpropagation_guides_relus_that_are_functions() -> None:
    class Function(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.relu(image).flatten(1)

    branch = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        branch.weight.copy_(torch.tensor([[0.0, 0, 0, 0], [1, -1, 2, -2]]))
    net = MultiTaskNet(Function(), {"smile": branch}).eval()
    heat = guided_backpropagation.explain(net, np.ones((1, 1, 2, 2), np.float32), "smile", np.array([1]))
    assert heat[0].tolist() == [[0.5, 0], [1, 0]]


def test_covering_finds_where_a_network_looks() -> None:
    branch = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        branch.weight.copy_(torch.tensor([[-1.0], [1.0]]))
    net = MultiTaskNet(Corner(), {"smile": branch}).eval()
    image = np.zeros((1, 1, 16, 16), np.float32)
    image[0, 0, 1:5, 1:5] = 1
    heat = occlusion_sensitivity.explain(net, image, "smile")[0]
    assert heat[:8, :8].max() == 1 and heat[12:, 12:].max() < 0.05


def test_what_cannot_be_explained_is_said_in_a_line() -> None:
    network = multitask.build_net(multitask.Config(net="bknet", tasks=("smile",))).eval()
    faces = np.zeros((1, 1, 48, 48), np.float32)
    flat = MultiTaskNet(nn.Flatten(), {"smile": nn.Linear(48 * 48, 2)}).eval()
    for method in (load(METHODS, name) for name in names_in(METHODS)):
        with pytest.raises(RecipeError, match="expected one of smile, found 'emotion'"):
            method.explain(network, faces, "emotion")
        with pytest.raises(RecipeError, match="expected one or more to explain, found none"):
            method.explain(network, faces[:0], "smile")
    for name in ("grad_cam", "guided_grad_cam"):
        with pytest.raises(RecipeError, match="expected a convolution in its trunk, found none"):
            load(METHODS, name).explain(flat, faces, "smile")
    with pytest.raises(RecipeError, match=r"method: expected one of grad_cam, .* found 'gradcam'"):
        load(METHODS, "gradcam")


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
    for wrong, line in (
        (["--view", "visible", "mask"], "one for each of 1 models, found 2"),
        (["--method", "saliency"], "method: expected one of .* found 'saliency'"),
        (["--checked-faces", "1"], "expected two or more, found 1"),
    ):
        with pytest.raises(RecipeError, match=line):
            options = parser.parse_args([*base, *wrong])
            options.command(options)


def test_the_command_checks_its_methods_and_draws_the_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "load_prepared", lambda name, data, cache: made_faces(name))
    parser = argparse.ArgumentParser()
    command.add_explain(parser.add_subparsers(), tmp_path)
    base = ["explain", "--data", str(tmp_path), "--out", str(tmp_path / "seen.png"), "--faces", "1"]
    checks = ["--check", str(tmp_path / "curves.png"), "--checked-faces", "2", "--agreement"]
    options = parser.parse_args([*base, *checks])

    assert options.command(options) == 0
    said = capsys.readouterr().out
    assert "emotion of 2 validation faces of ferplus" in said
    assert said.count("| grad_cam |") == 2, "in the check's table and in the agreement's"
    assert said.count("| guided_grad_cam |") == 1
    drawn = cv2.imread(str(tmp_path / "curves.png"))
    assert drawn is not None and drawn.std() > 10
    with pytest.raises(RecipeError, match="whose classes have a probability; found age"):
        options = parser.parse_args([*base, *checks, "--task", "age"])
        options.command(options)
