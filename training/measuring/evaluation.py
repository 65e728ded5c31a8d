"""The figures of a model on the prepared sets: one code for the training loop, `evaluate` and the model card."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS, InputSpec
from training.batches.mixed_batches import plain_chips
from training.data.prepared import PreparedFaces
from training.measuring.answers import AGE_GROUPS_YEARS, Answers, Decoded, answers, emotion_confusion
from training.measuring.metrics import (
    Figure,
    accuracy_with_interval,
    macro_f1_of,
    mean_with_interval,
    top_hits,
    weighted_accuracy_with_interval,
)
from training.measuring.reliability import calibration_error_with_interval
from training.measuring.resampling import RESAMPLES, Resampling, resampling
from training.occlusion.views import Hide

Predict = Callable[[npt.NDArray[np.uint8]], dict[str, npt.NDArray[np.float32]]]
"""uint8 (N, size, size) or (N, size, size, 3) -> arrays as `engines.decode.decode` names them."""

__all__ = ["AGE_GROUPS_YEARS", "emotion_confusion", "figures", "group_figures", "predict_faces"]

_BATCH = 256
ADULT_YEARS = 16
_DEVIATIONS_OF_95 = 1.96


def predict_faces(
    predict: Predict,
    faces: PreparedFaces,
    positions: npt.NDArray[np.int64],
    spec: InputSpec,
    align: bool,
    hide: Hide | None = None,
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the decoded predictions of some pictures of a set, in their order, perhaps with a half hidden."""
    blocks = [positions[start : start + _BATCH] for start in range(0, len(positions), _BATCH)]
    said = []
    for block in blocks:
        chips = plain_chips(faces, block, spec, align)
        said.append(predict(chips if hide is None else hide(chips, faces, block)))
    return {name: np.concatenate([part[name] for part in said]) for name in said[0]}


def figures(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded, intervals: bool = True
) -> dict[str, Figure]:
    """Return every figure that a set's labels allow.

    Args:
        faces: The set.
        positions: Which pictures.
        said: Decoded predictions of these pictures.
        intervals: Also draw the bootstrap; a training loop that reads only the values spares itself the time.

    Returns:
        Name -> figure. Emotion, against the majority vote: emotion_accuracy, emotion_top2, emotion_top3,
        emotion_weighted_accuracy (mean recall), emotion_macro_f1, emotion_calibration_error, emotion_recall_<class>.
        Age: age_error (mean absolute), age_within_5_years (cumulative score), and age_coverage_68 and
        age_coverage_95 (share of true ages inside the predicted interval of that probability); where the set gives
        groups of age, age_group_accuracy and age_group_one_off (the group or one beside it). Gender:
        gender_accuracy, gender_accuracy_16_and_over, gender_calibration_error. Smile: smile_accuracy,
        smile_balanced_accuracy (mean recall), smile_calibration_error.
    """
    draws = resampling(faces.subject[positions], RESAMPLES if intervals else 0)
    found = answers(faces, positions, said)
    return {
        **(_emotion_figures(found["emotion"], draws) if "emotion" in found else {}),
        **_age_figures(faces.age_years[positions], said, draws),
        **_age_class_figures(faces, positions, said, draws),
        **(_gender_figures(found["gender"], faces.age_years[positions], draws) if "gender" in found else {}),
        **(_smile_figures(found["smile"], draws) if "smile" in found else {}),
    }


def group_figures(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded, intervals: bool = True
) -> dict[str, Figure]:
    """Return age and gender figures by age group and by the set's race groups.

    Args:
        faces: The set.
        positions: Which pictures.
        said: Decoded predictions of these pictures.
        intervals: Also draw the bootstrap.

    Returns:
        age_error_<group>, age_within_5_years_<group> and gender_accuracy_<group>, for groups such as "20_to_29" and
        "race_0"; a group without a labelled picture is left out.
    """
    draws = resampling(faces.subject[positions], RESAMPLES if intervals else 0)
    found: dict[str, Figure] = {}
    for group, members in _groups(faces.age_years[positions], faces.race[positions]).items():
        found |= _age_group_figures(faces.age_years[positions], said, members, group, draws)
        found |= _gender_group_figures(faces.female[positions], said, members, group, draws)
    return found


def _emotion_figures(answer: Answers, draws: Resampling) -> dict[str, Figure]:
    truth, said, probs = answer.truth, answer.predicted, answer.probs
    drawn = draws.chosen(answer.chosen)
    return {
        "emotion_accuracy": accuracy_with_interval(truth, said, drawn),
        "emotion_top2": mean_with_interval(top_hits(probs, truth, 2), draws=drawn),
        "emotion_top3": mean_with_interval(top_hits(probs, truth, 3), draws=drawn),
        "emotion_weighted_accuracy": weighted_accuracy_with_interval(truth, said, drawn),
        "emotion_macro_f1": macro_f1_of(truth, said, drawn),
        "emotion_calibration_error": calibration_error_with_interval(probs, truth, drawn),
        **{
            f"emotion_recall_{EMOTIONS[number]}": mean_with_interval(
                said[truth == number] == number, draws=drawn.chosen(truth == number)
            )
            for number in np.unique(truth)
        },
    }


