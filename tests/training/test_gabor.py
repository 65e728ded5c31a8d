"""Gabor responses in front of networks: exact, trained end to end, exported, and refused where they make no sense."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import asdict
from types import ModuleType

import numpy as np
import pytest
import torch
from torch.nn import functional

from engines.engine import load_engine
from engines.gabor import gabor_bank, responses
from engines.preprocess import normalised
from tests.training.made_faces import made_faces
from training import nets
from training.blocks.gabor import (
    GaborConcatenation,
    GaborConvolution,
    GaborFusion,
    GaborSettings,
    fed_by,
    front_of,
)
from training.errors import RecipeError
from training.exporting.export import check_parity, export_model, halve_weights, to_onnx
from training.recipes import multitask
from training.settings import config_from_json, with_settings

NETS = [
    importlib.import_module(f"training.nets.{found.name}") for found in pkgutil.iter_modules(nets.__path__)
]


def short_name(value: object) -> str | None:
    return value.__name__.rsplit(".", 1)[-1] if isinstance(value, ModuleType) else None


def small_config(**settings: object) -> multitask.Config:
    return multitask.Config(
        net="bknet",
        net_settings={"blocks": [[4], [4], [4], [4]], "hidden": [8]},
        size=16,
        bfloat16=False,
        shares={"ferplus": 6, "utkface": 4, "genki4k": 2, "ckplus": 2},
        **settings,
    )


@pytest.mark.parametrize("bank", ["jet", "single"])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_the_fixed_convolution_is_exact_to_float64(bank: str, kernel: int) -> None:
    image = np.random.default_rng(1).normal(size=(2, 1, 13, 13))
    filters = gabor_bank(bank, kernel)
    padded = np.pad(image[:, 0], ((0, 0), (kernel // 2,) * 2, (kernel // 2,) * 2))
    wanted = np.zeros((2, len(filters), 13, 13))
    for down in range(kernel):
        for right in range(kernel):
            window = padded[:, kernel - 1 - down :, kernel - 1 - right :][:, :13, :13]
            wanted += filters[:, down, right][None, :, None, None] * window[:, None]

    module = GaborConvolution(bank, kernel)
    found = module(torch.from_numpy(image).float()).numpy()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-6)
    np.testing.assert_allclose(found[0], responses(image[0, 0], filters), rtol=0, atol=1e-5)
    assert not list(module.parameters())


def test_concatenation_keeps_the_image_and_adds_the_responses() -> None:
    image = torch.randn(2, 3, 9, 9)
    front = GaborConcatenation(3, "single")
    found = front(image)

    assert found.shape == (2, front.channels, 9, 9) and front.channels == 11
    assert torch.equal(found[:, :3], image)
    assert torch.equal(found[:, 3:], front.gabor(image.mean(dim=1, keepdim=True)))


@pytest.mark.parametrize("channels", [1, 3])
def test_fusion_is_a_1x1_convolution_over_image_and_responses(channels: int) -> None:
    torch.manual_seed(3)
    front = GaborFusion(channels, kernel=5)
    torch.nn.init.normal_(front.weights)
    torch.nn.init.normal_(front.image_weight)
    image = torch.randn(2, channels, 12, 12)
    gray = image.mean(dim=1, keepdim=True)
    stacked = torch.cat([gray, front.gabor(gray)], dim=1)
    one_by_one = torch.cat([front.image_weight, front.weights])[None, :, None, None]

    assert torch.allclose(front(image), functional.conv2d(stacked, one_by_one), atol=1e-4)
    assert front(image).shape == (2, 1, 12, 12)
    assert sum(weight.numel() for weight in front.parameters()) == 33


def test_the_weights_of_the_fusion_start_near_the_image_and_learn() -> None:
    torch.manual_seed(1)
    front = GaborFusion()
    image = torch.randn(8, 1, 20, 20)
    added = front(image) - image

    assert 0.01 < float(added.detach().std() / image.std()) < 0.3
    front(image).square().mean().backward()
    assert front.weights.grad is not None and (front.weights.grad != 0).all()
    assert front.image_weight.grad is not None and (front.image_weight.grad != 0).all()


@pytest.mark.parametrize("feeding", ["concatenation", "fusion"])
@pytest.mark.parametrize("net", NETS, ids=short_name)
def test_any_network_takes_a_front(net: ModuleType, feeding: str) -> None:
    torch.manual_seed(1)
    front = GaborSettings(feeding).front(net.INPUT[0], net.INPUT[1])
    network = fed_by(front, net.build(**{**getattr(net, "SMALL", {}), "channels": front.channels}))
    image = torch.randn(2, *net.INPUT)
    answers = network(image)
    torch.stack([answer.square().mean() for answer in answers.values()]).sum().backward()

    assert front_of(network) is front
    assert network.shared_weight().grad is not None
    for name, weight in network.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), name
    features = network.features(image)
    assert features.shape[0] == 2 and torch.isfinite(features).all()


@pytest.mark.parametrize("settings", [["gabor=concatenation", "gabor.bank=single"], ["gabor=fusion"]])
def test_a_fed_network_is_trained_end_to_end_and_exported_with_the_same_numbers(
    settings: list[str], tmp_path
) -> None:
    config = with_settings(small_config(learning_rate=0.02), settings)
    experiment = multitask.build_on(config, {name: made_faces(name, side=16) for name in config.shares})
    batch = next(iter(experiment.batches.epoch(0)))
    before = {name: value.clone() for name, value in experiment.net.state_dict().items()}
    experiment.schedule = None
    experiment.net.train()
    first = sum(experiment.step(batch).values())
    for _ in range(12):
        last = sum(experiment.step(batch).values())
    assert last < first
    learned = {
        name for name, value in experiment.net.state_dict().items() if not torch.equal(value, before[name])
    }
    assert (len([name for name in learned if name.startswith("trunk.0.")]) == 2) == (
        config.gabor.feeding == "fusion"
    )

    card = export_model(experiment.net.eval(), multitask.draft_card(config), tmp_path)
    model = to_onnx(experiment.net, card, tuple(head.output for head in card.heads))
    assert max(check_parity(experiment.net, halve_weights(model), card).values()) < 0.25
    assert card.input.channels == 1, "the program gives the plain chip; the filters are in the graph"
    chips = np.random.default_rng(1).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    with load_engine(tmp_path, backend="onnxruntime") as engine:
        said = engine.infer(chips)
    with torch.inference_mode():
        wanted = experiment.net(torch.from_numpy(normalised(chips, card.input)))["emotion"].softmax(dim=1)
    np.testing.assert_allclose(said["emotion"], wanted.numpy(), rtol=0, atol=0.02)


def test_a_saved_configuration_is_read_again_and_an_older_one_has_no_gabor() -> None:
    config = with_settings(small_config(), ["gabor=fusion", "gabor.kernel=5", "gabor.bank=single"])
    assert config_from_json(multitask.Config, asdict(config)).gabor == GaborSettings("fusion", "single", 5)
    saved = asdict(config)
    del saved["gabor"]
    assert config_from_json(multitask.Config, saved).gabor == GaborSettings()


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("gabor=sum", "feeding: expected one of none, concatenation, fusion, found 'sum'"),
        ("gabor.bank=fan", "bank: expected one of jet, single, found 'fan'"),
        ("gabor.kernel=4", "kernel: expected an odd number of pixels from 3, found 4"),
        ("gabor.wave=3", "expected one of feeding, bank, kernel, found 'wave'"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(setting: str, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        with_settings(small_config(), [setting])


def test_a_kernel_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(
        RecipeError, match=r"gabor.kernel: expected at most the picture's 16 pixels, found 17"
    ):
        with_settings(small_config(), ["gabor.kernel=17", "gabor=fusion"])
    with pytest.raises(ValueError, match="kernel: expected at most the picture's 16 pixels, found 17"):
        GaborSettings("fusion", kernel=17).front(1, 16)


@pytest.mark.parametrize("level", [-1.0, 0.0, 2.5])
@pytest.mark.parametrize("feeding", ["concatenation", "fusion"])
def test_one_constant_face_gives_finite_answers(feeding: str, level: float) -> None:
    torch.manual_seed(1)
    net = multitask.build_net(small_config(gabor=GaborSettings(feeding))).eval()
    answers = net(torch.full((1, 1, 16, 16), level))

    assert all(torch.isfinite(answer).all() for answer in answers.values())
