"""The visibility network: which half of a face is hidden, and where its alignment points are all the same.

Ours. A narrow network of BKNet's kind looks at a chip that may be cut badly; it learns the occlusion by cross-entropy and
the ten points by their mean absolute error, from faces with drawn headsets, masks, hands and glasses and with black
halves, see `training.occlusion.visibility_faces`. Held-out faces are hidden in the same ways, by a fixed seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.card import CARD_FILE, OCCLUSIONS, VISIBILITY_LABELS, HeadSpec, InputSpec, ModelCard
from engines.engine import load_engine
from engines.preprocess import ALIGNMENT_TEMPLATE, normalised
from engines.visibility import MODEL_NAME
from training.batches.visibility_batches import VisibilityBatches
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces, load_prepared
from training.fitting.checkpoints import averaged_weights
from training.fitting.experiment import Experiment
from training.losses.alignment_points import AlignmentPointsLoss
from training.measuring.metrics import Figure
from training.measuring.report import LICENSE
from training.measuring.visibility_figures import visibility_figures
from training.nets import bknet
from training.occlusion.visibility_faces import Jitter, VisibilityFaces
from training.schedules import one_cycle

LIMITS = (
    "Says how much of a face can be seen, from drawn headsets, masks, hands and glasses and black halves; other things that "
    "hide a face may be taken for one of these.",
    "The points under an occlusion are where they usually lie; they serve to cut the face, not to measure it.",
)
_HELD_OUT_SEED = 20_000


@dataclass(frozen=True)
class Config:
    """Settings of the recipe.

    Attributes:
        data: Folder with the unpacked sets.
        cache: Folder for the prepared faces.
        size: Side of the input in pixels, a multiple of 16.
        blocks: Widths of the convolutions of the network's four blocks.
        hidden: Widths of the fully connected layers of both branches.
        dropout: Probability in the branches.
        shares: Set -> faces in every batch.
        epochs: Passes over the first set.
        learning_rate: Peak rate.
        weight_decay: L2 on all weights.
        alignment_weight: Weight of the points' error beside the occlusion's cross-entropy.
        average_decay: Decay of the running average of the weights.
        jitter: How far the cuts of faces are off.
        initial: Folder of a finished run whose averaged weights to start from; empty starts anew.
        bfloat16: Forward pass in bfloat16 where the device computes in it.
        device: "auto", "cpu" or "cuda".
        seed: Of weights and samples.
        version: Of the exported model.
    """

    data: str = ""
    cache: str = ""
    size: int = 64
    blocks: Sequence[Sequence[int]] = ((16,), (32,), (48, 48), (64, 64))
    hidden: Sequence[int] = (128,)
    dropout: float = 0.1
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 56, "utkface": 56, "genki4k": 12, "ckplus": 4}
    )
    epochs: int = 10
    learning_rate: float = 0.08
    weight_decay: float = 2e-4
    alignment_weight: float = 20.0
    average_decay: float = 0.998
    jitter: Jitter = field(default_factory=Jitter)
    initial: str = ""
    bfloat16: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 1
    version: str = "1.0"


class VisibilityLoss(nn.Module):
    """Cross-entropy of the occlusion and error of the points.

    Args:
        alignment_weight: Of the error of the points.
    """

    def __init__(self, alignment_weight: float) -> None:
        super().__init__()
        self.points = AlignmentPointsLoss()
        self.alignment_weight = alignment_weight

    def forward(self, outputs: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return "occlusion" and "alignment", scalars."""
        return {
            "occlusion": functional.cross_entropy(outputs["occlusion"], batch["occlusion"]),
            "alignment": self.alignment_weight * self.points(outputs["alignment"], batch["alignment"]),
        }


def build(config: Config) -> Experiment:
    """Return the experiment; prepares the sets and draws what hides their faces where the cache lacks it.

    Raises:
        DatasetError: A set is missing or malformed.
    """
    return build_on(
        config, {name: load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares}
    )


