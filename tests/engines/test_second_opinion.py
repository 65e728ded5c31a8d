from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engines.card import EMOTIONS
from engines.errors import CardError
from engines.model_file import file_sha256
from engines.second_opinion import (
    ARRAYS_FILE,
    CARD_FILE,
    LARGEST_BYTES,
    NOT_ASKED,
    Machines,
    Opinion,
    SecondOpinion,
    load_second_opinion,
    save_second_opinion,
)

NEUTRAL, HAPPINESS, SURPRISE, FEAR = (
    EMOTIONS.index(name) for name in ("neutral", "happiness", "surprise", "fear")
)
UNITS = (1, 12, 25)


def machines() -> Machines:
    """Return three machines: neutral or happiness by AU12, surprise or fear by AU1, and one for three."""
    groups = np.array([[NEUTRAL, HAPPINESS, 8], [SURPRISE, FEAR, 8], [NEUTRAL, HAPPINESS, SURPRISE]])
    weights = np.zeros((3, 3, 3), dtype=np.float32)
    weights[0, :2, 1] = -1, 1
    weights[1, :2, 0] = 1, -1
    weights[2, 1, 1], weights[2, 2, 0], weights[2, 2, 2] = 1, 1, 1
    return Machines(np.array(UNITS), groups, weights, np.zeros((3, 3), np.float32), weights.any(axis=1))


def probabilities(**shares: float) -> np.ndarray:
    found = np.full(8, (1 - sum(shares.values())) / (8 - len(shares)), dtype=np.float32)
    for name, share in shares.items():
        found[EMOTIONS.index(name)] = share
    return found[None]


def moves(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


@pytest.fixture
def opinion() -> SecondOpinion:
    return SecondOpinion(machines(), pair_gap=0.2, triple_gap=0.05)


def test_a_close_call_is_decided_by_the_movements(opinion: SecondOpinion) -> None:
    close = probabilities(neutral=0.5, happiness=0.4)
    assert opinion.opinions(close, moves(0, 3, 0)) == [Opinion("happiness", "neutral", (12,))]
    assert opinion.opinions(close, moves(0, -3, 0)) == [Opinion("neutral", "neutral", (-12,))]
    assert opinion.opinions(close, moves(0, -3, 0))[0].agrees  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("shares", "answer"),
    [
        ({"neutral": 0.6, "happiness": 0.3}, NOT_ASKED),  # clear
        ({"happiness": 0.5, "neutral": 0.4}, HAPPINESS),  # the order of the two is no matter
        ({"sadness": 0.5, "neutral": 0.45}, NOT_ASKED),  # no machine for these
        ({"neutral": 0.33, "happiness": 0.32, "surprise": 0.31}, SURPRISE),  # three are close
        ({"neutral": 0.40, "happiness": 0.34, "surprise": 0.20}, HAPPINESS),  # two are
    ],
)
def test_who_is_asked_follows_the_gaps(opinion: SecondOpinion, shares: dict[str, float], answer: int) -> None:
    assert opinion.answers(probabilities(**shares), moves(2, 1, 2)).tolist() == [answer]


def test_gaps_of_zero_never_ask() -> None:
    never = SecondOpinion(machines(), 0, 0)
    assert never.answers(probabilities(neutral=0.5, happiness=0.5), moves(0, 3, 0)).tolist() == [NOT_ASKED]


def test_a_hidden_unit_silences_the_machines_that_need_it_and_no_other(opinion: SecondOpinion) -> None:
    emotion = np.concatenate(
        [probabilities(neutral=0.5, happiness=0.4), probabilities(surprise=0.4, fear=0.35)]
    )
    without_brows = np.repeat(moves(np.nan, 3, 0), 2, axis=0)
    assert opinion.answers(emotion, without_brows).tolist() == [HAPPINESS, NOT_ASKED]
    assert opinion.opinions(emotion, without_brows)[1] is None


def test_nothing_read_and_nobody_there_ask_nobody(opinion: SecondOpinion) -> None:
    unread = np.full((1, 8), np.nan, dtype=np.float32)
    assert opinion.opinions(unread, moves(0, 3, 0)) == [None]
    assert opinion.opinions(np.empty((0, 8), np.float32), np.empty((0, 3), np.float32)) == []


def test_a_mesh_that_slipped_does_not_outweigh_everything(opinion: SecondOpinion) -> None:
    numbers = np.array([0])
    wild, strong = opinion.scores(numbers, moves(0, 1e6, 0)), opinion.scores(numbers, moves(0, 10, 0))
    np.testing.assert_array_equal(wild, strong)


