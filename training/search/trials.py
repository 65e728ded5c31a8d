"""Trials of a search: each trains a recipe with other settings, in a folder of its own, and says one figure.

Bergstra, Bardenet, Bengio, Kegl: Algorithms for hyper-parameter optimization, NIPS 2011, for the tree-structured Parzen
estimator; optuna's, over all settings together, since good ones depend on each other. Trials lie in a small data
base (SQLite) in the search's folder: several processes may run the same command on it at once, and a trial whose
process was killed is taken up again, from its own checkpoint, by the next that finds it.
"""

from __future__ import annotations

import csv
import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from training.errors import RecipeError
from training.fitting.checkpoints import CHECKPOINT
from training.fitting.loop import CURVES, fit
from training.names import load_recipe
from training.search.space import Space, grid
from training.settings import with_settings

logger = logging.getLogger(__name__)

DATA_BASE = "trials.sqlite"
ABOUT = "search.json"
TABLE = "trials.csv"
_HEARTBEAT_S = 30
_GRACE_S = 90
_FOLDER = "folder"

Sampler = Literal["tpe", "grid"]


@dataclass(frozen=True)
class Search:
    """What is searched; kept beside the trials, so that a folder holds one search.

    Attributes:
        recipe: File name in `training/recipes`.
        settings: `--set` texts that every trial takes.
        tuned: `--tune` texts.
        figure: Column of `curves.csv`; the last epoch's value counts.
        direction: "maximize" or "minimize".
        sampler: "tpe" or "grid".
    """

    recipe: str
    settings: tuple[str, ...]
    tuned: tuple[str, ...]
    figure: str
    direction: Literal["maximize", "minimize"] = "maximize"
    sampler: Sampler = "tpe"


def run_trials(
    search: Search,
    space: Space,
    data: Path,
    cache: Path,
    out: Path,
    trials: int,
    seed: int = 1,
    stop_after_s: float | None = None,
) -> optuna.Study:
    """Run trials until so many are complete, or the grid is.

    Args:
        search: What is searched.
        space: Its settings.
        data: Folder with the unpacked sets.
        cache: Folder for prepared faces.
        out: Folder of the search.
        trials: Complete trials that the folder is to hold.
        seed: Of the sampler; processes that work at once take different ones.
        stop_after_s: Start no trial after so many seconds.

    Returns:
        The study with all trials that are there.

    Raises:
        RecipeError: The folder holds another search, a setting does not exist, or no trial could be completed.
    """
    recipe = load_recipe(search.recipe)
    _check(search, out)
    study = _study(search, space, out, seed)
    trained = _Trained(search, recipe, space, data, cache, out)
    missing = trials - len(study.get_trials(states=[TrialState.COMPLETE], deepcopy=False))
    if missing > 0:
        study.optimize(
            trained,
            timeout=stop_after_s,
            catch=(RecipeError,),
            callbacks=[optuna.study.MaxTrialsCallback(trials, states=(TrialState.COMPLETE,)), _give_up],
        )
    if not study.get_trials(states=[TrialState.COMPLETE], deepcopy=False) and trained.fault:
        raise RecipeError(f"search: expected trials that train, found none; the last said: {trained.fault}")
    write_table(study, out)
    return study


class _Trained:
    """The objective: trains one trial and returns its figure.

    Attributes:
        fault: What the last trial that failed said.
    """

    def __init__(self, search: Search, recipe: Any, space: Space, data: Path, cache: Path, out: Path) -> None:
        self._search, self._recipe, self._space = search, recipe, space
        self._data, self._cache, self._out = data, cache, out
        self.fault = ""

    def __call__(self, trial: optuna.Trial) -> float:
        chosen = {name: values.chosen(name, trial) for name, values in self._space.items()}
        try:
            return self._figure(chosen, trial)
        except RecipeError as error:
            self.fault = str(error)
            trial.set_user_attr("fault", self.fault)
            raise

    def _figure(self, chosen: dict[str, str], trial: optuna.Trial) -> float:
        name = trial.user_attrs.get(_FOLDER, f"{trial.number:04}")
        trial.set_user_attr(_FOLDER, name)
        folder = self._out / "trials" / name
        texts = [*self._search.settings, *(f"{name}={value}" for name, value in chosen.items())]
        config = with_settings(self._recipe.Config(data=str(self._data), cache=str(self._cache)), texts)
        if hasattr(self._recipe, "prepare"):
            config = self._recipe.prepare(config, folder)
        experiment = self._recipe.build(config)
        experiment.config = {"recipe": self._search.recipe, **experiment.config}
        fit(experiment, folder, progress=False, draw=False)
        figure = _last(folder / CURVES, self._search.figure)
        (
            folder / CHECKPOINT
        ).unlink()  # hundreds of trials would fill the disk; the best one is trained by `run`
        logger.info("trial %d: %s %.5g with %s", trial.number, self._search.figure, figure, ", ".join(texts))
        return figure


