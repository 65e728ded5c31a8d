"""What a network of the study says of held-out faces: a score of each face and the class it was given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.data.prepared import PreparedFaces
from training.losses.age_classes import AgeClassLoss
from training.protocols.cross_data_set import classes_of

Arrays = dict[str, npt.NDArray[np.float32]]

_BATCH = 256


def scores_of(
    net: nn.Module, images: Mapping[str, Tensor], sets: Mapping[str, PreparedFaces], source: str
) -> Arrays:
    """Return the scores of a network on the sets that it answers.

    Args:
        net: In evaluation mode.
        images: Set -> its held-out faces, float (N, C, size, size), in the order of `held_out`.
        sets: Set -> faces.
        source: Set that the network was trained on.

    Returns:
        "<set>/<score>" -> float32 (N,), NaN where the face does not count: emotion, emotion_shared (among the classes
        that both sets have), age_group (of Adience), gender: 1 for a hit, 0 for a miss; age_error in years. Beside each
        emotion, emotion_shared and age_group, "<set>/<score>_said" and "<set>/<score>_true", class numbers.
    """
    found: Arrays = {}
    for name in targets(source):
        logits = _logits(net, images[name])
        places = held_out(sets[name], name, source)
        if "emotion" in logits:
            found |= _emotions(logits["emotion"], sets[name], places, name, classes_of(sets[source]))
        if "age" in logits:
            found |= _ages(logits["age"], sets[name].age_years[places], name)
        if "gender" in logits:
            truth = sets[name].female[places]
            found[f"{name}/gender"] = _scored(
                logits["gender"].argmax(dim=1).numpy() == truth, np.isfinite(truth)
            )
    return found


def targets(source: str) -> tuple[str, ...]:
    """Return the sets that a network trained on one is tested on."""
    return ("utkface",) if source == "utkface" else ("ferplus", "ckplus")


def held_out(faces: PreparedFaces, name: str, source: str) -> npt.NDArray[np.int64]:
    """Return the faces to test on: the validation split; of CK+ also its test split, and all of it for other sources."""
    if name != "ckplus":
        return faces.where("validation")
    if source != "ckplus":
        return np.arange(len(faces))
    return np.concatenate([faces.where("validation"), faces.where("test")])


def _logits(net: nn.Module, images: Tensor) -> dict[str, Tensor]:
    with torch.inference_mode():
        parts = [net(block) for block in images.split(_BATCH)]
    return {task: torch.cat([part[task].float() for part in parts]) for task in parts[0]}


def _emotions(
    logits: Tensor,
    faces: PreparedFaces,
    places: npt.NDArray[np.int64],
    name: str,
    learned: npt.NDArray[np.int64],
) -> Arrays:
    votes = faces.emotion[places]
    labelled = np.isfinite(votes).all(axis=1)
    truth = np.nan_to_num(votes).argmax(axis=1)
    said = logits.argmax(dim=1).numpy()
    shared = np.intersect1d(learned, truth[labelled])
    allowed = np.where(np.isin(np.arange(logits.shape[1]), shared), logits.numpy(), -np.inf).argmax(axis=1)
    counts = labelled & np.isin(truth, shared)
    return {
        **_classes(f"{name}/emotion", truth, said, labelled),
        **_classes(f"{name}/emotion_shared", truth, allowed, counts),
    }


def _ages(logits: Tensor, years: npt.NDArray[np.float32], name: str) -> Arrays:
    groups = AgeClassLoss()
    truth = groups.group_of(torch.from_numpy(years)).numpy()
    said = groups.group_log_probs(logits).argmax(dim=1).numpy()
    expected = logits.softmax(dim=1) @ torch.arange(logits.shape[1], dtype=torch.float32)
    return {
        **_classes(f"{name}/age_group", truth, said, truth >= 0),
        f"{name}/age_error": np.abs(expected.numpy() - years),
    }


def _classes(
    key: str, truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64], counts: npt.NDArray[np.bool_]
) -> Arrays:
    return {
        key: _scored(said == truth, counts),
        f"{key}_said": said.astype(np.float32),
        f"{key}_true": np.where(counts, truth, -1).astype(np.float32),
    }


def _scored(hits: npt.NDArray[np.bool_], counts: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    return np.where(counts, hits, np.nan).astype(np.float32)
