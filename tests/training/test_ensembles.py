from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.made_faces import made_faces
from tests.training.protocol_faces import TINY
from training.errors import RecipeError
from training.fitting.checkpoints import kept_epochs
from training.measuring.ensembles import (
    average_decoded,
    checkpoint_predicts,
    ensemble_faces,
    flip_averaged,
    network_predict,
)
from training.protocols.folds import subject_folds
from training.protocols.recipe_runner import RecipeRunner, with_fold
from training.recipes import multitask


def test_the_average_of_models_that_disagree_is_less_sure_of_the_age() -> None:
    one, two = (
        {
            "age_years": np.float32([20 + shift]),
            "age_std_years": np.float32([3]),
            "emotion": np.roll(np.float32([[0.8, 0.2, 0, 0, 0, 0, 0, 0]]), shift, axis=1),
        }
        for shift in (0, 8)
    )

    found = average_decoded([one, two])

    assert found["age_years"] == 24 and found["age_std_years"] == pytest.approx(5)
    assert found["emotion"].sum() == pytest.approx(1) and found["emotion"].dtype == np.float32


def test_a_face_and_its_mirror_image_get_the_same_answer() -> None:
    net = multitask.build_net(TINY)
    predict = flip_averaged(network_predict(net, multitask.draft_card(TINY)))
    chips = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)

    one, mirrored = predict(chips), predict(np.ascontiguousarray(chips[:, :, ::-1]))

    assert all(np.allclose(one[name], mirrored[name], atol=1e-5) for name in one)
    assert not net.training


# recipes as methods


@pytest.fixture
def runner(tmp_path: Path) -> RecipeRunner:
    sets = {name: made_faces(name, 24) for name in TINY.shares}
    return RecipeRunner(multitask, TINY, sets, tmp_path / "runs", progress=False)


def test_a_fold_trains_on_its_own_pictures_only(runner: RecipeRunner) -> None:
    fold = subject_folds(runner.sets["genki4k"].subject, 4)[1]
    faces = with_fold(runner.sets["genki4k"], fold)

    assert np.array_equal(faces.where("train"), fold.train)
    assert not len(faces.where("validation"))
    said = runner.on_fold("genki4k", fold)
    assert said["smile"].shape == (len(fold.test),)
    assert (runner.out / fold.name / "checkpoint.pt").is_file()
    again = runner.on_fold("genki4k", fold)
    assert np.allclose(said["smile"], again["smile"]), "taken from its folder"


def test_checkpoints_of_a_fold_are_averaged(runner: RecipeRunner) -> None:
    fold = subject_folds(runner.sets["genki4k"].subject, 4)[0]
    both = dataclasses.replace(runner, checkpoints=2)

    said = both.on_fold("genki4k", fold)

    net, card = multitask.build_net(TINY), multitask.draft_card(TINY)
    singles = []
    for weights in kept_epochs(runner.out / fold.name):
        predicts = checkpoint_predicts(net, [weights], card)
        singles.append(ensemble_faces(predicts, runner.sets["genki4k"], fold.test, card, True)["smile"])
    assert len(singles) == 2 and not np.allclose(*singles)
    assert np.allclose(said["smile"], np.mean(singles, axis=0), atol=1e-4)
    with pytest.raises(RecipeError, match="last 3 checkpoints, found 2"):
        dataclasses.replace(runner, checkpoints=3).on_fold("genki4k", fold)


def test_a_source_trains_alone(runner: RecipeRunner) -> None:
    predict = runner.on_source("ferplus")

    faces = made_faces("ckplus", 8)
    assert predict(faces, np.arange(8))["emotion"].shape == (8, 8)
    saved = json.loads((runner.out / "from_ferplus" / "config.json").read_text())
    assert saved["shares"] == {"ferplus": 6}


# the command
