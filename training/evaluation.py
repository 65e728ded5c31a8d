"""The figures of a model on the prepared sets: one code for the training loop, `evaluate` and the model card."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS, InputSpec
from training.data.mixed_batches import plain_images
from training.data.prepared import PreparedFaces
from training.metrics import (
    Figure,
    confusion,
    expected_calibration_error,
    macro_f1_with_interval,
    mean_with_interval,
    top_hits,
)

Predict = Callable[[npt.NDArray[np.float32]], dict[str, npt.NDArray[np.float32]]]
"""float32 (N, C, size, size) -> arrays as `engines.decode.decode` names them."""

_BATCH = 256
ADULT_YEARS = 16
AGE_GROUPS_YEARS = ((0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 120))


def predict_faces(
    predict: Predict, faces: PreparedFaces, positions: npt.NDArray[np.int64], spec: InputSpec, align: bool
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the decoded predictions of some pictures of a set, in their order."""
    blocks = [positions[start : start + _BATCH] for start in range(0, len(positions), _BATCH)]
    answers = [predict(plain_images(faces, block, spec, align)) for block in blocks]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}


def figures(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Mapping[str, npt.NDArray[np.float32]]
) -> dict[str, Figure]:
    """Return every figure that a set's labels allow.

    Args:
        faces: The set.
        positions: Which pictures.
        said: Decoded predictions of these pictures.

    Returns:
        Name -> figure: emotion_accuracy (majority vote), emotion_top2, emotion_top3, emotion_macro_f1,
        emotion_calibration_error, age_error, age_within_5_years, gender_accuracy, gender_accuracy_16_and_over,
        smile_accuracy, smile_calibration_error.
    """
    return {
        **_emotion_figures(faces.emotion[positions], said.get("emotion")),
        **_age_figures(faces.age_years[positions], said.get("age_years")),
        **_gender_figures(faces.female[positions], faces.age_years[positions], said.get("female")),
        **_smile_figures(faces.smile[positions], said.get("smile")),
    }


def group_figures(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Mapping[str, npt.NDArray[np.float32]]
) -> dict[str, Figure]:
    """Return age error and gender accuracy by age group and gender accuracy by the set's race groups."""
    age, female, race = (getattr(faces, name)[positions] for name in ("age_years", "female", "race"))
    found: dict[str, Figure] = {}
    for low, high in AGE_GROUPS_YEARS:
        group = (age >= low) & (age <= high)
        if "age_years" in said and group.any():
            found[f"age_error_{low}_to_{high}"] = mean_with_interval(
                np.abs(said["age_years"] - age)[group], "years"
            )
        if "female" in said and (group & ~np.isnan(female)).any():
            chosen = group & ~np.isnan(female)
            found[f"gender_accuracy_{low}_to_{high}"] = mean_with_interval(
                ((said["female"] > 0.5) == female)[chosen]
            )
    for number in np.unique(race[~np.isnan(race)]):
        chosen = (race == number) & ~np.isnan(female)
        if "female" in said and chosen.any():
            found[f"gender_accuracy_race_{int(number)}"] = mean_with_interval(
                ((said["female"] > 0.5) == female)[chosen]
            )
    return found


def emotion_confusion(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Mapping[str, npt.NDArray[np.float32]]
) -> npt.NDArray[np.int64] | None:
    """Return the counts of majority vote (rows) against prediction (columns), or None for a set without emotion."""
    votes = faces.emotion[positions]
    labelled = ~np.isnan(votes).any(axis=1)
    if "emotion" not in said or not labelled.any():
        return None
    return confusion(votes[labelled].argmax(axis=1), said["emotion"][labelled].argmax(axis=1), len(EMOTIONS))


def _emotion_figures(
    votes: npt.NDArray[np.float32], probs: npt.NDArray[np.float32] | None
) -> dict[str, Figure]:
    labelled = ~np.isnan(votes).any(axis=1)
    if probs is None or not labelled.any():
        return {}
    probs, truth = probs[labelled], votes[labelled].argmax(axis=1)
    error = expected_calibration_error(probs, truth)
    return {
        "emotion_accuracy": mean_with_interval(probs.argmax(axis=1) == truth),
        "emotion_top2": mean_with_interval(top_hits(probs, truth, 2)),
        "emotion_top3": mean_with_interval(top_hits(probs, truth, 3)),
        "emotion_macro_f1": macro_f1_with_interval(confusion(truth, probs.argmax(axis=1), len(EMOTIONS))),
        "emotion_calibration_error": Figure(error, float("nan"), float("nan"), truth.size, "share"),
    }


def _age_figures(age: npt.NDArray[np.float32], said: npt.NDArray[np.float32] | None) -> dict[str, Figure]:
    labelled = ~np.isnan(age)
    if said is None or not labelled.any():
        return {}
    error = np.abs(said[labelled] - age[labelled])
    return {
        "age_error": mean_with_interval(error, "years"),
        "age_within_5_years": mean_with_interval(error <= 5),
    }


def _gender_figures(
    female: npt.NDArray[np.float32], age: npt.NDArray[np.float32], said: npt.NDArray[np.float32] | None
) -> dict[str, Figure]:
    labelled = ~np.isnan(female)
    if said is None or not labelled.any():
        return {}
    hit = (said > 0.5) == female
    grown = labelled & (age >= ADULT_YEARS)
    return {
        "gender_accuracy": mean_with_interval(hit[labelled]),
        "gender_accuracy_16_and_over": mean_with_interval(hit[grown]),
    }


def _smile_figures(smile: npt.NDArray[np.float32], said: npt.NDArray[np.float32] | None) -> dict[str, Figure]:
    labelled = ~np.isnan(smile)
    if said is None or not labelled.any():
        return {}
    truth, probs = smile[labelled].astype(np.int64), said[labelled]
    error = expected_calibration_error(np.stack([1 - probs, probs], axis=1), truth)
    return {
        "smile_accuracy": mean_with_interval((probs > 0.5) == truth),
        "smile_calibration_error": Figure(error, float("nan"), float("nan"), truth.size, "share"),
    }
