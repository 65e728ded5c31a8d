"""How good the visibility network is: the occlusions it names, and how far its points are off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engines.card import ALIGNMENT_NAMES
from training.measuring.metrics import Figure, accuracy_with_interval, mean_with_interval
from training.measuring.resampling import resampling

Floats = npt.NDArray[np.float32]

EYES = [place for place, name in enumerate(ALIGNMENT_NAMES) if "eye" in name or name == "nose_bridge"]
LOWER = [place for place in range(len(ALIGNMENT_NAMES)) if place not in EYES]
VISIBLE_POINTS = {"none": EYES + LOWER, "headset": LOWER, "mask": EYES}
"""Occlusion -> positions of the alignment points that can be seen."""
_OUTER_EYES = (ALIGNMENT_NAMES.index("right_eye_outer"), ALIGNMENT_NAMES.index("left_eye_outer"))


def visibility_figures(
    probs: Floats, points: Floats, truth: npt.NDArray[np.int64], wanted: Floats, occlusions: Sequence[str]
) -> dict[str, Figure]:
    """Return the share of occlusions named rightly, over all and by kind, and the points' error by kind.

    Args:
        probs: (N, 4), what the network says of each face.
        points: (N, 10, 2), the points it gives.
        truth: (N,), the right occlusion.
        wanted: (N, 10, 2), the mesh's points, NaN where too little is seen.
        occlusions: Names of the occlusions.

    Returns:
        occlusion_accuracy, occlusion_recall_<kind>, and points_error_<kind>: mean distance of the visible points, as a
        share of the distance between the outer corners of the eyes.
    """
    said = probs.argmax(axis=1)
    draws = resampling(np.arange(len(truth)).astype(str))
    found = {"occlusion_accuracy": accuracy_with_interval(truth, said, draws)}
    eye_distance = np.linalg.norm(wanted[:, _OUTER_EYES[0]] - wanted[:, _OUTER_EYES[1]], axis=1)
    distance = np.linalg.norm(points - wanted, axis=2) / eye_distance[:, None]
    for number, name in enumerate(occlusions):
        members = truth == number
        if not members.any():
            continue
        found[f"occlusion_recall_{name}"] = mean_with_interval(
            said[members] == number, draws=draws.chosen(members)
        )
        if name in VISIBLE_POINTS:
            error = distance[members][:, VISIBLE_POINTS[name]].mean(axis=1)
            found[f"points_error_{name}"] = mean_with_interval(error, draws=draws.chosen(members))
    return found
