"""Agreement against published examples and against the definitions computed by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SessionError
from faceapp.session import agreement
from faceapp.session.agreement import (
    cohen_kappa,
    fleiss_kappa,
    intraclass_correlations,
    krippendorff_alpha,
    session_agreement,
)
from faceapp.session.annotations import Event, append_event
from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, hidden, result

pytest.importorskip("sklearn")
pytest.importorskip("statsmodels")
pytest.importorskip("krippendorff")


def test_cohen_of_a_table_computed_by_hand():
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert math.isnan(cohen_kappa(["a", "a"], ["a", "a"]))


def test_fleiss_of_the_example_that_everyone_computes():
    """Ten subjects, fourteen raters, five categories: kappa 0.210."""
    table = [
        *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
        *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
    ]
    items = [[label for label, count in enumerate(row) for _ in range(count)] for row in table]
    assert fleiss_kappa(list(zip(*items, strict=True))) == pytest.approx(0.210, abs=5e-4)
    assert math.isnan(fleiss_kappa([["a"], ["a"]]))


def test_krippendorff_of_the_authors_example_with_missing_labels():
    """Krippendorff (2011), "Computing Krippendorff's alpha-reliability", part C: nominal 0.743."""
    none = None
    ratings = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, none, none, none],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, none, 3],
        [none, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, none],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, none],
    ]
    assert krippendorff_alpha(ratings) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(ratings, "interval") == pytest.approx(0.849, abs=5e-4)
    assert math.isnan(krippendorff_alpha([["a", "a"], ["a", None]]))


def test_intraclass_correlations_of_shrout_and_fleiss():
    """Table 2 of the paper and its results: six targets, four judges."""
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    expected = {"ICC(1,1)": 0.17, "ICC(2,1)": 0.29, "ICC(3,1)": 0.71}
    expected |= {"ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91}
    assert intraclass_correlations(table) == {
        name: pytest.approx(v, abs=5e-3) for name, v in expected.items()
    }
    with_gap = [*table, [1, 2, float("nan"), 4]]
    assert intraclass_correlations(with_gap) == pytest.approx(intraclass_correlations(table))
    assert all(math.isnan(value) for value in intraclass_correlations([[1.0, 2.0]]).values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four seconds, one face: happy, from 2 s on neutral, abstained from 3 to 3.4 s."""
    writer = SessionWriter(tmp_path / "s", source="t", cards=[card()], settings={}, wait=True, video=False)
    for index in range(101):
        each = result(index, happiness=0.9 if index < 50 else 0.05)
        writer.put(hidden(each) if 75 <= index < 85 else each)
    return writer.close()


def test_two_annotators_over_a_session(folder: Path):
    for author, split_s in (("A", 2.0), ("B", 1.0)):
        append_event(folder, Event(0.0, split_s, label="x", author=author))
        append_event(folder, Event(split_s, 4.05, label="y", author=author))
    found = session_agreement(read_session(folder))
    assert found.raters == ("A", "B")
    assert (found.moments, found.left_out) == (41, 0)
    same, chance = 31 / 41, (20 * 10 + 21 * 31) / 41**2
    kappa = (same - chance) / (1 - chance)
    assert found.cohen == {("A", "B"): pytest.approx(kappa)}
    assert found.fleiss < kappa and found.alpha == pytest.approx(found.fleiss, abs=0.02)
    assert found.intraclass == {}


def test_exclusions_are_left_out_and_numbers_give_correlations(folder: Path):
    for author, values in (("A", "1234"), ("B", "2345")):
        for second, value in enumerate(values):
            append_event(folder, Event(float(second), second + 1.0, label=value, author=author))
    append_event(folder, Event(0.0, 1.0, kind="exclude"))
    found = session_agreement(read_session(folder))
    assert (found.moments, found.left_out) == (31, 10)
    assert found.intraclass["ICC(3,1)"] == pytest.approx(1.0), "one is always one higher"
    assert 0 < found.intraclass["ICC(2,1)"] < 0.75


def test_the_network_is_a_rater_where_it_does_not_abstain(folder: Path):
    append_event(folder, Event(0.0, 1.5, label="happiness", author="A"))
    append_event(folder, Event(1.5, 3.8, label="neutral", author="A"))
    found = session_agreement(read_session(folder), network=True)
    assert found.raters == ("A", "network")
    assert found.moments == 38 - 4, "what A did not label and what the network abstained on is left out"
    agreed, total = 15 + 18 - 4, 34
    chance = (15 * 20 + 19 * 14) / total**2
    assert found.cohen["A", "network"] == pytest.approx((agreed / total - chance) / (1 - chance))
    with pytest.raises(SessionError, match="expected face 7"):
        session_agreement(read_session(folder), face=7, network=True)


def test_less_than_two_raters_is_one_line(folder: Path):
    append_event(folder, Event(0.0, 1.5, label="happiness", author="A"))
    with pytest.raises(SessionError, match="by two annotators or more, found 1"):
        session_agreement(read_session(folder))


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch):
    def missing(_name: str) -> None:
        raise ImportError

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(SessionError, match=r"faceapp\[statistics\]"):
        agreement.cohen_kappa(["a"], ["b"])


def test_labels_nobody_gave_twice_are_not_defined():
    assert np.isnan(krippendorff_alpha([["a", None], [None, "b"]]))
