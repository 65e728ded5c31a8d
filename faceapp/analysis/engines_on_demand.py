"""Engines that are loaded when the first face needs them, for programs that read single pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING

from engines.card import Occlusion

if TYPE_CHECKING:
    from collections.abc import Callable

    from engines.engine import Engine


class EnginesOnDemand(Mapping[Occlusion, "Engine"]):
    """Occlusion -> engine, loaded at the first look-up: most pictures need one of the three (0.2 s each).

    `values` are the engines that are loaded.

    Args:
        names: Occlusion -> name of the model.
        load: Loads the engine of a model.
    """

    def __init__(self, names: Mapping[Occlusion, str], load: Callable[[str], Engine]) -> None:
        self._names, self._load = dict(names), load
        self._loaded: dict[Occlusion, Engine] = {}

    def __getitem__(self, occlusion: Occlusion) -> Engine:
        if occlusion not in self._loaded:
            self._loaded[occlusion] = self._load(self._names[occlusion])
        return self._loaded[occlusion]

    def __iter__(self) -> Iterator[Occlusion]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, occlusion: object) -> bool:
        return occlusion in self._names

    def values(self) -> ValuesView[Engine]:
        """Return the engines that are loaded."""
        return self._loaded.values()
