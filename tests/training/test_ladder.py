"""The ladder on made faces with tiny networks: every row is made once, kept, and measured as by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.card import InputSpec
from engines.engine import load_engine
from tests.training.made_faces import made_faces
from training.__main__ import main
from training.blocks.multi_task import MultiTaskNet
from training.data.mixed_batches import plain_images
from training.errors import DatasetError, RecipeError
from training.ladder.answers import read_faces
from training.ladder.command import run_ladder
from training.ladder.faces import LadderFaces, ladder_faces
from training.ladder.lessons import LESSONS, Batch, Lesson, ask_teacher
from training.ladder.results import comparisons, row_result
from training.ladder.rows import ROWS, Ladder
from training.ladder.settings import Settings
from training.ladder.student import train_student
from training.loop import fit
from training.metrics import weighted_accuracy_with_interval
from training.nets import fast_face
from training.recipes import multitask
from training.trained_net import save_student, trained_net

SPEC = InputSpec(size=16)
TINY = Settings(batch=32, epochs=1, learning_rate=0.02, bfloat16=False, mining_share=0.1, device="cpu")


def tiny_faces(task: str = "emotion", count: int = 480) -> LadderFaces:
    name = {"emotion": "ferplus", "smile": "genki4k"}.get(task, "utkface")
    return ladder_faces(task, made_faces(name, count), SPEC, margin_px=2)


def tiny_net(seed: int = 1) -> MultiTaskNet:
    torch.manual_seed(seed)
    net = fast_face.build(size=16, widths=(8, 8, 16, 16), dropout=0.0)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    net.train()(torch.randn(64, 1, 16, 16))
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.3  # few steps must be enough
    return net.eval()


@pytest.fixture(scope="module")
def teacher() -> MultiTaskNet:
    """A tiny network that knows the made emotions of whole faces."""
    net, faces = tiny_net(2), tiny_faces().training
    images, classes = (
        torch.from_numpy(faces.images(np.arange(len(faces)), None)),
        torch.from_numpy(faces.labels),
    )
    optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)
    net.train()
    for _ in range(60):
        rows = torch.randperm(len(faces))[:64]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(images[rows])["emotion"], classes[rows].long()).backward()
        optimizer.step()
    said = read_faces(net.eval(), "emotion", faces, None, False).said("emotion")
    assert (said == faces.labels).mean() > 0.95
    return net


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


def test_unchanged_faces_are_the_programs_and_hidden_ones_are_black_in_one_half() -> None:
    prepared = made_faces("ferplus", 48)
    faces = ladder_faces("emotion", prepared, SPEC, margin_px=2)
    rows = np.arange(len(faces.measured))
    plain = faces.measured.images(rows, None)

    assert plain == pytest.approx(plain_images(prepared, prepared.where("validation"), SPEC, True), abs=0.04)
    black = -SPEC.mean / SPEC.std
    upper, lower = (faces.measured.images(rows, half) for half in ("upper", "lower"))
    assert upper[:, :, :8] == pytest.approx(black) and (upper[:, :, 8:] == plain[:, :, 8:]).all()
    assert lower[:, :, 8:] == pytest.approx(black) and (lower[:, :, :8] == plain[:, :, :8]).all()


def test_a_shift_moves_the_face_under_the_hidden_half_and_a_flip_mirrors_it() -> None:
    faces = tiny_faces().measured
    rows = np.arange(5)
    plain = faces.images(rows, None)

    down_right = faces.images(rows, "upper", shifts_px=np.full((5, 2), [2, 1]))
    assert (down_right[:, :, 8:, 1:] == plain[:, :, 6:14, :-1]).all()
    assert down_right[:, :, :8] == pytest.approx(-2)
    flips = np.array([True, False, True, False, True])
    flipped = faces.images(rows, None, flips)
    assert (flipped[flips] == plain[flips][..., ::-1]).all() and (flipped[~flips] == plain[~flips]).all()


def test_colour_is_kept_in_its_planes() -> None:
    faces = ladder_faces("gender", made_faces("utkface", 48), InputSpec(size=16, color="rgb"), 1)
    images = faces.training.images(np.arange(3), "lower")

    gray = ladder_faces("gender", made_faces("utkface", 48), SPEC, 1).training.images(np.arange(3), "lower")
    assert images.shape == (3, 3, 16, 16) and (images == gray).all()


def test_no_face_stands_in_two_groups_and_a_limit_is_kept() -> None:
    prepared = made_faces("ferplus", 480)
    faces = ladder_faces("emotion", prepared, SPEC, 0)
    groups = [set(part.subject) for part in (faces.training, faces.choosing, faces.measured)]

    assert sum(map(len, groups)) == len(set().union(*groups)) == 320, "test faces are left alone"
    assert groups[2] == set(prepared.subject[prepared.where("validation")])
    limited = ladder_faces("emotion", prepared, SPEC, 0, limit=40)
    assert (len(limited.training), len(limited.measured)) == (40, 20)
    assert set(limited.training.subject) < groups[0]
    with pytest.raises(
        DatasetError, match="genki4k: expected faces labelled with age for training, found none"
    ):
        ladder_faces("age", made_faces("genki4k", 48), SPEC, 0)


@pytest.mark.parametrize("task", ["emotion", "age"])
@pytest.mark.parametrize("method", sorted(LESSONS))
def test_every_lesson_falls_on_a_repeated_batch(method: str, task: str) -> None:
    settings = dataclasses.replace(TINY, task=task)
    faces, student = tiny_faces(task).training, tiny_net()
    lesson = LESSONS[method](
        settings, faces, ask_teacher(tiny_net(2), faces, settings), np.random.default_rng(1)
    )
    lesson.begin_epoch(student)
    student.train()
    batch = Batch(
        np.arange(32),
        np.zeros(32, bool),
        lambda rows, flips: torch.from_numpy(faces.images(rows, "upper", flips)),
    )
    optimizer = torch.optim.SGD(student.parameters(), 0.02, momentum=0.9)
    values = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = lesson.loss(student, batch)
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))

    assert np.mean(values[-3:]) < 0.95 * values[0]


def test_hints_of_the_teacher_draw_the_student_to_its_embedding(teacher: MultiTaskNet) -> None:
    settings = dataclasses.replace(TINY, epochs=8, half="lower", hint_weight=0.95)
    faces = tiny_faces().training
    taught = ask_teacher(teacher, faces, settings)

    def distance(method: str) -> float:
        student = train_student(teacher, method, faces, taught, settings, seed=1)
        own = read_faces(student, "emotion", faces, "lower", False).embeddings
        return float(np.square(own - taught.embeddings[0].numpy()).mean())

    assert distance("hint") < 0.85 * distance("labels")


def test_triplets_draw_hidden_faces_to_whole_ones_of_their_class_and_apart_from_others(
    teacher: MultiTaskNet,
) -> None:
    settings = dataclasses.replace(TINY, epochs=8, half="lower", triplet_weight=5.0, margin=1.0)
    faces = tiny_faces().training
    taught = ask_teacher(teacher, faces, settings)
    same = torch.from_numpy(faces.labels[:, None] == faces.labels)

    def gap(method: str) -> float:
        """How much farther hidden faces of other classes are than whole ones of the own class, in squares."""
        student = train_student(teacher, method, faces, taught, settings, seed=1)
        own = torch.from_numpy(read_faces(student, "emotion", faces, "lower", False).embeddings)
        near, far = torch.cdist(own, taught.embeddings[0])[same], torch.cdist(own, own)[~same]
        return float(far.square().mean() - near.square().mean())

    assert gap("triplet") > 3 * max(1.0, gap("labels"))


def test_a_student_learns_from_hidden_faces_repeats_with_its_seed_and_leaves_its_start_alone() -> None:
    settings = dataclasses.replace(TINY, epochs=6, half="lower")
    faces, start = tiny_faces(), tiny_net()
    before = {name: value.clone() for name, value in start.state_dict().items()}
    teacher = ask_teacher(start, faces.training, settings)
    students = [train_student(start, "labels", faces.training, teacher, settings, seed) for seed in (1, 1, 2)]
    scores = [
        (
            read_faces(net, "emotion", faces.measured, "lower", False).said("emotion")
            == faces.measured.labels
        ).mean()
        for net in (start, students[0])
    ]

    # four of the eight made classes differ in the visible half alone
    assert scores[1] > 0.45 > 2 * scores[0]
    states = [net.state_dict() for net in students]
    assert all(torch.equal(states[0][name], states[1][name]) for name in before)
    assert not torch.equal(states[0]["trunk.0.0.weight"], states[2]["trunk.0.0.weight"])
    assert all(torch.equal(start.state_dict()[name], value) for name, value in before.items())
    changed = {name for name in before if not torch.equal(states[0][name], before[name])}
    assert {name.split(".")[0] for name in changed} == {"trunk", "branches"}
    assert not any(name.startswith("branches.gender") for name in changed)


def test_votes_and_majority_are_two_lessons() -> None:
    faces = tiny_faces().training
    votes = np.full_like(faces.votes, 0.3 / 7)
    votes[np.arange(len(faces)), faces.labels.astype(int)] = 0.7
    faces = dataclasses.replace(faces, votes=votes)
    logits = torch.randn(8, 8)

    def loss(labels: str) -> torch.Tensor:
        settings = dataclasses.replace(TINY, labels=labels)
        teacher = ask_teacher(tiny_net(), faces, settings)
        return Lesson(settings, faces, teacher, np.random.default_rng(1))._supervised(logits, np.arange(8))

    said = logits.log_softmax(dim=1)
    classes = torch.from_numpy(faces.labels[:8]).long()
    assert torch.allclose(loss("majority"), -said[torch.arange(8), classes])
    assert torch.allclose(loss("votes"), -(torch.from_numpy(votes[:8]) * said).sum(dim=1), atol=1e-5)


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
    with pytest.raises(RecipeError, match=r"found others \(temperature\); name another --out"):
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
    wrong = ["ladder", "--data", str(tmp_path), "--out", str(tmp_path), "--set", "temperature=-1"]

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
