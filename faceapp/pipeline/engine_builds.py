"""Engines that are being compiled while a source starts: how far they are, and a way to do without them."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from engines.tensorrt.build_control import BuildControl


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """One engine being compiled.

    Attributes:
        model: Name of its model.
        share: How much is done, 0 to 1.
        step: What the library does now, in its words.
    """

    model: str
    share: float
    step: str


class EngineBuilds:
    """Follows builds on any threads; `control` is what `engines.tensorrt.build_control.watch_builds` takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, tuple[EngineBuild, BuildControl]] = {}
        self._refused = False

    @property
    def newest(self) -> EngineBuild | None:
        """The build that is furthest; None while nothing is built."""
        with self._lock:
            builds = [build for build, _ in self._running.values()]
        return max(builds, key=lambda build: build.share, default=None)

    def control(self, model: str) -> BuildControl:
        """Return the control of a build that may begin; already cancelled after `cancel`."""
        control = BuildControl()
        number = id(control)

        def progress(share: float, step: str) -> None:
            with self._lock:
                self._running[number] = (EngineBuild(model, share, step), control)
                if self._refused:
                    control.cancelled.set()

        def ended() -> None:
            with self._lock:
                self._running.pop(number, None)

        control.progress, control.ended = progress, ended
        return control

    def cancel(self) -> None:
        """Stop all builds, and those that would follow until `allow`: the models run without them."""
        with self._lock:
            self._refused = True
            for _, control in self._running.values():
                control.cancelled.set()

    def allow(self) -> None:
        """Let engines be built again: another source or back end was chosen."""
        with self._lock:
            self._refused = False
