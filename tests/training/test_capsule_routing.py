"""EM routing: the vectorised one against plain loops, and what no input may break."""

from __future__ import annotations

import pytest
import torch

from training.blocks.capsules.fields import Fields, square_fields, whole_field
from training.blocks.capsules.routing import Routing, em_routing
from training.studies.capsule_routing.reference import reference_routing

torch.set_num_threads(1)

OVERLAPPING = square_fields(3, 2, 1)
KINDS, PARENTS, COMPONENTS = 2, 3, 4


def inputs(fields: Fields, dtype: torch.dtype = torch.float64, seed: int = 1) -> tuple[torch.Tensor, ...]:
    """Votes, activations and both betas of one picture."""
    generator = torch.Generator().manual_seed(seed)
    positions, places = fields.children.shape
    children = places * KINDS
    votes = torch.randn(1, positions, PARENTS, children, COMPONENTS, generator=generator)
    activations = torch.rand(1, positions, children, generator=generator)
    betas = torch.randn(2, PARENTS, generator=generator)
    return tuple(one.to(dtype) for one in (votes, activations, betas[0], betas[1]))


@pytest.mark.parametrize("iterations", [1, 2, 3])
@pytest.mark.parametrize("fields", [OVERLAPPING, whole_field(2)], ids=["overlapping", "whole"])
def test_routing_gives_the_numbers_of_plain_loops(fields: Fields, iterations: int) -> None:
    given = inputs(fields)
    how = Routing(iterations, inverse_temperature=2.0, sharpness=0.5 if iterations == 2 else 1.0)

    poses, logits = em_routing(*given, fields, how)
    wanted_poses, wanted_logits = reference_routing(*given, fields, how)

    torch.testing.assert_close(poses, wanted_poses, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(logits, wanted_logits, rtol=1e-10, atol=1e-10)


def test_gradients_are_those_of_plain_loops() -> None:
    fields, how = square_fields(2, 2, 1), Routing(2)
    gradients = []
    for route in (em_routing, reference_routing):
        given = [one.requires_grad_() for one in inputs(fields)]
        poses, logits = route(*given, fields, how)
        (poses.square().sum() + logits.sin().sum()).backward()
        gradients.append([one.grad for one in given])

    for found, wanted in zip(*gradients, strict=True):
        assert (wanted != 0).any()
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-10)


def test_float32_keeps_close_to_float64_far_from_the_origin() -> None:
    given = inputs(OVERLAPPING)
    far = (given[0] + 30, *given[1:])
    how = Routing(3)

    exact = em_routing(*far, OVERLAPPING, how)
    found = em_routing(*(one.float() for one in far), OVERLAPPING, how)

    for one, wanted in zip(found, exact, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), wanted, rtol=1e-3, atol=1e-3)


def test_a_child_is_shared_by_all_parents_at_all_places_it_votes_at() -> None:
    fields = square_fields(3, 2, 1)
    assert fields.first_share[0].tolist() == [
        1,
        0.5,
        0.5,
        0.25,
    ]  # corner, two edges, the middle child of all four
    assert fields.votings[4].tolist() == [3, 6, 9, 12]
    total = torch.zeros(9).index_add(0, fields.children.flatten(), fields.first_share.flatten())
    assert total.tolist() == [1] * 9


def test_a_strided_kernel_may_leave_children_without_parents() -> None:
    fields = square_fields(4, 3, 2)
    assert fields.side == 1 and len(fields.votings) == 16
    given = inputs(fields, torch.float32)
    poses, logits = em_routing(*given, fields, Routing(3))
    assert torch.isfinite(poses).all() and torch.isfinite(logits).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("activation", [0.0, 1.0])
@pytest.mark.parametrize("vote", [0.0, 1.0, 1e4])
def test_equal_votes_and_switched_off_children_give_no_nan(
    dtype: torch.dtype, activation: float, vote: float
) -> None:
    votes, activations, cost, start = (one.requires_grad_() for one in inputs(OVERLAPPING, dtype))
    same = votes * 0 + vote
    level = activations * 0 + activation

    poses, logits = em_routing(same, level, cost, start, OVERLAPPING, Routing(3))
    (poses.sum() + logits.sum()).backward()

    assert poses.dtype == torch.float32, "routing is computed in full precision"
    assert torch.isfinite(poses).all() and torch.isfinite(logits).all()
    for one in (votes, activations, cost, start):
        assert torch.isfinite(one.grad).all()


def test_routing_is_computed_in_full_precision_under_autocast() -> None:
    given = inputs(OVERLAPPING, torch.float32)
    wanted = em_routing(*given, OVERLAPPING, Routing(3))
    with torch.autocast("cpu", torch.bfloat16):
        found = em_routing(*given, OVERLAPPING, Routing(3))
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other)


def test_routing_finds_the_parent_that_children_agree_on() -> None:
    fields = whole_field(2)
    votes, _, cost, start = inputs(fields, torch.float32)
    votes[:, :, 1] = torch.tensor([1.0, -1.0, 0.5, 0.0]) + 0.01 * votes[:, :, 1]

    poses, logits = em_routing(votes, torch.ones(1, 1, 8), cost * 0, start * 0, fields, Routing(3))

    assert logits[0, 0].argmax() == 1
    torch.testing.assert_close(poses[0, 0, 1], torch.tensor([1.0, -1.0, 0.5, 0.0]), atol=0.02, rtol=0)


def test_gradients_through_the_last_iteration_alone_leave_the_numbers_as_they_are() -> None:
    given = inputs(OVERLAPPING)
    votes, activations = (one.requires_grad_() for one in given[:2])
    whole = em_routing(*given, OVERLAPPING, Routing(3))
    short = em_routing(*given, OVERLAPPING, Routing(3, through_all=False))
    for one, other in zip(whole, short, strict=True):
        assert torch.equal(one, other)
    for gradient in torch.autograd.grad(short[0].square().sum() + short[1].sum(), (votes, activations)):
        assert torch.isfinite(gradient).all() and (gradient != 0).any()


@pytest.mark.parametrize("iterations", [0, -1, 2.0, True])
def test_wrong_iterations_are_refused(iterations: object) -> None:
    with pytest.raises(ValueError, match="iterations: expected a whole number from 1 on, found"):
        Routing(iterations)  # type: ignore[arg-type]


def test_wrong_temperature_and_kernel_are_refused() -> None:
    with pytest.raises(ValueError, match="inverse_temperature: expected above 0, found 0"):
        Routing(inverse_temperature=0)
    with pytest.raises(ValueError, match="side 2, kernel 3, stride 1; use larger pictures"):
        square_fields(2, 3, 1)
