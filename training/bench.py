"""The engines beside plain PyTorch, in one run: what compiling the network brings."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engines import bench as engines_bench
from engines.backends import backend_names
from engines.card import load_card
from engines.models import find_model
from engines.preprocess import Bytes, normalised
from training.settings import config_from_json

PLAIN_PYTORCH = "plain pytorch"


def bench(model: str | Path, batches: Sequence[int], rounds: int = 40) -> engines_bench.Report:
    """Measure every back end, plain ONNX Runtime and the recipe's network in plain PyTorch, in turns.

    PyTorch runs as it comes: float32, its default threads, inference mode. The weights are untrained ones, which
    take the same time.

    Args:
        model: Name below `assets/models`, or a folder.
        batches: Faces in a call.
        rounds: Turns each row gets at each batch size.

    Raises:
        CardError: The model is missing or damaged.
    """
    card = load_card(find_model(model))
    net = _network(card.recipe)

    def run(batch: Bytes) -> list[Any]:
        with torch.inference_mode():
            return [
                output.numpy() for output in net(torch.from_numpy(normalised(batch, card.input))).values()
            ]

    return engines_bench.bench(model, backend_names(), batches, rounds=rounds, others={PLAIN_PYTORCH: run})


def _network(recipe: dict[str, Any]) -> torch.nn.Module:
    module = importlib.import_module(f"training.recipes.{recipe['name']}")
    net: torch.nn.Module = module.build_net(config_from_json(module.Config, recipe["config"]))
    return net.eval()
