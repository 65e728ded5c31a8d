"""EM routing between two layers of matrix capsules, for all positions, parents and children at once.

Hinton, Sabour and Frosst: Matrix capsules with EM routing, ICLR 2018, procedure 1; equations 2.5 to 2.7 of the thesis
behind GF-CapsNet (Hosseini and Cho, 2019). Child i with activation a_i votes v_ij = M_i W_ij for the pose of parent j;
r_ij is how much of i belongs to j. Each iteration:

    M  R_j = sum_i r_ij a_i,  mu_jh = sum_i r_ij a_i v_ijh / R_j,  sigma2_jh = sum_i r_ij a_i (v_ijh - mu_jh)^2 / R_j
       cost_jh = (beta_u + ln sigma_jh) R_j / R0_j,  a_j = sigmoid(lambda_t (beta_a - sum_h cost_jh))
    E  r_ij = a_j N(v_ij; mu_j, sigma_j)^s / (the same summed over every parent that i votes for)

The thesis' cost is sum_i r_ij (-ln N) = (1/2 + ln(2 pi)/2 + ln sigma_jh) R_j: beta_u with a fixed value; b_j is beta_a.

Where we differ, and why. R_j is divided by R0_j = sum_i of the first r_ij, so that the cost does not grow with the number
of children (144 children times 16 components saturate every sigmoid; Gritzman: Avoiding implementation pitfalls of
"Matrix capsules with EM routing", 2019). lambda_t = lambda (1 - 0.95^(t+1)), the authors' schedule without its factor 0.01,
which undid that growth. s is 1 in the paper; `SOFT` says why it may be less. sigma2 has a floor. The E step stays in
logarithms, sums run in float32 or better whatever the network's precision, and a child is shared between all parents at
all positions it votes at.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.blocks.capsules.fields import Fields

VARIANCE_FLOOR = 1e-4
"""Added to every variance: votes that agree to the last bit (a black face) have none."""
MASS_FLOOR = 1e-6
"""Least mass that a parent's sums are divided by: children that are all switched off give none."""
SOFT = 1 / 16
"""Sharpness that takes the mean over a pose's 16 components instead of their sum. With the sum, one parent takes nearly all
children of every face in the second iteration, and short trainings end in the most frequent class: on 400 faces, 250 steps
of 32, three iterations learned 31% of them with the sum (the most frequent class has 33%)."""
_NOWHERE = -1e30
"""Score of a field a child does not stand in; finite, so that no gradient is 0 times infinity."""
_WARMING = 0.95


