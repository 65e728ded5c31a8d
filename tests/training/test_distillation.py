from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.made_faces import made_faces
from training.batches.mixed_batches import plain_images
from training.distillation.command import label_sets
from training.distillation.labels import FEATURES, PREFIX, Selection, load_labels, save_labels, selected
from training.distillation.teachers import load_teacher
from training.distillation.views import AGGREGATED, PLAIN, View
from training.errors import RecipeError
from training.fitting.loop import averaged_weights, fit
from training.recipes import multitask, student

SETS = ("ferplus", "utkface", "genki4k", "ckplus")
TINY = multitask.Config(
    epochs=1,
    size=16,
    net_settings={"widths": [8, 8, 16, 16]},
    shares={"ferplus": 4, "utkface": 3, "genki4k": 2, "ckplus": 1},
    bfloat16=False,
    average_decay=0.5,
)


@pytest.fixture(scope="module")
def faces():
    return {name: made_faces(name) for name in SETS}


@pytest.fixture(scope="module")
def teacher_run(faces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    experiment = multitask.build_on(TINY, faces)
    experiment.config = {"recipe": "multitask", **experiment.config}
    fit(experiment, folder, progress=False)
    return folder


def test_a_flipped_view_is_the_mirrored_face_and_the_plain_one_is_the_programs(faces) -> None:
    spec = multitask.input_spec(TINY)
    positions = np.arange(4)

    plain = plain_images(faces["ferplus"], positions, spec, False, View().matrix)
    flipped = plain_images(faces["ferplus"], positions, spec, False, View(flip=True).matrix)

    assert flipped == pytest.approx(plain[..., ::-1], abs=0.05)
    assert not np.allclose(
        plain_images(faces["ferplus"], positions, spec, False, View(scale=1.2).matrix), plain
    )


def test_the_teacher_averages_probabilities_over_its_networks_and_views(faces, teacher_run: Path) -> None:
    positions = np.arange(6)
    once = load_teacher([teacher_run], bfloat16=False)
    twice = load_teacher([teacher_run, teacher_run], bfloat16=False)

    plain = once.label(faces["ferplus"], positions, PLAIN)
    each = [once.label(faces["ferplus"], positions, (view,)) for view in AGGREGATED]
    averaged = twice.label(faces["ferplus"], positions, AGGREGATED, features=True)

    assert plain["age"].sum(axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    for task in ("emotion", "age", "gender", "smile"):
        assert averaged[task] == pytest.approx(np.mean([answer[task] for answer in each], axis=0), abs=1e-5)
    assert averaged[FEATURES].shape == (6, 16)


def test_exported_models_and_runs_teach_together_where_their_inputs_agree(faces, teacher_run: Path) -> None:
    positions = np.arange(5)
    models = [Path("multitask"), Path("multitask-headset")]

    each = [
        load_teacher([model], bfloat16=False).label(faces["ferplus"], positions, PLAIN) for model in models
    ]
    both = load_teacher(models, bfloat16=False).label(faces["ferplus"], positions, PLAIN)

    for task, rows in both.items():
        assert rows == pytest.approx(np.mean([answer[task] for answer in each], axis=0), abs=1e-5)
    with pytest.raises(RecipeError, match="one input"):
        load_teacher([*models, teacher_run])


def test_labels_cover_training_faces_only_and_come_back_from_disk(
    faces, teacher_run: Path, tmp_path: Path
) -> None:
    found = label_sets([teacher_run], list(faces.values()), tmp_path, PLAIN, features=True, progress=False)

    labels = load_labels(tmp_path, faces["ferplus"])
    trained = faces["ferplus"].split == 0
    assert np.isfinite(labels["smile"][trained]).all() and np.isnan(labels["smile"][~trained]).all()
    assert set(found) == set(SETS) and 0 <= found["ferplus"]["emotion_accuracy"].value <= 1
    about = json.loads((tmp_path / "about.json").read_text())
    assert about["sets"] == list(SETS) and about["validation"]["utkface"]["age_error"]["unit"] == "years"

    before = (tmp_path / "ferplus.npz").stat().st_mtime_ns
    label_sets([teacher_run], list(faces.values()), tmp_path, PLAIN, features=True, progress=False)
    assert (tmp_path / "ferplus.npz").stat().st_mtime_ns == before, "what is labelled already is kept"


def test_a_selection_keeps_missing_or_confident_labels(faces) -> None:
    count = len(faces["utkface"])
    emotion = np.tile(np.array([0.6, 0.4, 0, 0, 0, 0, 0, 0], np.float32), (count, 1))
    emotion[3] = [0.9, 0.1, 0, 0, 0, 0, 0, 0]
    gender = np.tile(np.array([0.2, 0.8], np.float32), (count, 1))
    age = np.zeros((count, 101), np.float32)
    age[:, 30] = 1
    age[5] = 1 / 101
    labels = {"emotion": emotion, "gender": gender, "age": age}

    everything = selected(labels, faces["utkface"], Selection())
    missing = selected(labels, faces["utkface"], Selection(of="missing"))
    sure = selected(labels, faces["utkface"], Selection(confidence=0.85, age_std_years=10, hard=True))

    assert np.isfinite(everything[PREFIX + "gender"]).all()
    assert np.isnan(missing[PREFIX + "gender"]).all() and np.isfinite(missing[PREFIX + "emotion"]).all()
    assert np.flatnonzero(np.isfinite(sure[PREFIX + "emotion"]).all(axis=1)).tolist() == [3]
    assert sure[PREFIX + "emotion"][3].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert np.flatnonzero(np.isnan(sure[PREFIX + "age"]).any(axis=1)).tolist() == [5]
    one_set = Selection(emotion_sets=("ferplus",))
    assert np.isnan(selected(labels, faces["utkface"], one_set)[PREFIX + "emotion"]).all()
    assert np.isfinite(selected(labels, faces["utkface"], one_set)[PREFIX + "gender"]).all()
    with pytest.raises(ValueError, match="missing or all"):
        Selection(of="some")  # type: ignore[arg-type]


def test_damaged_or_foreign_labels_are_one_clear_error(faces, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="training label"):
        load_labels(tmp_path, faces["ferplus"])
    (tmp_path / "ferplus.npz").write_bytes(b"PK\x03\x04broken")
    with pytest.raises(RecipeError, match="training label"):
        load_labels(tmp_path, faces["ferplus"])
    save_labels(tmp_path, "ferplus", {"emotion": np.zeros((3, 8), np.float32)})
    with pytest.raises(RecipeError, match="24 faces"):
        load_labels(tmp_path, faces["ferplus"])


def test_a_student_learns_from_labels_that_its_sets_lack(faces, teacher_run: Path, tmp_path: Path) -> None:
    label_sets([teacher_run], list(faces.values()), tmp_path, PLAIN, features=True, progress=False)
    loss = dataclasses.replace(TINY.loss, distillation_weight=0.5, feature_weight=1.0, temperature=2.0)
    config = dataclasses.replace(TINY, distilled=str(tmp_path), loss=loss)

    experiment = multitask.build_on(config, faces)
    batch = next(iter(experiment.batches.epoch(0)))
    experiment.net.train()
    experiment.schedule = None
    first = experiment.step(batch)
    for _ in range(10):
        last = experiment.step(batch)

    assert torch.isfinite(batch[PREFIX + "smile"]).all(), "every face has a smile label now"
    assert set(first) == {"emotion", "age", "gender", "smile", "embedding"}
    assert sum(last.values()) < sum(first.values())
    assert set(experiment.net.eval()(batch["image"])) == {"emotion", "age", "gender", "smile"}


def test_the_student_recipe_trains_its_teacher_and_labels_before_it(
    faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (multitask, student):
        monkeypatch.setattr(module, "load_prepared", lambda name, data, cache: faces[name])
    small = {name: getattr(TINY, name) for name in ("epochs", "size", "net_settings", "shares", "bfloat16")}
    small["net"] = "fast_face"
    config = student.Config(**small, teacher=small, first={**small, "seed": 2})

    prepared = student.prepare(config, tmp_path)

    assert (prepared.distilled, prepared.initial) == (str(tmp_path / "labels"), str(tmp_path / "first"))
    assert json.loads((tmp_path / "labels" / "about.json").read_text())["teachers"] == ["teacher", "first"]
    second = student.build_on(prepared, faces)
    for name, value in averaged_weights(tmp_path / "first").items():
        assert torch.equal(second.net.state_dict()[name], value), name
    assert np.isfinite(load_labels(tmp_path / "labels", faces["genki4k"])["emotion"][0]).all()
    with pytest.raises(RecipeError, match="teacher"):
        student.prepare(dataclasses.replace(config, teacher={"width": 3}), tmp_path)
