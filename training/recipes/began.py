"""BEGAN: learns what faces look like from the unlabelled faces of all sets; its encoder is where columns start.

See `training.progressive.autoencoder` for the networks and `training.progressive.equilibrium` for the training. The run's
folder gets `equilibrium.csv` and `.png` (errors, balance and convergence measure over the steps) and, after every epoch,
`faces/generated_NNNN.png` and `faces/reconstructed_NNNN.png` (real faces above what the discriminator makes of them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from engines.card import InputSpec
from training.batches.mixed_batches import MixedBatches, plain_images
from training.data.augmentation import Augmentation
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.progressive.autoencoder import Began, EncoderSettings, reconstruction_error
from training.progressive.equilibrium import (
    BeganExperiment,
    Equilibrium,
    generator_and_discriminator,
)
from training.progressive.equilibrium_log import FACES, EquilibriumLog, draw_equilibrium, save_faces
from training.schedules import reduce_on_plateau

_SHOWN = 16
_LOGGED_EVERY_STEPS = 20
_MEASURED = 256
_PLAIN = Augmentation(rotation_deg=0, scale=0, shift=0, flip=0.5, gain=0, bias=0, blur=0, patch=0)


@dataclass(frozen=True)
class Config:
    """Settings of the recipe.

    Attributes:
        data: Folder with the unpacked sets.
        cache: Folder for the prepared faces.
        encoder: Sizes of the networks.
        shares: Set -> faces in every batch; labels are not read.
        epochs: Passes over the first set.
        learning_rate: Adam's first rate; halved when the convergence measure has not fallen for two epochs.
        gamma: L(G(z)) / L(x) to keep; the paper does not say, Berthelot et al. take 0.3 to 0.7.
        balance_rate: lambda_k. Berthelot et al. take 0.001, for some 200,000 steps. In the few thousand that a small
            machine has time for, k then stays near 0, nothing tells the discriminator to rebuild generated faces badly,
            and the generator ends at one dark picture that is easily rebuilt; 0.01 keeps it from that.
        folder: Of the run, for pictures; filled in by the command.
        bfloat16: Forward pass in bfloat16 where the device computes in it.
        device: "auto", "cpu" or "cuda".
        seed: Of weights, order and latent vectors.
    """

    data: str = ""
    cache: str = ""
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    shares: dict[str, int] = field(
        default_factory=lambda: {"ferplus": 18, "utkface": 11, "genki4k": 2, "ckplus": 1}
    )
    epochs: int = 35
    learning_rate: float = 1e-4
    gamma: float = 0.5
    balance_rate: float = 1e-2
    folder: str = ""
    bfloat16: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.shares or min(self.shares.values()) < 1:
            raise RecipeError(f"shares: expected at least one face of each set named, found {self.shares}")
        if self.epochs < 1 or self.learning_rate <= 0:
            raise RecipeError(
                f"epochs, learning_rate: expected above 0, found {self.epochs}, {self.learning_rate}"
            )
        try:
            Equilibrium(self.gamma, self.balance_rate)
        except ValueError as error:
            raise RecipeError(str(error)) from error


def prepare(config: Config, out: Path) -> Config:
    """Return the settings with the run's folder, where the pictures go."""
    return replace(config, folder=str(out))


def build(config: Config) -> BeganExperiment:
    """Return the experiment; prepares the sets first where the cache lacks them.

    Raises:
        DatasetError: A set is missing or malformed, or has no training faces.
    """
    sets = {name: load_prepared(name, Path(config.data), Path(config.cache)) for name in config.shares}
    return build_on(config, sets)


