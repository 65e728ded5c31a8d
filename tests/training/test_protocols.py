from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression

from engines.card import EMOTIONS
from tests.tiny_models import write_tiny_model
from tests.training.made_faces import made_faces
from training import report
from training.checkpoints import kept_epochs
from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS
from training.errors import DatasetError, MissingDatasetError, RecipeError
from training.protocols import comparing, running
from training.protocols.command import add_protocol
from training.protocols.cross_data_set import cross_data_sets, cross_table, shared_class_figures
from training.protocols.cross_validation import cross_validate, spread
from training.protocols.ensembles import (
    average_decoded,
    checkpoint_predicts,
    ensemble_faces,
    flip_averaged,
    network_predict,
)
from training.protocols.folds import Fold, leave_one_person_out, own_folds, subject_folds
from training.protocols.recipe_runner import RecipeRunner, with_fold
from training.protocols.repeated_halves import compare_five_by_two, figure_score, halvings
from training.protocols.significance import five_by_two, mcnemar, paired_bootstrap
from training.recipes import multitask

TINY = multitask.Config(
    net="bknet",
    epochs=2,
    size=16,
    shares={"ferplus": 4, "genki4k": 2},
    bfloat16=False,
    average_decay=0.5,
    learning_rate=0.001,
    device="cpu",
)


def with_people(faces: PreparedFaces, pictures: int) -> PreparedFaces:
    people = np.array([f"S{number // pictures:03d}" for number in range(len(faces))])
    return dataclasses.replace(faces, subject=people)


def pixels(faces: PreparedFaces, positions: np.ndarray) -> np.ndarray:
    return np.stack([faces.image(position)[::3, ::8].ravel() / 255 for position in positions])


def classifier(faces: PreparedFaces, strength: float = 1.0):
    """Return a method of scikit-learn: logistic regression on a few pixels, emotion from the majority vote."""

    def train_and_predict(fold: Fold) -> dict[str, np.ndarray]:
        model = LogisticRegression(C=strength, max_iter=100, tol=1e-2)
        model.fit(pixels(faces, fold.train), faces.emotion[fold.train].argmax(axis=1))
        probs = np.zeros((len(fold.test), len(EMOTIONS)), np.float32)
        probs[:, model.classes_] = model.predict_proba(pixels(faces, fold.test))
        return {"emotion": probs}

    return train_and_predict


# folds


def test_folds_hold_every_picture_once_and_every_person_whole() -> None:
    subjects = np.repeat([f"S{number}" for number in range(30)], [1, 2, 3] * 10)

    folds = subject_folds(subjects, 4)

    tests = np.concatenate([fold.test for fold in folds])
    assert sorted(tests) == list(range(60))
    assert {len(fold.test) for fold in folds} <= {14, 15, 16}, "parts of the same size"
    for fold in folds:
        assert not set(subjects[fold.train]) & set(subjects[fold.test])
        assert sorted([*fold.train, *fold.test]) == list(range(60))


def test_folds_depend_on_names_and_salt_alone() -> None:
    subjects = np.array([f"file{number}" for number in range(40)])
    order = np.random.default_rng(0).permutation(40)

    tests = [set(subjects[fold.test]) for fold in subject_folds(subjects, 4)]
    shuffled = [set(subjects[order][fold.test]) for fold in subject_folds(subjects[order], 4)]
    salted = [set(subjects[fold.test]) for fold in subject_folds(subjects, 4, salt="other ")]

    assert tests == shuffled != salted


def test_a_sets_own_folds_leave_out_what_has_none() -> None:
    folds = own_folds([0, 0, 1, 2, -1, 2])

    assert [fold.name for fold in folds] == ["fold_0_of_the_set", "fold_1_of_the_set", "fold_2_of_the_set"]
    assert [fold.test.tolist() for fold in folds] == [[0, 1], [2], [3, 5]]
    assert folds[1].train.tolist() == [0, 1, 3, 5]


def test_every_person_is_left_out_once() -> None:
    folds = leave_one_person_out(["b", "a", "b", "c"])

    assert [fold.test.tolist() for fold in folds] == [[1], [0, 2], [3]]
    assert folds[1].train.tolist() == [1, 3]


def test_folds_that_cannot_be_are_refused() -> None:
    with pytest.raises(DatasetError, match="found 4; ask for fewer"):
        subject_folds(["a", "b", "b", "c"], 4)
    with pytest.raises(DatasetError, match="several pictures"):
        leave_one_person_out(["a", "b", "c"])
    with pytest.raises(DatasetError, match="--folds COUNT"):
        own_folds([-1, -1, 0])


