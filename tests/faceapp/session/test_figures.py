from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.annotation_faces import FaceEdits, save_face_edits
from faceapp.session.annotations import Event, append_event
from faceapp.session.figures import (
    Figures,
    baseline_from,
    baseline_of,
    session_figures,
    write_figures,
)
from faceapp.session.reader import read_session
from faceapp.session.regular import regular_columns
from faceapp.session.segments import GAP_S, emotion_segments, gap_of
from faceapp.session.study import session_folders, study_rows, write_study
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, hidden, result


def record(folder: Path, happiness: list[float], hidden_at: tuple[int, ...] = (), **about: str) -> Path:
    """One face, 25 Hz, that happiness in every frame."""
    writer = SessionWriter(
        folder, source="t", cards=[card()], settings={}, wait=True, video=False, about=About(**about)
    )
    for index, value in enumerate(happiness):
        each = result(index, happiness=value)
        writer.put(hidden(each) if index in hidden_at else each)
    return writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A second at 0.1, a second at 0.5, a second at 0.9; ten abstained frames in the last."""
    return record(tmp_path / "s", [0.1] * 25 + [0.5] * 25 + [0.9] * 25, hidden_at=tuple(range(60, 70)))


def by_label(figures: list[Figures]) -> dict[tuple[str, str], Figures]:
    return {(each.group, each.label): each for each in figures}


def test_abstained_frames_are_left_out_and_counted(folder: Path):
    (figures,) = session_figures(read_session(folder))
    assert (figures.rows, figures.abstained, figures.excluded) == (65, 10, 0)
    assert figures.means["p_happiness"] == pytest.approx((25 * 0.1 + 25 * 0.5 + 15 * 0.9) / 65, abs=1e-5)
    assert figures.shares["happiness"] == pytest.approx(40 / 65)
    assert figures.shares["neutral"] == pytest.approx(25 / 65), "0.1 happiness leaves 0.129 for each other"
    assert figures.deviations["age_years"] == 0
    assert math.isnan(figures.means["roll_deg"])
    assert figures.seconds == pytest.approx(74 / 25)
    assert figures.changes == {}


def test_a_slow_rate_is_no_row_of_gaps(tmp_path: Path):
    """Every 30th frame of 25 Hz: a row each 1.2 s, and once four seconds without any."""
    writer = SessionWriter(tmp_path / "s", source="t", cards=[card()], settings={}, wait=True, video=False)
    for index in (0, 30, 60, 90, 210, 240):
        writer.put(result(index, happiness=0.9))
    session = read_session(writer.close())
    (figures,) = session_figures(session)
    assert figures.seconds == pytest.approx(4 * 1.2)
    assert [(each.start_s, each.end_s) for each in emotion_segments(session)] == [
        pytest.approx((0.0, 4.8)),
        pytest.approx((8.4, 10.8)),
    ]
    columns = regular_columns(session, ["p_happiness"], 5.0)
    (values,) = columns.faces.values()
    known = np.isfinite(values[:, 0])
    assert known[:18].all() and not known[20:41].any() and known[43:].all()
    assert "more than 3 s apart" in columns.resampling
    assert gap_of(np.arange(0, 2, 1 / 30)) == GAP_S


def test_ranges_markers_exclusions_and_the_baseline(folder: Path):
    append_event(folder, Event(0.0, 1.0, label="Baseline"))
    append_event(folder, Event(1.0, 2.0, label="film", author="A"))
    append_event(folder, Event(2.0, 2.4, label="film", author="A"))
    append_event(folder, Event(1.2, 1.2, label="laugh", author="A"))
    append_event(folder, Event(2.0, 2.0, label="calm", author="A"))
    append_event(folder, Event(1.8, 2.0, kind="exclude"))
    found = by_label(session_figures(read_session(folder)))
    assert set(found) == {
        *(("session", ""), ("range", "Baseline"), ("range", "film")),
        *(("after marker", "laugh"), ("after marker", "calm")),
    }
    film = found["range", "film"]
    assert (film.rows, film.excluded, film.abstained) == (30, 5, 0)
    assert film.means["p_happiness"] == pytest.approx((20 * 0.5 + 10 * 0.9) / 30, abs=1e-5)
    assert film.changes["p_happiness"] == pytest.approx(film.means["p_happiness"] - 0.1, abs=1e-5)
    laugh, calm = found["after marker", "laugh"], found["after marker", "calm"]
    assert (laugh.rows, laugh.excluded) == (15, 5), "until the next marker of the same author"
    assert (calm.rows, calm.abstained) == (15, 10), "until the end"
    assert found["range", "Baseline"].changes["p_happiness"] == pytest.approx(0)


def test_a_baseline_may_be_a_stretch_or_another_session(folder: Path, tmp_path: Path):
    session = read_session(folder)
    (figures,) = session_figures(session, baseline_of(session, (1.0, 2.0)))
    assert figures.changes["p_happiness"] == pytest.approx(figures.means["p_happiness"] - 0.5, abs=1e-5)
    neutral = read_session(record(tmp_path / "neutral", [0.2] * 10))
    (figures,) = session_figures(session, baseline_from(neutral))
    assert figures.changes["p_happiness"] == pytest.approx(figures.means["p_happiness"] - 0.2, abs=1e-5)
    with pytest.raises(SessionError, match=r"expected a face with values from 2\.4 to 2\.7 s"):
        baseline_of(session, (2.4, 2.7))


def test_merged_and_excluded_faces_count_as_people_say(tmp_path: Path):
    writer = SessionWriter(tmp_path / "s", source="t", cards=[], settings={}, wait=True, video=False)
    for index in range(20):
        writer.put(result(index, faces=3))
    folder = writer.close()
    save_face_edits(folder, FaceEdits(names={1: "Anna"}, merged={2: 1}, excluded=frozenset({3})))
    (figures,) = session_figures(read_session(folder))
    assert (figures.face, figures.name, figures.rows) == (1, "Anna", 40)
    with pytest.raises(SessionError, match="expected one face with values as a baseline, found 0"):
        save_face_edits(folder, FaceEdits(excluded=frozenset({1, 2, 3})))
        baseline_from(read_session(folder))


def test_a_session_without_faces_has_no_figures(tmp_path: Path):
    writer = SessionWriter(tmp_path / "s", source="t", cards=[], settings={}, wait=True, video=False)
    writer.put(result(0, faces=0))
    assert session_figures(read_session(writer.close())) == []


def test_a_session_of_nothing_but_abstained_frames_counts_them(tmp_path: Path):
    (figures,) = session_figures(read_session(record(tmp_path / "s", [0.5] * 5, hidden_at=tuple(range(5)))))
    assert (figures.rows, figures.abstained, figures.shares) == (0, 5, {})
    assert all(math.isnan(value) for value in figures.means.values())


def test_figures_are_written_with_empty_cells_and_without_formulas(folder: Path, tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    append_event(folder, Event(0.0, 1.0, label="=1+1"))
    write_figures(session_figures(read_session(folder)), tmp_path / "f.csv", {"participant": "@x"})
    table = pandas.read_csv(tmp_path / "f.csv")
    assert table["participant"].tolist() == ["'@x"] * 2
    assert table["label"].fillna("").tolist() == ["", "'=1+1"]
    assert table["mean_roll_deg"].isna().all() and table["mean_p_happiness"].notna().all()
    assert table["abstained_rows"].tolist() == [10, 0]


def test_a_study_is_one_table_and_one_by_condition(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    study = tmp_path / "study"
    record(study / "a", [0.2] * 10, participant="P1", condition="film")
    record(study / "b", [0.6] * 100, participant="P2", condition="film")
    record(study / "c", [0.9] * 10, participant="P1", condition="=rest", hidden_at=(0, 1))
    (study / "d").mkdir()
    (study / "d" / "session.json").write_text("{")
    problems: list[str] = []
    rows = study_rows(session_folders(study), problems)
    assert len(problems) == 1 and "expected JSON" in problems[0]
    sessions, conditions = (pandas.read_csv(path) for path in write_study(rows, study))
    assert sessions["folder"].tolist() == ["a", "b", "c"]
    assert sessions["participant"].tolist() == ["P1", "P2", "P1"]
    assert sessions["frames_analysed"].tolist() == [10, 100, 10]
    film = conditions[conditions["condition"] == "film"].iloc[0]
    assert (film["sessions"], film["participants"], film["rows"]) == (2, 2, 110)
    assert film["mean_p_happiness"] == pytest.approx(0.4, abs=1e-5), "every session weighs the same"
    assert film["sd_p_happiness"] == pytest.approx(np.std([0.2, 0.6], ddof=1), abs=1e-5)
    rest = conditions[conditions["condition"] == "'=rest"].iloc[0]
    assert (rest["rows"], rest["abstained_rows"]) == (8, 2)


def test_a_session_without_a_face_has_a_row_in_the_study_too(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    record(tmp_path / "a", [0.2] * 10, condition="film")
    writer = SessionWriter(
        tmp_path / "b", source="t", cards=[], settings={}, wait=True, video=False, about=About("P2")
    )
    for index in range(5):
        writer.put(result(index, faces=0))
    writer.close()
    rows = study_rows(session_folders(tmp_path), [])
    sessions, conditions = (pandas.read_csv(path) for path in write_study(rows, tmp_path))
    assert sessions["folder"].tolist() == ["a", "b"]
    assert (sessions["frames_analysed"][1], sessions["frames_with_faces"][1]) == (5, 0)
    assert sessions.loc[1, "group":].isna().all()
    assert conditions["condition"].tolist() == ["film"]


def test_a_folder_without_sessions_is_one_line(tmp_path: Path):
    with pytest.raises(SessionError, match="expected a folder with session folders"):
        session_folders(tmp_path)
