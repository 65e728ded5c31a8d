"""A layer over a chip is what drawing on the full picture and cutting then gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.card import InputSpec
from engines.occlusion import KINDS, hidden_shares, occlude, occlusion_layer
from engines.preprocess import alignment_matrix, cut_chip

SIZE, MARGIN = 64, 8


def layer_matrix(landmarks: np.ndarray) -> np.ndarray:
    """The 48-pixel chip's map, moved so that the chip lies in the middle of a 64-pixel layer."""
    matrix = alignment_matrix(landmarks, SIZE - 2 * MARGIN)
    matrix[:, 2] += MARGIN
    return matrix


def hidden(chip: np.ndarray, gray: np.ndarray, cover: np.ndarray) -> np.ndarray:
    return chip * (1 - cover / 255) + gray * (cover / 255)


def cut(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cut_chip(image, matrix, InputSpec("input", SIZE, "gray", 0.5, 0.25, "aligned_face"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_layer_equals_drawing_on_the_picture_and_cutting(kind, seed, astronaut, astronaut_landmarks):
    # Even light: what is drawn does not depend on what lies around it.
    flat = np.full_like(astronaut, 115)
    matrix = layer_matrix(astronaut_landmarks)
    expected = cut(occlude(flat, astronaut_landmarks, kind, seed=seed), matrix)
    found = hidden(cut(flat, matrix), *occlusion_layer(astronaut_landmarks, kind, matrix, SIZE, seed=seed))
    difference = np.abs(found - expected)
    assert np.abs(expected.astype(int) - 115).max() > 20  # something was drawn
    assert difference.mean() < 2
    assert np.percentile(difference, 99) < 36  # thin lines and edges are sampled differently


def test_a_layer_follows_a_turned_chip(astronaut_landmarks):
    matrix = layer_matrix(astronaut_landmarks)
    centre = (SIZE - 1) / 2
    turn = np.vstack([cv2.getRotationMatrix2D((centre, centre), 25, 1.1), [0, 0, 1]])
    turned = (turn @ np.vstack([matrix, [0, 0, 1]]))[:2]
    for kind in KINDS:
        upright = occlusion_layer(astronaut_landmarks, kind, matrix, SIZE)[1]
        expected = cv2.warpAffine(upright, turn[:2], (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
        found = occlusion_layer(astronaut_landmarks, kind, turned, SIZE)[1]
        middle = np.s_[10:-10, 10:-10]
        assert np.abs(found[middle].astype(int) - expected[middle]).mean() < 8  # of 255; edges


def test_brightness_around_the_face_sets_the_layers(astronaut_landmarks):
    matrix = layer_matrix(astronaut_landmarks)
    for kind in KINDS:
        bright, cover = occlusion_layer(astronaut_landmarks, kind, matrix, SIZE, brightness=115)
        dim, same = occlusion_layer(astronaut_landmarks, kind, matrix, SIZE, brightness=57.5)
        assert np.array_equal(cover, same)
        assert dim[cover > 250].mean() == pytest.approx(bright[cover > 250].mean() / 2, rel=0.05)


def test_gray_continues_beyond_what_is_covered(astronaut_landmarks):
    gray, cover = occlusion_layer(astronaut_landmarks, "mask", layer_matrix(astronaut_landmarks), SIZE)
    rim = (cv2.dilate(cover, np.ones((3, 3), np.uint8)) > 128) & (cover < 10)
    assert rim.any()
    assert gray[rim].min() > 60  # a light mask has no dark rim when the layer is warped


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_layer_and_seeds_differ(kind, astronaut_landmarks):
    matrix = layer_matrix(astronaut_landmarks)
    layers = [occlusion_layer(astronaut_landmarks, kind, matrix, SIZE, seed=seed) for seed in (3, 3, 4, 5, 6)]
    assert np.array_equal(layers[0][0], layers[1][0])
    assert np.array_equal(layers[0][1], layers[1][1])
    assert len({gray.tobytes() + cover.tobytes() for gray, cover in layers}) == 4


def test_unknown_kinds_and_mirrored_maps_are_refused(astronaut, astronaut_landmarks):
    with pytest.raises(ValueError, match=r"expected one of headset, mask.*, found 'beard'"):
        occlude(astronaut, astronaut_landmarks, "beard")
    mirrored = np.array([[-1, 0, 0], [0, 1, 0]], np.float32)
    with pytest.raises(ValueError, match="without mirroring"):
        occlusion_layer(astronaut_landmarks, "mask", mirrored, SIZE)
    with pytest.raises(ValueError, match=r"expected shape \(2, 3\)"):
        occlusion_layer(astronaut_landmarks, "mask", np.eye(3), SIZE)


def test_shares_tell_which_half_a_drawing_hides(astronaut_landmarks):
    matrix = alignment_matrix(astronaut_landmarks, 48)
    shares = {
        kind: np.array(
            [
                hidden_shares(occlusion_layer(astronaut_landmarks, kind, matrix, 48, seed=seed)[1])
                for seed in range(6)
            ]
        )
        for kind in KINDS
    }

    assert (shares["headset"][:, 0] > 0.6).all() and (shares["headset"][:, 1] < 0.35).all()
    assert (shares["mask"][:, 1] > 0.6).all() and (shares["mask"][:, 0] < 0.3).all()
    assert (shares["nose_mask"][:, 1] > 0.4).all() and (shares["nose_mask"][:, 0] < 0.05).all()
    assert (shares["both"] > 0.6).all()
    for kind in ("glasses", "sunglasses", "chin_mask"):
        assert (shares[kind] < 0.45).all(), kind
    assert shares["sunglasses"][:, 0].mean() > 2 * shares["glasses"][:, 0].mean()
    assert np.ptp(shares["hand"], axis=0).max() > 0.3, "hands are in different places"
    assert hidden_shares(np.zeros((48, 48), np.uint8)) == (0, 0)
    assert hidden_shares(np.full((48, 48), 255, np.uint8)) == (1, 1)


def test_the_sheet_shows_every_kind(astronaut, astronaut_landmarks, tmp_path, capsys):
    from engines.occlusion.__main__ import main

    picture, mesh, out = tmp_path / "face.png", tmp_path / "mesh.npy", tmp_path / "sheet.png"
    cv2.imwrite(str(picture), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    np.save(mesh, astronaut_landmarks)
    paths = ["--picture", str(picture), "--landmarks", str(mesh), "--out", str(out), "--seeds", "2"]

    assert main(paths) == 0
    sheet = cv2.imread(str(out))
    rows = np.split(sheet, len(KINDS))
    assert len({row.tobytes() for row in rows}) == len(KINDS)
    mesh.write_bytes(b"no mesh")
    assert main(paths) == 2 and "expected a mesh" in capsys.readouterr().err
