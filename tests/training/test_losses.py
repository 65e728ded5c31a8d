from __future__ import annotations

import pytest
import torch

from training.losses.age_classes import ADIENCE, GALLAGHER, SINGLE_YEARS, AgeClassLoss
from training.losses.age_distribution import AgeDistributionLoss
from training.losses.age_regression import AgeRegressionLoss
from training.losses.crowd_labels import CrowdLabelLoss, drawn
from training.losses.distillation import DistillationLoss
from training.losses.feature_distillation import FeatureDistillationLoss, FeatureMap
from training.losses.masked_cross_entropy import (
    MaskedCrossEntropy,
    one_hot,
)
from training.losses.masked_squared_hinge import MaskedSquaredHinge
from training.losses.triplet_domain import DomainHead, TripletDomainLoss

NAN = float("nan")

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


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
        (AgeRegressionLoss(), 101, torch.full((2,), NAN)),
        (AgeClassLoss(), 101, torch.full((2,), NAN)),
        (CrowdLabelLoss("majority"), 3, torch.full((2, 3), NAN)),
        (CrowdLabelLoss("probability"), 3, torch.full((2, 3), NAN)),
        (CrowdLabelLoss("multi_label"), 3, torch.full((2, 3), NAN)),
        (DistillationLoss(), 3, torch.full((2, 3), NAN)),
        (FeatureDistillationLoss(), 3, torch.full((2, 3), NAN)),
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


def test_smoothed_cross_entropy_is_that_of_torch() -> None:
    logits, classes = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 1, 1])
    rows = one_hot(classes.float(), 4)

    smoothed = torch.nn.functional.cross_entropy(logits, classes, label_smoothing=0.1)
    assert torch.allclose(MaskedCrossEntropy(label_smoothing=0.1)(logits, rows), smoothed)