def test_what_is_written_is_read_back(opinion: SecondOpinion, tmp_path: Path) -> None:
    opinion.card["limits"] = ["for tests"]
    save_second_opinion(opinion, tmp_path)
    read = load_second_opinion(tmp_path)
    assert (read.units, read.pair_gap, read.triple_gap) == (UNITS, 0.2, 0.05)
    random = np.random.default_rng(1)
    emotion = random.dirichlet(np.ones(8) * 0.4, 300).astype(np.float32)
    movements = random.normal(size=(300, 3)).astype(np.float32)
    said = read.answers(emotion, movements)
    assert (said != NOT_ASKED).sum() > 3
    np.testing.assert_array_equal(said, opinion.answers(emotion, movements))


def test_the_one_that_comes_with_the_program_knows_every_pair_and_triple() -> None:
    from faceapp.tracking.action_units import MEASURED_UNITS

    shipped = load_second_opinion()
    assert shipped.units == tuple(unit.code for unit in MEASURED_UNITS)
    every = np.full((56, 8), 0.0, dtype=np.float32)
    pairs = [(a, b) for a in range(8) for b in range(8) if a != b]
    for row, (first, second) in zip(every, pairs, strict=True):
        row[first], row[second] = 0.51, 0.49
    movements = np.random.default_rng(0).normal(size=(56, len(shipped.units))).astype(np.float32)
    said = shipped.answers(every, movements)
    assert all(answer in pair for answer, pair in zip(said, pairs, strict=True))
    assert shipped.card["figures"]["machines"]["count"] > 0


def _write(folder: Path) -> None:
    made = SecondOpinion(machines(), 0.2, 0.05, {"limits": []})
    save_second_opinion(made, folder)


def _change_card(folder: Path, **changes: object) -> None:
    path = folder / CARD_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _replace_arrays(folder: Path, **arrays: np.ndarray) -> None:
    np.savez(folder / ARRAYS_FILE, **arrays)
    _change_card(folder, sha256=file_sha256(folder / ARRAYS_FILE))


GOOD = {
    "units": np.array(UNITS),
    "groups": machines().groups,
    "weights": machines().weights,
    "biases": machines().biases,
    "used": machines().used,
}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda f: (f / CARD_FILE).unlink(), "expected card.json, found none"),
        (lambda f: (f / CARD_FILE).write_text("{"), "expected JSON"),
        (lambda f: (f / CARD_FILE).write_text("[1]"), "card: expected an object"),
        (lambda f: (f / CARD_FILE).write_bytes(b"\xff\xfe\x00"), "expected JSON"),
        (lambda f: _change_card(f, format=9), "expected format 1, found 9"),
        (lambda f: _change_card(f, pair_gap="wide"), "pair_gap: expected a number"),
        (lambda f: _change_card(f, triple_gap=2), "triple_gap: expected a number from 0 to 1, found 2"),
        (lambda f: _change_card(f, sha256=7), "sha256: expected a text"),
        (lambda f: (f / ARRAYS_FILE).unlink(), "expected machines.npz, found none"),
        (lambda f: (f / ARRAYS_FILE).write_bytes(b"PK"), "SHA-256 of its card, found another"),
        (
            lambda f: (f / ARRAYS_FILE).write_bytes(b"0" * (LARGEST_BYTES + 1)),
            "expected at most 300000 bytes",
        ),
        (lambda f: _replace_arrays(f, units=GOOD["units"]), "expected arrays of machines, found none"),
        (lambda f: _replace_arrays(f, **(GOOD | {"units": np.array([1])})), "weights: expected shape"),
        (lambda f: _replace_arrays(f, **(GOOD | {"groups": GOOD["groups"] * 3})), "groups: expected"),
        (lambda f: _replace_arrays(f, **(GOOD | {"groups": GOOD["groups"][:, ::-1]})), "rising order"),
        (
            lambda f: _replace_arrays(f, **(GOOD | {"biases": GOOD["biases"] * np.nan})),
            "expected finite numbers",
        ),
        (
            lambda f: _replace_arrays(f, **(GOOD | {"used": np.array([{"a": 1}], dtype=object)})),
            "expected arrays of machines, found none",
        ),
    ],
)
def test_a_damaged_file_is_one_clear_line(harm: object, message: str, tmp_path: Path) -> None:
    _write(tmp_path)
    harm(tmp_path)  # type: ignore[operator]
    with pytest.raises(CardError, match=message) as caught:
        load_second_opinion(tmp_path)
    text = str(caught.value)
    assert str(tmp_path) in text
    assert "\n" not in text
    assert "python -m training study second_opinion" in text


def test_arrays_that_are_not_numbers_in_shape_are_refused_before_use() -> None:
    with pytest.raises(CardError, match="biases: expected shape"):
        Machines(
            np.array(UNITS), machines().groups, machines().weights, np.zeros(3, np.float32), machines().used
        )