@dataclass(frozen=True, slots=True)
class Routing:
    """How a layer routes.

    Attributes:
        iterations: Of expectation maximisation, 1 or more; the first shares every child equally.
        inverse_temperature: lambda, above 0.
        through_all: Send gradients through all iterations; False takes the assignments of the last one as given, which
            costs half as much.
        sharpness: Exponent of the densities in the E step, above 0; 1 is the paper's. See `SOFT`.
    """

    iterations: int = 3
    inverse_temperature: float = 1.0
    through_all: bool = True
    sharpness: float = 1.0

    def __post_init__(self) -> None:
        whole = isinstance(self.iterations, int) and not isinstance(self.iterations, bool)
        if not whole or self.iterations < 1:
            raise ValueError(
                f"routing iterations: expected a whole number from 1 on, found {self.iterations!r}"
            )
        for name in ("inverse_temperature", "sharpness"):
            if not getattr(self, name) > 0:
                raise ValueError(f"routing {name}: expected above 0, found {getattr(self, name)!r}")

    def inverse_temperature_at(self, iteration: int) -> float:
        """Return lambda_t of an iteration, counted from 0."""
        return self.inverse_temperature * (1 - _WARMING ** (iteration + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Gaussians:
    """What an M step finds of every parent.

    Attributes:
        mean: float (N, P, J, H), the pose.
        variance: float (N, P, J, H).
        logit: float (N, P, J), before the sigmoid of the activation.
    """

    mean: Tensor
    variance: Tensor
    logit: Tensor


def em_routing(
    votes: Tensor,
    activations: Tensor,
    beta_cost: Tensor,
    beta_activation: Tensor,
    fields: Fields,
    how: Routing,
) -> tuple[Tensor, Tensor]:
    """Return the parents' poses and the logits of their activations.

    Args:
        votes: float (N, P, J, I, H): of I = K * B children in each of P fields for J parents; H components of a pose.
        activations: float (N, P, I), the children's, in [0, 1].
        beta_cost: float (J,), beta_u.
        beta_activation: float (J,), beta_a.
        fields: Of the layer; K positions with B children each, position by position.
        how: Iterations and temperature.

    Returns:
        float (N, P, J, H) and float (N, P, J), in float32, or float64 where the votes are.
    """
    if torch.is_autocast_enabled(votes.device.type):
        with torch.autocast(votes.device.type, enabled=False):
            return em_routing(votes, activations, beta_cost, beta_activation, fields, how)
    dtype = torch.float64 if votes.dtype == torch.float64 else torch.float32
    votes, activations = votes.to(dtype), activations.to(dtype)[:, :, None]
    betas = beta_cost.to(dtype), beta_activation.to(dtype)
    first = _first_shares(fields, votes)
    pivot, powers = _powers(votes, first * activations)
    shares = first.expand(votes.shape[:-1])
    for iteration in range(how.iterations):
        last = iteration == how.iterations - 1
        with torch.set_grad_enabled(torch.is_grad_enabled() and (last or how.through_all)):
            inverse = how.inverse_temperature_at(iteration)
            found = _maximise(powers, shares * activations, first, betas, inverse)
            if not last:
                shares = _expect(powers, found, fields, how.sharpness)
    return found.mean + pivot, found.logit


def _powers(votes: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """Return a pivot near the votes, float (N, P, J, H), and the votes from there with their squares, (..., I, 2 H).

    Mean and variance are then two rows of one product, and so is every distance of the E step: no tensor of the votes' size
    is made within an iteration. From the pivot, their mean under the first shares, the squares keep their digits.
    """
    with torch.no_grad():
        weights = given / given.sum(dim=-1, keepdim=True).clamp(min=MASS_FLOOR)
        pivot = weights.expand(votes.shape[:-1])[..., None, :] @ votes
    moved = votes - pivot
    return pivot.squeeze(-2), torch.cat([moved, moved * moved], dim=-1)


def _first_shares(fields: Fields, votes: Tensor) -> Tensor:
    """Return the equal shares of the first iteration, float (1, P, 1 or J, I): a child's sum to 1."""
    _, positions, parents, children, _ = votes.shape
    kinds = children // fields.children.shape[1]
    shares = fields.first_share.to(votes)[:, :, None].expand(positions, -1, kinds)
    return shares.reshape(1, positions, 1, children) / parents


def _maximise(
    powers: Tensor, given: Tensor, first: Tensor, betas: tuple[Tensor, Tensor], inverse: float
) -> Gaussians:
    mass = given.sum(dim=-1)
    weights = given / mass[..., None].clamp(min=MASS_FLOOR)
    mean, squares = (weights[..., None, :] @ powers).squeeze(-2).chunk(2, dim=-1)
    # The weights' sum is 1 but where the mass is under its floor: sum w (v - mu)^2 = sum w v^2 - mu^2 (2 - sum w).
    total = weights.sum(dim=-1, keepdim=True)
    variance = (squares - mean * mean * (2 - total)).clamp(min=0) + VARIANCE_FLOOR
    share = mass / first.sum(dim=-1)
    cost = (betas[0] * variance.shape[-1] + 0.5 * variance.log().sum(dim=-1)) * share
    return Gaussians(mean, variance, inverse * (betas[1] - cost))


def _expect(powers: Tensor, found: Gaussians, fields: Fields, sharpness: float) -> Tensor:
    """Return r, float (N, P, J, I)."""
    precision = found.variance.reciprocal()
    factors = torch.cat([found.mean * precision, -0.5 * precision], dim=-1)
    scale = -0.5 * (found.variance.log() + found.mean * found.mean * precision).sum(dim=-1)
    densities = (powers @ factors[..., None]).squeeze(-1) + scale[..., None]
    scores = functional.logsigmoid(found.logit)[..., None] + sharpness * densities
    return (scores - _evidence(scores.logsumexp(dim=2), fields)[:, :, None]).exp()


def _evidence(scores: Tensor, fields: Fields) -> Tensor:
    """Return each child's scores summed over every field it stands in, float (N, P, I) -> the same, in logarithms."""
    if not fields.overlapping:
        return scores
    positions, places = fields.children.shape
    kinds = scores.shape[-1] // places
    flat = scores.reshape(-1, positions * places, kinds)
    flat = torch.cat([flat, torch.full_like(flat[:, :1], _NOWHERE)], dim=1)
    votings = fields.votings.to(scores.device)
    everywhere = flat[:, votings.flatten()].reshape(-1, *votings.shape, kinds).logsumexp(dim=2)
    gathered = everywhere[:, fields.children.to(scores.device).flatten()]
    return gathered.reshape(-1, positions, places * kinds)
