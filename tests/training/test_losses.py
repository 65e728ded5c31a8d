from __future__ import annotations

import pytest
import torch

from training.losses.age_distribution import AgeDistributionLoss
from training.losses.masked_cross_entropy import MaskedCrossEntropy, one_hot
from training.losses.masked_squared_hinge import MaskedSquaredHinge

NAN = float("nan")


def test_masked_cross_entropy_is_the_mean_over_labelled_pictures() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 0.0], [1.0, 3.0]])
    target = torch.tensor([[1.0, 0.0], [NAN, NAN], [0.0, 1.0]])

    first = torch.log1p(torch.exp(torch.tensor(-2.0)))
    assert MaskedCrossEntropy()(logits, target) == pytest.approx(float(first))


def test_masked_cross_entropy_of_votes_is_the_entropy_at_its_minimum() -> None:
    votes = torch.tensor([[0.7, 0.2, 0.1]])

    assert float(MaskedCrossEntropy()(votes.log(), votes)) == pytest.approx(
        float(-(votes * votes.log()).sum())
    )


def test_squared_hinge_counts_only_wrong_classes_within_the_margin() -> None:
    logits = torch.tensor([[2.0, 1.5, -1.0]])

    assert float(MaskedSquaredHinge()(logits, one_hot(torch.tensor([0.0]), 3))) == pytest.approx(0.25)
    assert float(MaskedSquaredHinge()(logits, one_hot(torch.tensor([1.0]), 3))) == pytest.approx(1.5**2)


@pytest.mark.parametrize("loss", [MaskedCrossEntropy(), MaskedSquaredHinge()])
def test_unlabelled_pictures_get_no_gradient(loss: torch.nn.Module) -> None:
    logits = torch.randn(4, 3, requires_grad=True)
    loss(logits, one_hot(torch.tensor([1.0, NAN, 0.0, NAN]), 3)).backward()

    assert logits.grad is not None
    assert (logits.grad[1] == 0).all() and (logits.grad[3] == 0).all()
    assert (logits.grad[0] != 0).any() and (logits.grad[2] != 0).any()


@pytest.mark.parametrize(
    ("loss", "classes", "target"),
    [
        (MaskedCrossEntropy(), 3, torch.full((2, 3), NAN)),
        (MaskedSquaredHinge(), 3, torch.full((2, 3), NAN)),
        (AgeDistributionLoss(), 101, torch.full((2,), NAN)),
    ],
)
def test_a_batch_without_labels_costs_nothing_and_stays_differentiable(
    loss: torch.nn.Module, classes: int, target: torch.Tensor
) -> None:
    logits = torch.randn(2, classes, requires_grad=True)
    value = loss(logits, target)
    value.backward()

    assert float(value.detach()) == 0
    assert (logits.grad == 0).all()


def test_age_loss_is_least_at_the_gaussian_around_the_age() -> None:
    loss = AgeDistributionLoss(std_years=2.5)
    right = -((loss.years - 30) ** 2) / (2 * 2.5**2)
    wrong = -((loss.years - 35) ** 2) / (2 * 2.5**2)
    age = torch.tensor([30.0])

    assert loss(right[None], age) < loss(wrong[None], age)
    assert float(loss(right[None], age)) == pytest.approx(
        float(0.5 * torch.log(torch.tensor(2 * torch.pi * torch.e * 2.5**2))), abs=1e-3
    )


def test_ages_over_a_hundred_count_as_a_hundred() -> None:
    loss, logits = AgeDistributionLoss(), torch.randn(1, 101)

    assert torch.equal(loss(logits, torch.tensor([116.0])), loss(logits, torch.tensor([100.0])))
