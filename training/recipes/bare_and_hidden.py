"""One network for bare faces, faces under a headset and faces behind a mask.

The faces of each batch are left bare, have their upper half hidden or their lower half, as for the students of `hidden_half`
(Georgescu, Duta and Ionescu 2021, black halves; drawn headsets and masks are ours), so that one trunk serves all three models.
It learns from labels alone. `occlusion` says which of the three an export is: they share the weights, and each is calibrated
and measured on what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from engines.card import ModelCard
from engines.occlusion import Half
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.fitting.experiment import Experiment
from training.occlusion.either_half import EitherHalf
from training.occlusion.hiding import Hider, Hiding
from training.occlusion.layers import LayerPool, load_pool
from training.occlusion.views import view
from training.recipes import multitask
from training.recipes.multitask import build_net, input_spec, load_sets

__all__ = ["Config", "build", "build_net", "build_on", "draft_card", "input_spec"]

TINY = {"upper": Hiding("upper", drawn=0), "lower": Hiding("lower", drawn=0)}
"""Settings with which it trains on made-up faces of any size: nothing drawn."""


def _hiding(half: Half) -> Hiding:
    return Hiding(half, visible=0.0, chip_half=0.25, picture_half=0.15, drawn=0.6)


@dataclass(frozen=True)
class Config(multitask.Config):
    """Settings, and what differs from `multitask`.

    Attributes:
        bare: Share of faces that are not hidden at all.
        upper: How the upper half of one half of the others is hidden.
        lower: How the lower half of the rest is.
        drawn_on: Set whose faces headsets and masks are drawn on.
        drawn_faces: How many of them; the layers are shared by the faces of all sets.
        occlusion: What the exported model is for.
    """

    bare: float = 0.5
    upper: Hiding = field(default_factory=lambda: _hiding("upper"))
    lower: Hiding = field(default_factory=lambda: _hiding("lower"))
    drawn_on: str = "utkface"
    drawn_faces: int = 3000
    occlusion: Literal["none", "headset", "mask"] = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.bare <= 1:
            raise RecipeError(f"bare: expected a share from 0 to 1, found {self.bare}")


def build(config: Config) -> Experiment:
    """Return the experiment; prepares the sets and draws what hides their faces where the cache lacks it.

    Raises:
        DatasetError: A set is missing or malformed, or has no training faces.
    """
    return build_on(config, load_sets(config))


def build_on(config: Config, sets: dict[str, PreparedFaces]) -> Experiment:
    """Return the experiment on given faces."""
    hiders = tuple(
        Hider(hiding, _layers(config, sets, hiding) * len(sets) if hiding.drawn else ())
        for hiding in (config.upper, config.lower)
    )
    spec = input_spec(config)
    views = {name: view(name, spec, Path(config.cache)) for name in ("visible", "upper_half", "lower_half")}
    return multitask.build_on(config, sets, EitherHalf(config.bare, hiders), views)


def _layers(config: Config, sets: dict[str, PreparedFaces], hiding: Hiding) -> tuple[LayerPool, ...]:
    faces = sets.get(config.drawn_on) or load_prepared(config.drawn_on, Path(config.data), Path(config.cache))
    return (load_pool(faces, Path(config.cache), hiding.layers_name, hiding.drawn_kinds, config.drawn_faces),)


def draft_card(config: Config, sha256: str = "0" * 64, version: str = "0") -> ModelCard:
    """Return the card without figures."""
    card = multitask.draft_card(config, sha256, version)
    if config.occlusion == "none":
        return card
    return replace(card, name=f"{multitask.MODEL_NAME}-{config.occlusion}", occlusion=config.occlusion)
