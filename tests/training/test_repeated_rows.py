"""A face that two rows of a label file are of is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.native_sets import WRITERS
from training.data.sets import ferplus, genki4k


def test_rows_that_repeat_a_face_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = WRITERS["ferplus"](tmp_path)
    table = root / "FER2013Train" / "label.csv"
    first = table.read_text().splitlines()[0]
    count = len(ferplus.samples(root))
    assert not caplog.text

    table.write_text(f"{table.read_text()}{first}\n")

    assert len(ferplus.samples(root)) == count + 1
    name = first.split(",")[0]
    assert "ferplus: expected a row a face, found 1 faces with several, the first" in caplog.text
    assert name in caplog.text and "each row counts" in caplog.text


def test_a_set_without_repeated_rows_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    genki4k.samples(WRITERS["genki4k"](tmp_path))

    assert not caplog.text