def test_a_mixed_label_shares_itself_between_two_classes() -> None:
    rows = one_hot(torch.tensor([0.25, 1.0, NAN]), 2)

    assert torch.allclose(rows[:2], torch.tensor([[0.75, 0.25], [0.0, 1.0]]))
    assert rows[2].isnan().all()
    with pytest.raises(ValueError, match=r"0 to 1 or NaN, found 0 to 2"):
        one_hot(torch.tensor([0.0, 2.0, NAN]), 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MaskedCrossEntropy(label_smoothing=1), "label_smoothing: expected 0 to below 1, found 1"),
        (lambda: CrowdLabelLoss("most"), "mode: expected distribution"),
        (lambda: CrowdLabelLoss("multi_label", label_smoothing=0.1), "expected none in mode multi_label"),
        (lambda: AgeDistributionLoss(std_years=0), "std_years"),
        (lambda: AgeClassLoss(((0, 5), (5, 9))), "don't overlap"),
        (lambda: AgeClassLoss(((0, 5), (90, 101))), "0 to 100"),
        (lambda: TripletDomainLoss(margin=0), "margin: expected above 0"),
        (lambda: DomainHead(0), "expected from 1 on"),
        (lambda: DistillationLoss(temperature=0), "temperature: expected above 0, found 0"),
        (lambda: DistillationLoss(given="votes"), "given: expected probabilities, logits"),
        (lambda: FeatureMap(8, 0), "expected from 1 on, found 8 and 0"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


VOTES = torch.tensor([[0.6, 0.3, 0.1], [0.5, 0.5, 0.0], [0.4, 0.35, 0.25], [NAN, NAN, NAN]])


def test_majority_counts_faces_with_more_than_half_of_the_votes() -> None:
    logits = torch.randn(4, 3)

    alone = -logits[0].log_softmax(0)[0]
    assert torch.allclose(CrowdLabelLoss("majority")(logits, VOTES), alone)


def test_distribution_is_the_masked_cross_entropy() -> None:
    logits = torch.randn(4, 3)

    assert torch.equal(CrowdLabelLoss()(logits, VOTES), MaskedCrossEntropy()(logits, VOTES))


def test_drawn_labels_follow_the_votes_and_the_seed() -> None:
    torch.manual_seed(3)
    votes = torch.tensor([[0.7, 0.3, 0.0]]).expand(2000, 3)
    labels = drawn(votes)
    torch.manual_seed(3)

    assert torch.equal(labels, drawn(votes))
    assert set(labels.sum(1).tolist()) == {1.0}
    assert labels.mean(0).tolist() == pytest.approx([0.7, 0.3, 0.0], abs=0.04)
    assert drawn(VOTES)[3].isnan().all()
    assert torch.isfinite(CrowdLabelLoss("probability")(torch.randn(4, 3), VOTES))


def test_multi_label_is_content_with_any_class_that_enough_taggers_chose() -> None:
    loss = CrowdLabelLoss("multi_label")
    first, second, third = 10 * torch.eye(3)

    # Row 0: classes 0 and 1 have 30% or more; row 2: classes 0 and 1 gather 75%.
    for row in (0, 2):
        assert float(loss(first[None], VOTES[[row]])) == pytest.approx(0, abs=1e-3)
        assert float(loss(second[None], VOTES[[row]])) == pytest.approx(0, abs=1e-3)
        assert float(loss(third[None], VOTES[[row]])) > 6
    scattered = torch.tensor([[0.4, 0.2, 0.2, 0.2]])
    assert float(loss(torch.randn(1, 4), scattered)) == 0, "its classes gather no more than half of the votes"


def test_age_regression_is_the_error_of_the_expectation_in_years() -> None:
    logits = torch.full((3, 101), -1e4)
    logits[0, [20, 40]] = 0
    logits[1, 50] = 0

    ages = torch.tensor([33.0, 52.0, NAN])
    assert float(AgeRegressionLoss()(logits, ages)) == pytest.approx((3 + 2) / 2)


def test_age_groups_are_classes_on_the_sums_of_their_years() -> None:
    loss, logits = AgeClassLoss(GALLAGHER), torch.randn(4, 101)
    sums = torch.stack([logits.softmax(1)[:, low : high + 1].sum(1) for low, high in GALLAGHER], dim=1)

    ages = torch.tensor([0.0, 12.0, 100.0, NAN])
    wanted = -sums[torch.arange(3), torch.tensor([0, 2, 6])].log().mean()
    assert torch.allclose(loss(logits, ages), wanted)
    assert torch.allclose(loss.group_log_probs(logits), sums.log(), atol=1e-5)
    assert loss.group_of(ages).tolist() == [0, 2, 6, -1]


def test_single_years_are_plain_cross_entropy() -> None:
    logits, ages = torch.randn(3, 101), torch.tensor([4.0, 77.0, 130.0])

    plain = torch.nn.functional.cross_entropy(logits, torch.tensor([4, 77, 100]))
    assert torch.allclose(AgeClassLoss(SINGLE_YEARS)(logits, ages), plain)


def test_years_in_a_gap_between_groups_are_neither_right_nor_wrong() -> None:
    loss, logits = AgeClassLoss(ADIENCE), torch.randn(2, 101, requires_grad=True)
    loss(logits, torch.tensor([30.0, 35.0])).backward()

    assert (logits.grad[1] == 0).all(), "35 is in no group of Adience"
    assert (logits.grad[0, 33:38] == 0).all()
    assert (logits.grad[0, 25:33] < 0).all() and (logits.grad[0, 38:44] > 0).all()


def test_a_range_of_ages_asks_for_the_years_inside_it() -> None:
    loss, logits = AgeClassLoss(SINGLE_YEARS), torch.randn(2, 101)
    low, high = torch.tensor([25.0, 60.0]), torch.tensor([32.0, NAN])

    inside = logits[0].softmax(0)[25:33].sum().log() + logits[1].log_softmax(0)[60]
    assert torch.allclose(loss(logits, low, high), -inside / 2)
    with pytest.raises(ValueError, match="no more than age_high_years"):
        loss(logits, high.nan_to_num(70), low)
