"""Where a new column starts: the finished run of a BEGAN, whose encoder it reads, or of a network that has columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from training.errors import RecipeError
from training.fitting.checkpoints import CONFIG, averaged_weights
from training.progressive.autoencoder import EncoderSettings
from training.progressive.network import ColumnPlan, ProgressiveNet
from training.settings import config_from_json

_ENCODER = "discriminator.encoder."
_UNREAD = "encoder.latent."


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """A finished run.

    Attributes:
        encoder: Sizes of its encoder.
        plans: Of its columns, in order.
        weights: As `ProgressiveNet` names them.
    """

    encoder: EncoderSettings
    plans: tuple[ColumnPlan, ...]
    weights: dict[str, Tensor]


def read_base(run: Path) -> Base:
    """Return a run's encoder and columns.

    Raises:
        RecipeError: The folder holds no such run.
    """
    saved = _settings(run)
    recipe = saved.get("recipe")
    if recipe not in ("began", "progressive"):
        raise RecipeError(
            f"base {run}: expected a run of began or progressive, found one of {recipe or 'multitask'}; "
            "its network has no encoder that columns read"
        )
    weights = averaged_weights(run)
    encoder = config_from_json(EncoderSettings, saved["encoder"])
    if recipe == "began":
        kept = {
            f"encoder.{key.removeprefix(_ENCODER)}": value
            for key, value in weights.items()
            if key.startswith(_ENCODER)
        }
        return Base(encoder, (), {key: value for key, value in kept.items() if not key.startswith(_UNREAD)})
    plans = tuple(ColumnPlan.from_dict(plan) for plan in (*saved["earlier"], saved["plan"]))
    return Base(encoder, plans, weights)


def load_base(net: ProgressiveNet, base: Base, run: Path) -> None:
    """Give a network the weights of a base; columns that the base lacks keep theirs.

    Raises:
        RecipeError: They are of another architecture.
    """
    new = [f"columns.{name}." for name in net.columns if name not in {plan.name for plan in base.plans}]
    try:
        missing, unexpected = net.load_state_dict(base.weights, strict=False)
    except RuntimeError as error:
        raise _other_architecture(run, str(error).splitlines()[-1].strip()) from error
    missing = [key for key in missing if not key.startswith(tuple(new))]
    if missing or unexpected:
        raise _other_architecture(run, f"without {missing[:2]}, with {unexpected[:2]}")


def _other_architecture(run: Path, found: str) -> RecipeError:
    return RecipeError(
        f"base {run}: expected weights of the encoder and columns in its {CONFIG}, found others ({found}); "
        "name the run as it was trained"
    )


def _settings(run: Path) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = json.loads((run / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"base {run}: expected the folder of a finished run, found no {CONFIG} that can be read; "
            "train one with `python -m training run began`"
        ) from error
    return saved
