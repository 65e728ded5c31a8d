"""What a search may change: `name=low..high`, `name=low..high:log`, or `name=first|second|third`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.errors import RecipeError

if TYPE_CHECKING:
    from optuna.trial import Trial


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from low to high, both included; whole ones where both ends are.

    Attributes:
        low: Least.
        high: Largest.
        log: Draw evenly over the logarithm.
    """

    low: float
    high: float
    log: bool = False

    def chosen(self, name: str, trial: Trial) -> str:
        """Return what a trial takes, as `--set` writes it."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return str(trial.suggest_int(name, self.low, self.high, log=self.log))
        return repr(trial.suggest_float(name, self.low, self.high, log=self.log))


@dataclass(frozen=True, slots=True)
class Choice:
    """Some values, as `--set` writes them.

    Attributes:
        values: At least one.
    """

    values: tuple[str, ...]

    def chosen(self, name: str, trial: Trial) -> str:
        """Return what a trial takes."""
        return str(trial.suggest_categorical(name, self.values))


Space = dict[str, Range | Choice]


def parse_space(texts: Sequence[str]) -> Space:
    """Return setting -> what it may be.

    Args:
        texts: Such as "learning_rate=1e-5..1e-2:log", "column.blocks=1..4" or "column.filters=[32,64]|[64,128]".

    Raises:
        RecipeError: A text is none of these, or a setting comes twice, or there is none.
    """
    space: Space = {}
    for text in texts:
        name, separator, values = text.partition("=")
        if not separator or not name.strip() or not values.strip() or name in space:
            raise RecipeError(
                f"--tune: expected name=low..high, name=low..high:log or name=first|second, each name once, found {text!r}"
            )
        space[name] = _range(text, values) if ".." in values else Choice(tuple(values.split("|")))
    if not space:
        raise RecipeError("--tune: expected at least one setting to search over, found none")
    return space


def grid(space: Space) -> dict[str, tuple[str, ...]]:
    """Return setting -> values of a space of choices alone.

    Raises:
        RecipeError: A setting is a range.
    """
    ranges = [name for name, found in space.items() if isinstance(found, Range)]
    if ranges:
        raise RecipeError(
            f"--tune {ranges[0]}: expected choices first|second for a grid, found a range; write its values out"
        )
    return {name: found.values for name, found in space.items() if isinstance(found, Choice)}


def _range(text: str, values: str) -> Range:
    ends, _, scale = values.partition(":")
    low, _, high = ends.partition("..")
    try:
        found = Range(*(_number(end) for end in (low, high)), log=scale == "log")
    except ValueError as error:
        raise RecipeError(
            f"--tune {text}: expected two numbers with .. between, found others ({error})"
        ) from error
    if scale not in ("", "log") or not found.low < found.high or (found.log and found.low <= 0):
        raise RecipeError(
            f"--tune {text}: expected the smaller number first (above 0 with :log), and :log or nothing after, found others"
        )
    return found


def _number(text: str) -> float:
    value = json.loads(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{text!r} is no number")
    return value
