"""Folders, paths in label files, tables and the counting of faults."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as texts

from training.data.faults import Faults
from training.data.folders import find_root, inside
from training.data.tables import Row, read_rows
from training.errors import DatasetError, MissingDatasetError


def test_sets_are_found_two_levels_down_and_missed_with_advice(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "CK+48").mkdir(parents=True)

    assert find_root(tmp_path, "CK+48", "CK+") == tmp_path / "a" / "b"
    assert find_root(tmp_path, ("UTKFace", "b/CK+48"), "CK+") == tmp_path / "a", "nearest first"
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MissingDatasetError, match="unpack"):
            find_root(folder, "UTKFace", "UTKFace")


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../x.png", "a/../../x.png", "/etc/passwd", r"..\x.png", r"C:\x.png", "a\0b"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match=r"list\.csv:3"):
        inside(tmp_path, name, "list.csv:3")


@given(texts.text(alphabet="ab./\\ :", max_size=12))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    folder = Path("/data/set")
    try:
        path = inside(folder, name, "list.csv:3")
    except DatasetError:
        return
    resolved = path.resolve()
    assert resolved.is_relative_to(folder) and resolved != folder


def test_a_table_gives_numbers_by_name_and_place(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text('name, age\n"a, b", 4\n\nc,1.5,\nd\n"e\nf,9\n', encoding="utf-8-sig")

    rows = list(read_rows(table))

    assert [row.place.rpartition(":")[2] for row in rows] == ["2", "4", "5", "6", "7"]
    assert rows[0].text("name") == "a, b" and rows[0].whole("age", 0, 5) == 4
    assert rows[1].number("age", 0, 5) == 1.5
    for row in rows[2:4]:
        with pytest.raises(DatasetError, match="expected 2 fields, found 1"):
            row.text("age")
    with pytest.raises(DatasetError, match=r"list\.csv:7: expected age from 0 to 5, found '9'"):
        rows[4].number("age", 0, 5)
    with pytest.raises(DatasetError, match="expected the column 'size'"):
        rows[0].text("size")


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "6", "x", ""])
def test_a_number_out_of_its_range_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="list:1: expected age"):
        Row("list:1", (text,), ("age",)).number("age", 0, 5)


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(DatasetError, match="whole age"):
        Row("list:1", ("1.5",), ("age",)).whole("age", 0, 5)


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"absent\.csv"):
        list(read_rows(tmp_path / "absent.csv"))


def test_bytes_that_are_no_text_spoil_their_own_line_only(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_bytes(b"name,age\n\xff\xfe\x00,2\nb,3\n")

    assert [row.text("age") for row in read_rows(table)][-1] == "3"


def odd(number: int) -> int | None:
    if number > 6:
        raise DatasetError(f"/data/label.csv:{number}: expected a small number, found {number}; restore it")
    return number if number % 2 else None


def test_the_first_fault_stops() -> None:
    with pytest.raises(DatasetError, match=r"label\.csv:7"):
        list(Faults("set").kept(range(10), odd))


def test_faults_are_skipped_counted_and_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    faults = Faults("ferplus", "skip")

    assert list(faults.kept(range(10), odd)) == [1, 3, 5]
    with caplog.at_level(logging.WARNING):
        faults.log()
        Faults("clean", "skip").log()
    assert (faults.count, faults.total) == (3, 10)
    assert len(caplog.records) == 1
    assert caplog.text.count("\n") == 1
    assert "ferplus: 3 of 10 skipped: label.csv:7, label.csv:8, label.csv:9; the first: " in caplog.text


def test_another_way_to_treat_faults_is_refused() -> None:
    with pytest.raises(DatasetError, match="on_bad"):
        Faults("set", "ignore")
