from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.card import InputSpec
from engines.occlusion import hide_half, occlude
from engines.preprocess import cut_chip
from tests.training.occlusion.meshed_faces import meshed_faces
from training.batches.mixed_batches import MixedBatches
from training.data.augmentation import Augmentation
from training.errors import RecipeError
from training.occlusion.hiding import (
    CHIP_HALF,
    DRAWN,
    KINDS_OF_HALF,
    Hider,
    Hiding,
    black_level,
    hidden_of_picture,
    lay,
)
from training.occlusion.layers import COVER, LAYER_PX, MARGIN_PX, load_layers
from training.recipes.hidden_half import Config
from training.settings import with_settings

SPEC = InputSpec()
STILL = Augmentation(rotation_deg=0, scale=0, shift=0, flip=0, gain=0, bias=0, blur=0, patch=0)


def batches(hiding: Hiding, cache: Path | None = None, augmentation: Augmentation = STILL) -> MixedBatches:
    faces = meshed_faces("ferplus")
    layers = (load_layers(faces, cache, "upper", KINDS_OF_HALF["upper"], workers=1),) if cache else ()
    return MixedBatches(
        {"ferplus": faces},
        {"ferplus": 8},
        SPEC,
        augmentation,
        True,
        "ferplus",
        1,
        hider=Hider(hiding, layers),
    )


@pytest.mark.parametrize(("half", "hidden"), [("upper", slice(0, 24)), ("lower", slice(24, None))])
def test_a_half_of_the_chip_is_black_and_the_other_untouched(half: str, hidden: slice) -> None:
    shares = {"visible": 0, "chip_half": 1, "picture_half": 0, "drawn": 0}
    plain = batches(Hiding(half, 1, 0, 0, 0)).batch(0, 0)["image"].numpy()
    images = batches(Hiding(half=half, **shares)).batch(0, 0)["image"].numpy()

    black = hide_half(np.zeros((48, 48), np.uint8), half)
    assert black_level(SPEC) == pytest.approx(-2) and not black.any()
    assert (images[:, :, hidden] == black_level(SPEC)).all()
    rest = [row for row in range(48) if row not in range(48)[hidden]]
    assert np.array_equal(images[:, :, rest], plain[:, :, rest])


