from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.training.made_faces import made_faces
from training.errors import RecipeError
from training.recipes import multitask
from training.studies.comparison import command as comparison
from training.studies.comparison.command import compare, load_plan
from training.study_parts.comparison_table import Row, write_tables

BASE = [
    "epochs=1",
    "size=16",
    "bfloat16=false",
    'net_settings={"widths": [8, 8, 16, 16]}',
    'shares={"ferplus": 4, "utkface": 3, "genki4k": 2, "ckplus": 1}',
]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    content = {
        "recipe": "multitask",
        "base": BASE,
        "reference": "all tasks",
        "variants": {"all tasks": [], "emotion only": ['tasks=["emotion"]']},
    }
    (tmp_path / "plan.json").write_text(json.dumps(content))
    return tmp_path / "plan.json"


def test_variants_are_trained_once_and_stand_in_one_table(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (comparison, multitask):
        monkeypatch.setattr(module, "load_prepared", lambda name, data, cache: made_faces(name))

    table = compare(load_plan(plan), tmp_path, tmp_path, tmp_path / "out").read_text()

    with (tmp_path / "out" / "comparison.csv").open() as stream:
        rows = {row["variant"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {"all tasks", "emotion only"} and "| emotion only |" in table
    assert rows["emotion only"]["UTKFace gender"] == "-" and ";" in rows["emotion only"]["FER+ emotion"]
    assert float(rows["all tasks"]["parameters (M)"]) > float(rows["emotion only"]["parameters (M)"])
    assert float(rows["all tasks"]["ms, 8 faces"]) > 0

    monkeypatch.setattr(comparison, "fit", None)
    assert compare(load_plan(plan), tmp_path, tmp_path, tmp_path / "out").read_text() == table


def test_a_wrong_plan_is_refused_before_any_training(plan: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="variants"):
        load_plan(tmp_path / "none.json")
    content = json.loads(plan.read_text())
    plan.write_text(json.dumps({**content, "reference": "other"}))
    with pytest.raises(RecipeError, match="reference"):
        load_plan(plan)
    content["variants"]["wrong"] = ["widht=3"]
    plan.write_text(json.dumps(content))
    with pytest.raises(RecipeError, match="widht"):
        compare(load_plan(plan), tmp_path, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_equal_means_of_different_answers_have_an_interval_on_both_sides(tmp_path: Path) -> None:
    faces = made_faces("utkface", 240)
    truth = faces.female[faces.where("validation")]
    wrong_first, wrong_last = truth.copy(), truth.copy()
    wrong_first[:20] = 1 - wrong_first[:20]
    wrong_last[-20:] = 1 - wrong_last[-20:]
    rows = [
        Row(name, 1, 1.0, {"1": 1.0, "8": 8.0}, {"utkface": {"female": said}})
        for name, said in (("one", wrong_first), ("other", wrong_last))
    ]

    write_tables(rows, "one", {"utkface": faces}, tmp_path)

    with (tmp_path / "comparison.csv").open() as stream:
        cells = [row["UTKFace gender"] for row in csv.DictReader(stream)]
    assert cells[0] == cells[1].split(";")[0] and "; +0.00 [-" in cells[1] and ", +" in cells[1]