def _age_figures(age: npt.NDArray[np.float32], said: Decoded, draws: Resampling) -> dict[str, Figure]:
    labelled = ~np.isnan(age)
    if "age_years" not in said or not labelled.any():
        return {}
    error, drawn = np.abs(said["age_years"] - age)[labelled], draws.chosen(labelled)
    found = {
        "age_error": mean_with_interval(error, "years", drawn),
        "age_within_5_years": mean_with_interval(error <= 5, draws=drawn),
    }
    if "age_std_years" in said:
        deviation = said["age_std_years"][labelled]
        found["age_coverage_68"] = mean_with_interval(error <= deviation, draws=drawn)
        found["age_coverage_95"] = mean_with_interval(error <= _DEVIATIONS_OF_95 * deviation, draws=drawn)
    return found


def _age_class_figures(
    faces: PreparedFaces, positions: npt.NDArray[np.int64], said: Decoded, draws: Resampling
) -> dict[str, Figure]:
    """Return how often the predicted years lie nearest to the labelled group, for sets that give groups of age."""
    ranges = np.stack([faces.age_low_years, faces.age_high_years], axis=1)
    labelled = np.isfinite(ranges[positions]).all(axis=1)
    if "age_years" not in said or not labelled.any():
        return {}
    groups = np.unique(ranges[np.isfinite(ranges).all(axis=1)], axis=0)
    years = said["age_years"][labelled][:, None]
    predicted = np.maximum(groups[:, 0] - years, years - groups[:, 1]).clip(0).argmin(axis=1)
    truth = (ranges[positions][labelled][:, None] == groups).all(axis=2).argmax(axis=1)
    drawn = draws.chosen(labelled)
    return {
        "age_group_accuracy": accuracy_with_interval(truth, predicted, drawn),
        "age_group_one_off": mean_with_interval(np.abs(truth - predicted) <= 1, draws=drawn),
    }


def _gender_figures(answer: Answers, age: npt.NDArray[np.float32], draws: Resampling) -> dict[str, Figure]:
    drawn, grown = draws.chosen(answer.chosen), age[answer.chosen] >= ADULT_YEARS
    found = {
        "gender_accuracy": accuracy_with_interval(answer.truth, answer.predicted, drawn),
        "gender_calibration_error": calibration_error_with_interval(answer.probs, answer.truth, drawn),
    }
    if grown.any():
        found["gender_accuracy_16_and_over"] = accuracy_with_interval(
            answer.truth[grown], answer.predicted[grown], drawn.chosen(grown)
        )
    return found


def _smile_figures(answer: Answers, draws: Resampling) -> dict[str, Figure]:
    drawn = draws.chosen(answer.chosen)
    return {
        "smile_accuracy": accuracy_with_interval(answer.truth, answer.predicted, drawn),
        "smile_balanced_accuracy": weighted_accuracy_with_interval(answer.truth, answer.predicted, drawn),
        "smile_calibration_error": calibration_error_with_interval(answer.probs, answer.truth, drawn),
    }


def _groups(age: npt.NDArray[np.float32], race: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return group name -> who belongs to it."""
    by_age = {f"{low}_to_{high}": (age >= low) & (age <= high) for low, high in AGE_GROUPS_YEARS}
    return by_age | {f"race_{int(number)}": race == number for number in np.unique(race[~np.isnan(race)])}


def _age_group_figures(
    age: npt.NDArray[np.float32],
    said: Decoded,
    members: npt.NDArray[np.bool_],
    group: str,
    draws: Resampling,
) -> dict[str, Figure]:
    members = members & ~np.isnan(age)
    if "age_years" not in said or not members.any():
        return {}
    error, drawn = np.abs(said["age_years"] - age)[members], draws.chosen(members)
    return {
        f"age_error_{group}": mean_with_interval(error, "years", drawn),
        f"age_within_5_years_{group}": mean_with_interval(error <= 5, draws=drawn),
    }


def _gender_group_figures(
    female: npt.NDArray[np.float32],
    said: Decoded,
    members: npt.NDArray[np.bool_],
    group: str,
    draws: Resampling,
) -> dict[str, Figure]:
    members = members & ~np.isnan(female)
    if "female" not in said or not members.any():
        return {}
    hit = (said["female"] > 0.5) == female
    return {f"gender_accuracy_{group}": mean_with_interval(hit[members], draws=draws.chosen(members))}
