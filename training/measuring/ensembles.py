"""Several predictions of one face as one: the last checkpoints of a run, a face and its mirror image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.card import ModelCard
from engines.preprocess import normalised
from training.data.prepared import PreparedFaces
from training.exporting.decoding import decode_logits
from training.fitting.number_format import autocast
from training.measuring.answers import Decoded
from training.measuring.evaluation import Predict, predict_faces

Weights = Mapping[str, Tensor]


def network_predict(net: nn.Module, card: ModelCard, bfloat16: bool = False) -> Predict:
    """Return a network's decoded predictions of a batch, in evaluation mode, on the device it is on.

    Args:
        net: Answers float (N, C, H, W) images with task -> logits.
        card: Says how they are decoded.
        bfloat16: Compute in bfloat16, as in training where the device computes in it.
    """
    net = net.eval()
    device = next(net.parameters()).device

    def predict(chips: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        images = torch.from_numpy(normalised(chips, card.input))
        batch = images.to(device, memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(device, bfloat16):
            outputs = net(batch)
        return decode_logits({name: output.float().cpu().numpy() for name, output in outputs.items()}, card)

    return predict


def average_decoded(parts: Sequence[Decoded]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the mean of several decoded predictions of the same faces.

    Probabilities and years are averaged; the deviation of the age is that of the mixture of the distributions, so models
    that disagree give a wider one.

    Args:
        parts: At least one, all with the same names.
    """
    mean = {name: np.mean([part[name] for part in parts], axis=0).astype(np.float32) for name in parts[0]}
    if "age_std_years" in mean:
        squares = [
            np.square(part["age_std_years"]) + np.square(part["age_years"] - mean["age_years"])
            for part in parts
        ]
        mean["age_std_years"] = np.sqrt(np.mean(squares, axis=0)).astype(np.float32)
    return mean


def flip_averaged(predict: Predict) -> Predict:
    """Return a predictor that averages a face and its mirror image."""

    def both(chips: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        return average_decoded([predict(chips), predict(np.ascontiguousarray(chips[:, :, ::-1]))])

    return both


def checkpoint_predicts(
    net: nn.Module,
    checkpoints: Iterable[Weights],
    card: ModelCard,
    flip: bool = False,
    bfloat16: bool = False,
) -> Iterator[Predict]:
    """Yield the predictor of every checkpoint; one network serves them all, so use each before the next.

    Args:
        net: Of the recipe; its weights are replaced.
        checkpoints: Of `training.fitting.checkpoints.kept_epochs`.
        card: Says how outputs are decoded.
        flip: Average every face with its mirror image.
        bfloat16: Compute in bfloat16 where the device computes in it.
    """
    for weights in checkpoints:
        net.load_state_dict(weights)
        predict = network_predict(net, card, bfloat16)
        yield flip_averaged(predict) if flip else predict


def ensemble_faces(
    predicts: Iterable[Predict],
    faces: PreparedFaces,
    positions: npt.NDArray[np.int64],
    card: ModelCard,
    align: bool,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the mean of several predictors' decoded predictions (BKNet averages its last ten checkpoints).

    Sang and Cuong 2018, section 4.2, combine checkpoints without saying how; we average probabilities and years.
    """
    return average_decoded(
        [predict_faces(predict, faces, positions, card.input, align) for predict in predicts]
    )
