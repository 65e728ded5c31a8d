from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SessionError
from faceapp.session.annotation_faces import (
    FACES_FILE,
    FaceEdits,
    describe_edit,
    load_face_edits,
    save_face_edits,
)


def test_names_merges_and_exclusions_are_stored_beside_the_table(tmp_path: Path) -> None:
    edits = FaceEdits().renamed(1, " Ada ").merged_into(5, 1).with_excluded(7, True)
    save_face_edits(tmp_path, edits)
    assert load_face_edits(tmp_path) == edits
    assert [path.name for path in tmp_path.iterdir()] == [FACES_FILE]
    assert (edits.name_of(1), edits.name_of(2)) == ("Ada", "face 2")
    assert edits.persons(np.array([1, 5, 7, 5], dtype=np.int32)).tolist() == [1, 1, 7, 1]
    assert edits.renamed(1, "").with_excluded(7, False).parted(5) == FaceEdits()


def test_merging_a_face_takes_along_what_was_merged_into_it() -> None:
    edits = FaceEdits().merged_into(3, 2).merged_into(2, 1)
    assert edits.merged == {3: 1, 2: 1}
    assert FaceEdits().merged_into(2, 1).merged_into(3, 2).merged == {2: 1, 3: 1}
    assert edits.parted(1).merged == {}
    with pytest.raises(SessionError, match="found itself"):
        edits.merged_into(1, 3)


def test_no_file_means_no_corrections(tmp_path: Path) -> None:
    assert load_face_edits(tmp_path) == FaceEdits()


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"names": 3}', '{"merged": {"a": 1}}', '{"excluded": ["x"]}', '{"merged": {"1": [2]}}'],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FACES_FILE).write_text(text)
    with pytest.raises(SessionError, match="expected corrections of faces") as caught:
        load_face_edits(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"merged": {"1": 1}}', '{"merged": {"1": 2, "2": 1}}'])
def test_merges_in_a_circle_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FACES_FILE).write_text(text)
    with pytest.raises(SessionError, match="expected to be merged into another face"):
        load_face_edits(tmp_path)


def test_an_edit_is_told_in_words() -> None:
    named = FaceEdits().renamed(1, "Ada")
    assert describe_edit(FaceEdits(), named) == "rename face 1 to Ada"
    merged = named.merged_into(3, 1)
    assert describe_edit(named, merged) == "merge face 3 into Ada"
    assert describe_edit(merged, merged.parted(3)) == "part face 3"
    without = merged.with_excluded(2, True)
    assert describe_edit(merged, without) == "leave out face 2"
    assert describe_edit(without, merged) == "take back in face 2"
