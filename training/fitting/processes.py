"""The processes of a run and its device: one alone, or several that `torchrun` started, each with a part of every batch.

DistributedDataParallel averages gradients, but a masked loss divides by the labelled faces of its own process, and these
differ. So outputs and labels of all processes are put together before the loss: each process then computes the loss of
the whole batch, exactly as one process would, whatever the loss is.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from training.errors import RecipeError

logger = logging.getLogger(__name__)

Tensors = dict[str, Tensor]

_PATIENCE = timedelta(hours=12)
"""How long processes wait for the first one, which prepares data and evaluates; torchrun ends all when one fails."""


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        rank: Number of this process, from 0; only the first writes files.
        count: Number of processes.
        device: Where this process computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def moved(self, batch: Mapping[str, Tensor], channels_last: bool) -> Tensors:
        """Return a batch on the device; the copy goes on while the device still works on the batch before."""
        layout = torch.channels_last if channels_last else torch.preserve_format
        on_gpu = self.device.type == "cuda"
        return {
            name: (tensor.pin_memory() if on_gpu else tensor).to(
                self.device,
                non_blocking=on_gpu,
                memory_format=layout if tensor.ndim == 4 else torch.preserve_format,
            )
            for name, tensor in batch.items()
        }

    def shared(self, net: nn.Module) -> nn.Module:
        """Return a network whose gradients are averaged over the processes; the same weights, the same module inside.

        On GPUs batch normalisation is changed to take its statistics over all processes; on the CPU PyTorch has no such
        layer, and each process normalises with its own part of the batch.
        """
        if self.count == 1:
            return net
        if self.device.type == "cuda":
            return DistributedDataParallel(net, device_ids=[self.device.index])
        if self.first and any(
            isinstance(module, nn.modules.batchnorm._BatchNorm) for module in net.modules()
        ):
            logger.warning(
                "batch normalisation: on the CPU each process takes the statistics of its own part"
            )
        return DistributedDataParallel(net)

    def whole(self, outputs: Tensors, batch: Tensors) -> tuple[Tensors, Tensors]:
        """Return outputs and labels of the whole batch, in its order, from those of this process's part.

        Gradients flow back to the process that made an output. With several processes the images, which losses seldom
        need, are left out.

        Args:
            outputs: Name -> float32 (n, ...).
            batch: Name -> (n, ...); integers must be below 2^53.
        """
        if self.count == 1:
            return outputs, batch
        labels = {name: tensor for name, tensor in batch.items() if name != "image"}
        return self._rows_of_all(outputs, torch.float32), self._rows_of_all(labels, torch.float64)

    def _rows_of_all(self, tensors: Tensors, exchanged: torch.dtype) -> Tensors:
        """Return the rows of all processes; one exchange, because every exchange waits for the slowest process."""
        packed = torch.cat([tensor.to(exchanged).reshape(len(tensor), -1) for tensor in tensors.values()], 1)
        # Row i of process r is row i * count + r of the batch and zero elsewhere: the sum puts all in their places.
        zeros = torch.zeros_like(packed)
        parts = [packed if rank == self.rank else zeros for rank in range(self.count)]
        rows: Tensor = SumOverProcesses.apply(torch.stack(parts, dim=1).flatten(0, 1))
        columns = rows.split([tensor[0].numel() for tensor in tensors.values()], dim=1)
        return {
            name: values.reshape(len(rows), *tensor.shape[1:]).to(tensor.dtype)
            for (name, tensor), values in zip(tensors.items(), columns, strict=True)
        }

    @contextmanager
    def averaging(self, weight: nn.Parameter) -> Iterator[None]:
        """Average a weight's gradients over the processes meanwhile, also those that `torch.autograd.grad` returns.

        Balancers read gradients before DistributedDataParallel has averaged them.
        """
        if self.count == 1:
            yield
            return
        hook = weight.register_hook(lambda gradient: SumOverProcesses.apply(gradient) / self.count)
        try:
            yield
        finally:
            hook.remove()

    def average_gradients(self, weights: Iterable[nn.Parameter]) -> None:
        """Average the gradients of weights that are no part of the network."""
        if self.count > 1:
            for weight in weights:
                if weight.grad is not None:
                    distributed.all_reduce(weight.grad)
                    weight.grad /= self.count

    def agreed(self, wish: bool) -> bool:
        """Return what the first process wishes."""
        if self.count == 1:
            return wish
        flag = torch.tensor([int(wish)], device=self.device)
        distributed.broadcast(flag, 0)
        return bool(flag)

    def separate_random_numbers(self) -> None:
        """Let each process draw its own dropout masks; the first keeps those of a run alone."""
        if self.rank:
            torch.manual_seed((torch.initial_seed() + 0x9E3779B9 * self.rank) % 2**63)

    def random_states(self) -> Tensor:
        """Return the state of PyTorch's random numbers in every process, uint8 (processes, bytes)."""
        own = torch.get_rng_state()
        if self.device.type == "cuda":
            own = torch.cat([own, torch.cuda.get_rng_state(self.device)])
        if self.count == 1:
            return own[None]
        states = [torch.empty_like(own, device=self.device) for _ in range(self.count)]
        distributed.all_gather(states, own.to(self.device))
        return torch.stack(states).cpu()

    def set_random_states(self, states: Tensor) -> None:
        """Go on with the random numbers of a checkpoint.

        Args:
            states: uint8 (processes, bytes), from `random_states`; (bytes,) is that of one process.
        """
        states = torch.atleast_2d(states)
        if len(states) != self.count:
            logger.warning(
                "checkpoint of %d processes, now %d: going on with other random numbers",
                len(states),
                self.count,
            )
            return
        length = torch.get_rng_state().numel()
        torch.set_rng_state(states[self.rank, :length].clone())
        if self.device.type == "cuda" and states.shape[1] > length:
            torch.cuda.set_rng_state(states[self.rank, length:].clone(), self.device)