def build_on(config: Config, sets: Mapping[str, PreparedFaces]) -> BeganExperiment:
    """Return the experiment on given faces."""
    torch.manual_seed(config.seed)
    spec = input_spec(config)
    first = next(iter(config.shares))
    batches = MixedBatches(sets, config.shares, spec, _PLAIN, True, first, config.seed)
    net = build_net(config)
    optimizer = generator_and_discriminator(net, config.learning_rate)
    equilibrium = Equilibrium(config.gamma, config.balance_rate)
    folder = Path(config.folder) if config.folder else None
    held_out = _held_out(sets, spec)
    return BeganExperiment(
        net=net,
        batches=batches,
        loss=lambda outputs, batch: {},
        optimizer=optimizer,
        schedule=reduce_on_plateau.build(
            optimizer, total_steps=config.epochs * batches.steps, factor=0.5, patience=2
        ),
        evaluate=lambda trained: _epoch_end(trained, equilibrium, held_out, spec, folder),
        epochs=config.epochs,
        config=asdict(config),
        average_decay=0.0,
        bfloat16=config.bfloat16,
        device=config.device,
        seed=config.seed,
        extra_modules={"equilibrium": equilibrium},
        checkpoint_every_s=60.0,
        equilibrium=equilibrium,
        log=None if folder is None else EquilibriumLog(folder, _LOGGED_EVERY_STEPS),
    )


def build_net(config: Config) -> Began:
    """Return the untrained networks."""
    return Began(config.encoder)


def input_spec(config: Config) -> InputSpec:
    """Return what the encoder takes."""
    return InputSpec(size=config.encoder.size)


def finish(config: Config, net: nn.Module, out: Path) -> str:
    """Return what the command says at the end; the encoder is read from the run's checkpoint, nothing is exported."""
    return (
        f"encoder of {config.encoder.size} pixels in {out}; pictures in {out / FACES}; "
        f"columns: python -m training run progressive --set base={out} --set task=emotion --data ... --out ..."
    )


def export(config: Config, net: nn.Module, folder: Path) -> None:
    """Refuse: a BEGAN answers nothing that a model file could hold.

    Raises:
        RecipeError: Always.
    """
    raise RecipeError(
        "export: expected a run whose network reads faces, found one of began; "
        "train a column on it with `python -m training run progressive --set base=RUN`"
    )


def _held_out(sets: Mapping[str, PreparedFaces], spec: InputSpec) -> Tensor:
    """Return validation faces of all sets, float (N, 1, S, S), mixed; the first ones are shown."""
    found = []
    for faces in sets.values():
        positions = faces.where("validation")
        chosen = positions[:: max(1, len(positions) * len(sets) // _MEASURED)]
        found.append(plain_images(faces, chosen, spec, True))
    images = np.concatenate(found)
    return torch.from_numpy(images[np.random.default_rng(1).permutation(len(images))])


def _epoch_end(
    net: Any, equilibrium: Equilibrium, held_out: Tensor, spec: InputSpec, folder: Path | None
) -> dict[str, float]:
    """Return the figures of validation faces and of as many generated ones; write the epoch's pictures."""
    if not len(held_out):
        return {}
    fixed = torch.Generator().manual_seed(7)
    latent = 2 * torch.rand(len(held_out), net.settings.latent, generator=fixed) - 1
    device = next(net.parameters()).device
    with torch.inference_mode():
        real, made = held_out.to(device), net.generator(latent.to(device))
        rebuilt, made_rebuilt = (net.discriminator(images) for images in (real, made))
    errors = [float(reconstruction_error(*pair).mean()) for pair in ((real, rebuilt), (made, made_rebuilt))]
    if folder is not None:
        _save_pictures(real, rebuilt, made, spec, folder)
    return {
        "validation_reconstruction": errors[0],
        "generated_reconstruction": errors[1],
        "validation_convergence": equilibrium.convergence(*errors),
        "spread_of_generated": float(made.std(dim=0).mean()),
        "spread_of_real": float(real.std(dim=0).mean()),
        "balance": float(equilibrium.balance),
    }


def _save_pictures(real: Tensor, rebuilt: Tensor, made: Tensor, spec: InputSpec, folder: Path) -> None:
    number = 1 + len(list((folder / FACES).glob("generated_*.png")))
    pairs = [part[start : start + 8] for start in range(0, _SHOWN, 8) for part in (real, rebuilt)]
    save_faces(made[: 2 * _SHOWN], folder / FACES / f"generated_{number:04d}.png", spec.mean, spec.std)
    save_faces(torch.cat(pairs), folder / FACES / f"reconstructed_{number:04d}.png", spec.mean, spec.std)
    draw_equilibrium(folder)
