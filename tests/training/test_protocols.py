from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from engines.card import EMOTIONS
from tests.training.made_faces import made_faces
from tests.training.protocol_faces import classifier, pixels, with_people
from training.data.prepared import PreparedFaces
from training.errors import DatasetError
from training.protocols.cross_data_set import cross_data_sets, cross_table, shared_class_figures
from training.protocols.cross_validation import cross_validate, spread
from training.protocols.folds import Fold, leave_one_person_out, own_folds, subject_folds


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
