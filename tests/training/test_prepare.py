"""The command `prepare`, as a user types it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.training.native_sets import WRITERS
from training.__main__ import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("ferplus", "adience"):
        WRITERS[name](tmp_path / "data" / name)
    return tmp_path / "data"


def prepare(data: Path, *options: str) -> int:
    return main(
        ["prepare", *options, "--data", str(data), "--cache", str(data.parent / "cache"), "--workers", "1"]
    )


def about(data: Path, name: str) -> dict[str, object]:
    return json.loads((data.parent / "cache" / name / "about.json").read_text())


def test_every_set_that_is_there_is_prepared_and_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(data) == 0

    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == ["adience", "ferplus"]
    assert "3 train, 3 validation, 0 test" in told[1] and told[1].endswith("0 skipped")
    told_of = about(data, "ferplus")
    assert told_of.pop("source")["inside"] == "ferplus"
    assert told_of == {"format": 2, "set": "ferplus", "detector": "mediapipe", "skipped": 0}


def test_a_prepared_set_is_kept_unless_asked_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(data, "ferplus") == 0
    pixels = data.parent / "cache" / "ferplus" / "pixels.npy"
    first = pixels.stat().st_mtime_ns

    assert prepare(data, "ferplus") == 0
    assert pixels.stat().st_mtime_ns == first
    assert prepare(data, "ferplus", "--again") == 0
    assert pixels.stat().st_mtime_ns != first


@pytest.mark.parametrize(
    ("name", "said"), [("celeba", "expected CelebA"), ("imagenet", "expected some of adience")]
)
def test_a_named_set_must_be_there(
    data: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert prepare(data, name) == 2
    assert said in capsys.readouterr().err


def test_an_empty_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()

    assert prepare(tmp_path / "data") == 2
    assert "expected at least one of adience" in capsys.readouterr().err


def test_bad_rows_stop_or_are_skipped(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = data / "ferplus" / "FER2013Train" / "label.csv"
    table.write_text(table.read_text().replace("0,10,0", "0,x,0", 1))

    assert prepare(data, "ferplus") == 2
    assert "label.csv:2: expected happiness" in capsys.readouterr().err
    assert prepare(data, "ferplus", "--on-bad", "skip") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("1 skipped")


def test_a_set_without_validation_pictures_stops_or_is_told(
    data: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (data / "adience" / "fold_3_data.txt").write_text(
        (data / "adience" / "fold_3_data.txt").read_text().splitlines()[0]
    )

    assert prepare(data, "adience") == 2
    assert "adience: expected pictures in validation" in capsys.readouterr().err
    assert prepare(data, "adience", "--on-bad", "skip") == 0
    assert "expected pictures in validation" in caplog.text


def test_mtcnn_asks_for_its_package(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mtcnn", None)

    assert prepare(data, "ferplus", "--detector", "mtcnn") == 2
    assert "pip install mtcnn tensorflow" in capsys.readouterr().err
    assert not (data.parent / "cache" / "ferplus" / "about.json").exists()
