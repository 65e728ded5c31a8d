"""Hard mining against a plain loop, and what the random subsets hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.distillation.hard_mining import UNDER_YEARS, Kinds, kinds_of, mine_triplets
from training.errors import RecipeError

CLASSES = np.array([2, 0, 1, 1, 0, 2, 2, 0, 1, 0] * 30)
AGES_YEARS = np.array([31.0, 3, 35, 36, 7, 90, 0, 33, 30, 41] * 30)

both_labels = pytest.mark.parametrize(("labels", "under"), [(CLASSES, 0.0), (AGES_YEARS, UNDER_YEARS)])


def same_kind(labels: np.ndarray, under: float, one: int, other: int) -> bool:
    return abs(labels[one] - labels[other]) < under if under else labels[one] == labels[other]


def embeddings() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    student, teacher = torch.randn(2, len(CLASSES), 6, generator=generator)
    return student, teacher


@both_labels
def test_the_hardest_of_the_drawn_faces_are_those_of_a_plain_loop(labels: np.ndarray, under: float) -> None:
    student, teacher = embeddings()
    kinds = kinds_of(labels, under)
    found = mine_triplets(student, teacher, kinds, share=0.04, random=np.random.default_rng(5))

    random = np.random.default_rng(5)
    for start in range(0, len(labels), 256):
        anchors = np.arange(start, min(start + 256, len(labels)))
        positives, negatives = kinds.candidates(anchors, 12, random)
        for row, anchor in enumerate(anchors):
            far = max(positives[row], key=lambda one: float((student[anchor] - teacher[one]).norm()))
            near = min(negatives[row], key=lambda one: float((student[anchor] - student[one]).norm()))
            assert (found.positive[anchor], found.negative[anchor]) == (far, near)


@both_labels
def test_drawn_over_the_whole_set_the_hardest_face_of_all_is_found(labels: np.ndarray, under: float) -> None:
    student, teacher = embeddings()
    found = mine_triplets(student, teacher, kinds_of(labels, under), 1.0, np.random.default_rng(1))

    hits = 0
    for anchor in range(len(labels)):
        own = [one for one in range(len(labels)) if same_kind(labels, under, anchor, one)]
        others = sorted(set(range(len(labels))) - set(own))
        far = own[int((student[anchor] - teacher[own]).norm(dim=1).argmax())]
        near = others[int((student[anchor] - student[others]).norm(dim=1).argmin())]
        hits += int(found.positive[anchor] == far) + int(found.negative[anchor] == near)
    # 300 draws from 30 to 210 faces: the one in question is missed with a chance of exp(-300 / faces) at most
    assert hits > 0.8 * 2 * len(labels)


@both_labels
def test_subsets_hold_every_face_of_their_kind_and_no_other(labels: np.ndarray, under: float) -> None:
    kinds = kinds_of(labels, under)
    positives, negatives = kinds.candidates(np.arange(10), 20_000, np.random.default_rng(2))

    for anchor in range(10):
        own = {one for one in range(len(labels)) if same_kind(labels, under, anchor, one)}
        assert set(positives[anchor]) == own
        assert set(negatives[anchor]) == set(range(len(labels))) - own
        counts = np.bincount(positives[anchor], minlength=len(labels))[sorted(own)]
        assert counts.max() < 2 * counts.mean(), "each as likely as another"


def test_five_years_apart_is_another_kind_and_less_is_not() -> None:
    kinds = kinds_of(np.array([30.0, 34.9, 35.0, 25.0, 25.1]), UNDER_YEARS)

    assert set(kinds.order[kinds.first[0] : kinds.end[0]]) == {0, 1, 4}


def test_what_can_not_be_mined_is_refused() -> None:
    with pytest.raises(RecipeError, match="faces of at least two kinds, found one"):
        kinds_of(np.zeros(4))
    with pytest.raises(RecipeError, match="found some missing"):
        kinds_of(np.array([1.0, np.nan]))
    kinds: Kinds = kinds_of(np.array([0, 1]))
    with pytest.raises(RecipeError, match=r"found \(3, 2\) and \(3, 2\)"):
        mine_triplets(torch.zeros(3, 2), torch.zeros(3, 2), kinds, 0.1, np.random.default_rng(0))
    with pytest.raises(RecipeError, match="share above 0 and at most 1, found 0"):
        mine_triplets(torch.zeros(2, 2), torch.zeros(2, 2), kinds, 0, np.random.default_rng(0))
