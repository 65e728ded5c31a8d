"""The losses of teacher and student under occlusion against their equations, written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.losses.distillation import DistillationLoss
from training.losses.hint import HintLoss
from training.losses.occlusion_triplet import OcclusionTripletLoss, embedding_scale


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_standard_teacher_student_training_is_equation_1_but_for_a_constant(
    share: float, temperature: float
) -> None:
    student, teacher = torch.randn(2, 5, 8)
    labels = torch.arange(5)

    def equation_1(logits: torch.Tensor) -> torch.Tensor:
        soft = functional.cross_entropy(logits / temperature, (teacher / temperature).softmax(dim=1))
        return share * soft + (1 - share) * functional.cross_entropy(logits, labels)

    def ours(logits: torch.Tensor) -> torch.Tensor:
        loss = DistillationLoss(temperature, "logits", squared_temperature=False)
        return share * loss(logits, teacher) + (1 - share) * functional.cross_entropy(logits, labels)

    softened = torch.distributions.Categorical(logits=teacher / temperature)
    constant = share * float(softened.entropy().mean())
    for logits in (student, torch.randn(5, 8)):
        logits.requires_grad_()
        wanted, found = (
            torch.autograd.grad(loss(logits), logits, retain_graph=True) for loss in (equation_1, ours)
        )
        assert torch.allclose(wanted[0], found[0], atol=1e-6)
        assert float((equation_1(logits) - ours(logits)).detach()) == pytest.approx(constant, abs=1e-5)


def test_hints_are_weighed_against_labels() -> None:
    teacher, supervised = torch.randn(4, 6), torch.rand(4)

    assert float(HintLoss(0.25)(teacher + 3, teacher, supervised)) == pytest.approx(
        0.25 * 9 + 0.75 * float(supervised.mean()), rel=1e-5
    )
    assert float(HintLoss(0)(teacher + 3, teacher, supervised)) == pytest.approx(float(supervised.mean()))
    with pytest.raises(ValueError, match=r"weight: expected from 0 to 1, found 1\.5"):
        HintLoss(1.5)


@pytest.mark.parametrize("distance", ["squared", "plain"])
def test_triplets_are_those_of_a_plain_loop(distance: str) -> None:
    anchor, positive, negative = torch.randn(3, 20, 5, dtype=torch.float64)
    power = 2 if distance == "squared" else 1
    gaps = [
        max(0.0, float((a - p).norm() ** power - (a - n).norm() ** power) + 0.7)
        for a, p, n in zip(anchor, positive, negative, strict=True)
    ]

    found = OcclusionTripletLoss(0.7, distance)(anchor, positive, negative)
    assert 0 < sum(gap == 0 for gap in gaps) < 20, "some triplets are satisfied, some not"
    assert float(found) == pytest.approx(sum(gaps) / 20, rel=1e-5)


def test_only_the_student_learns_from_triplets() -> None:
    parts = [torch.randn(6, 4, requires_grad=True) for _ in range(3)]
    OcclusionTripletLoss(margin=10)(*parts).backward()

    anchor, positive, negative = parts
    assert positive.grad is None
    assert (anchor.grad != 0).any() and (negative.grad != 0).any()


@pytest.mark.parametrize("distance", ["squared", "plain"])
def test_a_satisfied_triplet_costs_nothing_and_equal_embeddings_keep_the_gradient_finite(
    distance: str,
) -> None:
    same = torch.ones(3, 4, requires_grad=True)
    loss = OcclusionTripletLoss(0.5, distance)

    assert float(loss(same, same, same + 5).detach()) == 0
    value = loss(same, same.detach(), same)
    value.backward()
    assert float(value.detach()) == pytest.approx(0.5) and torch.isfinite(same.grad).all()


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="margin: expected above 0, found 0"):
        OcclusionTripletLoss(0)
    with pytest.raises(ValueError, match="distance: expected squared, plain, found 'cosine'"):
        OcclusionTripletLoss(distance="cosine")
    with pytest.raises(ValueError, match=r"of one shape, found \(3, 4\), \(3, 4\) and \(2, 4\)"):
        OcclusionTripletLoss()(torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(2, 4))


def test_the_scale_is_the_root_mean_squared_length() -> None:
    assert embedding_scale(torch.tensor([[3.0, 4.0], [0.0, 5.0]])) == pytest.approx(5)
    with pytest.raises(ValueError, match="expected some that are not 0"):
        embedding_scale(torch.zeros(3, 2))
