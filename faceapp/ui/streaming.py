"""Streams to and from other programs as the window sees them: turned on, shown, and their markers put in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from faceapp.pipeline import Pipeline
from faceapp.session.annotations import Event, mark_text
from faceapp.streams.streams import Streams
from faceapp.ui.history import Flag

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

AUTHOR = "lsl:{stream}"
"""Author of a marker that another program has set."""


class Streaming(QObject):
    """Keeps the streams of the settings running beside whatever source is open.

    Attributes:
        streams: The streams; they go on when another source is opened.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.streams = Streams()
        self._told: set[str] = set()

    def follow(self, pipeline: Pipeline) -> None:
        """Send what a new pipeline finds, where the settings want it sent."""
        pipeline.set_listener(self.streams)
        self.streams.use(self._window.settings)

    def use(self) -> None:
        """Turn streams on and off as the changed settings say."""
        self._told.clear()
        self.streams.use(self._window.settings)
        self.refresh()

    def tell_mark(self, event: Event, time_s: float, begins: bool, ends: bool) -> None:
        """Send a mark that was set in the window; a stretch is its label with `_start`, then with `_end`."""
        ending = "_start" if begins else "_end" if ends else ""
        self.streams.mark(mark_text(event, ending), time_s)

    def tell_undone(self, what: str) -> None:
        """Send that the last mark was taken back."""
        self.streams.mark(f"undone: {what}", self._window.history.now_s)

    def refresh(self) -> None:
        """Put markers that have come into timeline and session, and show what the streams do."""
        marks = self.streams.take_markers()
        self._window.history.flags.extend(Flag(time_s, mark.text) for mark, time_s in marks)
        self._window.recorder.receive(
            (mark.text, AUTHOR.format(stream=mark.stream), time_s) for mark, time_s in marks
        )
        states = self.streams.states()
        self._window.status.show_streams(states)
        for problem in {state.problem for state in states if state.problem} - self._told:
            self._told.add(problem)
            self._window.controls.complain(problem)

    def close(self) -> None:
        """End the streams; returns at once."""
        streams, self.streams = self.streams, Streams()
        self._window.background.run(streams.close)
