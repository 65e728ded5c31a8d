"""The search: spaces in words, trials that go on and are shared, grids, and one clear line for what can't be."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import TrialState

from training.errors import RecipeError
from training.fitting.experiment import Experiment
from training.search import trials
from training.search.space import Choice, Range, grid, parse_space
from training.search.trials import Search, best_line, run_trials


@dataclass(frozen=True)
class Config:
    """Settings of a recipe that is done in no time: its figure is best where `shift` is 3 and `kind` is round."""

    data: str = ""
    cache: str = ""
    shift: float = 0.0
    kind: str = "flat"
    steps: int = 2

    def __post_init__(self) -> None:
        if self.shift > 9:
            raise RecipeError(f"shift: expected at most 9, found {self.shift}")


class Steps:
    """Batches of nothing."""

    steps = 1

    def epoch(self, number: int, first: int = 0, part: int = 0, parts: int = 1):
        """Yield one batch."""
        yield {"image": torch.ones(2, 1)}


def build(config: Config) -> Experiment:
    """Return the experiment."""
    net = torch.nn.Linear(1, 1)
    said = torch.nn.ModuleDict({"net": net})
    said.forward = lambda image: {"value": net(image)}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    figure = -((config.shift - 3) ** 2) + (1 if config.kind == "round" else 0)
    return Experiment(
        net=said,
        batches=Steps(),
        loss=lambda outputs, batch: {"value": outputs["value"].square().mean()},
        optimizer=optimizer,
        schedule=None,
        evaluate=lambda trained: {"validation_accuracy": figure},
        epochs=config.steps,
        config=asdict(config),
        average_decay=0.0,
        bfloat16=False,
        device="cpu",
    )


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load_recipe` gives the recipe above."""
    monkeypatch.setattr(trials, "load_recipe", lambda name: SimpleNamespace(Config=Config, build=build))


def search(**changes) -> Search:
    """Return a search over shift and kind."""
    return Search(
        **{
            "recipe": "quick",
            "settings": ("steps=1",),
            "tuned": ("shift=0.0..6.0", "kind=flat|round"),
            "figure": "validation_accuracy",
            **changes,
        }
    )


def run(one: Search, out: Path, count: int, **more) -> optuna.Study:
    """Run trials."""
    return run_trials(one, parse_space(one.tuned), out, out, out, count, **more)


def test_spaces_in_words() -> None:
    space = parse_space(["rate=1e-5..1e-2:log", "blocks=1..4", "filters=[32,64]|[64,128]", "kind=sgd|adam"])
    assert space["rate"] == Range(1e-5, 1e-2, log=True)
    assert space["blocks"] == Range(1, 4) and isinstance(space["blocks"].low, int)
    assert space["filters"] == Choice(("[32,64]", "[64,128]"))
    with pytest.raises(RecipeError, match=r"expected choices first.second for a grid"):
        grid(space)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate", "expected name=low"),
        ("rate=", "expected name=low"),
        ("rate=3..1", "smaller number first"),
        ("rate=0..1:log", "above 0 with :log"),
        ("rate=1..2:linear", ":log or nothing"),
        ("rate=a..b", "expected two numbers"),
        ("rate=1..true", "expected two numbers"),
    ],
)
def test_a_malformed_space_is_one_clear_line(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_space([text])


def test_a_setting_twice_or_none_is_one_clear_line() -> None:
    with pytest.raises(RecipeError, match="each name once"):
        parse_space(["a=1..2", "a=1|2"])
    with pytest.raises(RecipeError, match="at least one setting"):
        parse_space([])


def test_it_finds_better_settings_than_chance_and_goes_on(tmp_path: Path) -> None:
    one = search()
    run(one, tmp_path, 4)
    study = run(one, tmp_path, 18)
    values = [trial.value for trial in study.get_trials()]

    assert len(values) == 18 and len({str(trial.params) for trial in study.get_trials()}) > 15
    assert np.mean(values[-6:]) > np.mean(values[:10]), "later trials look where it is good"
    assert study.best_trial.params["kind"] == "round" and abs(study.best_trial.params["shift"] - 3) < 1
    line = best_line(study, one, parse_space(one.tuned))
    assert (
        f"number {study.best_trial.number}" in line and "--set 'kind=round'" in line and "'steps=1'" in line
    )
    with (tmp_path / "trials.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 18 and float(rows[3]["figure"]) == pytest.approx(values[3], rel=1e-4)
    assert not list(tmp_path.rglob("checkpoint.pt"))


def test_a_grid_tries_every_combination_once(tmp_path: Path) -> None:
    one = search(tuned=("shift=1|3|5", "kind=flat|round"), sampler="grid")
    study = run(one, tmp_path, 100)
    tried = [(trial.params["shift"], trial.params["kind"]) for trial in study.get_trials()]
    assert len(tried) == 6 and len(set(tried)) == 6
    assert study.best_trial.params == {"shift": "3", "kind": "round"}


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_trial_whose_process_was_killed_is_taken_up_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, space = search(), parse_space(search().tuned)
    trials._check(one, tmp_path)
    study = trials._study(one, space, tmp_path, 1)
    killed = study.ask()
    chosen = {name: values.chosen(name, killed) for name, values in space.items()}
    killed.set_user_attr("folder", "0000")
    trials._take_up(study, study.get_trials()[0])
    study.tell(killed, state=TrialState.FAIL)
    after = run(one, tmp_path, 1)

    again = after.get_trials()[1]
    assert again.state == TrialState.COMPLETE and again.user_attrs["folder"] == "0000"
    assert {name: str(value) for name, value in again.params.items()} == chosen
    assert (tmp_path / "trials" / "0000" / "curves.csv").is_file()


def test_trials_that_fail_are_told_and_do_not_stop_the_others(tmp_path: Path) -> None:
    study = run(search(tuned=("shift=2|11",), sampler="grid"), tmp_path, 9)
    states = {trial.params["shift"]: trial.state for trial in study.get_trials()}
    assert states == {"2": TrialState.COMPLETE, "11": TrialState.FAIL}
    assert "expected at most 9" in (tmp_path / "trials.csv").read_text()


def test_a_search_that_can_not_be_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"the last said: .*expected one of data, cache, shift"):
        run(search(tuned=("nothing=1..2",)), tmp_path / "setting", 9)
    with pytest.raises(RecipeError, match="--figure: expected one of epoch"):
        run(search(figure="speed"), tmp_path / "figure", 9)
    run(search(), tmp_path / "one", 1)
    with pytest.raises(RecipeError, match="expected a search of these settings, found another"):
        run(search(settings=()), tmp_path / "one", 1)
    assert json.loads((tmp_path / "one" / "search.json").read_text())["recipe"] == "quick"


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_several_processes_may_share_a_folder(tmp_path: Path) -> None:
    one = search()
    run(one, tmp_path, 2, seed=1)
    space = parse_space(one.tuned)
    running = trials._study(one, space, tmp_path, 7).ask()
    study = run(one, tmp_path, 4, seed=8)
    assert len(study.get_trials(states=[TrialState.COMPLETE])) == 4
    assert study.get_trials()[running.number].state == TrialState.RUNNING
    assert "trial 0" not in best_line(study, one, space)
