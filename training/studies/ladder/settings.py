"""What a ladder is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Half = Literal["upper", "lower"]
Labels = Literal["majority", "votes"]

DATA_SETS = {"emotion": "ferplus", "age": "utkface", "gender": "utkface", "smile": "genki4k"}
"""Task -> the set whose faces are used."""
METHODS = ("labels", "standard", "hint", "triplet")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a ladder; all of them change its figures.

    Attributes:
        task: A key of `DATA_SETS`.
        half: Which half of the chip is set to zero.
        model: The teacher: name of a shipped model, or folder of a run or of an exported model.
        epochs: Passes over the training faces of each training; a distilled student has two trainings.
        batch: Faces in a step.
        learning_rate: At the beginning of each training; it falls to 0 along a cosine.
        weight_decay: Of all weights.
        labels: What students learn of FER+: the "majority" vote as in the paper, or all "votes".
        temperature: Of standard teacher-student training.
        standard_weight: lambda of equation 1.
        hint_weight: lambda of equation 3; embeddings are in units of the teacher's root mean square component.
        triplet_weight: lambda of equation 5; embeddings are in units of the teacher's root mean square length.
        margin: m of equation 4, squared distance in the same unit.
        mining_share: Size of the random subsets of hard mining, as a share of the training faces.
        shift_px: Largest shift of a training face either way.
        limit: Most training faces; half as many are measured. 0 takes all.
        bfloat16: Compute in bfloat16 where the device computes in it.
        device: "auto", "cpu" or "cuda".
    """

    task: str = "emotion"
    half: Half = "upper"
    model: str = "multitask"
    epochs: int = 2
    batch: int = 128
    learning_rate: float = 0.01
    weight_decay: float = 5e-4
    labels: Labels = "majority"
    temperature: float = 2.0
    standard_weight: float = 0.7
    hint_weight: float = 0.5
    triplet_weight: float = 1.0
    margin: float = 0.2
    mining_share: float = 0.005
    shift_px: int = 2
    limit: int = 0
    bfloat16: bool = True
    device: str = "auto"

    def __post_init__(self) -> None:
        known = {"task": tuple(DATA_SETS), "half": get_args(Half), "labels": get_args(Labels)}
        for name, choices in known.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}: expected one of {', '.join(choices)}, found {getattr(self, name)!r}"
                )
        for name in ("epochs", "batch", "learning_rate", "temperature", "margin", "mining_share"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected above 0, found {getattr(self, name)!r}")
        for name in ("shift_px", "limit", "weight_decay", "triplet_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected from 0 on, found {getattr(self, name)!r}")
        for name in ("standard_weight", "hint_weight"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected from 0 to 1, found {getattr(self, name)!r}")

    @property
    def name(self) -> str:
        """Name of the ladder's folder."""
        return f"{self.task}_{self.half}"
