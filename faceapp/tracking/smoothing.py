"""Smoothing over time per face: One Euro for landmarks, an exponential average for what the networks say.

Both are clocked by the frames' own time stamps, so the result does not depend on how fast the program runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from faceapp.types import Floats

GAP_S = 0.5
"""A face unseen for longer starts afresh: what was there before says nothing about now."""

# One Euro at strength 0 (as good as off) and 1 (strongest), in between on a logarithmic scale. Measured at 30 Hz
# on meshes of a face under sensor noise: strength 0.5 (1.7 Hz, gain 42) leaves 0.12% instead of 0.57% of the eye
# distance as jitter, and lags 13 ms behind a slow head, 2 ms behind a fast one.
_REST_CUTOFF_HZ = (12.0, 0.25)
_SPEED_GAIN_HZ = (120.0, 15.0)
_SPEED_CUTOFF_HZ = 1.0  # the paper's
_LONGEST_TIME_CONSTANT_S = 2.0


@dataclass(slots=True)
class _PointState:
    """Filter state of one face's landmarks."""

    time_s: float
    points: Floats
    raw: Floats
    speed: Floats


class LandmarkSmoother:
    """One Euro filter of each face's landmarks, vectorised over all points.

    1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems (Casiez,
    Roussel and Vogel, 2012): x' = a x + (1 - a) x'_before with a = 1 / (1 + tau / dt), tau = 1 / (2 pi
    cutoff) and cutoff = rest_cutoff + gain * |speed'|, speed' being the speed after a low-pass of its own.
    We differ in two ways: the speed is a point's velocity vector instead of one value per coordinate, so
    that motion along x frees y as well and the path keeps its shape; and it is measured in face sizes a
    second instead of pixels a second, so that the strength is the same for near and far faces.

    Args:
        strength: From 0 (off: landmarks pass unchanged) to 1 (strongest).

    Attributes:
        strength: As above; may be changed while running.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self._states: dict[int, _PointState] = {}

    def update(self, track_id: int, time_s: float, landmarks: Floats, steadier: float = 0.0) -> Floats:
        """Return the smoothed landmarks of one face.

        Args:
            track_id: The face; each has its own state.
            time_s: Time of the frame in seconds; a step backwards or a gap above 0.5 s starts afresh.
            landmarks: float32 (P, 3), pixels.
            steadier: Share, 0 to 1, of the way from the strength to the strongest, for a mesh that trembles more.

        Returns:
            float32 (P, 3), pixels; a new array unless the strength is 0.
        """
        state = self._states.get(track_id)
        elapsed_s = time_s - state.time_s if state is not None else math.inf
        if self.strength <= 0 or state is None or not 0 <= elapsed_s <= GAP_S:
            self._states[track_id] = _PointState(time_s, landmarks, landmarks, np.zeros_like(landmarks))
            return landmarks
        if elapsed_s > 0:
            strength = min(self.strength, 1.0)
            self._step(state, elapsed_s, landmarks, strength + steadier * (1 - strength))
            state.time_s = time_s
        return state.points

    def forget(self, before_s: float) -> None:
        """Drop the state of faces last seen before that time."""
        self._states = {key: state for key, state in self._states.items() if state.time_s >= before_s}

    def _step(self, state: _PointState, elapsed_s: float, landmarks: Floats, strength: float) -> None:
        size = max(float(np.ptp(landmarks[:, 0])), float(np.ptp(landmarks[:, 1])), 1.0)
        velocity = (landmarks - state.raw) / np.float32(size * elapsed_s)
        share = np.float32(_weight(_SPEED_CUTOFF_HZ, elapsed_s))
        state.speed = state.speed + share * (velocity - state.speed)
        pace = np.sqrt(np.einsum("ij,ij->i", state.speed, state.speed))[:, None]
        rest_hz, gain_hz = (_at_strength(strength, ends) for ends in (_REST_CUTOFF_HZ, _SPEED_GAIN_HZ))
        angle = np.float32(2 * math.pi * elapsed_s) * (rest_hz + gain_hz * pace)
        state.points = state.points + angle / (1 + angle) * (landmarks - state.points)
        state.raw = landmarks


@dataclass(slots=True)
class _ValueState:
    """Average of one face's values, and over how many frames each was seen."""

    time_s: float
    values: Floats
    counts: Floats
    origin: str


