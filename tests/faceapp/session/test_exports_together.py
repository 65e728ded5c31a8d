"""Exports of several sessions in one folder, and of one into another: nothing is lost of what was there."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.export import export_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


def record(folder: Path, about: About | None = None) -> Path:
    writer = SessionWriter(folder, source="t", cards=[card()], settings={}, wait=True, about=about or About())
    for index in range(5):
        writer.put(result(index))
    return writer.close()


def participants(out: Path) -> pandas.DataFrame:
    return pandas.read_csv(out / "bids" / "participants.tsv", sep="\t", keep_default_na=False)


def test_an_export_into_another_session_is_refused(tmp_path: Path) -> None:
    one, other = record(tmp_path / "one"), record(tmp_path / "other")
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    for name in ("parquet", "csv"):
        with pytest.raises(SessionError, match="expected a folder for exports, found a recorded session"):
            export_session(one, [name], other)
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before


def test_participants_of_one_folder_are_told_apart_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "data"
    for number, code in enumerate(("P1", "P-1", "P1 ", "", "", "Ä")):
        export_session(record(tmp_path / f"s{number}", About(participant=code)), ["bids"], out)
    table = participants(out)
    assert len(set(table["participant_id"])) == 6
    assert sorted(table["code"]) == sorted(["P1", "P-1", "P1 ", "n/a", "n/a", "Ä"])
    subjects = sorted(path.name for path in (out / "bids").glob("sub-*"))
    assert sorted(table["participant_id"]) == subjects
    export_session(tmp_path / "s1", ["bids"], out)
    assert sorted(participants(out)["participant_id"]) == subjects, "the same again changes nothing"


def test_what_people_wrote_into_a_data_set_stays(tmp_path: Path) -> None:
    out = tmp_path / "data"
    root = out / "bids"
    root.mkdir(parents=True)
    (root / "participants.tsv").write_text(
        "participant_id\tage\tgroup\nsub-01\t34\tcontrol\nsub-P2\t51\tcase\n"
    )
    (root / "README").write_text("our study")
    (root / "dataset_description.json").write_text('{"Name": "our study"}')
    for code in ("P1", "P2"):
        export_session(record(tmp_path / code, About(participant=code)), ["bids"], out)
    table = participants(out).set_index("participant_id")
    assert table.loc["sub-01"].tolist() == ["34", "control", "n/a"]
    assert table.loc["sub-P2"].tolist() == ["51", "case", "n/a"]
    assert table.loc["sub-P1"].tolist() == ["n/a", "n/a", "P1"]
    assert (root / "README").read_text() == "our study"
    assert (root / "dataset_description.json").read_text() == '{"Name": "our study"}'


def test_two_recordings_of_one_name_are_refused_and_two_of_one_person_are_not(tmp_path: Path) -> None:
    out = tmp_path / "data"
    first = record(tmp_path / "1", About(participant="P1"))
    export_session(first, ["bids"], out)
    export_session(record(tmp_path / "2", About(participant="P1")), ["bids"], out)
    assert len(list((out / "bids" / "sub-P1").glob("ses-*"))) == 2
    about = About(participant="P1", session="a")
    export_session(record(tmp_path / "3", about), ["bids"], out)
    files = {path: path.read_bytes() for path in out.rglob("*.tsv*")}
    with pytest.raises(SessionError, match="another recording of this participant"):
        export_session(record(tmp_path / "4", about), ["bids"], out)
    assert {path: path.read_bytes() for path in out.rglob("*.tsv*")} == files
