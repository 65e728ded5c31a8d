"""Columns of convolutions, one for each task, with lateral connections from the columns before.

Barros et al. 2019, section II-B and table III, after Rusu et al.: Progressive neural networks, 2016. Layer i of column k:
h_i^(k) = f(W_i^(k) h_{i-1}^(k) + sum over the source columns j of U_i^(k:j) a(h_{i-1}^(j))), where a joins the sources' maps
and makes them fewer by a 1x1 convolution with a ReLU. h_0 is the encoder's maps, which every column reads by itself.

Table III, encoder's maps (N, 256, 16, 16): four blocks, each three 3x3 convolutions of 128 filters and three of 256, with
3x3 max pooling of stride 2 after the last two blocks, (N, 256, 4, 4); a fully connected layer of 200, dropout, and one of as
many as the task has classes.

We differ: lateral connections lead from row to row of the table (three convolutions), to the fully connected layer and to
the classes, not from each convolution to the next; the table names no normalisation, and 24 convolutions without one
need many epochs, so there is batch normalisation unless switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_POOLED_BLOCKS = 2


@dataclass(frozen=True)
class ColumnSettings:
    """Sizes of a column.

    Attributes:
        filters: Of the first and the second row of every block.
        blocks: Of two rows each; the last two end with max pooling.
        convolutions: In a row.
        hidden: Units of the fully connected layer.
        dropout: Probability after it (the paper does not say; 0.5).
        adapter: Channels that an adapter makes, as a share of the channels of one source.
        batch_norm: Normalise after every convolution.
    """

    filters: tuple[int, ...] = (128, 256)
    blocks: int = 4
    convolutions: int = 3
    hidden: int = 200
    dropout: float = 0.5
    adapter: float = 0.5
    batch_norm: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", tuple(self.filters))
        if len(self.filters) != 2 or min(self.filters) < 1:
            raise ValueError(
                f"column.filters: expected two numbers of at least 1, found {list(self.filters)}"
            )
        if min(self.blocks, self.convolutions, self.hidden) < 1:
            raise ValueError(
                "column.blocks, column.convolutions, column.hidden: expected at least 1, "
                f"found {self.blocks}, {self.convolutions}, {self.hidden}"
            )
        if not 0 <= self.dropout < 1 or not 0 < self.adapter <= 1:
            raise ValueError(
                f"column.dropout, column.adapter: expected 0 to below 1 and above 0 to 1, "
                f"found {self.dropout}, {self.adapter}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels after every row."""
        return self.filters * self.blocks


class Column(nn.Module):
    """One task's column.

    Args:
        entry: Channels of the encoder's maps.
        side: Side of the encoder's maps.
        classes: Of the task.
        settings: Sizes.
        sources: Settings of the columns it listens to.
    """

    def __init__(
        self,
        entry: int,
        side: int,
        classes: int,
        settings: ColumnSettings,
        sources: Sequence[ColumnSettings] = (),
    ) -> None:
        super().__init__()
        self.settings = settings
        widths = settings.widths
        heard = [
            [source.widths[number] for source in sources] if sources else [] for number in range(len(widths))
        ]
        self.rows = nn.ModuleList()
        for number, width in enumerate(widths):
            before = widths[number - 1] if number else entry
            pooled = number % 2 == 1 and number // 2 >= settings.blocks - _POOLED_BLOCKS
            lateral = _lateral(heard[number - 1], settings, width) if number and sources else None
            self.rows.append(_Row(before, width, settings, pooled, lateral))
            side = (side + 1) // 2 if pooled else side
        self.hidden = nn.Linear(widths[-1] * side**2, settings.hidden)
        self.hidden_lateral = _flat_lateral(heard[-1], side, settings, settings.hidden) if sources else None
        self.dropout = nn.Dropout(settings.dropout)
        self.classes = nn.Linear(settings.hidden, classes)
        self.classes_lateral = (
            _flat_lateral([source.hidden for source in sources], 1, settings, classes) if sources else None
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, encoded: Tensor, heard: Sequence[Sequence[Tensor]] = ()) -> list[Tensor]:
        """Return every layer's activations: the rows' maps, the hidden units and, last, the logits.

        Args:
            encoded: The encoder's maps, float (N, entry, side, side).
            heard: What this gives for each source column, in order.
        """
        layers: list[Tensor] = []
        for number, row in enumerate(self.rows):
            before = layers[-1] if layers else encoded
            layers.append(row(before, [source[number - 1] for source in heard] if number else []))
        hidden = self.hidden(layers[-1].flatten(1))
        if self.hidden_lateral is not None:
            hidden = hidden + self.hidden_lateral([source[len(self.rows) - 1] for source in heard])
        layers.append(functional.relu(hidden))
        logits = self.classes(self.dropout(layers[-1]))
        if self.classes_lateral is not None:
            logits = logits + self.classes_lateral([source[len(self.rows)] for source in heard])
        return [*layers, logits]


class _Row(nn.Module):
    """Some 3x3 convolutions of one width; a lateral connection adds to the first one's sum."""

    def __init__(
        self, entry: int, width: int, settings: ColumnSettings, pooled: bool, lateral: nn.Module | None
    ) -> None:
        super().__init__()
        bias = not settings.batch_norm
        self.first = nn.Conv2d(entry, width, 3, padding=1, bias=bias)
        self.lateral = lateral
        layers = [*_ending(width, settings)]
        for _ in range(settings.convolutions - 1):
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=bias), *_ending(width, settings)]
        if pooled:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        self.rest = nn.Sequential(*layers)

    def forward(self, maps: Tensor, heard: Sequence[Tensor]) -> Tensor:
        total = self.first(maps)
        if self.lateral is not None:
            total = total + self.lateral(heard)
        found: Tensor = self.rest(total)
        return found


class _Lateral(nn.Module):
    """Joins the sources' activations, makes them fewer with the adapter, and leads them on."""

    def __init__(self, adapter: nn.Module, onward: nn.Module) -> None:
        super().__init__()
        self.adapter = adapter
        self.onward = onward

    def forward(self, heard: Sequence[Tensor]) -> Tensor:
        found: Tensor = self.onward(functional.relu(self.adapter(torch.cat(list(heard), dim=1))))
        return found


def _lateral(channels: Sequence[int], settings: ColumnSettings, width: int) -> nn.Module:
    adapted = _adapted(channels, settings)
    return _Lateral(nn.Conv2d(sum(channels), adapted, 1), nn.Conv2d(adapted, width, 3, padding=1, bias=False))


def _flat_lateral(channels: Sequence[int], side: int, settings: ColumnSettings, width: int) -> nn.Module:
    """Return the lateral connection to a fully connected layer; `side` is that of the maps, 1 for units."""
    adapted = _adapted(channels, settings)
    joined = nn.Linear(sum(channels), adapted) if side == 1 else nn.Conv2d(sum(channels), adapted, 1)
    if side == 1:
        joined = nn.Sequential(nn.Flatten(), joined)
    return _Lateral(joined, nn.Sequential(nn.Flatten(), nn.Linear(adapted * side**2, width, bias=False)))


def _adapted(channels: Sequence[int], settings: ColumnSettings) -> int:
    return max(1, round(settings.adapter * max(channels)))


def _ending(width: int, settings: ColumnSettings) -> list[nn.Module]:
    return [*([nn.BatchNorm2d(width)] if settings.batch_norm else []), nn.ReLU(inplace=True)]