# cross-validation


def test_cross_validation_of_a_real_classifier_has_mean_deviation_and_pooled_interval() -> None:
    faces = with_people(made_faces("ferplus", 96), pictures=3)

    found = cross_validate("4 folds", faces, subject_folds(faces.subject, 4), classifier(faces))

    accuracy = found.spreads["emotion_accuracy"]
    assert len(accuracy.values) == len(found.folds) == 4
    assert accuracy.mean == pytest.approx(np.mean(accuracy.values)) and accuracy.mean > 0.9
    assert accuracy.std == pytest.approx(np.std(accuracy.values, ddof=1))
    assert found.pooled["emotion_accuracy"].count == 96
    lines = found.table().as_text().splitlines()
    assert lines[0].startswith("ferplus, 4 folds") and "4 folds, mean ± std" in lines[0]
    assert json.loads(json.dumps(found.as_dict()))["pooled"]["emotion_accuracy"]["count"] == 96


def test_one_person_left_out_at_a_time_predicts_everybody() -> None:
    faces = with_people(made_faces("ckplus", 32), pictures=8)

    found = cross_validate("people", faces, leave_one_person_out(faces.subject), classifier(faces))

    assert found.folds[-1] == "person_4_of_4" and found.pooled["emotion_accuracy"].count == 32


def test_a_fold_with_a_person_on_both_sides_is_refused() -> None:
    faces = with_people(made_faces("ckplus", 24), pictures=3)
    mixed = Fold("mixed", np.arange(0, 24, 2), np.arange(1, 24, 2))

    with pytest.raises(DatasetError, match="'S000' on both"):
        cross_validate("mixed", faces, [mixed], classifier(faces))
    with pytest.raises(DatasetError, match="pictures to test on"):
        cross_validate("empty", faces, [Fold("empty", np.arange(24), np.arange(0))], classifier(faces))


def test_one_fold_has_no_deviation() -> None:
    assert np.isnan(spread([0.5], "share").std)
    assert str(spread([4.0, 5.0], "years")) == "4.50 years ± 0.71"


# cross-data-set


def test_another_set_is_harder_and_classes_never_taught_can_be_left_out() -> None:
    sets = {name: made_faces(name, 96, seed=seed) for seed, name in enumerate(("ferplus", "ckplus"))}
    sets["ckplus"].pixels[:] = sets["ckplus"].pixels // 3
    taught = sets["ckplus"].emotion.argmax(axis=1) != 0
    sets["ckplus"].emotion[~taught] = np.nan

    def train(source: str):
        faces = sets[source]
        positions = faces.where("train")
        labelled = positions[~np.isnan(faces.emotion[positions]).any(axis=1)]

        def predict(target: PreparedFaces, tested: np.ndarray) -> dict[str, np.ndarray]:
            model = LogisticRegression(max_iter=100, tol=1e-2)
            model.fit(pixels(faces, labelled), faces.emotion[labelled].argmax(axis=1))
            probs = np.zeros((len(tested), len(EMOTIONS)), np.float32)
            probs[:, model.classes_] = model.predict_proba(pixels(target, tested))
            return {"emotion": probs}

        return predict

    tests = {(test.source, test.target): test.figures for test in cross_data_sets(sets, train)}

    assert len(tests) == 4
    across, within = tests["ckplus", "ferplus"], tests["ferplus", "ferplus"]
    assert within["emotion_accuracy"].value > 0.9
    assert across["emotion_accuracy"].value <= 7 / 8, "neutral was never taught"
    assert across["emotion_accuracy_shared_classes"].count == 28 < across["emotion_accuracy"].count == 32
    assert across["emotion_accuracy_shared_classes"].value > across["emotion_accuracy"].value
    table = cross_table(cross_data_sets(sets, train), ["emotion_accuracy", "age_error"])
    assert table.header == ("trained -> tested", "emotion accuracy") and len(table.rows) == 4


def test_only_shared_classes_can_be_chosen() -> None:
    faces = made_faces("ferplus", 8)
    probs = np.full((8, 8), 0.01, np.float32)
    probs[:, 0], probs[:, 3] = 0.9, 0.05

    figures = shared_class_figures(faces, np.arange(8), probs, np.array([3, 5]))

    assert figures["emotion_accuracy_shared_classes"].value == 0.5
    assert figures["emotion_accuracy_shared_classes"].count == 2
    assert shared_class_figures(made_faces("genki4k", 8), np.arange(8), probs, np.array([3])) == {}