@pytest.mark.parametrize("half", ["upper", "lower"])
def test_the_hidden_half_of_a_turned_picture_is_where_cutting_a_black_half_puts_it(half: str) -> None:
    picture = np.full((61, 48), 200, np.uint8)
    black = hide_half(picture, half)
    matrix = cv2.getRotationMatrix2D((22, 30), 27, 0.9).astype(np.float32)

    chip = cut_chip(black, matrix, SPEC)
    hidden = hidden_of_picture(matrix[None], np.array([61]), SPEC.size, half)[0]

    assert 400 < hidden.sum() < 1900
    edge = cv2.morphologyEx(hidden.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    assert np.array_equal(hidden[~edge], (chip < 100)[~edge])


def test_a_drawn_layer_on_a_chip_is_what_drawing_on_the_picture_gives(tmp_path: Path) -> None:
    faces = meshed_faces("ferplus", side=96)
    layers = load_layers(faces, tmp_path, "upper", KINDS_OF_HALF["upper"], workers=1)
    matrix = faces.matrix(0, 48)
    chip = cut_chip(faces.image(0), matrix, SPEC)

    assert lay(chip, layers[0], np.float32([[1, 0, 0], [0, 1, 0]]))
    drawn = occlude(faces.image(0), faces.landmarks[0], "headset", seed=1)
    wanted = cut_chip(drawn, matrix, SPEC)
    cover = layers[0][MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX, COVER]
    inside = cv2.erode(cover, np.ones((5, 5), np.uint8)) == 255
    assert inside.sum() > 300
    assert np.abs(chip.astype(int) - wanted.astype(int))[inside].mean() < 8
    assert np.array_equal(chip[cover == 0], cut_chip(faces.image(0), matrix, SPEC)[cover == 0])


def test_a_layer_follows_its_chip(tmp_path: Path) -> None:
    layer = load_layers(meshed_faces("ferplus"), tmp_path, "upper", KINDS_OF_HALF["upper"], workers=1)[0]
    turned = cv2.getRotationMatrix2D((23.5, 23.5), 20, 1)
    still, moved = np.zeros((2, 48, 48), np.uint8)
    lay(still, layer, np.float32([[1, 0, 0], [0, 1, 0]]))
    lay(moved, layer, turned)

    wanted = cv2.warpAffine(still, turned, (48, 48))
    assert np.abs(moved[8:40, 8:40].astype(int) - wanted[8:40, 8:40].astype(int)).mean() < 4


def test_a_face_without_a_mesh_gets_a_black_half_instead(tmp_path: Path) -> None:
    hider = batches(Hiding(visible=0, chip_half=0, picture_half=0, drawn=1), tmp_path).hider
    assert hider is not None
    chips = np.full((2, 48, 48), 90, np.uint8)

    forms = hider.draw_on(
        chips,
        np.array([DRAWN, DRAWN]),
        np.zeros(2, int),
        np.array([0, 1]),
        np.tile(np.float32([[1, 0, 0], [0, 1, 0]]), (2, 1, 1)),
    )

    assert forms.tolist() == [DRAWN, CHIP_HALF]
    assert (chips[0, :24] != 90).mean() > 0.3 and (chips[1] == 90).all()


def test_what_hides_a_face_is_the_same_in_every_run_and_part(tmp_path: Path) -> None:
    made = batches(Hiding(), tmp_path, Augmentation())
    whole = made.batch(3, 1)["image"]
    halves = [made.batch(3, 1, part, 2)["image"] for part in (0, 1)]

    assert np.array_equal(whole[::2], halves[0]) and np.array_equal(whole[1::2], halves[1])


def test_layers_are_drawn_once(tmp_path: Path) -> None:
    faces = meshed_faces("ferplus", 6)
    first = load_layers(faces, tmp_path, "upper", KINDS_OF_HALF["upper"], workers=1)
    written = (tmp_path / "ferplus" / "layers_upper.npy").stat().st_mtime_ns
    again = load_layers(faces, tmp_path, "upper", KINDS_OF_HALF["upper"], workers=1)
    other = load_layers(faces, tmp_path, "upper", {"mask": 1.0}, workers=1)

    assert (tmp_path / "ferplus" / "layers_upper.npy").stat().st_mtime_ns != written, (
        "other kinds, drawn again"
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.shape == (6, LAYER_PX, LAYER_PX, 2) and not first[1].any()
    assert not list(tmp_path.rglob("*.part"))


def test_each_half_has_its_usual_drawing_and_others_can_be_asked_for() -> None:
    assert Hiding("lower").drawn_kinds == {"mask": 1.0} and Hiding("lower").layers_name == "lower"
    asked = with_settings(Config(), ["hiding.half=lower", 'hiding.kinds={"hand": 1, "mask": 3}']).hiding
    assert asked.drawn_kinds == {"hand": 1, "mask": 3} and asked.layers_name == "lower_hand_mask"


def test_wrong_settings_are_named() -> None:
    with pytest.raises(
        RecipeError, match=r"hiding\.kinds: expected some of headset, mask, .*, found 'beard'"
    ):
        Hiding(kinds={"beard": 1.0})
    with pytest.raises(RecipeError, match=r"hiding\.kinds: expected shares from 0 on and one above it"):
        Hiding(kinds={"mask": 0.0})
    with pytest.raises(RecipeError, match="upper or lower, found 'left'"):
        Hiding(half="left")
    with pytest.raises(RecipeError, match="shares from 0 on"):
        Hiding(visible=0, chip_half=0, picture_half=0, drawn=0)
    with pytest.raises(RecipeError, match=r"found \{\}"):
        load_layers(meshed_faces("ferplus", 2), Path(), "upper", {})
