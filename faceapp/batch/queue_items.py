"""What is known of each input of a queue, and how it is kept in a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

State = Literal["waiting", "running", "stopping", "done", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Item:
    """One input of the queue.

    Attributes:
        number: Tells it from others, also when the same input is in the queue twice.
        text: The input.
        state: What is going on with it.
        folder: Its session; None before.
        problem: Why it failed, one line.
        frames: Frames analysed so far.
        expected: Frames it will give; None where its header does not say.
        left_s: About how long it still takes; None where nobody knows.
    """

    number: int
    text: str
    state: State = "waiting"
    folder: Path | None = None
    problem: str = ""
    frames: int = 0
    expected: int | None = None
    left_s: float | None = None

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None while its length is unknown."""
        if self.state == "done":
            return 1.0
        return None if not self.expected else min(1.0, self.frames / self.expected)


@dataclass(frozen=True, slots=True)
class Look:
    """The queue at one moment.

    Attributes:
        items: All inputs in order.
        working: Whether it is being worked off.
        left_s: About how long all that waits and runs still takes; None where nobody knows.
        rate_hz: Frames a second over all inputs.
    """

    items: tuple[Item, ...]
    working: bool
    left_s: float | None
    rate_hz: float

    def count(self, *states: State) -> int:
        """Return how many inputs are in one of some states."""
        return sum(item.state in states for item in self.items)

    @property
    def share(self) -> float:
        """How much of the whole is done, 0 to 1: by frames, or by inputs where lengths are unknown."""
        if not self.items:
            return 0.0
        if all(item.expected for item in self.items):
            done = sum((item.expected or 0) if item.state in ENDED else item.frames for item in self.items)
            return min(1.0, done / sum(item.expected or 0 for item in self.items))
        return sum(1.0 if item.state in ENDED else item.share or 0.0 for item in self.items) / len(self.items)


def item_as_entry(item: Item) -> dict[str, Any]:
    """Return what is kept of an input: what runs will have to wait again."""
    kept = {name: value for name, value in asdict(item).items() if name not in ("number", "left_s")}
    running = item.state in ("running", "stopping")
    return {
        **kept,
        "state": "waiting" if running else item.state,
        "folder": None if item.folder is None else str(item.folder),
    }


def item_from_entry(number: int, entry: dict[str, Any]) -> Item:
    """Return an item of a queue file.

    Raises:
        ValueError: A value is of another kind.
        KeyError: One is missing.
    """
    state, folder, expected = entry["state"], entry.get("folder"), entry.get("expected")
    if state not in get_args(State) or not isinstance(entry["text"], str):
        raise ValueError(f"input {number + 1}: expected a text and a state, found {entry!r}")
    return Item(
        number,
        entry["text"],
        state,
        Path(folder) if folder else None,
        str(entry.get("problem") or ""),
        int(entry.get("frames") or 0),
        int(expected) if expected else None,
    )
