"""Prepared faces belong to the folder they were made from: another folder, or changed files, never gives their figures."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.training.native_sets import WRITERS
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import MissingDatasetError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    WRITERS["utkface"](tmp_path / "data")
    return tmp_path / "data"


def prepared(data: Path) -> PreparedFaces:
    return load_prepared("utkface", data, data.parent / "cache", workers=1)


def a_part_of(data: Path, name: str, count: int) -> Path:
    """A copy of the set with some of its pictures only."""
    copy = data.parent / name
    shutil.copytree(data, copy)
    for path in sorted(copy.rglob("*.jpg"))[count:]:
        path.unlink()
    return copy


def test_another_folder_gives_its_own_faces_and_each_is_prepared_once(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = prepared(data)
    part = a_part_of(data, "part", 3)

    fewer = prepared(part)

    assert (len(whole), len(fewer)) == (4, 3) and fewer.place == str(part / "UTKFace")
    assert "utkface: " in caplog.text and "prepared anew" in caplog.text
    assert whole.kept != fewer.kept
    caplog.clear()
    assert (prepared(data).kept, prepared(part).kept) == (whole.kept, fewer.kept)
    assert not caplog.text


def test_a_folder_that_is_not_there_is_no_set(data: Path) -> None:
    prepared(data)

    with pytest.raises(MissingDatasetError, match="nowhere: expected UTKFace"):
        prepared(data.parent / "nowhere")


@pytest.mark.parametrize("change", ["size", "time", "name"])
def test_a_changed_file_makes_the_set_anew(data: Path, change: str) -> None:
    before = prepared(data)
    path = sorted((data / "UTKFace").iterdir())[0]
    if change == "size":
        path.write_bytes(path.read_bytes() + b"\0")
    elif change == "time":
        os.utime(path, (1, 1))
    else:
        path.rename(path.with_name(path.name.replace("_", "_1", 1)))

    assert prepared(data).kept != before.kept


def test_the_same_folder_from_further_up_is_the_same_set(data: Path) -> None:
    kept = prepared(data).kept

    assert load_prepared("utkface", data.parent, data.parent / "cache", workers=1).kept == kept


def without_key(kept: str) -> Path:
    about = Path(kept) / "about.json"
    saved = json.loads(about.read_text())
    del saved["source"]
    about.write_text(json.dumps(saved))
    return about


def test_faces_prepared_before_there_were_keys_are_taken_where_their_number_fits(data: Path) -> None:
    kept = prepared(data).kept
    about = without_key(kept)

    assert prepared(data).kept == kept
    assert json.loads(about.read_text())["source"]["files"] == 4


def test_faces_prepared_before_there_were_keys_are_left_where_their_number_does_not_fit(data: Path) -> None:
    about = without_key(prepared(data).kept)

    fewer = prepared(a_part_of(data, "part", 3))

    assert len(fewer) == 3 and "source" not in json.loads(about.read_text())