class SumOverProcesses(torch.autograd.Function):
    """Sum of a tensor over all processes, differentiable as often as one likes (balancers take second derivatives)."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        """Return the sum, the same in every process."""
        total = tensor.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the summed gradients: every process's loss depends on every process's part."""
        summed: Tensor = SumOverProcesses.apply(gradient)
        return summed


def join(device: str) -> Processes:
    """Join the processes that `torchrun` started, until the program ends; alone where it did not.

    Args:
        device: "auto" (a GPU where there is one), "cpu" or "cuda".

    Raises:
        RecipeError: The device is not there, or there are fewer GPUs than processes on this machine.
    """
    # torchrun tells its processes who they are by environment variables.
    rank, count, local = (
        int(os.environ.get(name, default))
        for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
    )
    chosen = choose_device(device, local)
    if count == 1:
        return Processes(device=chosen)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if not distributed.is_initialized():
        # Once only: torchrun's meeting place keeps the addresses of a group that was left, a second one can't meet.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=_PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return Processes(rank, count, chosen)


@contextmanager
def first_goes_ahead(device: str = "auto") -> Iterator[None]:
    """Let the first process do something before the others, who then find it done: for what is cached on disk.

    Args:
        device: As the run's.
    """
    processes = join(device)
    if not processes.first:
        distributed.barrier()
    yield
    if processes.first and processes.count > 1:
        distributed.barrier()


def first_process() -> bool:
    """Return whether this process is the one that writes: what comes after a run is done once."""
    return os.environ.get("RANK", "0") == "0"


def choose_device(name: str, number: int = 0) -> torch.device:
    """Return the device to compute on.

    Args:
        name: "auto" (a GPU where there is one), "cpu" or "cuda".
        number: Which GPU.

    Raises:
        RecipeError: Unknown name, or no such GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise RecipeError(f"device: expected auto, cpu or cuda, found {name!r}")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not found):
        return torch.device("cpu")
    if number >= found:
        raise RecipeError(
            f"device: expected GPU {number} for this process, found {found} GPUs; start fewer processes or set device=cpu"
        )
    return torch.device("cuda", number)
