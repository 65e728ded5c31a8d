"""Ruler, charts and lanes below one another, over the same stretch of time."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from faceapp.session.annotations import Event
from faceapp.ui.player.chart import Chart
from faceapp.ui.player.lanes import LANE_PX, Lanes
from faceapp.ui.player.review import Review
from faceapp.ui.player.strip import Ruler
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.theme import Theme

MOST_CHARTS = 6
_MOST_LANES = 5


class ChartsArea(QWidget):
    """Up to six charts; more than fit are scrolled, as are more than five lanes.

    Signals:
        charts_changed: A chart was added or taken away.
    """

    charts_changed = Signal()

    def __init__(self, view: TimeView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("Page")
        self._view, self._theme = view, theme
        self._review: Review | None = None
        self._shown: tuple[int | None, bool] = (None, False)
        self.ruler, self.lanes = Ruler(view, theme), Lanes(view, theme)
        self.charts: list[Chart] = []
        self._body = QWidget()
        self._body.setObjectName("Page")
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        area, self._lane_area = _scrolled(self._body), _scrolled(self.lanes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.setSpacing(3)
        ruler = QHBoxLayout()
        ruler.setContentsMargins(0, 0, area.verticalScrollBar().sizeHint().width(), 0)
        ruler.addWidget(self.ruler)
        layout.addLayout(ruler)
        layout.addWidget(area, 1)
        layout.addWidget(self._lane_area)
        self.add_chart()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        for part in (self.ruler, self.lanes, *self.charts):
            part.set_theme(theme)

    def add_chart(self, column: str = "") -> Chart | None:
        """Add a chart below the others; None when there are six already."""
        if len(self.charts) >= MOST_CHARTS:
            return None
        chart = Chart(self._view, self._theme)
        if column:
            chart.show_column(column)
        chart.closed.connect(lambda: self.take_chart(chart))
        self.charts.append(chart)
        self._column.addWidget(chart, 1)
        if self._review is not None:
            chart.show_review(self._review, *self._shown)
            chart.show_excluded(self._review.annotations.events)
        self._count_changed()
        return chart

    def take_chart(self, chart: Chart) -> None:
        """Take a chart away; the last one stays."""
        if len(self.charts) > 1 and chart in self.charts:
            self.charts.remove(chart)
            self._column.removeWidget(chart)
            chart.hide()
            chart.deleteLater()
            self._count_changed()

    def show_review(self, review: Review, chosen: int | None, raw: bool) -> None:
        """Show a session's columns in all charts.

        Args:
            review: The session.
            chosen: The face that is chosen.
            raw: Take the values before smoothing.
        """
        self._review, self._shown = review, (chosen, raw)
        for chart in self.charts:
            chart.show_review(review, chosen, raw)

    def show_excluded(self, events: tuple[Event, ...]) -> None:
        """Shade what is left out in all charts."""
        for chart in self.charts:
            chart.show_excluded(events)

    def fit_lanes(self) -> None:
        """Give the lanes the height they need, as far as there is room."""
        self._lane_area.setFixedHeight(min(self.lanes.sizeHint().height(), _MOST_LANES * LANE_PX + 2))

    def _count_changed(self) -> None:
        for chart in self.charts:
            chart.set_closable(len(self.charts) > 1)
        self.charts_changed.emit()


def _scrolled(body: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(body)
    area.setWidgetResizable(True)
    # Always there, so that the same time lies at the same place in ruler, charts and lanes.
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.viewport().setAutoFillBackground(False)
    return area