def settings_of(trial: FrozenTrial | optuna.Trial, space: Space) -> list[str]:
    """Return a trial's settings as `--set` takes them."""
    return [f"{name}={trial.params[name]}" for name in space]


def write_table(study: optuna.Study, out: Path) -> None:
    """Write `trials.csv`: every trial's state, figure and settings."""
    trials = study.get_trials(deepcopy=False)
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    with (out / TABLE).open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trial", "state", "figure", *names, "fault"])
        for trial in trials:
            figure = "" if trial.value is None else f"{trial.value:.6g}"
            settings = [trial.params.get(name, "") for name in names]
            writer.writerow(
                [trial.number, trial.state.name.lower(), figure, *settings, trial.user_attrs.get("fault", "")]
            )


def _study(search: Search, space: Space, out: Path, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        # Heartbeats may change with optuna's next major version, which the bound in pyproject.toml leaves out.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = RDBStorage(
            f"sqlite:///{(out / DATA_BASE).resolve()}",
            engine_kwargs={"connect_args": {"timeout": 60}},  # seconds to wait while another process writes
            heartbeat_interval=_HEARTBEAT_S,
            grace_period=_GRACE_S,
            heartbeat_stale_trial_callback=_take_up,
        )
    study = optuna.create_study(
        storage=storage, study_name="search", direction=search.direction, load_if_exists=True
    )
    # A sampler that begins again where trials are would draw the first ones' settings once more.
    seed += len(study.get_trials(deepcopy=False))
    if search.sampler == "grid":
        study.sampler = optuna.samplers.GridSampler(grid(space), seed=seed)
    else:
        study.sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    return study


def _take_up(study: optuna.Study, stale: FrozenTrial) -> None:
    """Queue the settings of a trial whose process is gone; the new trial goes on in the old one's folder."""
    folder = stale.user_attrs.get(_FOLDER)
    if folder is not None:
        study.enqueue_trial(stale.params, user_attrs={_FOLDER: folder})


def _give_up(study: optuna.Study, trial: FrozenTrial) -> None:
    """Stop where the first five trials all failed: then it is the settings' fault, not chance."""
    trials = study.get_trials(deepcopy=False)
    if len(trials) >= 5 and all(found.state == TrialState.FAIL for found in trials):
        study.stop()


def _check(search: Search, out: Path) -> None:
    kept = json.loads(json.dumps(asdict(search)))
    path = out / ABOUT
    if path.is_file() and json.loads(path.read_text()) != kept:
        raise RecipeError(
            f"{path}: expected a search of these settings, found another; use an empty folder, or the settings in it"
        )
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")


def _last(table: Path, figure: str) -> float:
    with table.open(newline="") as stream:
        row = list(csv.DictReader(stream))[-1]
    if figure not in row:
        raise RecipeError(f"--figure: expected one of {', '.join(row)}, found {figure!r}")
    return float(row[figure])


def best_line(study: optuna.Study, search: Search, space: Space) -> str:
    """Return the best trial and the command that trains its settings."""
    done: Sequence[FrozenTrial] = study.get_trials(states=[TrialState.COMPLETE], deepcopy=False)
    if not done:
        return "no trial is complete yet; run the same command again"
    best = study.best_trial
    settings = " ".join(f"--set '{text}'" for text in (*search.settings, *settings_of(best, space)))
    return (
        f"{len(done)} trials; the best is number {best.number}: {search.figure} {best.value:.5g}\n"
        f"python -m training run {search.recipe} {settings} --data ... --out ..."
    )
