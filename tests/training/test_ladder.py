"""The ladder on made faces with tiny networks: every row is made once, kept, and measured as by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.engine import load_engine
from tests.training.ladder_parts import SPEC, TINY, tiny_faces
from tests.training.made_faces import made_faces
from training.__main__ import main
from training.errors import RecipeError
from training.fitting.loop import fit
from training.measuring.metrics import weighted_accuracy_with_interval
from training.recipes import multitask
from training.studies.ladder.command import run_ladder
from training.studies.ladder.faces import ladder_faces
from training.studies.ladder.results import comparisons, row_result
from training.studies.ladder.rows import ROWS, Ladder
from training.studies.ladder.settings import Settings
from training.trained.trained_net import save_student, trained_net


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a tiny network."""
    config = multitask.Config(
        epochs=6,
        size=16,
        net_settings={"widths": [8, 8, 16, 16]},
        shares={"ferplus": 16, "utkface": 8, "genki4k": 4, "ckplus": 4},
        bfloat16=False,
    )
    folder = tmp_path_factory.mktemp("run")
    experiment = multitask.build_on(config, {name: made_faces(name, 480) for name in config.shares})
    experiment.config = {"recipe": "multitask", **experiment.config}
    fit(experiment, folder, progress=False)
    return folder


@pytest.mark.parametrize("task", ["emotion", "age"])
def test_a_ladder_is_made_once_reported_and_its_combination_runs_in_the_engine(
    task: str, run: Path, tmp_path: Path
) -> None:
    settings = dataclasses.replace(TINY, task=task, model=str(run))
    prepared = made_faces("ferplus" if task == "emotion" else "utkface", 480)
    out = tmp_path / settings.name
    rows = list(ROWS) if task == "emotion" else [name for name in ROWS if not name.endswith("_svm")]
    text = run_ladder(settings, prepared, out, [1, 2], rows)
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*/*/*") if path.suffix in (".pt", ".npz")}

    content = json.loads((out / "ladder.json").read_text())
    assert list(content["rows"]) == rows and all(ROWS[name] in text for name in rows)
    assert (out / "ladder.png").stat().st_size > 20_000
    assert (out / "ladder.md").read_text().count("\n| ") > len(rows) + len(content["comparisons"])
    assert len(content["rows"]["combination"]["seeds"]) == 2
    assert len(content["rows"]["teacher_full"]["seeds"]) == 1

    faces = ladder_faces(task, prepared, SPEC, settings.shift_px)
    ladder = Ladder(settings, faces, trained_net(run)[0], out)
    with load_engine(out / "model", backend="onnxruntime") as engine:
        levels = (faces.measured.images(np.arange(len(faces.measured)), "upper") * SPEC.std + SPEC.mean) * 255
        said = engine.infer(np.rint(levels[:, 0]).astype(np.uint8))
    wanted = ladder.outcome("combination", 1).said
    if task == "age":
        assert said["age_years"] == pytest.approx(wanted.clip(0, 100), abs=0.5)
    else:
        assert (said["emotion"].argmax(axis=1) == wanted).mean() > 0.97, "float16 may turn a close decision"
    assert engine.card.occlusion == "headset" and engine.card.recipe["students"]

    (out / "seed_2" / "hint" / "outcome.npz").unlink()
    run_ladder(settings, prepared, out, [1, 2], rows)
    made_again = {path.parent.name for path in stamps if path.stat().st_mtime_ns != stamps[path]}
    assert (out / "seed_2" / "hint" / "weights.pt").stat().st_mtime_ns == stamps[
        out / "seed_2" / "hint" / "weights.pt"
    ], "what was trained is not trained again"
    assert made_again == {"hint"}
    assert json.loads((out / "ladder.json").read_text()) == content


def test_the_combination_is_of_the_two_students_best_on_the_faces_to_choose_on(
    run: Path, tmp_path: Path
) -> None:
    settings = dataclasses.replace(TINY, model=str(run))
    ladder = Ladder(settings, tiny_faces(), trained_net(run)[0], tmp_path)
    for name, score in (("standard", 0.2), ("hint", 0.9), ("triplet", 0.5)):
        ladder.outcome(name, 1)
        path = ladder.folder(name, 1) / "outcome.npz"
        with np.load(path) as arrays:
            changed = {**arrays, "choosing_score": np.array(score)}
        np.savez(path, **changed)

    outcome = ladder.outcome("combination", 1)
    assert outcome.parts == ("hint", "triplet")
    assert ladder.machine("combination", 1).weight.shape == (8, 32)
    assert ladder.outcome("combination_paper", 1).parts == ("standard", "triplet")


def test_figures_are_means_over_seeds_and_tests_pair_the_same_faces() -> None:
    faces = tiny_faces().measured
    random = np.random.default_rng(1)
    good = [np.where(random.random(len(faces)) < 0.9, faces.labels, 0).astype(np.float32) for _ in range(2)]
    bad = [np.where(random.random(len(faces)) < 0.5, faces.labels, 0).astype(np.float32) for _ in range(2)]

    result = row_result("emotion", good, faces)
    hits = [(one == faces.labels).mean() for one in good]
    assert result.main.value == pytest.approx(np.mean(hits)) and result.seeds == pytest.approx(hits)
    assert result.deviation() == pytest.approx(np.std(hits, ddof=1))
    recalls = [
        weighted_accuracy_with_interval(faces.labels.astype(int), one.astype(int)).value for one in good
    ]
    assert result.figures["weighted_accuracy"].value == pytest.approx(np.mean(recalls))
    assert result.main.low < result.main.value < result.main.high

    (test,) = comparisons("emotion", {"finetuned": good, "teacher_hidden": bad}, faces, ())
    assert (test.row, test.other) == ("finetuned", "teacher_hidden")
    assert test.difference.low > 0 and test.first_seed is not None and test.first_seed.p_value < 0.01
    ages = row_result("age", [good[0] + 3, good[0] - 5], dataclasses.replace(faces, labels=good[0]))
    assert ages.main.value == pytest.approx(4) and ages.seeds == pytest.approx([3, 5])


def test_a_folder_of_other_settings_and_damaged_rows_are_refused(run: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(TINY, model=str(run))
    net, faces = trained_net(run)[0], tiny_faces()
    ladder = Ladder(settings, faces, net, tmp_path)
    with pytest.raises(RecipeError, match=r"found one with other temperature; name another --out"):
        Ladder(dataclasses.replace(settings, temperature=5), faces, net, tmp_path)
    ladder.outcome("teacher_hidden", 1)
    (ladder.folder("teacher_hidden", 1) / "outcome.npz").write_bytes(b"broken")
    with pytest.raises(RecipeError, match="expected a row of a ladder, found something that can't be read"):
        ladder.outcome("teacher_hidden", 1)
    with pytest.raises(ValueError, match=r"half: expected one of upper, lower, found 'left'"):
        Settings(half="left")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="standard_weight: expected from 0 to 1, found 2"):
        Settings(standard_weight=2)


def test_the_command_names_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["study", "ladder", "--data", str(tmp_path), "--out", str(tmp_path), "--set", "temperature=-1"]

    assert main(wrong) == 2
    assert "temperature: expected above 0, found -1" in capsys.readouterr().err


def test_a_student_comes_back_from_its_folder(run: Path, tmp_path: Path) -> None:
    net, spec = trained_net(run)
    with torch.no_grad():
        next(net.parameters()).mul_(2)
    save_student(net, str(run), tmp_path / "student")
    loaded, found = trained_net(tmp_path / "student")

    assert found == spec
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in net.state_dict().items())
    (tmp_path / "student" / "weights.pt").write_bytes(b"PK broken")
    with pytest.raises(RecipeError, match="expected a student's weights"):
        trained_net(tmp_path / "student")
