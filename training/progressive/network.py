"""The whole network: one facial encoder, and columns of which each listens to some of those before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from torch import Tensor, nn

from training.errors import RecipeError
from training.progressive.autoencoder import Encoder, EncoderSettings
from training.progressive.columns import Column, ColumnSettings
from training.settings import config_from_json


@dataclass(frozen=True)
class ColumnPlan:
    """One column of a network.

    Attributes:
        name: Of the column and of its output.
        task: What it says.
        labels: Of its classes, in the output's order.
        sources: Columns it listens to.
        settings: Sizes.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    sources: tuple[str, ...] = ()
    settings: ColumnSettings = field(default_factory=ColumnSettings)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON has it."""
        return {**asdict(self), "labels": list(self.labels), "sources": list(self.sources)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> ColumnPlan:
        """Return a plan that was saved.

        Raises:
            RecipeError: It is malformed.
        """
        try:
            settings = config_from_json(ColumnSettings, dict(saved["settings"]))
            labels, sources = (tuple(map(str, saved[name])) for name in ("labels", "sources"))
            return cls(str(saved["name"]), str(saved["task"]), labels, sources, settings)
        except (KeyError, TypeError, ValueError) as error:
            raise RecipeError(
                f"column: expected name, task, labels, sources and settings, found something else ({error}); "
                "use the run's own config.json"
            ) from error


class ProgressiveNet(nn.Module):
    """Encoder and columns.

    Attributes:
        encoder: What all columns read.
        columns: Column's name -> column, each after its sources.
        plans: Column's name -> plan.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        self.encoder = Encoder(settings)
        self.encoder.latent = nn.Identity()  # the latent vector serves the decoder; no column reads it
        self.columns = nn.ModuleDict()
        self.plans: dict[str, ColumnPlan] = {}
        self._trained: str | None = None
        self._encoder_trained = False

    @property
    def settings(self) -> EncoderSettings:
        """Sizes of the encoder."""
        return self.encoder.settings

    def add(self, plan: ColumnPlan) -> None:
        """Add an untrained column after the others.

        Raises:
            RecipeError: Its name is taken, a source does not exist, or a source has another number of rows.
        """
        if not plan.name.isidentifier() or plan.name in self.plans:
            raise RecipeError(
                f"column: expected a new plain name, found {plan.name!r} beside {_listed(self.plans)}; set column=NAME"
            )
        for source in plan.sources:
            self._check_source(plan, source)
        self.columns[plan.name] = Column(
            self.settings.filters[-1],
            self.settings.side,
            len(plan.labels),
            plan.settings,
            [self.plans[source].settings for source in plan.sources],
        )
        self.plans[plan.name] = plan

    def _check_source(self, plan: ColumnPlan, source: str) -> None:
        if source not in self.plans:
            raise RecipeError(
                f"sources of {plan.name}: expected some of the columns that are there ({_listed(self.plans)}), "
                f"found {source!r}"
            )
        found = self.plans[source].settings.blocks
        if found != plan.settings.blocks:
            raise RecipeError(
                f"column.blocks: expected {found} as in the source column {source!r}, found {plan.settings.blocks}; "
                "lateral connections join row to row"
            )

    def train_only(self, column: str, encoder: bool = False) -> None:
        """Freeze everything but one column, and perhaps the encoder: weights and batch normalisation's statistics alike.

        Raises:
            RecipeError: The encoder is to be trained though other columns read it.
        """
        others = [name for name in self.columns if name != column]
        if encoder and others:
            raise RecipeError(
                f"encoder: expected it frozen where columns are that read it ({_listed(others)}), found retrained; "
                "they would no longer say what they said"
            )
        self._trained, self._encoder_trained = column, encoder
        self.requires_grad_(False)
        self.columns[column].requires_grad_(True)
        self.encoder.requires_grad_(encoder)

    def train(self, mode: bool = True) -> ProgressiveNet:
        """Set the mode; what is frozen stays in evaluation mode, so that its statistics don't move."""
        super().train(mode)
        if mode and self._trained is not None:
            self.encoder.train(self._encoder_trained)
            for name, column in self.columns.items():
                column.train(name == self._trained)
        return self

    def needed(self, columns: Iterable[str]) -> list[str]:
        """Return the columns that some columns listen to, directly or not, and themselves, in order."""
        wanted = set(columns)
        for name in reversed(self.plans):
            if name in wanted:
                wanted.update(self.plans[name].sources)
        return [name for name in self.plans if name in wanted]

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return column's name -> logits (N, classes): of all columns, in training mode of the trained one.

        Args:
            image: float (N, 1, S, S); or the encoder's maps of images, float (N, filters, S/8, S/8), which a training with a
                frozen encoder computes once.
        """
        if self.training and self._trained is not None:
            return {self._trained: self.answer(image, self._trained)}
        layers = self._layers(image, list(self.columns))
        return {name: layers[name][-1] for name in self.columns}

    def answer(self, image: Tensor, column: str) -> Tensor:
        """Return one column's logits, float (N, classes); `image` as in `forward`."""
        return self._layers(image, [column])[column][-1]

    def _layers(self, image: Tensor, columns: Sequence[str]) -> dict[str, list[Tensor]]:
        """Return column -> its layers' activations, of some columns and those they listen to."""
        layers: dict[str, list[Tensor]] = {}
        encoded = image if image.shape[1] == self.settings.filters[-1] else self.encoder.maps(image)
        for name in self.needed(columns):
            heard = [layers[source] for source in self.plans[name].sources]
            layers[name] = self.columns[name](encoded, heard)
        return layers


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
