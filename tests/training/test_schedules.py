from __future__ import annotations

import importlib
from collections.abc import Sequence

import pytest
import torch

from training.schedules import (
    Schedule,
    WatchingSchedule,
    cosine,
    dynamic,
    exponential,
    one_cycle,
    reduce_on_plateau,
    step,
)

torch.set_num_threads(1)

RATE = 0.1


def made_optimizer(rate: float = RATE) -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=rate)


def rates(optimizer: torch.optim.Optimizer, schedule: Schedule, steps: int) -> list[float]:
    """Return the rate of each batch."""
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def rate_after(
    optimizer: torch.optim.Optimizer, schedule: WatchingSchedule, losses: Sequence[float]
) -> list[float]:
    """Return the rate after each epoch of ten batches that ends with one of the losses."""
    seen = []
    for loss in losses:
        rates(optimizer, schedule, 10)
        schedule.observe(loss)
        seen.append(optimizer.param_groups[0]["lr"])
    return seen


def test_step_falls_at_its_shares_of_the_training() -> None:
    optimizer = made_optimizer()
    seen = rates(optimizer, step.build(optimizer, total_steps=20, at=(0.5, 0.75), factor=0.1), 20)

    assert seen == pytest.approx([0.1] * 10 + [0.01] * 5 + [0.001] * 5)


def test_cosine_rises_to_the_peak_and_ends_at_the_last_rate() -> None:
    optimizer = made_optimizer()
    seen = rates(optimizer, cosine.build(optimizer, total_steps=100, warm_up=0.1, last_factor=0.01), 120)

    assert seen[:10] == pytest.approx([RATE * (number + 1) / 11 for number in range(10)])
    assert max(seen) == seen[10] == pytest.approx(RATE)
    assert seen[55] == pytest.approx(RATE * (1 + 0.01) / 2)
    assert seen[10:101] == sorted(seen[10:101], reverse=True)
    assert seen[100:] == pytest.approx([RATE * 0.01] * 20)


def test_one_cycle_has_the_rates_of_torch() -> None:
    optimizer, others = made_optimizer(), made_optimizer()
    wanted = torch.optim.lr_scheduler.OneCycleLR(
        others, max_lr=RATE, total_steps=50, pct_start=0.2, cycle_momentum=False
    )

    ours = one_cycle.build(optimizer, total_steps=50)
    assert rates(optimizer, ours, 50) == pytest.approx(rates(others, wanted, 50), rel=1e-6)
    assert rates(optimizer, ours, 3) == pytest.approx([RATE * 4e-6] * 3), (
        "a run that goes on keeps the last rate"
    )


@pytest.mark.parametrize("total_steps", [1, 2, 3])
def test_one_cycle_of_a_few_batches_has_positive_rates(total_steps: int) -> None:
    optimizer = made_optimizer()
    seen = rates(optimizer, one_cycle.build(optimizer, total_steps=total_steps), total_steps)

    assert all(0 < rate <= RATE for rate in seen)


def test_exponential_is_equation_4() -> None:
    optimizer = made_optimizer(0.01)
    seen = rates(optimizer, exponential.build(optimizer, total_steps=100, decay_steps=50), 100)

    assert seen[0] == 0.01
    assert seen[50] == pytest.approx(0.008)
    assert seen[75] == pytest.approx(0.01 * 0.8**1.5)


def test_plateau_falls_when_the_loss_stops_improving() -> None:
    optimizer = made_optimizer()
    schedule = reduce_on_plateau.build(optimizer, total_steps=100, last_factor=0.01)

    seen = rate_after(optimizer, schedule, [1.0, 0.9, 0.9, 0.8, 0.85, 0.85])
    assert seen == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


def test_plateau_of_the_progressive_network_halves_after_two_epochs() -> None:
    optimizer = made_optimizer()
    schedule = reduce_on_plateau.build(optimizer, total_steps=100, factor=0.5, patience=2)

    seen = rate_after(optimizer, schedule, [1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert seen == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025])


def test_dynamic_falls_onto_the_curve_and_returns_at_every_fifth_stall() -> None:
    optimizer = made_optimizer()
    schedule = dynamic.build(optimizer, total_steps=1000, decay_steps=100)

    seen = rate_after(optimizer, schedule, [1.0, 0.5, 0.5, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6])
    curve = [RATE * 0.1 ** (10 * epoch / 100) for epoch in range(1, 10)]
    assert seen[:2] == [RATE, RATE], "while the loss falls the rate stays"
    assert seen[2] == pytest.approx(curve[2])
    assert seen[3] == seen[2], "between stalls the rate stays"
    assert seen[4:7] == pytest.approx(curve[4:7])
    assert min(seen[:8]) == seen[6] == pytest.approx(curve[6]), "the lowest rate of a cycle lies on the curve"
    assert seen[7] == RATE, "the fifth stall returns to the initial rate"
    assert seen[8] == pytest.approx(curve[8]), "and the next cycle begins"


@pytest.mark.parametrize("module", [dynamic, reduce_on_plateau])
def test_every_group_keeps_its_own_initial_rate(module) -> None:
    first, second = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 0.2}], lr=0.1)
    schedule = module.build(optimizer, total_steps=10)
    rate_after(optimizer, schedule, [1.0, 1.0])

    low, high = schedule.get_last_lr()
    assert low < 0.1 and high == pytest.approx(2 * low)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("step", {"at": (0.75, 0.5)}, "at: expected rising"),
        ("step", {"at": (1.5,)}, "at: expected 0 to 1, found 1.5"),
        ("step", {"factor": 0}, "factor: expected above 0 to 1, found 0"),
        ("cosine", {"warm_up": 1.0}, "warm_up: expected 0 to 0.99, found 1.0"),
        ("cosine", {"total_steps": 0}, "total_steps: expected a whole number from 1 on, found 0"),
        ("one_cycle", {"rise": -0.1}, "rise: expected 0 to 1"),
        ("one_cycle", {"total_steps": 2.5}, "total_steps"),
        ("exponential", {"decay": 1.1}, "decay: expected above 0 to 1, found 1.1"),
        ("exponential", {"decay_steps": 0}, "decay_steps: expected above 0"),
        ("reduce_on_plateau", {"patience": 0}, "patience: expected 1"),
        ("reduce_on_plateau", {"threshold": float("nan")}, "threshold: expected 0 to 1, found nan"),
        ("dynamic", {"cycle": 1}, "cycle: expected 2"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(name: str, settings: dict[str, object], words: str) -> None:
    module = importlib.import_module(f"training.schedules.{name}")

    with pytest.raises(ValueError, match=words):
        module.build(made_optimizer(), **{"total_steps": 10, **settings})


@pytest.mark.parametrize("module", [dynamic, reduce_on_plateau])
def test_a_loss_that_is_no_number_and_a_foreign_state_are_refused(module) -> None:
    schedule = module.build(made_optimizer(), total_steps=10)

    with pytest.raises(ValueError, match="loss: expected a finite number, found nan"):
        schedule.observe(float("nan"))
    with pytest.raises(ValueError, match="schedule state: expected"):
        schedule.load_state_dict({"steps": 3})
