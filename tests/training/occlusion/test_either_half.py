from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.card import InputSpec
from tests.training.occlusion.meshed_faces import meshed_faces
from training.batches.mixed_batches import MixedBatches
from training.data.augmentation import Augmentation
from training.errors import RecipeError
from training.occlusion.either_half import EitherHalf
from training.occlusion.hiding import KINDS_OF_HALF, Hider, Hiding, black_level
from training.occlusion.layers import load_layers, load_pool

SPEC = InputSpec()
STILL = Augmentation(rotation_deg=0, scale=0, shift=0, flip=0, gain=0, bias=0, blur=0, patch=0)


def images(hider: EitherHalf | None) -> np.ndarray:
    faces = meshed_faces("ferplus")
    made = MixedBatches({"ferplus": faces}, {"ferplus": 16}, SPEC, STILL, True, "ferplus", 1, hider=hider)
    return made.batch(0, 0)["image"].numpy()


def black_halves(bare: float) -> EitherHalf:
    return EitherHalf(bare, tuple(Hider(Hiding(half, 0, 1, 0, 0), ()) for half in ("upper", "lower")))


def test_faces_are_bare_or_have_one_black_half() -> None:
    plain, hidden = images(None), images(black_halves(0.4))
    found = []
    for face, other in zip(plain, hidden, strict=True):
        upper, lower = ((other[0, rows] == black_level(SPEC)).all() for rows in (slice(24), slice(24, None)))
        seen = slice(24 * upper, 48 - 24 * lower)
        assert np.array_equal(face[0, seen], other[0, seen])
        found.append((bool(upper), bool(lower)))
    assert set(found) == {(False, False), (True, False), (False, True)}


@pytest.mark.parametrize(("bare", "changed"), [(1.0, 0), (0.0, 16)])
def test_the_share_of_bare_faces_is_kept(bare: float, changed: int) -> None:
    differs = (images(None) != images(black_halves(bare))).any(axis=(1, 2, 3))
    assert differs.sum() == changed


def test_a_pool_lends_every_face_a_drawing(tmp_path: Path) -> None:
    faces = meshed_faces("ferplus")
    pool = load_pool(faces, tmp_path, "lower", KINDS_OF_HALF["lower"], 2)
    assert len(pool.layers) == 2
    assert {pool[position].tobytes() for position in range(50)} == {layer.tobytes() for layer in pool.layers}


def test_chosen_faces_alone_are_drawn(tmp_path: Path) -> None:
    faces = meshed_faces("ferplus")
    chosen = np.array([1])
    some = load_layers(faces, tmp_path, "lower", KINDS_OF_HALF["lower"], workers=1, positions=chosen)
    everything = load_layers(faces, tmp_path, "lower", KINDS_OF_HALF["lower"], workers=1)
    assert np.array_equal(some[1], everything[1]) and everything[0].any() and not some[0].any()


def test_a_set_without_meshes_can_lend_none(tmp_path: Path) -> None:
    faces = meshed_faces("ferplus")
    faces.aligned[:] = np.nan
    with pytest.raises(RecipeError, match="expected training faces with a mesh"):
        load_pool(faces, tmp_path, "lower", KINDS_OF_HALF["lower"], 2)
