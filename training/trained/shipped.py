"""A shipped model as a PyTorch network again: a teacher, or where a student starts.

The exporter folds every batch normalisation into the layer before it. Here the folded weights go back into that layer;
the normalisation gets the mean and variance that the layer really has on given faces, and a scale and shift that undo
them, so that the network says the same in evaluation mode and trains like one that was never exported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from engines.card import CARD_FILE, MODEL_FILE, ModelCard, load_card
from engines.model_file import verify_model
from engines.models import find_model
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError
from training.names import load_recipe
from training.settings import config_from_json

Floats = npt.NDArray[np.float32]

_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)
_PREFIX = "net."


def shipped_net(model: str | Path, images: Floats | None = None) -> MultiTaskNet:
    """Return the network of an exported model, in evaluation mode.

    Args:
        model: A name below `engines.models.MODELS_DIR`, or a folder with `model.onnx` and `card.json`.
        images: float32 (N, C, size, size), some hundred training faces from `mixed_batches.plain_images`, to measure
            the statistics of batch normalisation; None leaves mean 0 and variance 1, enough for a teacher that is not
            trained.

    Raises:
        CardError: The model is missing or damaged.
        RecipeError: Its network was not made by a recipe here, or its weights are not those of the network.
    """
    folder = find_model(model)
    card = load_card(folder)
    verify_model(card, folder / MODEL_FILE)
    net = untrained_net(card, folder / CARD_FILE)
    _load(net, _weights(folder / MODEL_FILE), card.name)
    net.eval()
    if images is not None:
        measure_statistics(net, images)
    return net


def measure_statistics(net: nn.Module, images: Floats) -> None:
    """Give every batch normalisation the statistics of these images, without changing what the network says.

    Args:
        net: In evaluation mode; changed in place.
        images: float32 (N, C, size, size).
    """
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def measure(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        axes = [axis for axis in range(inputs[0].ndim) if axis != 1]
        variance, mean = torch.var_mean(inputs[0], dim=axes, correction=0)
        found[module] = mean, variance

    hooks = [
        module.register_forward_pre_hook(measure)
        for module in net.modules()
        if isinstance(module, _NORMALISATIONS)
    ]
    with torch.inference_mode():
        net(torch.from_numpy(images))
    for hook in hooks:
        hook.remove()
    for module, (mean, variance) in found.items():
        _restate(module, mean.clone(), variance.clone())


def _restate(module: Any, mean: Tensor, variance: Tensor) -> None:
    """Give a batch normalisation other statistics and the scale and shift with which it does the same."""
    with torch.no_grad():
        scale = module.weight / torch.sqrt(module.running_var + module.eps)
        shift = module.bias - scale * module.running_mean
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
        module.weight.copy_(scale * torch.sqrt(variance + module.eps))
        module.bias.copy_(shift + scale * mean)


def untrained_net(card: ModelCard, path: Path) -> MultiTaskNet:
    """Return the network of a card as its recipe builds it, without the heads that only training needs.

    Args:
        card: Of an exported model.
        path: Named in errors.

    Raises:
        RecipeError: The card names no recipe here, or lacks its settings.
    """
    recipe = load_recipe(str(card.recipe.get("name", "")) or "unknown")
    try:
        config = config_from_json(recipe.Config, dict(card.recipe["config"]))
    except KeyError as error:
        raise RecipeError(
            f"{path}: expected the settings of its training, found none; name a model made by a recipe"
        ) from error
    loss = getattr(config, "loss", None)
    if getattr(loss, "feature_weight", 0):  # its head is as wide as features that are on no other machine
        config = replace(config, loss=replace(loss, feature_weight=0.0))
    net: MultiTaskNet = recipe.build_net(config)
    net.training_heads.clear()
    return net


def _weights(path: Path) -> dict[str, Tensor]:
    """Return name -> float32 weight, as the exporter named it."""
    weights = {}
    for weight in onnx.load(path).graph.initializer:
        values = numpy_helper.to_array(weight)
        name = weight.name.removeprefix(_PREFIX).removesuffix("_float16")
        if values.dtype in (np.float16, np.float32):
            weights[name] = torch.from_numpy(values.astype(np.float32))
    return weights


def _load(net: MultiTaskNet, weights: dict[str, Tensor], name: str) -> None:
    try:
        _require_plain(net, name)
        for layer_name, layer, normalisation in _layers(net):
            _load_layer(layer_name, layer, normalisation, weights)
    except (KeyError, RuntimeError) as error:
        raise RecipeError(
            f"model {name!r}: expected the weights of its network in its file, found none that fit ({error}); "
            "train it again with the recipe as it is now"
        ) from error


def _require_plain(net: nn.Module, name: str) -> None:
    """Refuse a network whose weights are not all in layers that the exporter keeps by name."""
    kinds = (nn.Conv2d, nn.Linear, *_NORMALISATIONS)
    other = {
        type(module).__name__
        for module in net.modules()
        if list(module.parameters(recurse=False)) and not isinstance(module, kinds)
    }
    if other:
        raise RecipeError(
            f"model {name!r}: expected convolutions, linear layers and batch normalisations, found "
            f"{', '.join(sorted(other))}; name the folder of its run instead"
        )


def _load_layer(name: str, layer: Any, normalisation: Any, weights: dict[str, Tensor]) -> None:
    with torch.no_grad():
        layer.weight.copy_(weights[f"{name}.weight"])
        if layer.bias is not None:
            layer.bias.copy_(weights[f"{name}.bias"])
        if normalisation is not None:
            normalisation.running_mean.zero_()
            normalisation.running_var.fill_(1 - normalisation.eps)
            normalisation.weight.fill_(1)
            normalisation.bias.copy_(weights[f"{name}.weight_bias"])


def _layers(net: nn.Module) -> Iterator[tuple[str, Any, Any]]:
    """Yield every convolution and linear layer by name, with the batch normalisation that follows it, or None."""
    leaves = [(name, module) for name, module in net.named_modules() if not list(module.children())]
    following = [module for _, module in leaves[1:]] + [None]
    for (name, module), after in zip(leaves, following, strict=True):
        if isinstance(module, nn.Conv2d | nn.Linear):
            yield name, module, after if isinstance(after, _NORMALISATIONS) else None
