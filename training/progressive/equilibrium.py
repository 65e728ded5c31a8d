"""Training of a BEGAN: discriminator and generator in one step, kept in equilibrium.

Barros et al. 2019, equations 1 and 2, after Berthelot, Schumm, Metz: BEGAN: boundary equilibrium generative adversarial
networks, 2017: with the reconstruction error L, L_D = L(x) - k_t L(G(z)) for the discriminator's weights,
L_G = L(G(z)) for the generator's, k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z))) kept from 0 to 1, and the convergence
measure M = L(x) + |gamma L(x) - L(G(z))|. Barros et al. write L_G = -L_D, which for the generator's weights is k_t
L(G(z)): with the first k_t of 0 it would never start; we take Berthelot's.

We differ in one thing: both losses see the same z, as in Berthelot's own program and not in their equations, so that one
pass through the discriminator gives the gradients of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.fitting.experiment import Batch, Experiment
from training.fitting.number_format import autocast
from training.fitting.processes import Processes
from training.progressive.autoencoder import Began, reconstruction_error
from training.progressive.equilibrium_log import EquilibriumLog


class Equilibrium(nn.Module):
    """k_t and the number of steps so far, which a checkpoint keeps.

    Args:
        gamma: What L(G(z)) / L(x) is to be: less makes fewer kinds of faces that look better.
        rate: lambda_k.

    Raises:
        ValueError: An argument is out of its range.
    """

    balance: Tensor
    steps: Tensor

    def __init__(self, gamma: float, rate: float) -> None:
        super().__init__()
        if not 0 < gamma <= 1 or not 0 < rate < 1:
            raise ValueError(
                f"gamma, balance_rate: expected above 0 to 1, and above 0 to below 1, found {gamma}, {rate}"
            )
        self.gamma = gamma
        self.rate = rate
        self.register_buffer("balance", torch.zeros((), dtype=torch.float64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def update(self, real: Tensor, generated: Tensor) -> Tensor:
        """Move k_t after a step; return the convergence measure, a scalar.

        Args:
            real: L(x), a scalar without gradient.
            generated: L(G(z)).
        """
        gap = self.gamma * real.double() - generated.double()
        self.balance.copy_((self.balance + self.rate * gap).clamp(0, 1))
        self.steps += 1
        return real.double() + gap.abs()

    def convergence(self, real: float, generated: float) -> float:
        """Return the convergence measure of given errors."""
        return real + abs(self.gamma * real - generated)


@dataclass
class BeganExperiment(Experiment):
    """An experiment whose step trains a `Began`; `loss` is not used.

    Attributes:
        equilibrium: Also among `extra_modules`, so that it is saved.
        log: Where each step's numbers go, or None.
    """

    equilibrium: Equilibrium | None = None
    log: EquilibriumLog | None = None

    def place(self, processes: Processes) -> None:
        """Move everything to the device; gradients are averaged in `step`, because no forward pass is the network's own."""
        self.processes = processes
        self.net.to(processes.device, memory_format=torch.channels_last)
        for module in self._beside():
            module.to(processes.device)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Train discriminator and generator on one batch.

        Args:
            batch: This process's part, on the device.

        Returns:
            "convergence", M; it is what the schedule watches.
        """
        assert isinstance(self.net, Began) and self.equilibrium is not None
        real, generated = self._errors(self.net, batch)
        self.optimizer.zero_grad(set_to_none=True)
        discriminator, generator = (
            list(part.parameters()) for part in (self.net.discriminator, self.net.generator)
        )
        # Several processes exchange both errors at once, so that the two share a part of their graphs.
        real.backward(retain_graph=self.processes.count > 1)
        gradients = torch.autograd.grad(generated, discriminator + generator)
        count = len(discriminator)
        _add_gradients(discriminator, gradients[:count], -float(self.equilibrium.balance))
        _add_gradients(generator, gradients[count:], 1.0)
        self.processes.average_gradients(self.net.parameters())
        self.optimizer.step()
        if self.schedule is not None:
            self.schedule.step()
        real, generated = real.detach(), generated.detach()
        convergence = self.equilibrium.update(real, generated)
        if self.log is not None and self.processes.first:
            self.log.note(self.equilibrium, float(real), float(generated), float(convergence))
        return {"convergence": convergence}

    def _errors(self, net: Began, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return L(x) and L(G(z)) of the whole batch, scalars."""
        image = batch["image"]
        with autocast(self.processes.device, self.bfloat16):
            made = net.generator(net.noise(len(image)))
            rebuilt, made_rebuilt = net.discriminator(image), net.discriminator(made)
        errors = {
            "real": reconstruction_error(image, rebuilt),
            "generated": reconstruction_error(made, made_rebuilt),
        }
        errors, _ = self.processes.whole(errors, batch)
        return errors["real"].mean(), errors["generated"].mean()


def generator_and_discriminator(net: Began, rate: float) -> torch.optim.Adam:
    """Return one Adam over both, which is the same as one for each: no weight is in both."""
    return torch.optim.Adam(net.parameters(), lr=rate, betas=(0.5, 0.999))


def _add_gradients(weights: Sequence[nn.Parameter], gradients: Sequence[Tensor], factor: float) -> None:
    for weight, gradient in zip(weights, gradients, strict=True):
        scaled = factor * gradient
        weight.grad = scaled if weight.grad is None else weight.grad + scaled
