from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from engines.card import EMOTIONS
from engines.second_opinion import NOT_ASKED, load_second_opinion
from faceapp.tracking.action_units import MEASURED_UNITS
from tests.training.made_faces import made_faces
from training.__main__ import main
from training.data.prepared import PreparedFaces
from training.errors import DatasetError
from training.studies.second_opinion import command
from training.studies.second_opinion.faces import MovingFaces, moving_faces, neutral_reference
from training.studies.second_opinion.machines import train_machines, units_of
from training.studies.second_opinion.protocol import (
    fixed_gain,
    frequency_answer,
    machine_answer,
    measured_gain,
)
from training.studies.second_opinion.unit_table import unit_table

CODES = [unit.code for unit in MEASURED_UNITS]


def expressive(count: int = 400, seed: int = 0, strength: float = 3.0) -> MovingFaces:
    """Return faces that show the units which table 3.1 ties to their emotion, in noise."""
    random = np.random.default_rng(seed)
    emotion = np.arange(count) % 8
    movements = random.normal(size=(count, len(CODES))).astype(np.float32)
    for number in range(8):
        movements[np.ix_(emotion == number, units_of((number,)))] += np.float32(strength)
    return MovingFaces(movements, emotion, np.arange(count))


def unsure(faces: MovingFaces, seed: int = 1) -> np.ndarray:
    """Return what a network says that wavers between the right emotion and a neighbour."""
    random = np.random.default_rng(seed)
    found = np.full((len(faces.emotion), 8), 0.02, dtype=np.float32)
    rows, lead = np.arange(len(found)), random.uniform(-0.3, 0.5, len(found)).astype(np.float32)
    found[rows, faces.emotion] = 0.44 + lead / 2
    found[rows, (faces.emotion + 1 + random.integers(0, 7, len(found))) % 8] = 0.44 - lead / 2
    return found


def test_a_machine_takes_the_units_of_its_emotions() -> None:
    pair = units_of((EMOTIONS.index("fear"), EMOTIONS.index("happiness")))
    assert {code for code, used in zip(CODES, pair, strict=True) if used} == {1, 2, 4, 5, 6, 7, 12, 20, 25}
    machines = train_machines([expressive()], cost=0.1)
    assert len(machines.groups) == 28 + 56
    for group, used, weights in zip(machines.groups, machines.used, machines.weights, strict=True):
        np.testing.assert_array_equal(used, units_of([emotion for emotion in group if emotion < 8]))
        assert not weights[:, ~used].any()


def test_the_machines_decide_as_those_they_were_fitted_with() -> None:
    faces = expressive()
    machines = train_machines([faces], cost=0.1)
    for group in itertools.chain(itertools.combinations(range(3), 2), [(0, 2, 6), (1, 4, 7)]):
        number = machines.groups.tolist().index([*group, 8][:3])
        rows = np.isin(faces.emotion, group)
        inputs = faces.movements[rows][:, units_of(group)].clip(-6, 10)
        fitted = LinearSVC(C=0.1, dual=False, random_state=0).fit(inputs, faces.emotion[rows])
        scores = faces.movements[rows].clip(-6, 10) @ machines.weights[number].T + machines.biases[number]
        best = machines.groups[number][scores[:, : len(group)].argmax(axis=1)]
        assert (best == fitted.predict(inputs)).mean() > 0.99


def test_movements_that_tell_gain_and_those_that_do_not_are_not_asked() -> None:
    training, held_out = expressive(seed=0), expressive(seed=5)
    emotion = unsure(held_out)
    machines = train_machines([training], cost=0.1)
    gain = measured_gain(machine_answer(machines, emotion, held_out.movements), emotion, held_out.emotion)
    assert gain.difference.low > 0.05
    assert gain.test.p_value < 0.01
    assert gain.right > gain.network_right
    assert gain.pair_gap > 0.1
    assert gain.as_dict()["only_opinion_right"] > gain.as_dict()["only_network_right"]
    # Faces whose movements say nothing: the folds find no gap worth asking, or lose hardly anything by it.
    silent = dataclasses.replace(
        held_out, movements=np.random.default_rng(3).normal(size=held_out.movements.shape)
    )
    useless = measured_gain(machine_answer(machines, emotion, silent.movements), emotion, silent.emotion)
    assert useless.difference.low < 0


