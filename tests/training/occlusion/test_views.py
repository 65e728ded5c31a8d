from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.card import InputSpec
from tests.training.occlusion.meshed_faces import meshed_faces
from training.batches.mixed_batches import plain_chips
from training.data.sample import SPLITS
from training.errors import RecipeError
from training.occlusion.views import VIEWS, VIEWS_OF_OCCLUSION, named, view

SPEC = InputSpec()


def test_views_hide_what_they_say(tmp_path: Path) -> None:
    faces = meshed_faces("ferplus", 4)
    faces.split[:] = SPLITS.index("validation")
    positions = np.arange(4)
    chips = plain_chips(faces, positions, SPEC, True)

    shown = {name: view(name, SPEC, tmp_path) for name in VIEWS}
    hidden = {name: hide(chips, faces, positions) for name, hide in shown.items() if hide is not None}

    assert shown["visible"] is None
    changed = {name: (found != chips).mean(axis=(0, 2)) for name, found in hidden.items()}
    assert not changed["upper_half"][24:].any() and not changed["lower_half"][:24].any()
    assert (hidden["upper_half"][:, :24] == 0).all()
    assert changed["headset"][10:20].mean() > 2 * changed["headset"][34:].mean()
    assert changed["mask"][34:44].mean() > 2 * changed["mask"][:14].mean()
    for name in ("headset", "mask"):
        assert (hidden[name][0] != 0).mean() > 0.6, "drawn, not black"
    assert np.array_equal(hidden["headset"][1], hidden["upper_half"][1]), "no mesh: a black half"


def test_views_have_names() -> None:
    assert {name for views in VIEWS_OF_OCCLUSION.values() for name in views} == set(VIEWS)
    assert named("ferplus", "visible", ["visible"]) == "ferplus"
    assert named("ferplus", "headset", ["upper_half", "headset"]) == "ferplus_headset"
    with pytest.raises(RecipeError, match="found 'left_half'"):
        view("left_half", SPEC, Path())
