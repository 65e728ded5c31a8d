"""The study of tables IV to VI: its trainings, going on, what it says, and folders that don't fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.made_faces import made_faces
from tests.training.progressive.test_tasks import people
from training.errors import RecipeError
from training.fitting.checkpoints import CHECKPOINT
from training.fitting.loop import fit
from training.progressive.autoencoder import EncoderSettings
from training.progressive.columns import ColumnSettings
from training.progressive.tasks import TASKS
from training.recipes import began
from training.studies.columns.report import write_report
from training.studies.columns.settings import RETRAINED, Settings, Step, source_sets, steps
from training.studies.columns.study import Outcome, Study, check_settings

TINY = EncoderSettings(size=16, filters=(4, 4, 4, 8), latent=6, decoder_filters=4)


def load(task: str):
    """Return made faces of a task's set."""
    return people(persons=3) if task == "identity" else made_faces(TASKS[task], 48, side=16)


@pytest.fixture(scope="module")
def encoder_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run of a tiny BEGAN."""
    folder = tmp_path_factory.mktemp("began")
    config = began.Config(encoder=TINY, shares={"ferplus": 2}, epochs=1, bfloat16=False, device="cpu")
    experiment = began.build_on(config, {"ferplus": made_faces("ferplus", 24, side=16)})
    experiment.config = {"recipe": "began", **experiment.config}
    fit(experiment, folder, progress=False, draw=False)
    return folder


def settings(encoder_run: Path, **changes) -> Settings:
    """Return settings of a study of three tiny tasks."""
    return Settings(
        **{
            "encoder": str(encoder_run),
            "tasks": ("emotion", "gender", "identity"),
            "runs": 1,
            "faces": 16,
            "epochs": 2,
            "batch": 8,
            "learning_rate": 0.005,
            "column": ColumnSettings(filters=(4, 6), blocks=1, convolutions=1, hidden=6),
            "bfloat16": False,
            **changes,
        }
    )


def test_every_set_of_sources_is_trained_after_its_sources(encoder_run: Path) -> None:
    four = settings(encoder_run, tasks=("emotion", "age_group", "gender", "identity"), runs=2)
    found = list(steps(four, ("IV", "V")))

    assert len(found) == 2 * 4 * (1 + 7 + 1) and len({step.key for step in found}) == len(found)
    assert source_sets(four, "gender")[-1] == ("emotion", "age_group", "identity")
    for place, step in enumerate(found):
        assert all(Step(step.seed, source) in found[:place] for source in step.sources)
    assert all(not step.sources for step in steps(four, ("IV",)))


def test_a_study_writes_its_tables_and_goes_on(encoder_run: Path, tmp_path: Path) -> None:
    own = settings(encoder_run, tasks=("gender", "identity"))
    study = Study(own, tmp_path, load)
    wanted = list(steps(own, ("IV", "V")))
    outcomes = {step: study.outcome(step) for step in wanted}
    text = write_report(study, outcomes)
    again = Study(own, tmp_path, load)
    alone = tmp_path / "steps" / Step(1, "gender").key
    changed = (alone / CHECKPOINT).stat().st_mtime_ns

    assert all(again.done(step) for step in wanted)
    assert np.array_equal(again.outcome(wanted[-1]).right, outcomes[wanted[-1]].right)
    assert (alone / CHECKPOINT).stat().st_mtime_ns == changed, "nothing is trained twice"
    assert not (tmp_path / "steps" / wanted[-1].key / CHECKPOINT).exists()
    found = json.loads((tmp_path / "results.json").read_text())
    for column in found["columns"]:
        step = Step(1, column["task"], tuple(column["sources"]), column["encoder"])
        assert column["accuracy"] == pytest.approx(100 * outcomes[step].right.mean(), abs=0.01)
    gain = next(one for one in found["gains"] if one["task"] == "identity")
    right = {sources: outcomes[Step(1, "identity", sources)].right.mean() for sources in ((), ("gender",))}
    assert gain["points"] == pytest.approx(100 * (right["gender",] - right[()]), abs=0.01)
    assert [one["task"] for one in found["retraining"]] == ["gender", "identity"]
    assert "Table IV" in text and "Table V" in text and "Table VI" in text
    assert (tmp_path / "figure5.png").read_bytes().startswith(b"\x89PNG")


def test_sources_are_the_columns_trained_alone_in_the_same_run(encoder_run: Path, tmp_path: Path) -> None:
    study = Study(settings(encoder_run), tmp_path, load)
    net = study._network(Step(1, "emotion", ("gender",)))
    alone = torch.load(tmp_path / "steps" / Step(1, "gender").key / CHECKPOINT, weights_only=True)["net"]
    state = net.state_dict()

    own = [key for key in state if key.startswith("columns.gender.")]
    assert own and all(torch.equal(state[key], alone[key]) for key in own)
    assert next(name for name, weight in net.named_parameters() if weight.requires_grad).startswith(
        "columns.emotion."
    )


def test_a_small_task_gets_as_many_steps(encoder_run: Path, tmp_path: Path) -> None:
    study = Study(settings(encoder_run, faces=24), tmp_path, load)
    few = len(study.faces("identity").positions["train"])
    config = study._config(Step(1, "identity"), study._network(Step(1, "identity")))
    assert few == 12 and config.epochs == 4


def test_what_a_source_adds_is_the_mean_over_the_sets_it_is_added_to(
    encoder_run: Path, tmp_path: Path
) -> None:
    study = Study(settings(encoder_run), tmp_path, load)
    count = len(study.faces("emotion").positions["test"])
    levels = {(): 0, ("gender",): 4, ("identity",): 2, ("gender", "identity"): 10}
    outcomes = {
        Step(1, "emotion", sources): Outcome(np.arange(count) < level, np.zeros(2))
        for sources, level in levels.items()
    }
    write_report(study, outcomes)
    found = json.loads((tmp_path / "results.json").read_text())["adding"]
    points = {one["source"]: one["points"] for one in found}

    assert points["gender"] == pytest.approx(100 * ((4 - 0) + (10 - 2)) / 2 / count, abs=0.01)
    assert points["identity"] == pytest.approx(100 * ((2 - 0) + (10 - 4)) / 2 / count, abs=0.01)


def test_what_does_not_fit_is_one_clear_line(encoder_run: Path, tmp_path: Path) -> None:
    own = settings(encoder_run)
    check_settings(own, tmp_path)
    check_settings(settings(encoder_run, runs=5), tmp_path)
    with pytest.raises(RecipeError, match="found one with other epochs, faces;"):
        check_settings(settings(encoder_run, faces=9, epochs=3), tmp_path)
    with pytest.raises(RecipeError, match="found no config"):
        Study(settings(tmp_path / "nothing"), tmp_path, load)
    with pytest.raises(RecipeError, match="tasks: expected at least two"):
        settings(encoder_run, tasks=("gender",))
    study = Study(own, tmp_path, load)
    step = Step(1, "gender", encoder=RETRAINED)
    (tmp_path / "steps" / step.key).mkdir(parents=True)
    (tmp_path / "steps" / step.key / "result.npz").write_bytes(b"no archive")
    with pytest.raises(RecipeError, match="expected the outcome of a training"):
        study.outcome(step)