def test_a_fold_is_never_measured_with_gaps_it_chose() -> None:
    # A rule that is right on the first half of the faces only where the pair gap is 0.1, on the other only at 0.3:
    # choosing on all faces looks perfect for half of them; each fold's own choice must not follow its own faces.
    truth = np.zeros(100, dtype=np.int64)
    emotion = np.zeros((100, 8), dtype=np.float32)
    emotion[:, 1] = 1.0  # the network is always wrong
    lonely = int(np.flatnonzero(np.random.default_rng(7).permutation(100) % 10 == 0)[0])

    def answer(pair_gap: float, triple_gap: float) -> np.ndarray:
        said = np.full(100, NOT_ASKED)
        if pair_gap == 0.1 and triple_gap == 0:
            said[lonely] = 0  # only this face gains by this gap: its own fold can't know
        return said

    gain = measured_gain(answer, emotion, truth)
    assert (gain.pair_gap, gain.asked, gain.difference.difference) == (0.1, 0, 0.0)
    everywhere = fixed_gain(answer, (0.1, 0.0), emotion, truth)
    assert (everywhere.asked, everywhere.difference.difference) == (1, 0.01)


def test_the_rule_that_looks_at_no_face_takes_the_frequent_emotion() -> None:
    training = MovingFaces(np.zeros((5, 2), np.float32), np.array([0, 1, 1, 2, 2]), np.arange(5))
    training = dataclasses.replace(training, emotion=np.array([0, 1, 1, 2, 1]))
    emotion = np.zeros((3, 8), dtype=np.float32)
    emotion[:, [0, 1, 2]] = [[0.5, 0.4, 0.1], [0.5, 0.1, 0.4], [0.35, 0.33, 0.32]]
    movements = np.zeros((3, 2), dtype=np.float32)
    answer = frequency_answer(training, emotion, movements)
    assert answer(0.2, 0.0).tolist() == [1, 0, 1]
    assert answer(0.0, 0.05).tolist() == [NOT_ASKED, NOT_ASKED, 1]
    movements[2] = np.nan
    assert frequency_answer(training, emotion, movements)(0.2, 0.05).tolist() == [1, 0, NOT_ASKED]


def test_the_table_of_units_orders_pairs_as_counting_does() -> None:
    faces = expressive(count=80)
    rows = {(title, emotion): (share, median) for title, _, emotion, share, median, _ in unit_table(faces)}
    column = CODES.index(12)
    happy, calm = (faces.movements[faces.emotion == number, column] for number in (1, 0))
    counted = (happy[:, None] > calm[None]).mean()
    assert rows["AU12", "happiness"] == pytest.approx((counted, np.median(happy)))
    assert len(rows) == sum(len(unit.emotions) for unit in MEASURED_UNITS)


def test_too_few_faces_of_an_emotion_are_refused() -> None:
    faces = expressive(count=100)
    few = faces.emotion != EMOTIONS.index("contempt")
    with pytest.raises(
        DatasetError, match="expected at least 5 training faces of every emotion, found 0 of contempt"
    ):
        train_machines(
            [MovingFaces(faces.movements[few], faces.emotion[few], faces.positions[few])], cost=0.1
        )


@pytest.fixture
def prepared(astronaut_landmarks: np.ndarray) -> PreparedFaces:
    """Return faces whose mesh is the astronaut's with some unrest, and every tenth without one."""
    faces = made_faces("ferplus", count=240)
    random = np.random.default_rng(0)
    meshes = astronaut_landmarks + random.normal(0, 1.5, (240, 478, 3)).astype(np.float32)
    meshes[::10] = np.nan
    return dataclasses.replace(faces, landmarks=meshes)


def test_faces_without_a_mesh_are_known_as_such(prepared: PreparedFaces) -> None:
    faces = moving_faces(prepared, "train")
    assert len(faces.emotion) == len(prepared.where("train"))
    np.testing.assert_array_equal(faces.seen, faces.positions % 10 != 0)
    reference = neutral_reference(prepared)
    assert reference.shape == (len(CODES), 2)
    assert (reference[:, 1] > 0).all()
    with pytest.raises(DatasetError, match="expected faces with a mesh in train, found none"):
        moving_faces(made_faces("ferplus"), "train")


def test_one_command_trains_measures_and_writes(
    prepared: PreparedFaces,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sets = {"ferplus": prepared, "ckplus": dataclasses.replace(prepared, name="ckplus")}
    monkeypatch.setattr(command, "load_prepared", lambda name, *_: sets[name])
    arguments = ["--model", str(tiny_model), "--data", str(tmp_path), "--out", str(tmp_path / "made")]
    assert main(["study", "second_opinion", *arguments]) == 0
    made = load_second_opinion(tmp_path / "made")
    figures = made.card["figures"]
    assert set(figures) == {
        *("machines", "more frequent emotion", "machines, ferplus test"),
        *("machines, ckplus validation", "machines, ckplus test"),
    }
    assert figures["machines"]["count"] == len(prepared.where("validation"))
    assert made.card["network"]["name"] == json.loads((tiny_model / "card.json").read_text())["name"]
    report = (tmp_path / "made" / "report.md").read_text()
    assert capsys.readouterr().out.strip() == report.strip()
    assert "| AU12 lip corner puller | happiness |" in report
    assert main(["study", "second_opinion", *arguments, "--cost", "0"]) == 2
    assert "cost: expected a number above 0, found 0.0" in capsys.readouterr().err