def test_one_set_alone_is_no_cross_test() -> None:
    with pytest.raises(DatasetError, match="at least two sets"):
        cross_data_sets({"ckplus": made_faces("ckplus")}, classifier)


# significance


def test_mcnemar_exact_is_the_binomial_test() -> None:
    first = np.repeat([True, False, True], [8, 2, 50])
    second = np.repeat([False, True, True], [8, 2, 50])

    found = mcnemar(first, second)

    assert (found.first_only, found.second_only, found.kind) == (8, 2, "exact")
    assert found.p_value == pytest.approx(2 * stats.binom.cdf(2, 10, 0.5)) == pytest.approx(0.109375)


def test_mcnemar_with_continuity_correction() -> None:
    first = np.repeat([True, False], [40, 20])

    found = mcnemar(first, ~first)

    assert found.kind == "corrected"
    assert found.statistic == pytest.approx((40 - 20 - 1) ** 2 / 60)
    assert found.p_value == pytest.approx(0.0142, abs=1e-4)
    assert mcnemar(first, ~first, "exact").p_value == pytest.approx(found.p_value, rel=0.1)


@pytest.mark.parametrize("kind", ["exact", "corrected"])
def test_equal_answers_are_no_difference(kind: str) -> None:
    assert mcnemar([True, False], [True, False], kind).p_value == 1


def test_five_by_two_is_dietterichs_formula() -> None:
    differences = np.array([[0.03, 0.01], [0.02, 0.02], [0.01, 0.04], [0.0, 0.02], [0.03, 0.03]])

    found = five_by_two(differences)

    variances = [0.0002, 0, 0.00045, 0.0002, 0]
    assert found.t == pytest.approx(0.03 / np.sqrt(np.mean(variances)))
    assert found.p_value == pytest.approx(2 * stats.t.sf(found.t, 5))
    assert found.mean_difference == pytest.approx(0.021)
    assert five_by_two(np.zeros((5, 2))).p_value == 1
    assert five_by_two(np.full((5, 2), -0.1)).t == -np.inf


def test_paired_bootstrap_sees_a_difference_that_is_there_and_none_that_is_not() -> None:
    random = np.random.default_rng(1)
    hits = random.random(400) < 0.7
    better = hits | (random.random(400) < 0.3)

    found = paired_bootstrap(better, hits)
    nothing = paired_bootstrap(hits, hits)

    assert found.difference == pytest.approx(better.mean() - hits.mean())
    assert 0 < found.low < found.difference < found.high and found.p_value < 0.01
    assert (nothing.difference, nothing.p_value) == (0, 1)


def test_paired_bootstrap_draws_people_where_they_are_named() -> None:
    gaps = np.repeat(np.random.default_rng(2).normal(0.1, 1, 40), 5)

    alone = paired_bootstrap(gaps, np.zeros(200))
    people = paired_bootstrap(gaps, np.zeros(200), np.repeat(np.arange(40), 5))

    assert people.high - people.low > 1.8 * (alone.high - alone.low)


def test_lists_of_different_pictures_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"\(3,\) and \(2,\)"):
        mcnemar([True] * 3, [True] * 2)
    with pytest.raises(RecipeError, match=r"\(5, 2\)"):
        five_by_two(np.zeros((2, 5)))


def test_five_halvings_compare_two_ways_of_training() -> None:
    faces = with_people(made_faces("ferplus", 64), pictures=2)
    chosen = np.arange(64)[faces.split != 2]
    pairs = halvings(faces, chosen)
    assert len({tuple(pair[0].test) for pair in pairs}) == 5, "every repetition is another halving"
    assert all(sorted([*pair[0].test, *pair[1].test]) == chosen.tolist() for pair in pairs)

    found = compare_five_by_two(
        faces, chosen, classifier(faces), classifier(faces, 1e-6), figure_score("emotion_accuracy")
    )

    assert found.mean_difference > 0.2


# ensembles


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
    images = np.random.default_rng(0).normal(size=(3, 1, 16, 16)).astype(np.float32)

    one, mirrored = predict(images), predict(np.ascontiguousarray(images[..., ::-1]))

    assert all(np.allclose(one[name], mirrored[name], atol=1e-5) for name in one)
    assert not net.training


