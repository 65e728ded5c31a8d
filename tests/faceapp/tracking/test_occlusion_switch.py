"""The switch follows what lasts and ignores what passes, whatever the frame rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from engines.card import OCCLUSIONS, Occlusion
from faceapp.tracking.occlusion_switch import OcclusionSwitch
from faceapp.types import Floats

Scene = Callable[[float], Occlusion]


def certain(kind: Occlusion, probability: float = 0.97) -> Floats:
    """Return probabilities of which one stands out."""
    rest = (1 - probability) / (len(OCCLUSIONS) - 1)
    return np.array([probability if name == kind else rest for name in OCCLUSIONS], dtype=np.float32)


def network(
    scene: Scene, rate_hz: float, length_s: float, errors: float = 0.0, seed: int = 0
) -> Iterator[tuple[float, Floats]]:
    """Simulate what a network says of a scene: softmax of noisy logits, and wrong in runs of 1 to 6 frames at 30 Hz.

    Args:
        scene: What truly hides the face at a time.
        rate_hz: Frames a second.
        length_s: Length of the scene.
        errors: Share of the time in which the network is wrong.
        seed: Chooses noise and errors.
    """
    chance = np.random.default_rng(seed)
    count = round(length_s * rate_hz)
    runs_s, starts, kinds = (
        chance.uniform(1, 6, count) / 30,
        chance.random(count),
        chance.integers(4, size=count),
    )
    rate = errors / (1 - errors) / (3.5 / 30 * rate_hz)
    wrong_until_s, wrong = -1.0, OCCLUSIONS[0]
    seen = []
    for index in range(count):
        time_s = index / rate_hz
        if time_s >= wrong_until_s and starts[index] < rate:
            wrong_until_s, wrong = time_s + runs_s[index], OCCLUSIONS[kinds[index]]
        seen.append(OCCLUSIONS.index(wrong if time_s < wrong_until_s else scene(time_s)))
    sure = np.log([certain(kind, 0.9) for kind in OCCLUSIONS])
    logits = sure[seen] + chance.normal(0, 1.0, (count, 4))
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    yield from ((index / rate_hz, row) for index, row in enumerate(probabilities))


def decisions(
    scene: Scene, rate_hz: float = 30.0, length_s: float = 60.0, errors: float = 0.0, seed: int = 0
) -> list[tuple[float, Occlusion]]:
    switch = OcclusionSwitch()
    said = network(scene, rate_hz, length_s, errors, seed)
    return [(time_s, switch.update(1, time_s, probabilities)) for time_s, probabilities in said]


def switches(decided: list[tuple[float, Occlusion]]) -> int:
    return sum(before[1] != after[1] for before, after in pairwise(decided))


@pytest.mark.parametrize("kind", OCCLUSIONS)
@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 120.0])
def test_steady_video_switches_less_than_once_a_minute(kind: Occlusion, rate_hz: float) -> None:
    """Ten minutes with a network that is wrong 6% of the time, in runs of up to 0.2 s."""
    decided = [decisions(lambda _: kind, rate_hz, 120, errors=0.06, seed=seed) for seed in range(5)]
    assert sum(map(switches, decided)) < 10
    right = np.mean([found == kind for run in decided for _, found in run])
    assert right > 0.995, "while the network alone is right 94% of the time"


@pytest.mark.parametrize(
    ("before", "after", "least_s", "most_s"),
    [
        ("none", "headset", 0.1, 0.5),
        ("headset", "none", 0.1, 0.5),
        ("none", "mask", 0.1, 0.5),
        ("none", "hidden", 0.3, 0.9),
        ("hidden", "none", 0.1, 0.5),
        ("hidden", "headset", 0.1, 0.5),
    ],
)
@pytest.mark.parametrize("rate_hz", [10.0, 30.0, 60.0])
def test_a_lasting_change_is_followed_once_and_in_time(
    before: Occlusion, after: Occlusion, least_s: float, most_s: float, rate_hz: float
) -> None:
    late = []
    for seed in range(10):
        decided = decisions(lambda time_s: before if time_s < 5 else after, rate_hz, 10, seed=seed)
        assert switches([entry for entry in decided if entry[0] > 1]) == 1, (
            "after the noise of the first look"
        )
        late.append(next(time_s for time_s, kind in decided if kind == after) - 5)
    assert least_s <= np.median(late) <= most_s
    assert max(late) <= most_s + 0.25


def test_to_fall_silent_takes_longer_than_to_speak_again() -> None:
    def delay_s(before: Occlusion, after: Occlusion) -> float:
        switch = OcclusionSwitch()
        for index in range(90):
            switch.update(1, index / 30, certain(before))
        return next(k for k in range(1, 90) if switch.update(1, (89 + k) / 30, certain(after)) == after) / 30

    assert delay_s("hidden", "none") == delay_s("none", "headset") < 0.4
    assert delay_s("none", "headset") + 0.1 < delay_s("none", "hidden") < 0.7


def test_a_hand_that_passes_changes_nothing() -> None:
    for gone_s in (0.1, 0.2, 0.3):
        decided = decisions(
            lambda time_s, end=5 + gone_s: "hidden" if 5 <= time_s < end else "none", length_s=8
        )
        assert switches(decided) == 0


def test_the_first_sight_is_taken_at_once_and_mended_soon() -> None:
    switch = OcclusionSwitch()
    assert switch.kind(1) == "none" and switch.certainty(1) == 0
    assert switch.update(1, 0.0, certain("mask", 0.5)) == "mask"
    found = [switch.update(1, index / 30, certain("none")) for index in range(1, 10)]
    assert found[-1] == "none", "one wrong first look is outvoted within 0.3 s"
    assert switch.certainty(1) > 0.7


def test_faces_are_apart_and_forgotten() -> None:
    switch = OcclusionSwitch()
    for index in range(10):
        switch.update(1, index / 10, certain("headset"))
    assert switch.update(2, 0.9, certain("mask")) == "mask"
    assert (switch.kind(1), switch.kind(2)) == ("headset", "mask")
    assert switch.update(1, 3.5, certain("none", 0.6)) == "none", "a gap starts afresh"
    assert switch.update(2, 0.5, certain("none", 0.6)) == "none", "so does a step backwards"
    switch.forget(3.0)
    assert (switch.certainty(1), switch.certainty(2)) == (pytest.approx(0.6), 0)


def test_the_same_frame_twice_counts_once() -> None:
    switch = OcclusionSwitch()
    switch.update(1, 0.0, certain("none"))
    for _ in range(50):
        assert switch.update(1, 0.0, certain("headset")) == "none"
