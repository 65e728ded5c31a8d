"""The engines beside plain PyTorch, in one run: what compiling the network brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engines.backends import backend_names
from engines.card import CARD_FILE, load_card
from engines.measure import bench as engines_bench
from engines.models import find_model
from engines.preprocess import Bytes, normalised
from training.trained.shipped import untrained_net

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
        RecipeError: It was not made by a recipe here.
    """
    folder = find_model(model)
    card = load_card(folder)
    net = untrained_net(card, folder / CARD_FILE).eval()

    def run(batch: Bytes) -> list[Any]:
        with torch.inference_mode():
            return [
                output.numpy() for output in net(torch.from_numpy(normalised(batch, card.input))).values()
            ]

    return engines_bench.bench(model, backend_names(), batches, rounds=rounds, others={PLAIN_PYTORCH: run})
