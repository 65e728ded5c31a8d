from __future__ import annotations

import pytest
import torch

from training.losses.distillation import DistillationLoss
from training.losses.feature_distillation import FeatureDistillationLoss, FeatureMap
from training.losses.triplet_domain import DomainHead, TripletDomainLoss

NAN = float("nan")

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_domain_triplets_are_those_of_a_plain_loop() -> None:
    embeddings = torch.nn.functional.normalize(torch.randn(7, 3), dim=1)
    source = [0, 0, 0, 1, 1, 2, 0]
    sets: dict[int, list[float]] = {}
    for a in range(7):
        gaps = [
            max(
                0.0,
                float(
                    (embeddings[a] - embeddings[p]).square().sum()
                    - (embeddings[a] - embeddings[n]).square().sum()
                )
                + 0.2,
            )
            for p in range(7)
            for n in range(7)
            if p != a and source[p] == source[a] != source[n]
        ]
        if gaps:
            sets.setdefault(source[a], []).append(sum(gaps) / len(gaps))

    wanted = sum(sum(anchors) / len(anchors) for anchors in sets.values()) / len(sets)
    assert set(sets) == {0, 1}
    assert float(TripletDomainLoss()(embeddings, torch.tensor(source))) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("source", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_without_triplets_has_no_domain_loss(source: list[int]) -> None:
    embeddings = torch.randn(3, 4, requires_grad=True)
    value = TripletDomainLoss()(embeddings, torch.tensor(source))
    value.backward()

    assert float(value.detach()) == 0 and (embeddings.grad == 0).all()


def test_the_head_learns_to_tell_the_sets_and_the_trunk_to_hide_them() -> None:
    torch.manual_seed(1)
    source = torch.tensor([0, 0, 0, 1, 1, 1])
    loss = TripletDomainLoss()
    features = torch.randn(6, 5, requires_grad=True)
    head = DomainHead(5, width=8, embedding=4, strength=0.5)
    start = loss(head(features), source)
    start.backward()
    reversed_gradient = features.grad.clone()
    head.strength = -1.0
    features.grad = None
    loss(head(features), source).backward()
    assert torch.allclose(reversed_gradient, -0.5 * features.grad), (
        "strength -1 lets the true gradient through"
    )

    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        loss(head(features.detach()), source).backward()
        optimizer.step()
    assert loss(head(features), source) < start
    assert head(torch.randn(2, 5, 3, 3)).norm(dim=1).tolist() == pytest.approx([1, 1])


def test_distillation_is_the_scaled_divergence_of_softened_answers() -> None:
    student, teacher = torch.randn(3, 8), torch.randn(3, 8)
    divergence = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=teacher / 4),
        torch.distributions.Categorical(logits=student / 4),
    )

    loss = DistillationLoss(temperature=4, given="logits")
    assert torch.allclose(loss(student, teacher), 16 * divergence.mean(), rtol=1e-4)
    from_probabilities = DistillationLoss(temperature=4)
    assert torch.allclose(from_probabilities(student, teacher.softmax(1)), loss(student, teacher), rtol=1e-4)
    assert float(loss(teacher + 3, teacher)) == pytest.approx(0, abs=1e-5)


def test_certain_teachers_and_missing_rows_leave_the_gradient_finite() -> None:
    student = torch.randn(3, 4, requires_grad=True)
    teacher = torch.tensor([[1.0, 0, 0, 0], [NAN] * 4, [0.5, 0.5, 0, 0]])
    DistillationLoss()(student, teacher).backward()

    assert torch.isfinite(student.grad).all()
    assert (student.grad[1] == 0).all() and (student.grad[0] != 0).any()


def test_feature_distillation_is_the_mean_squared_distance_after_the_map() -> None:
    teacher = torch.randn(3, 6)
    student = teacher + 2
    teacher[1] = NAN

    assert float(FeatureDistillationLoss()(student, teacher)) == pytest.approx(4, rel=1e-5)
    assert FeatureMap(4, 6)(torch.randn(3, 4, 2, 2)).shape == teacher.shape
    with pytest.raises(ValueError, match=r"shape \(3, 6\), found \(3, 4\); put a FeatureMap"):
        FeatureDistillationLoss()(torch.randn(3, 4), teacher)
