"""EM routing as plain loops over every child, parent and component, in float64: slow, and easy to check by eye.

The formulas are those of `training.blocks.capsules.routing`, written a number at a time; tests hold the vectorised routing to
it, and `python -m training study capsule_routing` times both.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.blocks.capsules.fields import Fields
from training.blocks.capsules.routing import MASS_FLOOR, VARIANCE_FLOOR, Routing


def reference_routing(
    votes: Tensor,
    activations: Tensor,
    beta_cost: Tensor,
    beta_activation: Tensor,
    fields: Fields,
    how: Routing,
) -> tuple[Tensor, Tensor]:
    """Return what `em_routing` returns, a picture, a position, a parent at a time; same arguments, any float dtype.

    Args:
        votes: float (N, P, J, I, H).
        activations: float (N, P, I).
        beta_cost: float (J,).
        beta_activation: float (J,).
        fields: Of the layer.
        how: Iterations and temperature.

    Returns:
        float (N, P, J, H) and float (N, P, J).
    """
    poses, logits = [], []
    for number in range(len(votes)):
        mean, logit = _picture(votes[number], activations[number], beta_cost, beta_activation, fields, how)
        poses.append(mean)
        logits.append(logit)
    return torch.stack(poses), torch.stack(logits)


def _picture(
    votes: Tensor,
    activations: Tensor,
    beta_cost: Tensor,
    beta_activation: Tensor,
    fields: Fields,
    how: Routing,
) -> tuple[Tensor, Tensor]:
    positions, parents, children, _ = votes.shape
    kinds = children // fields.children.shape[1]
    first = [
        [
            [fields.first_share[p, i // kinds].item() / parents for i in range(children)]
            for _ in range(parents)
        ]
        for p in range(positions)
    ]
    shares: Sequence[Sequence[Sequence[Tensor | float]]] = first
    for iteration in range(how.iterations):
        found = [
            [
                _parent(
                    votes[p, j], activations[p], shares[p][j], sum(first[p][j]), beta_cost[j], beta_activation[j],
                    how.inverse_temperature_at(iteration),
                )
                for j in range(parents)
            ]
            for p in range(positions)
        ]  # fmt: skip
        if iteration < how.iterations - 1:
            shares = _shares(votes, found, fields, kinds, how.sharpness)
    mean = torch.stack([torch.stack([one[0] for one in row]) for row in found])
    return mean, torch.stack([torch.stack([one[2] for one in row]) for row in found])


Parent = tuple[Tensor, Tensor, Tensor]
"""Mean (H,), variance (H,) and logit of one parent at one position."""


def _parent(
    votes: Tensor,
    activations: Tensor,
    shares: Sequence[Tensor | float],
    first_mass: float,
    beta_cost: Tensor,
    beta_activation: Tensor,
    inverse: float,
) -> Parent:
    given = [share * activations[i] for i, share in enumerate(shares)]
    mass = torch.stack(given).sum()
    means, variances, cost = [], [], torch.zeros((), dtype=votes.dtype)
    for h in range(votes.shape[-1]):
        mean = sum(given[i] * votes[i, h] for i in range(len(given))) / mass.clamp(min=MASS_FLOOR)
        spread = sum(given[i] * (votes[i, h] - mean) ** 2 for i in range(len(given)))
        variance = spread / mass.clamp(min=MASS_FLOOR) + VARIANCE_FLOOR
        cost = cost + (beta_cost + 0.5 * torch.log(variance)) * mass / first_mass
        means.append(mean)
        variances.append(variance)
    return torch.stack(means), torch.stack(variances), inverse * (beta_activation - cost)


def _shares(
    votes: Tensor, found: Sequence[Sequence[Parent]], fields: Fields, kinds: int, sharpness: float
) -> list[list[list[Tensor]]]:
    positions, parents, children, _ = votes.shape
    weights = [
        [[_weight(votes[p, j, i], found[p][j], sharpness) for i in range(children)] for j in range(parents)]
        for p in range(positions)
    ]
    totals: dict[tuple[int, int], Tensor] = {}
    for p in range(positions):
        for i in range(children):
            child = (int(fields.children[p, i // kinds]), i % kinds)
            for j in range(parents):
                totals[child] = totals.get(child, torch.zeros((), dtype=votes.dtype)) + weights[p][j][i]
    return [
        [
            [
                weights[p][j][i] / totals[int(fields.children[p, i // kinds]), i % kinds]
                for i in range(children)
            ]
            for j in range(parents)
        ]
        for p in range(positions)
    ]


def _weight(vote: Tensor, parent: Parent, sharpness: float) -> Tensor:
    """Return a_j N(v; mu, sigma)^s, without the constant that every parent shares."""
    mean, variance, logit = parent
    density = torch.ones((), dtype=vote.dtype)
    for h in range(len(vote)):
        density = (
            density * torch.exp(-((vote[h] - mean[h]) ** 2) / (2 * variance[h])) / torch.sqrt(variance[h])
        )
    return torch.sigmoid(logit) * density**sharpness
