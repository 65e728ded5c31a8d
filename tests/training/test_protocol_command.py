from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import pytest
import torch

from tests.tiny_models import write_tiny_model
from tests.training.made_faces import made_faces
from tests.training.protocol_faces import TINY, with_people
from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS
from training.errors import MissingDatasetError, RecipeError
from training.measuring import report
from training.protocols import comparing, running
from training.protocols.command import add_protocol
from training.protocols.recipe_runner import RecipeRunner
from training.recipes import multitask


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecipeRunner:
    monkeypatch.setattr("training.fitting.loop.draw_curves", lambda table, picture: None)
    sets = {name: made_faces(name, 24) for name in TINY.shares}
    return RecipeRunner(multitask, TINY, sets, tmp_path / "runs", progress=False)


@pytest.fixture
def made_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *_: object, **__: object) -> PreparedFaces:
        if name not in ("ferplus", "genki4k", "ckplus"):
            raise MissingDatasetError(f"no {name}")
        return with_people(made_faces(name, 48), 2)

    for module in (running, comparing, report):
        monkeypatch.setattr(module, "load_prepared", load)
    monkeypatch.setattr("training.fitting.loop.draw_curves", lambda table, picture: None)
    threads = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: threads)


SETTINGS = [
    *("--set", "net=bknet", "--set", "epochs=1", "--set", "size=16", "--set", "bfloat16=false"),
    *("--set", 'shares={"ferplus": 4, "genki4k": 2}', "--set", "device=cpu"),
    *("--set", 'tasks=["emotion", "smile"]'),
]


def run(*arguments: str, settings: list[str] = SETTINGS) -> int:
    parser = argparse.ArgumentParser()
    add_protocol(parser.add_subparsers(), Path("cache"))
    options = parser.parse_args(["protocol", *arguments, *settings])
    return int(options.command(options))


@pytest.mark.usefixtures("made_sets")
def test_k_fold_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"

    assert run("k-fold", "--on", "genki4k", "--folds", "2", "--data", "x", "--out", str(out)) == 0

    assert "genki4k, 2 folds" in capsys.readouterr().out
    content = json.loads((out / "protocol.json").read_text())
    assert content["folds"] == ["fold_1_of_2", "fold_2_of_2"] and content["recipe"] == "multitask"
    outside = sum(made_faces("genki4k", 48).split == SPLITS.index("test"))
    assert content["pooled"]["smile_accuracy"]["count"] == 48 - outside, "our own test part stays out"


@pytest.mark.usefixtures("made_sets")
def test_cross_data_set_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cross-data-set", "--data", "x", "--out", str(tmp_path)) == 0

    assert "ferplus -> ckplus" in capsys.readouterr().out
    tests = json.loads((tmp_path / "protocol.json").read_text())["tests"]
    assert [(test["source"], test["target"]) for test in tests][1] == ("ferplus", "ckplus")


@pytest.mark.usefixtures("made_sets")
def test_an_ensemble_of_a_run_from_the_command_line(
    runner: RecipeRunner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataclasses.replace(runner, checkpoints=2).on_source("ferplus")
    place = str(runner.out / "from_ferplus")

    assert run("ensemble", "--run", place, "--data", "x", "--out", str(tmp_path), settings=[]) == 0

    assert "last 2, mirrored" in capsys.readouterr().out
    content = json.loads((tmp_path / "protocol.json").read_text())
    assert set(content["ferplus"]) == {"single", "mirrored", "last 2", "last 2, mirrored"}


@pytest.mark.usefixtures("made_sets")
def test_two_models_are_compared_on_the_same_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [write_tiny_model(tmp_path / name, seed=seed) for seed, name in enumerate(("one", "two"))]

    places = ("--model", str(models[0]), "--other", str(models[1]), "--data", "x", "--out", str(tmp_path))
    assert run("compare", *places, settings=[]) == 0

    assert "one against two" in capsys.readouterr().out
    content = json.loads((tmp_path / "protocol.json").read_text())
    assert content["genki4k"]["smile"]["mcnemar"]["kind"] == "exact"
    assert content["ferplus"]["emotion"]["bootstrap"]["count"] == 16


@pytest.mark.usefixtures("made_sets")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("k-fold", "--on", "genki4k", "--folds", "many"), "number or own"),
        (("k-fold", "--on", "utkface"), "one of the recipe's sets"),
        (("k-fold", "--on", "genki4k", "--set", "initial=run"), "trains from nothing"),
        (("k-fold", "--on", "genki4k", "--recipe", "nothing"), "recipe: expected one of"),
    ],
)
def test_a_wrong_protocol_is_one_clear_error(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        run(*arguments, "--data", "x", "--out", str(tmp_path))
