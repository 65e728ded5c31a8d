"""Gabor filters against equation 2.1 written out, responses against sums written out, and what is fused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.gabor import (
    Wave,
    enhanced,
    enhancing_kernel,
    fused_kernel,
    gabor_bank,
    gabor_kernel,
    responses,
    waves,
)


def written_out(wavelength: float, degrees: float, phase: float, side: int) -> list[list[float]]:
    """Equation 2.1 with one number after the other, sigma = lambda / 2, gamma = 0.1."""
    theta, sigma, rows = math.radians(degrees), wavelength / 2, []
    for y in range(-(side // 2), side // 2 + 1):
        row = []
        for x in range(-(side // 2), side // 2 + 1):
            turned_x = x * math.cos(theta) + y * math.sin(theta)
            turned_y = -x * math.sin(theta) + y * math.cos(theta)
            fall = math.exp(-(turned_x**2 + 0.01 * turned_y**2) / (2 * sigma**2))
            row.append(fall * math.cos(2 * math.pi * turned_x / wavelength + phase))
        rows.append(row)
    return rows


@pytest.mark.parametrize("side", [3, 5, 7, 11])
def test_the_jet_is_equation_2_1_for_four_wavelengths_four_orientations_and_two_phases(side: int) -> None:
    wanted = [
        written_out(wavelength, degrees, phase, side)
        for wavelength in (2.3, 2.5, 3, 3.8)
        for degrees in (0, 45, 90, 135)
        for phase in (0, math.pi / 2)
    ]

    assert gabor_bank("jet", side).shape == (32, side, side)
    np.testing.assert_allclose(gabor_bank("jet", side), wanted, rtol=0, atol=1e-14)


def test_a_single_scale_is_the_jets_eight_filters_of_one_wavelength() -> None:
    jet = dict(zip(waves("jet"), gabor_bank("jet"), strict=True))

    assert len(waves("single")) == 8
    for wave, kernel in zip(waves("single"), gabor_bank("single"), strict=True):
        np.testing.assert_array_equal(kernel, jet[wave])


def test_responses_are_the_convolution_written_out_with_zeros_around() -> None:
    picture = np.random.default_rng(1).normal(size=(9, 8))
    bank = gabor_bank("jet", 5)
    padded = np.pad(picture, 2)
    wanted = np.zeros((32, 9, 8))
    for y in range(9):
        for x in range(8):
            for down in range(-2, 3):
                for right in range(-2, 3):
                    wanted[:, y, x] += bank[:, 2 + down, 2 + right] * padded[2 + y - down, 2 + x - right]

    np.testing.assert_allclose(responses(picture, bank), wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("orientation_deg", "stripes"), [(0.0, "upright"), (90.0, "level")])
def test_a_filter_answers_the_stripes_of_its_orientation(orientation_deg: float, stripes: str) -> None:
    across = np.cos(2 * np.pi * np.arange(24) / 3.0)
    found = {
        "upright": np.tile(across, (24, 1)),
        "level": np.tile(across, (24, 1)).T,
    }
    kernel = gabor_kernel(Wave(3.0, orientation_deg, 0.0), 7)[None]

    strength = {
        name: float(np.abs(responses(picture, kernel)[0, 5:-5, 5:-5]).max())
        for name, picture in found.items()
    }
    assert max(strength, key=strength.__getitem__) == stripes
    assert strength[stripes] > 3 * min(strength.values())


def test_the_fused_kernel_is_equation_2_2() -> None:
    random = np.random.default_rng(2)
    picture, bank, weights = random.normal(size=(12, 12)), gabor_bank(), random.normal(size=32)
    wanted = 0.7 * picture + np.tensordot(weights, responses(picture, bank).astype(np.float64), axes=1)

    fused = responses(picture, fused_kernel(bank, 0.7, weights)[None])[0]
    np.testing.assert_allclose(fused, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "side", "reached"), [("jet", 3, 9), ("single", 3, 9), ("jet", 5, 24), ("single", 5, 9)]
)
def test_how_many_kernels_the_fusion_can_become(name: str, side: int, reached: int) -> None:
    """Of 3x3, image and filters together span all nine numbers: the fusion is then any filter, with jet or single scale."""
    image = np.zeros((1, side, side))
    image[0, side // 2, side // 2] = 1
    rows = np.concatenate([gabor_bank(name, side), image]).reshape(-1, side**2)

    assert np.linalg.matrix_rank(rows) == reached


def test_a_line_stands_out_more_in_the_enhanced_picture_and_brightness_stays() -> None:
    picture = np.full((20, 20), 150, np.uint8)
    picture[10, :] = 130
    kernel = enhancing_kernel("jet", 3)
    found = enhanced(picture, kernel)

    assert kernel.sum() == pytest.approx(1)
    assert found[2, 2] == 150 and found[10, 10] < 125
    np.testing.assert_array_equal(enhanced(picture, enhancing_kernel(strength=0)), picture)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_face_stays_as_it_is(level: int) -> None:
    picture = np.full((48, 48), level, np.uint8)

    np.testing.assert_array_equal(enhanced(picture, enhancing_kernel("jet", 7)), picture)
    assert np.isfinite(responses(picture, gabor_bank())).all()


def test_wrong_input_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="bank: expected one of jet, single, found 'fan'"):
        waves("fan")  # type: ignore[arg-type]
    for kernel in (4, 1, -3):
        with pytest.raises(ValueError, match=f"kernel: expected an odd number .* found {kernel}"):
            gabor_bank("jet", kernel)
    with pytest.raises(ValueError, match="kernel: expected at most the picture's 5 pixels, found 7"):
        responses(np.zeros((5, 9)), gabor_bank("jet", 7))
    with pytest.raises(ValueError, match="kernel: expected at most the picture's 5 pixels, found 7"):
        enhanced(np.zeros((9, 5), np.uint8), enhancing_kernel("jet", 7))
    with pytest.raises(ValueError, match=r"weights: expected 8, one a filter, found shape \(32,\)"):
        fused_kernel(gabor_bank("single"), 1.0, np.zeros(32))