def build_on(config: Config, sets: dict[str, PreparedFaces]) -> Experiment:
    """Return the experiment on given faces."""
    torch.manual_seed(config.seed)
    faces = _visibility_faces(config, sets)
    batches = VisibilityBatches(faces, config.shares, config.seed)
    net = build_net(config).to(memory_format=torch.channels_last)
    if config.initial:
        net.load_state_dict(averaged_weights(Path(config.initial)))
    optimizer = torch.optim.SGD(
        net.parameters(),
        lr=config.learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=config.weight_decay,
    )
    return Experiment(
        net=net,
        batches=batches,
        loss=VisibilityLoss(config.alignment_weight),
        optimizer=optimizer,
        schedule=one_cycle.build(optimizer, total_steps=config.epochs * batches.steps),
        evaluate=lambda trained: {
            name: figure.value
            for name, figure in _held_out_figures(
                _network(trained, input_spec(config)), faces, "validation"
            ).items()
        },
        epochs=config.epochs,
        config=asdict(config),
        average_decay=config.average_decay,
        bfloat16=config.bfloat16,
        device=config.device,
        seed=config.seed,
    )


def build_net(config: Config) -> MultiTaskNet:
    """Return the untrained network; its points start where they lie on an aligned chip."""
    net = bknet.build(
        classes={task: len(labels) for task, labels in VISIBILITY_LABELS.items()},
        size=config.size,
        dropout=config.dropout,
        blocks=config.blocks,
        hidden=config.hidden,
    )
    last: Any = net.branches["alignment"][-1]  # type: ignore[index]
    with torch.no_grad():
        last.weight.mul_(0.05)
        last.bias.copy_(torch.from_numpy(ALIGNMENT_TEMPLATE.ravel()))
    return net


def input_spec(config: Config) -> InputSpec:
    """Return the input contract of the card."""
    return InputSpec(size=config.size)


def draft_card(config: Config, sha256: str = "0" * 64, version: str = "0") -> ModelCard:
    """Return the card without figures."""
    kinds: dict[str, Literal["softmax", "points"]] = {"occlusion": "softmax", "alignment": "points"}
    return ModelCard(
        name=MODEL_NAME,
        version=version,
        input=input_spec(config),
        heads=tuple(HeadSpec(task, task, kinds[task], labels) for task, labels in VISIBILITY_LABELS.items()),
        sha256=sha256,
    )


def measured_card(config: Config, folder: Path) -> ModelCard:
    """Write the figures of both held-out splits into an exported model's card, through the engine that runs it."""
    sets = {name: load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares}
    faces = _visibility_faces(config, sets)
    with load_engine(folder, backend="onnxruntime") as engine:
        metrics = {
            split: {key: figure.as_dict() for key, figure in found.items()}
            for split in ("validation", "test")
            if (found := _held_out_figures(engine.infer, faces, split))
        }
        card = replace(engine.card, metrics=metrics, license=LICENSE, limits=LIMITS)
    card.save(folder / CARD_FILE)
    return card


def _visibility_faces(config: Config, sets: Mapping[str, PreparedFaces]) -> dict[str, VisibilityFaces]:
    spec = input_spec(config)
    return {
        name: VisibilityFaces.load(faces, Path(config.cache), spec, config.jitter)
        for name, faces in sets.items()
    }


def _network(net: nn.Module, spec: InputSpec) -> Any:
    def infer(chips: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        images = torch.from_numpy(normalised(chips, spec))
        with torch.inference_mode():
            answers = net(images.to(memory_format=torch.channels_last))
        points = answers["alignment"].float().numpy().reshape(len(chips), -1, 2)
        return {"occlusion": answers["occlusion"].float().softmax(dim=1).numpy(), "alignment": points}

    return infer


def _held_out_figures(infer: Any, sets: Mapping[str, VisibilityFaces], split: str) -> dict[str, Figure]:
    samples = [
        faces.sample(int(position), np.random.default_rng((_HELD_OUT_SEED, int(position))))
        for faces in sets.values()
        for position in faces.usable(split)
    ]
    if not samples:
        return {}
    chips = np.stack([chip for chip, _, _ in samples])
    said = [infer(chips[start : start + 256]) for start in range(0, len(chips), 256)]
    probs, points = (np.concatenate([one[name] for one in said]) for name in ("occlusion", "alignment"))
    kinds, wanted = np.array([kind for _, kind, _ in samples]), np.stack([places for *_, places in samples])
    return visibility_figures(probs, points, kinds, wanted.reshape(len(chips), -1, 2), OCCLUSIONS)
