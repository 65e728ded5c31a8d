"""One temperature per head, fitted on held-out faces and folded into the network before export.

Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks, ICML 2017, section 4.2: the logits are divided by
the T > 0 that gives the labels the least negative log-likelihood. The first class stays first, so no accuracy changes.
A network that learns the distribution of a crowd's votes is less sure than the majority vote it is measured against; the
temperature takes that away. The age head is left alone: its expectation would move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from torch import nn

from engines.card import InputSpec
from engines.preprocess import normalised
from training.blocks.capsules.branches import LogitScale
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces
from training.data.sample import hashed_split
from training.measuring.evaluation import predict_faces
from training.measuring.reliability import expected_calibration_error
from training.occlusion.views import Hide

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

COARSEST, FINEST = 0.1, 10.0
"""Temperatures that are tried."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One head's temperature and what it does.

    Attributes:
        temperature: Fitted on all faces; what the network gets.
        error_before: Expected calibration error without it, a share.
        error_after: The same with temperatures that were fitted on the other half of the faces.
        count: Faces.
    """

    temperature: float
    error_before: float
    error_after: float
    count: int

    def as_dict(self) -> dict[str, float | int]:
        """Return the fields, rounded for a card."""
        return {name: round(value, 5) for name, value in asdict(self).items()}


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """Return the temperature with the least negative log-likelihood.

    Args:
        logits: (N, C).
        labels: (N,), class numbers.

    Raises:
        ValueError: No face.
    """
    if not len(labels):
        raise ValueError("labels: expected at least one face to fit a temperature on, found none")
    rows = np.arange(len(labels))

    def unlikelihood(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean())

    bounds = (float(np.log(COARSEST)), float(np.log(FINEST)))
    return float(np.exp(minimize_scalar(unlikelihood, bounds=bounds, method="bounded").x))


def calibration(logits: Floats, labels: Labels, halves: npt.NDArray[np.bool_]) -> Calibration:
    """Return the temperature for all faces, and the error that one half's temperature leaves on the other.

    Args:
        logits: (N, C).
        labels: (N,), class numbers.
        halves: (N,), which half a face is in; people must not stand in both.
    """
    crossed = np.empty(logits.shape)
    for half in (False, True):
        own, other = halves == half, halves != half
        temperature = fit_temperature(logits[other], labels[other]) if other.any() else 1.0
        crossed[own] = softmax(logits[own] / temperature, axis=1)
    return Calibration(
        temperature=fit_temperature(logits, labels),
        error_before=expected_calibration_error(softmax(logits, axis=1), labels),
        error_after=expected_calibration_error(crossed, labels),
        count=len(labels),
    )


def calibrate(
    net: MultiTaskNet,
    sets: Mapping[str, PreparedFaces],
    spec: InputSpec,
    align: bool,
    hide: Hide | None = None,
) -> dict[str, Calibration]:
    """Fit the temperatures of emotion, gender and smile on validation faces and fold them into the network.

    Args:
        net: Trained; the last linear layers of its branches are changed in place.
        sets: Prepared sets; the largest one with validation labels of a task is used for it.
        spec: Input of the network.
        align: Whether it takes aligned faces.
        hide: Hides a half of them.

    Returns:
        Task -> calibration, for the tasks whose error falls on faces that the temperature was not fitted on; the others
        are left as they are.
    """
    found: dict[str, Calibration] = {}
    for task in ("emotion", "gender", "smile"):
        if task not in net.branches:
            continue
        labelled = {name: _labelled(faces, task) for name, faces in sets.items()}
        name = max(labelled, key=lambda key: len(labelled[key][0]), default=None)
        if name is None or len(labelled[name][0]) < 2:
            continue
        positions, labels = labelled[name]
        logits = _logits(net, sets[name], positions, spec, align, hide)[task]
        found[task] = calibration(logits, labels, _halves(sets[name], positions))
        if found[task].error_after < found[task].error_before:
            fold(net.branches[task], found[task].temperature)
        else:
            del found[task]
    return found


def fold(branch: nn.Module, temperature: float) -> None:
    """Divide the logits of a branch by a temperature, by changing its last linear layer, or a capsule branch's scale.

    Raises:
        ValueError: The branch ends with no linear layer.
    """
    layers = [module for module in branch.modules() if not list(module.children())]
    if isinstance(layers[-1], LogitScale):
        layers[-1].temperature *= temperature
        return
    if not isinstance(layers[-1], nn.Linear):
        raise ValueError(f"branch: expected a linear layer at its end, found {layers[-1]}")
    with torch.no_grad():
        layers[-1].weight /= temperature
        if layers[-1].bias is not None:
            layers[-1].bias /= temperature


def _labelled(faces: PreparedFaces, task: str) -> tuple[Labels, Labels]:
    """Return the validation faces with a label of a task, and their classes."""
    positions = faces.where("validation")
    if task == "emotion":
        votes = faces.emotion[positions]
        known = ~np.isnan(votes).any(axis=1)
        return positions[known], votes[known].argmax(axis=1).astype(np.int64)
    values = (faces.female if task == "gender" else faces.smile)[positions]
    known = ~np.isnan(values)
    return positions[known], values[known].astype(np.int64)


def _halves(faces: PreparedFaces, positions: Labels) -> npt.NDArray[np.bool_]:
    """Return which half each face is in; a person's faces stand in one."""
    sides = [hashed_split(f"calibration {name}", 50, 0) == "validation" for name in faces.subject[positions]]
    return np.array(sides, dtype=bool)


def _logits(
    net: nn.Module,
    faces: PreparedFaces,
    positions: Labels,
    spec: InputSpec,
    align: bool,
    hide: Hide | None,
) -> dict[str, Floats]:
    def predict(chips: npt.NDArray[np.uint8]) -> dict[str, Floats]:
        with torch.inference_mode():
            answers = net.eval()(torch.from_numpy(normalised(chips, spec)))
        return {task: rows.numpy() for task, rows in answers.items()}

    return predict_faces(predict, faces, positions, spec, align, hide)
