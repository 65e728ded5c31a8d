"""What a recipe builds and `training.fitting.loop.fit` trains."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from training.fitting.number_format import autocast
from training.fitting.processes import Processes

Batch = dict[str, Tensor]


class Batches(Protocol):
    """Batches of one epoch after another."""

    steps: int

    def epoch(
        self, number: int, first: int = 0, part: int = 0, parts: int = 1
    ) -> Generator[Batch, None, None]:
        """Yield part `part` of `parts` of the batches of one epoch from batch `first` on.

        The same arguments always give the same batches; a resumed run relies on it.
        """


class Schedule(Protocol):
    """Learning rate over the steps; one with `observe(loss: float)` is told the mean loss after every epoch."""

    def step(self) -> None:
        """Go on by one batch."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that `load_state_dict` needs."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""


class Balance(Protocol):
    """Weighs the parts of the loss; an `nn.Module`, so that its state is saved."""

    def weigh(self, losses: dict[str, Tensor], shared: nn.Parameter) -> dict[str, Tensor]:
        """Return part -> weighted scalar; `shared` is the last weight that all tasks share."""


@dataclass
class Experiment:
    """Everything `fit` needs; a recipe builds it.

    Attributes:
        net: The network, trained in place. With a `balance` it is a `training.blocks.multi_task.MultiTaskNet`.
        batches: Training batches.
        loss: (outputs, batch) -> part name -> scalar; the parts are summed. It always sees the whole batch, also where
            several processes share it; a module is moved to the device.
        optimizer: Over the network's parameters, and those of `extra_modules` and `balance` that it trains.
        schedule: Learning-rate schedule, stepped after every batch, or None.
        evaluate: (network in evaluation mode, on the run's device) -> figure name -> value.
        epochs: How many.
        config: The resolved configuration, saved beside every checkpoint.
        average_decay: Decay of the running average of the weights, 0 for none; the average is evaluated and exported.
        bfloat16: Run the forward pass in bfloat16 where the device computes in it; it keeps float32's range, so that no
            loss needs scaling.
        seed: Of what `change_batch` draws.
        device: "auto" (a GPU where there is one), "cpu" or "cuda".
        compile: Compile the network with `torch.compile`. Measured on two CPU cores at 48 pixels: 427 images a second
            against 357 without for BKNet, but 242 against 263 for a ResNet, and a minute to compile.
        channels_last: Memory layout of network and images; convolutions on CPU and GPU are faster with it.
        clip_norm: Largest norm of all gradients together; None leaves them as they are.
        balance: Weighs the losses of the tasks, or None.
        change_batch: (batch on the CPU, source of chance) -> batch, for example mixup, or None. The source is seeded for
            each batch; each of several processes changes its own part.
        extra_modules: Name -> module that is trained but is no part of the network, for example a head in the loss.
        keep_last: How many last epochs' exported weights to keep in OUT/checkpoints, for an ensemble.
        checkpoint_every_s: Seconds between checkpoints within an epoch; None writes one after every epoch only.
    """

    net: nn.Module
    batches: Batches
    loss: Callable[[dict[str, Tensor], Batch], dict[str, Tensor]]
    optimizer: torch.optim.Optimizer
    schedule: Schedule | None
    evaluate: Callable[[nn.Module], dict[str, float]]
    epochs: int
    config: dict[str, Any] = field(default_factory=dict)
    average_decay: float = 0.999
    bfloat16: bool = True
    seed: int = 0
    device: str = "auto"
    compile: bool = False
    channels_last: bool = True
    clip_norm: float | None = None
    balance: Balance | None = None
    change_batch: Callable[[Batch, np.random.Generator], Batch] | None = None
    extra_modules: Mapping[str, nn.Module] = field(default_factory=dict)
    keep_last: int = 0
    checkpoint_every_s: float | None = 300.0
    processes: Processes = field(init=False, default_factory=Processes)

    def __post_init__(self) -> None:
        self._forward: nn.Module | Callable[..., dict[str, Tensor]] = self.net

    def place(self, processes: Processes) -> None:
        """Move everything to the device and share the network's gradients between the processes."""
        self.processes = processes
        if processes.count > 1 and processes.device.type == "cuda":
            self.net = nn.SyncBatchNorm.convert_sync_batchnorm(self.net)
        layout = torch.channels_last if self.channels_last else torch.preserve_format
        self.net.to(processes.device, memory_format=layout)
        for module in self._beside():
            module.to(processes.device)
        self._forward = processes.shared(torch.compile(self.net) if self.compile else self.net)

    def train(self) -> None:
        """Put everything into training mode."""
        for module in (self.net, *self._beside()):
            module.train()

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Train on one batch; recipes with another kind of step override it.

        Args:
            batch: This process's part, on the device.

        Returns:
            The parts of the loss before balancing, scalars without gradient, left on the device: reading them would make
            the program wait for it.
        """
        with autocast(self.processes.device, self.bfloat16):
            outputs = self._forward(batch["image"])
        # Losses are computed in float32, whatever the network's precision.
        outputs = {name: output.float() for name, output in outputs.items()}
        outputs, batch = self.processes.whole(outputs, batch)
        parts = self.loss(outputs, batch)
        total = torch.stack(list(self._weighed(parts).values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.processes.average_gradients(
            chain.from_iterable(module.parameters() for module in self._beside())
        )
        if self.clip_norm is not None:
            weights = chain.from_iterable(group["params"] for group in self.optimizer.param_groups)
            nn.utils.clip_grad_norm_(weights, self.clip_norm)
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        return {name: part.detach() for name, part in parts.items()}

    def _weighed(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.balance is None:
            return parts
        shared: nn.Parameter = self.net.shared_weight()  # type: ignore[operator]
        with self.processes.averaging(shared):
            return self.balance.weigh(parts, shared)

    def _beside(self) -> list[nn.Module]:
        """Return the modules that are no part of the network."""
        found = (self.loss, self.balance, *self.extra_modules.values())
        return [module for module in found if isinstance(module, nn.Module)]
