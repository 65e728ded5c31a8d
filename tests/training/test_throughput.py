from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.training.tiny_run import TinyRun, tiny_experiment
from training.errors import RecipeError
from training.studies.throughput import command as throughput
from training.studies.throughput.command import Throughput, add_options, measure, run


def test_each_round_measures_both_and_leaves_the_weights() -> None:
    experiment = tiny_experiment(TinyRun())
    before = {name: values.clone() for name, values in experiment.net.state_dict().items()}

    found = measure(experiment, seconds=0.1, rounds=3)

    assert (found.batch, found.device) == (6, "cpu")
    assert len(found.real) == len(found.synthetic) == len(found.shares) == 3
    assert min(*found.real, *found.synthetic) > 0
    for name, values in experiment.net.state_dict().items():
        assert torch.equal(values, before[name]), name


def test_the_share_is_that_of_each_round() -> None:
    found = Throughput(8, "cpu", (90.0, 40.0, 160.0), (100.0, 50.0, 160.0))

    assert found.as_dict()["share"] == pytest.approx(0.9)
    assert str(found) == (
        "cpu, batches of 8: 90 images/s on real batches, 100 on one in memory: 90.0% (80.0% to 100.0% in 3 rounds)"
    )


def test_the_command_prints_and_saves_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @dataclass(frozen=True)
    class Config:
        data: str
        cache: str
        dropout: float = 0.0

    asked = []

    def build(config: Config):
        asked.append(config)
        return tiny_experiment(TinyRun())

    monkeypatch.setattr(throughput, "load_recipe", lambda name: SimpleNamespace(Config=Config, build=build))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    parser = argparse.ArgumentParser()
    add_options(parser)
    common = ["tiny", "--data", str(tmp_path), "--cache", str(tmp_path / "cache"), "--set", "dropout=0.25"]

    options = parser.parse_args(
        [*common, "--seconds", "0.1", "--rounds", "2", "--json", str(tmp_path / "t.json")]
    )
    assert run(options) == 0

    assert asked == [Config(str(tmp_path), str(tmp_path / "cache"), 0.25)]
    saved = json.loads((tmp_path / "t.json").read_text())
    assert saved["batch"] == 6 and len(saved["real"]) == 2 and saved["share"] > 0
    assert "images/s on real batches" in capsys.readouterr().out
    wrong = parser.parse_args([*common, "--rounds", "0"])
    with pytest.raises(RecipeError, match="--rounds"):
        run(wrong)
