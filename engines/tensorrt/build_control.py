"""How far a build is, for whoever looks, and how someone stops it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from engines.errors import EngineError

ProgressCallback = Callable[[float, str], None]
"""Called from the library's threads with the share done, 0 to 1, and what it does, in English."""


class BuildCancelledError(EngineError):
    """Someone stopped the build."""


@dataclass(slots=True)
class BuildControl:
    """Where a build's progress goes and how it is stopped; may be used from any thread.

    Attributes:
        progress: Called with what is done; None = nobody looks.
        ended: Called once when the build is over, however it went, or when none was needed.
        cancelled: Set it to stop the build at its next step.
    """

    progress: ProgressCallback | None = None
    ended: Callable[[], None] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def report(self, share: float, step: str) -> None:
        """Tell how far the build is."""
        if self.progress is not None:
            self.progress(share, step)

    def end(self) -> None:
        """Tell that nothing more will be reported."""
        if self.ended is not None:
            self.ended()

    def check(self) -> None:
        """Stop here if someone cancelled.

        Raises:
            BuildCancelledError: Someone did.
        """
        if self.cancelled.is_set():
            raise BuildCancelledError("the build was cancelled; start it again or choose another back end")


ControlFactory = Callable[[str], BuildControl]
"""Given a model's name, returns where the progress of building its engine goes."""

_factory: ControlFactory | None = None


def watch_builds(factory: ControlFactory | None) -> None:
    """Let a program see and cancel the builds that loading a model may need; None = nobody looks.

    Args:
        factory: Called on the thread that loads, before a build.
    """
    global _factory
    _factory = factory


def control_of_build(model: str) -> BuildControl:
    """Return the control that `watch_builds` wants for a model."""
    return BuildControl() if _factory is None else _factory(model)


class Phases:
    """Turns TensorRT's nested phases into one share that never falls; may be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Phase -> parent, steps, steps done.
        self._open: dict[str, tuple[str | None, int, int]] = {}
        self._highest = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """Note that a phase of so many steps begins within its parent."""
        with self._lock:
            self._open[name] = (parent, max(1, steps), 0)

    def step(self, name: str, step: int) -> None:
        """Note that a step, counted from 0, is done."""
        with self._lock:
            if name in self._open:
                parent, steps, _ = self._open[name]
                self._open[name] = (parent, steps, min(steps, step + 1))

    def finish(self, name: str) -> None:
        """Note that a phase is over."""
        with self._lock:
            self._open.pop(name, None)

    def share(self) -> float:
        """Return how much is done, 0 to 1."""
        with self._lock:
            roots = [name for name, (parent, _, _) in self._open.items() if parent not in self._open]
            if roots:
                self._highest = max(self._highest, self._share_of(roots[-1], 0))
            return self._highest

    def _share_of(self, name: str, depth: int) -> float:
        _, steps, done = self._open[name]
        children = [child for child, (parent, _, _) in self._open.items() if parent == name and child != name]
        begun = self._share_of(children[-1], depth + 1) if children and done < steps and depth < 8 else 0.0
        return (done + begun) / steps
