from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from engines.card import load_card
from tests.tiny_models import write_tiny_model
from tests.training.made_faces import made_faces
from training.data.sample import SPLITS
from training.errors import MissingDatasetError
from training.measuring import report
from training.measuring.metrics import Figure
from training.measuring.report_tables import Table, figure_table, group_table

HERE = ("ferplus", "utkface", "genki4k", "ckplus")


@pytest.fixture(autouse=True)
def four_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *_: object, **__: object):
        if name not in HERE:
            raise MissingDatasetError(f"no {name}")
        return made_faces(name, 48)

    monkeypatch.setattr(report, "load_prepared", load)


def test_a_report_has_numbers_a_page_and_pictures(tmp_path: Path, tiny_model: Path) -> None:
    text = report.report_model(tiny_model, tmp_path, tmp_path, "validation", "card", tmp_path / "out")

    title, *read, intervals = text.split("\n\n")[0].splitlines()
    assert title == "tiny, validation split, card crop"
    assert intervals.startswith("95% intervals: 2,000 bootstrap draws")
    assert "utkface: 16 validation pictures of no folder" in read
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (content["model"], content["split"], content["crop"]) == ("tiny", "validation", "card")
    assert content["ferplus"]["emotion_accuracy"]["count"] == 16
    assert content["utkface"]["gender_accuracy_race_0"]["unit"] == "share"
    assert np.sum(content["confusion"]["utkface"]["age group"]["counts"]) == 16
    page = (tmp_path / "out" / "report.md").read_text()
    shown = [path.name for path in (tmp_path / "out").glob("*.png")]
    assert len(shown) == 9 and all(f"({name})" in page for name in shown)
    assert "| emotion weighted accuracy (mean recall) |" in page and "utkface by group" in page


def test_pictures_can_be_looked_at(tmp_path: Path, tiny_model: Path) -> None:
    report.report_model(tiny_model, tmp_path, tmp_path, "test", "whole", tmp_path)

    for path in tmp_path.glob("*.png"):
        picture = cv2.imread(str(path))
        assert min(picture.shape[:2]) > 300, path.name
        assert len(np.unique(picture[..., 1])) > 50, path.name


def test_without_a_folder_nothing_is_written(tmp_path: Path, tiny_model: Path) -> None:
    text = report.report_model(tiny_model, tmp_path, tmp_path, "validation", "aligned", None)

    assert "aligned crop" in text and not list(tmp_path.iterdir())


def test_a_card_gets_the_figures_of_both_held_out_splits(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")

    report.measured_card(folder, tmp_path, tmp_path)

    card = load_card(folder)
    assert set(card.metrics) == {f"{name}_{split}" for name in HERE for split in SPLITS[1:]}
    assert {"value", "low", "high", "count", "unit"} == set(card.metrics["genki4k_test"]["smile_accuracy"])
    assert card.license == report.LICENSE and card.limits == report.LIMITS["none"] + report.LIMITS_OF_ALL
    assert card.data["ckplus"]["pictures"] == {"train": 16, "validation": 16, "test": 16}


def test_no_set_at_all_is_an_error(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.training.test_report.HERE", ())

    with pytest.raises(MissingDatasetError, match="found none"):
        report.report_model(tiny_model, tmp_path, tmp_path, "validation", "card", None)


def test_the_confusion_of_emotions_can_be_drawn_alone(tmp_path: Path) -> None:
    report.draw_confusion(np.eye(8, dtype=np.int64) * 5, "made", tmp_path / "confusion.png")

    assert cv2.imread(str(tmp_path / "confusion.png")).std() > 10


def test_columns_are_aligned() -> None:
    table = Table(("set", "value"), (("a long name of a figure", "5%"), ("short", "100.00%")))

    assert table.as_text().splitlines() == [
        "set                          value",
        "  a long name of a figure       5%",
        "  short                    100.00%",
    ]
    assert table.as_markdown().splitlines()[1] == "| --- | ---: |"


def test_groups_have_a_table_of_their_own() -> None:
    measured = {
        name: Figure(0.9, 0.8, 1.0, 50, "share")
        for name in ("gender_accuracy", "gender_accuracy_16_and_over", "gender_accuracy_70_to_120")
    } | {"gender_accuracy_race_2": Figure(0.5, 0.4, 0.6, 20, "share")}

    plain, grouped = figure_table("utkface", measured), group_table("utkface", measured)

    assert [row[0] for row in plain.rows] == ["gender accuracy", "gender accuracy, 16 and over"]
    assert grouped is not None and grouped.rows == (
        ("70 years and over", "90.00% [80.00, 100.00]", "50"),
        ("race group 2 of the set", "50.00% [40.00, 60.00]", "20"),
    )
    assert group_table("genki4k", {"smile_accuracy": measured["gender_accuracy"]}) is None
