from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from training.balancing import Balancer, fixed, gradnorm, uncertainty
from training.errors import RecipeError

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


class TwoTasks(nn.Module):
    """Two regressions on one shared layer; the second one's loss is many times larger."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.shared = nn.Linear(4, 6, bias=False)
        self.heads = nn.ModuleList([nn.Linear(6, 1), nn.Linear(6, 1)])
        self.scale = scale

    def losses(self, inputs: Tensor) -> dict[str, Tensor]:
        hidden = self.shared(inputs).tanh()
        wanted = inputs[:, :1], inputs[:, 1:2]
        small, large = (
            (head(hidden) - target).square().mean() for head, target in zip(self.heads, wanted, strict=True)
        )
        return {"small": small, "large": self.scale * large}


def gradient_norms(losses: dict[str, Tensor], shared: nn.Parameter) -> dict[str, float]:
    return {
        task: float(torch.autograd.grad(loss, shared, retain_graph=True)[0].norm())
        for task, loss in losses.items()
    }


def test_fixed_weights_multiply() -> None:
    losses = {"emotion": torch.tensor(2.0), "age": torch.tensor(3.0)}
    shared = nn.Parameter(torch.ones(1))

    weighed = fixed.build(("emotion", "age"), {"age": 0.5, "emotion": 1}).weigh(losses, shared)
    assert {task: float(loss) for task, loss in weighed.items()} == {"emotion": 2, "age": 1.5}
    assert fixed.build(("emotion", "age")).weights.tolist() == [1, 1]


def test_gradnorm_evens_out_the_gradients_of_two_tasks() -> None:
    toy = TwoTasks(scale=9.0)
    inputs = torch.randn(64, 4)
    balancer = gradnorm.build(("small", "large"), alpha=0)
    before = gradient_norms(toy.losses(inputs), toy.shared.weight)

    for _ in range(150):
        balancer.weigh(toy.losses(inputs), toy.shared.weight)

    # The network stands still, so with alpha 0 the weights must go to 1 / norm, scaled to a sum of 2.
    inverse = [1 / before["small"], 1 / before["large"]]
    wanted = [2 * part / sum(inverse) for part in inverse]
    assert balancer.weights.tolist() == pytest.approx(wanted, abs=0.06)
    assert float(balancer.weights.sum()) == pytest.approx(2, rel=1e-5)


def test_gradnorm_while_the_network_learns() -> None:
    toy = TwoTasks(scale=9.0)
    optimizer = torch.optim.SGD(toy.parameters(), lr=0.02)
    balancer = gradnorm.build(("small", "large"), alpha=0, learning_rate=0.01)
    ratios = []
    for number in range(300):
        losses = toy.losses(torch.randn(64, 4))
        weighed = balancer.weigh(losses, toy.shared.weight)
        if number >= 250:
            norms = gradient_norms(weighed, toy.shared.weight)
            ratios.append(math.log(norms["large"] / norms["small"]))
        optimizer.zero_grad()
        torch.stack(list(weighed.values())).sum().backward()
        optimizer.step()

    assert abs(sum(ratios) / len(ratios)) < math.log(1.5), "unbalanced they differ about 6 times"
    assert losses["small"] < 0.5


def test_gradnorm_pulls_the_slower_task_ahead() -> None:
    shared = nn.Parameter(torch.ones(2))
    balancer = gradnorm.build(("fast", "slow"), alpha=1.5, initial_losses={"fast": 4.0, "slow": 4.0})

    for _ in range(20):
        losses = {"fast": shared[0] * 1.0, "slow": shared[1] * 1.0}
        balancer.weigh({"fast": losses["fast"], "slow": losses["slow"] + 2.0}, shared)

    fast, slow = balancer.weights.tolist()
    assert slow > 1 > fast > 0
    assert slow + fast == pytest.approx(2, rel=1e-5)


def test_gradnorm_leaves_out_a_task_that_the_batch_lacks() -> None:
    shared = nn.Parameter(torch.ones(1))
    balancer = gradnorm.build(("emotion", "age", "smile"))
    losses = {"emotion": shared.sum(), "age": 5 * shared.sum(), "smile": shared.sum() * 0}

    balancer.weigh(losses, shared)
    del losses["smile"]
    balancer.weigh(losses, shared)

    emotion, age, smile = balancer.weights.tolist()
    assert smile == 1 and emotion > 1 > age
    assert emotion + age == pytest.approx(2, rel=1e-5)
    assert balancer.initial_losses.tolist()[:2] == [1, 5] and balancer.initial_losses[2].isnan()
    balancer.weigh({"age": 5 * shared.sum()}, shared)
    assert balancer.weights.tolist() == [emotion, age, smile], "one task alone has nothing to balance"


def test_gradnorm_goes_on_as_if_never_cut() -> None:
    shared = nn.Parameter(torch.tensor([1.0, 2.0]))

    def feed(balancer: Balancer, first: int, last: int) -> None:
        for number in range(first, last):
            balancer.weigh({"a": shared.square().sum() * (1 + number % 3), "b": shared.sum()}, shared)

    whole, cut, resumed = (gradnorm.build(("a", "b")) for _ in range(3))
    feed(whole, 0, 12)
    feed(cut, 0, 5)
    resumed.load_state_dict(cut.state_dict())
    feed(resumed, 5, 12)

    assert torch.equal(whole.weights, resumed.weights)
    assert not torch.equal(whole.weights, torch.ones(2))


def test_gradnorm_leaves_the_network_its_gradients() -> None:
    toy, inputs = TwoTasks(scale=3.0), torch.randn(8, 4)
    balancer = gradnorm.build(("small", "large"))
    weighed = balancer.weigh(toy.losses(inputs), toy.shared.weight)
    assert toy.shared.weight.grad is None
    torch.stack(list(weighed.values())).sum().backward()

    plain = toy.losses(inputs)
    total = sum(weight * loss for weight, loss in zip(balancer.weights.tolist(), plain.values(), strict=True))
    (wanted,) = torch.autograd.grad(total, toy.shared.weight)
    assert torch.allclose(toy.shared.weight.grad, wanted, rtol=1e-4, atol=1e-6)


def test_uncertainty_goes_to_half_of_the_inverse_loss() -> None:
    balancer = uncertainty.build(("emotion", "age"), learning_rate=0.1)
    shared = nn.Parameter(torch.ones(1))
    for _ in range(300):
        balancer.weigh({"emotion": shared.sum() * 0.25, "age": shared.sum() * 4}, shared)

    assert balancer.weights.tolist() == pytest.approx([2, 1 / 8], rel=1e-3)
    balancer.weigh({"emotion": shared.sum() * 0.25}, shared)
    assert float(balancer.weights[1]) == pytest.approx(1 / 8, rel=1e-3)


@pytest.mark.parametrize("module", [gradnorm, uncertainty])
def test_weights_rest_outside_of_training(module) -> None:
    shared = nn.Parameter(torch.ones(1))
    balancer = module.build(("emotion", "age")).eval()
    balancer.weigh({"emotion": shared.sum(), "age": shared.sum() * 4}, shared)

    assert balancer.weights.tolist() == [1, 1]


def test_a_task_without_weight_is_refused() -> None:
    with pytest.raises(RecipeError, match="expected tasks of emotion, age, found smile"):
        fixed.build(("emotion", "age")).weigh({"smile": torch.tensor(1.0)}, nn.Parameter(torch.ones(1)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fixed.build(()), "tasks: expected at least one name"),
        (lambda: fixed.build(("a", "a")), "each once"),
        (lambda: fixed.build(("a", "b"), {"a": 1}), "weights: expected a, b, found a"),
        (lambda: fixed.build(("a",), {"a": -1}), "finite numbers from 0 on"),
        (lambda: gradnorm.build(("a", "b"), alpha=-1), "alpha, learning_rate"),
        (lambda: gradnorm.build(("a", "b"), initial_losses={"a": 1.0}), "one above 0 for each of a, b"),
        (lambda: uncertainty.build(("a",), learning_rate=0), "learning_rate: expected between 0 and 1"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
