"""Weights of a network that knows faces, from a file of its own, into a network here.

The file is `{"plan": [...], "state": {...}}` of MobileFaceNet (Chen et al. 2018), made for RGB pixels `(x - 127.5) / 128`. Its
first layer is rewritten for the input of the network it goes into: `(x / 255 - mean) / std`, and gray, which stands for three
equal channels.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from engines.card import InputSpec
from training.blocks.multi_task import MultiTaskNet
from training.errors import RecipeError

_MEAN_LEVEL, _LEVELS = 127.5, 128.0
_FIRST = "stem.0.conv"
_UNUSED = ("gdc.", "lin.")
"""Layers that only serve to tell people apart."""


def load_pretrained(net: MultiTaskNet, path: Path, spec: InputSpec) -> None:
    """Give the shared layers of a network the weights of a file; its branches stay as they are.

    Args:
        net: Changed in place.
        path: The file.
        spec: The network's input.

    Raises:
        RecipeError: The file can't be read, or a layer differs; the first one is named.
    """
    state = {name: value for name, value in _state(path).items() if not name.startswith(_UNUSED)}
    weight, bias = f"{_FIRST}.weight", f"{_FIRST}.bias"
    if weight in state and bias in state:
        state[weight], state[bias] = _for_input(state[weight], state[bias], spec)
    own = net.trunk.state_dict()
    wanted = {name: value for name, value in own.items() if not name.startswith("norm.")}
    for name in sorted({*state, *wanted}):
        found, expected = (tuple(where[name].shape) if name in where else None for where in (state, wanted))
        if found != expected:
            raise RecipeError(
                f"{path}: expected the layers of the network, found that {name} is {found or 'absent'} where the network has "
                f"{expected or 'none'}; choose net=mobilefacenet with the sizes of the file"
            )
    net.trunk.load_state_dict({**own, **state})


def _state(path: Path) -> dict[str, Tensor]:
    try:
        read = torch.load(path, map_location="cpu", weights_only=True)
        state = read["state"]
        return {str(name): value.float() for name, value in state.items()}
    except (
        OSError,
        RuntimeError,
        pickle.UnpicklingError,
        EOFError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise RecipeError(
            f"{path}: expected a file with the weights of a network, found none ({type(error).__name__})"
        ) from error


def _for_input(weight: Tensor, bias: Tensor, spec: InputSpec) -> tuple[Tensor, Tensor]:
    """Return the first layer for the input's mean, deviation and channels: the same answer to the same pixels."""
    scale = spec.std * 255 / _LEVELS
    shift = (spec.mean * 255 - _MEAN_LEVEL) / _LEVELS
    shifted = bias + shift * weight.sum(dim=(1, 2, 3))
    scaled = weight * scale
    return (scaled.sum(dim=1, keepdim=True) if spec.channels == 1 else scaled), shifted
