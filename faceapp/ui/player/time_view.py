"""Which moment is looked at and which stretch is in sight; shared by picture, charts and lanes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

_SHORTEST_S = 0.2
_PAGE = 0.9
_LEAD = 0.1


class TimeView(QObject):
    """A position within a span, and a range of it that is in sight.

    Signals:
        moved: The position changed.
        range_changed: Another stretch is in sight.

    Attributes:
        span_s: First and last time of the session in seconds.
        range_s: First and last time in sight.
        position_s: The moment looked at.
    """

    moved = Signal()
    range_changed = Signal()

    def __init__(self, span_s: tuple[float, float] = (0.0, 1.0), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.set_span(span_s)

    def set_span(self, span_s: tuple[float, float]) -> None:
        """Look at another session, from its beginning, all of it in sight."""
        self.span_s = (span_s[0], max(span_s[1], span_s[0] + _SHORTEST_S))
        self.range_s = self.span_s
        self.position_s = span_s[0]
        self.range_changed.emit()
        self.moved.emit()

    @property
    def length_s(self) -> float:
        """Seconds in sight."""
        return self.range_s[1] - self.range_s[0]

    def move_to(self, time_s: float) -> None:
        """Look at another moment; the stretch in sight follows by pages."""
        time_s = min(max(time_s, self.span_s[0]), self.span_s[1])
        known = time_s == self.position_s
        self.position_s = time_s
        if not self.range_s[0] <= time_s <= self.range_s[1]:
            self._show(time_s - _LEAD * self.length_s, self.length_s)
        if not known:
            self.moved.emit()

    def zoom(self, factor: float, around_s: float | None = None) -> None:
        """Show a shorter (factor above 1) or longer stretch.

        Args:
            factor: How many times larger a second becomes.
            around_s: The moment that stays where it is; None takes the position.
        """
        around_s = self.position_s if around_s is None else around_s
        length_s = max(self.length_s / factor, _SHORTEST_S)
        share = (around_s - self.range_s[0]) / self.length_s
        if not 0 <= share <= 1:
            share = 0.5
        self._show(around_s - share * length_s, length_s)

    def scroll(self, pages: float) -> None:
        """Show an earlier (negative) or later stretch of the same length."""
        self._show(self.range_s[0] + pages * self.length_s * _PAGE, self.length_s)

    def show_all(self) -> None:
        """Show the whole session."""
        self._show(self.span_s[0], self.span_s[1] - self.span_s[0])

    def _show(self, first_s: float, length_s: float) -> None:
        length_s = min(length_s, self.span_s[1] - self.span_s[0])
        first_s = min(max(first_s, self.span_s[0]), self.span_s[1] - length_s)
        if (first_s, first_s + length_s) != self.range_s:
            self.range_s = (first_s, first_s + length_s)
            self.range_changed.emit()
