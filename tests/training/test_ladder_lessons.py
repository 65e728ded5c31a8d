"""The ladder's faces and lessons: what is hidden, what is drawn to what, and that students learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from engines.card import InputSpec
from tests.training.ladder_parts import SPEC, TINY, tiny_faces, tiny_net
from tests.training.made_faces import made_faces
from training.batches.mixed_batches import plain_images
from training.blocks.multi_task import MultiTaskNet
from training.errors import DatasetError
from training.studies.ladder.answers import read_faces
from training.studies.ladder.faces import ladder_faces
from training.studies.ladder.lessons import LESSONS, Batch, Lesson, ask_teacher
from training.studies.ladder.student import train_student


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
