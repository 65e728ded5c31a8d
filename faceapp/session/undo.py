"""What was done to a session, in order, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be undone.

    Attributes:
        text: What was done, for people ("add smile at 3.20 s").
        do: Does it, or does it again. May raise SessionError; nothing has changed then.
        undo: Takes it back, likewise.
    """

    text: str
    do: Callable[[], None]
    undo: Callable[[], None]


class Steps:
    """All that was done to the marks and the faces of a session, one row of steps for both."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    def take(self, step: Step) -> None:
        """Do a step and keep it; what was undone before can't be done again from now on.

        Raises:
            SessionError: It can't be stored.
        """
        step.do()
        self._done.append(step)
        self._undone.clear()

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty when there is nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would do again; empty when there is nothing."""
        return self._undone[-1].text if self._undone else ""

    def undo(self) -> str:
        """Take the last step back and return what it was; "" when there is none.

        Raises:
            SessionError: It can't be stored; nothing changes then.
        """
        if not self._done:
            return ""
        step = self._done[-1]
        step.undo()
        self._undone.append(self._done.pop())
        return step.text

    def redo(self) -> str:
        """Do the last undone step again and return what it was; "" when there is none.

        Raises:
            SessionError: It can't be stored; nothing changes then.
        """
        if not self._undone:
            return ""
        step = self._undone[-1]
        step.do()
        self._done.append(self._undone.pop())
        return step.text
