"""How much an error falls when faces, steps or weights are doubled, and where a power law would take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from training.errors import RecipeError
from training.measuring.resampling import Resampling
from training.study_parts.intervals import SeedsAndFaces, seeds_and_faces

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

ENOUGH_POINTS = 4
"""A power law has three unknowns: fewer points than four fit any."""

_EXPONENTS = np.linspace(0.02, 2.0, 100)
_DRAWS = 200


def gains_per_doubling(amounts: Sequence[float], errors: Sequence[Sequence[Floats]]) -> list[Floats]:
    """Return by how much each face's error falls per doubling: minus the slope of the line over log2 of the amount.

    Args:
        amounts: Faces, steps or weights of each point; two at least.
        errors: A point's errors of the faces, (N,), of every seed.

    Returns:
        A seed's gains of the faces, float (N,), NaN where a face does not count.
    """
    places = np.log2(np.asarray(amounts, np.float64))
    slopes = (places - places.mean()) / np.square(places - places.mean()).sum()
    return [
        -np.tensordot(slopes, np.stack(points), axes=1).astype(np.float32)
        for points in zip(*errors, strict=True)
    ]


def with_interval(gains: Sequence[Floats], subjects: npt.NDArray[np.str_]) -> SeedsAndFaces:
    """Return the mean gain with its interval, over faces, and with several seeds also over seeds."""
    return seeds_and_faces(gains, [np.zeros_like(one) for one in gains], subjects)


def bounds(found: SeedsAndFaces) -> tuple[float, float]:
    """Return the 95% interval: over seeds and faces, or over faces where there is one seed."""
    return (found.low, found.high) if found.seeds > 1 else (found.faces_low, found.faces_high)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """error = floor + span * (amount / largest amount) ** -exponent.

    Hestness et al.: Deep learning scaling is predictable, empirically, 2017, equation 1 with a floor.

    Attributes:
        floor: What no amount takes away.
        span: The rest at the largest amount.
        exponent: How fast the rest falls.
    """

    floor: float
    span: float
    exponent: float

    def at(self, times: float) -> float:
        """Return the error at so many times the largest amount."""
        return float(self.floor + self.span * times**-self.exponent)


def fitted(amounts: Sequence[float], errors: Sequence[float]) -> PowerLaw:
    """Return the power law of least squares with no negative part.

    Raises:
        RecipeError: Fewer points than `ENOUGH_POINTS`.
    """
    if len(set(amounts)) < ENOUGH_POINTS:
        raise RecipeError(
            f"power law: expected {ENOUGH_POINTS} numbers of faces or more, found {len(set(amounts))}; add --shares"
        )
    relative = np.asarray(amounts, np.float64) / max(amounts)
    means = np.asarray(errors, np.float64)
    laws = [_at_exponent(relative, means, float(one)) for one in _EXPONENTS]
    return min(laws, key=lambda found: found[0])[1]


def forecast(
    amounts: Sequence[float], errors: Sequence[Floats], draws: Resampling, times: float
) -> dict[str, float]:
    """Return the error that the power law expects at so many times the largest amount, with its 95% interval over faces.

    Args:
        amounts: Of each point, `ENOUGH_POINTS` or more.
        errors: A point's errors of the faces, (N,), all of which count.
        draws: Of these faces.
        times: The largest amount times this.

    Returns:
        value, low, high, and floor: the error that no amount takes away.

    Raises:
        RecipeError: Too few points.
    """
    law = fitted(amounts, [float(one.mean()) for one in errors])
    weights = draws.counts[:_DRAWS].astype(np.float64)
    means = weights @ np.stack(errors, axis=1) / weights.sum(axis=1, keepdims=True)
    found = [fitted(amounts, row.tolist()).at(times) for row in means]
    low, high = np.percentile(found, [2.5, 97.5])
    return {"value": law.at(times), "low": float(low), "high": float(high), "floor": law.floor}


def _at_exponent(relative: Doubles, errors: Doubles, exponent: float) -> tuple[float, PowerLaw]:
    parts, rest = nnls(np.stack([np.ones_like(relative), relative**-exponent], axis=1), errors)
    return float(rest), PowerLaw(float(parts[0]), float(parts[1]), exponent)