# recipes as methods


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecipeRunner:
    monkeypatch.setattr("training.loop.draw_curves", lambda table, picture: None)
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
        singles.append(ensemble_faces(predicts, runner.sets["genki4k"], fold.test, card, True)["age_years"])
    assert len(singles) == 2 and not np.allclose(*singles)
    assert np.allclose(said["age_years"], np.mean(singles, axis=0), atol=1e-4)
    with pytest.raises(RecipeError, match="last 3 checkpoints, found 2"):
        dataclasses.replace(runner, checkpoints=3).on_fold("genki4k", fold)


def test_a_source_trains_alone(runner: RecipeRunner) -> None:
    predict = runner.on_source("ferplus")

    faces = made_faces("ckplus", 8)
    assert predict(faces, np.arange(8))["emotion"].shape == (8, 8)
    saved = json.loads((runner.out / "from_ferplus" / "config.json").read_text())
    assert saved["shares"] == {"ferplus": 6}


# the command


@pytest.fixture
def made_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *_: object, **__: object) -> PreparedFaces:
        if name not in ("ferplus", "genki4k", "ckplus"):
            raise MissingDatasetError(f"no {name}")
        return with_people(made_faces(name, 48), 2)

    for module in (running, comparing, report):
        monkeypatch.setattr(module, "load_prepared", load)
    monkeypatch.setattr("training.loop.draw_curves", lambda table, picture: None)
    threads = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: threads)


SETTINGS = [
    *("--set", "net=bknet", "--set", "epochs=1", "--set", "size=16", "--set", "bfloat16=false"),
    *("--set", 'shares={"ferplus": 4, "genki4k": 2}', "--set", "device=cpu"),
]


def run(*arguments: str, settings: list[str] = SETTINGS) -> int:
    parser = argparse.ArgumentParser()
    add_protocol(parser.add_subparsers(), Path("cache"))
    options = parser.parse_args(["protocol", *arguments, *settings])
    return int(options.command(options))


@pytest.mark.usefixtures("made_sets")
def test_k_fold_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"

    assert run("k-fold", "--on", "genki4k", "--folds", "2", "--data", "x", "--out", str(out)) == 0

    assert "genki4k, 2 folds" in capsys.readouterr().out
    content = json.loads((out / "protocol.json").read_text())
    assert content["folds"] == ["fold_1_of_2", "fold_2_of_2"] and content["recipe"] == "multitask"
    outside = sum(made_faces("genki4k", 48).split == SPLITS.index("test"))
    assert content["pooled"]["smile_accuracy"]["count"] == 48 - outside, "our own test part stays out"


@pytest.mark.usefixtures("made_sets")
def test_cross_data_set_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cross-data-set", "--data", "x", "--out", str(tmp_path)) == 0

    assert "ferplus -> ckplus" in capsys.readouterr().out
    tests = json.loads((tmp_path / "protocol.json").read_text())["tests"]
    assert [(test["source"], test["target"]) for test in tests][1] == ("ferplus", "ckplus")


@pytest.mark.usefixtures("made_sets")
def test_an_ensemble_of_a_run_from_the_command_line(
    runner: RecipeRunner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataclasses.replace(runner, checkpoints=2).on_source("ferplus")
    place = str(runner.out / "from_ferplus")

    assert run("ensemble", "--run", place, "--data", "x", "--out", str(tmp_path), settings=[]) == 0

    assert "last 2, mirrored" in capsys.readouterr().out
    content = json.loads((tmp_path / "protocol.json").read_text())
    assert set(content["ferplus"]) == {"single", "mirrored", "last 2", "last 2, mirrored"}


@pytest.mark.usefixtures("made_sets")
def test_two_models_are_compared_on_the_same_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [write_tiny_model(tmp_path / name, seed=seed) for seed, name in enumerate(("one", "two"))]

    places = ("--model", str(models[0]), "--other", str(models[1]), "--data", "x", "--out", str(tmp_path))
    assert run("compare", *places, settings=[]) == 0

    assert "one against two" in capsys.readouterr().out
    content = json.loads((tmp_path / "protocol.json").read_text())
    assert content["genki4k"]["smile"]["mcnemar"]["kind"] == "exact"
    assert content["ferplus"]["emotion"]["bootstrap"]["count"] == 16


@pytest.mark.usefixtures("made_sets")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("k-fold", "--on", "genki4k", "--folds", "many"), "number or own"),
        (("k-fold", "--on", "utkface"), "one of the recipe's sets"),
        (("k-fold", "--on", "genki4k", "--set", "initial=run"), "trains from nothing"),
        (("k-fold", "--on", "genki4k", "--recipe", "nothing"), "training list"),
    ],
)
def test_a_wrong_protocol_is_one_clear_error(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        run(*arguments, "--data", "x", "--out", str(tmp_path))
