from __future__ import annotations

import numpy as np
import pytest

from faceapp.tracking.scene_cuts import SceneCuts


def scene(seed: int, height: int = 180, width: int = 320) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((height // 9, width // 16, 1), np.uint8))


def test_another_scene_is_a_cut_and_the_same_is_none() -> None:
    cuts = SceneCuts()
    assert [cuts.cut_before(scene(seed)) for seed in (1, 1, 2, 2, 1)] == [False, False, True, False, True]


def test_light_that_goes_on_is_no_cut() -> None:
    cuts = SceneCuts()
    dark = (scene(1) * 0.2).astype(np.uint8)
    assert not any(
        cuts.cut_before(image) for image in (scene(1), dark, scene(1), 255 - (255 - scene(1)) // 3)
    )


def test_noise_on_an_even_picture_is_no_cut() -> None:
    cuts, random = SceneCuts(), np.random.default_rng(1)
    frames = [np.clip(random.normal(90, 8, (180, 320, 3)), 0, 255).astype(np.uint8) for _ in range(4)]
    assert not any(cuts.cut_before(image) for image in frames)


@pytest.mark.parametrize("other", [(360, 640), (16, 16)])
def test_another_size_is_no_cut(other: tuple[int, int]) -> None:
    cuts = SceneCuts()
    cuts.cut_before(scene(1))
    assert not cuts.cut_before(np.zeros((*other, 3), np.uint8))


def test_a_forgotten_frame_is_not_compared() -> None:
    cuts = SceneCuts()
    cuts.cut_before(scene(1))
    cuts.forget()
    assert not cuts.cut_before(scene(2))