class ProbabilitySmoother:
    """Exponential average over time of what a network says about each face.

    value' = value'_before + w (value - value'_before) with w = 1 - exp(-dt / tau), tau = 2 s * strength^2.
    While a face is new, w is at least 1 / (frames seen), a plain mean, so that its first frame does not
    weigh for seconds. Averages of probabilities that sum to 1 sum to 1.

    Where another network takes over, the average so far counts as one frame: two networks' values are not
    mixed for seconds (a tenth of the old one is left after 9 frames), and yet the first frame of the new
    one, taken while a headset is still on its way, does not make the shown values jump all the way.

    Args:
        strength: From 0 (off: values pass unchanged) to 1 (time constant 2 s).

    Attributes:
        strength: As above; may be changed while running.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self._states: dict[int, _ValueState] = {}

    def update(self, track_id: int, time_s: float, values: Floats, origin: str = "") -> Floats:
        """Return the smoothed values of one face.

        Args:
            track_id: The face; each has its own state.
            time_s: Time of the frame in seconds; a step backwards or a gap above 0.5 s starts afresh.
            values: float32 (K,); NaN = not said, which stays NaN and starts that entry afresh.
            origin: Name of the network that said it.

        Returns:
            float32 (K,), a new array.
        """
        state = self._states.get(track_id)
        elapsed_s = time_s - state.time_s if state is not None else math.inf
        usable = state is not None and state.values.shape == values.shape and 0 <= elapsed_s <= GAP_S
        if self.strength <= 0 or state is None or not usable:
            counts = np.where(np.isnan(values), np.float32(0), np.float32(1))
            self._states[track_id] = _ValueState(time_s, values.copy(), counts, origin)
            return values.copy()
        if origin != state.origin:
            state.counts, state.origin = np.minimum(state.counts, np.float32(1)), origin
        tau_s = max(_LONGEST_TIME_CONSTANT_S * min(self.strength, 1.0) ** 2, 1e-6)
        share = -math.expm1(-elapsed_s / tau_s)
        known = ~np.isnan(values)
        fresh = known & np.isnan(state.values)
        state.counts = np.where(known, np.where(fresh, np.float32(1), state.counts + 1), np.float32(0))
        weight = np.maximum(np.float32(share), 1 / np.maximum(state.counts, 1))
        before = np.where(fresh, values, state.values)
        state.values = before + weight * (values - before)
        state.time_s = time_s
        return state.values.copy()

    def forget(self, before_s: float) -> None:
        """Drop the state of faces last seen before that time."""
        self._states = {key: state for key, state in self._states.items() if state.time_s >= before_s}


def filter_parameters(smoothing: float, landmark_smoothing: float) -> dict[str, dict[str, float | str]]:
    """Return what both filters do at these strengths, so that a recording can say it.

    Args:
        smoothing: Strength for predictions, 0 to 1.
        landmark_smoothing: Strength for landmarks, 0 to 1.
    """
    strength = min(landmark_smoothing, 1.0)
    return {
        "predictions": {
            "filter": "exponential average, weight 1 - exp(-dt / time_constant)" if smoothing > 0 else "none",
            "strength": smoothing,
            "time_constant_s": _LONGEST_TIME_CONSTANT_S * min(smoothing, 1.0) ** 2,
            "starts_afresh_after_s": GAP_S,
        },
        "landmarks": {
            "filter": "One Euro over velocity in face sizes" if landmark_smoothing > 0 else "none",
            "strength": landmark_smoothing,
            "rest_cutoff_hz": round(float(_at_strength(strength, _REST_CUTOFF_HZ)), 4),
            "speed_gain_hz": round(float(_at_strength(strength, _SPEED_GAIN_HZ)), 4),
            "speed_cutoff_hz": _SPEED_CUTOFF_HZ,
            "starts_afresh_after_s": GAP_S,
        },
    }


def _at_strength(strength: float, ends: tuple[float, float]) -> np.float32:
    weakest, strongest = ends
    return np.float32(weakest * (strongest / weakest) ** strength)


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Return the share of the new value in a first-order low-pass."""
    angle = 2 * math.pi * cutoff_hz * elapsed_s
    return angle / (1 + angle)
