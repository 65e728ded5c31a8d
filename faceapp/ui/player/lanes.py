"""Marks on lanes: one lane an annotator and one of the network; the own lane can be changed with the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QToolTip, QWidget

from faceapp.session.annotation_scheme import Scheme
from faceapp.session.annotations import Event
from faceapp.session.segments import Segment
from faceapp.ui.player.lane_painting import SAME_PLACE_PX, paint_event, paint_segments, tip_of
from faceapp.ui.player.strip import GUTTER_PX, Strip
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.theme import Theme, text_font

LANE_PX = 28
_GRIP_PX = 6
_FLAG_PX = 7
_DRAG_PX = 3


@dataclass(frozen=True, slots=True)
class _Drag:
    """What is being dragged: a mark as it was, and which of its ends follows the pointer."""

    event: Event
    grip: str
    from_s: float
    from_x: float


class Lanes(Strip):
    """All marks of a session.

    Signals:
        chosen: Id of a mark that was clicked, "" for none.
        dragged: Id of a mark, its new start and end in seconds.
        opened: Id of a mark that was double-clicked.
        refused: Why a mark can't be dragged.
    """

    chosen = Signal(str)
    dragged = Signal(str, float, float)
    opened = Signal(str)
    refused = Signal(str)

    def __init__(self, view: TimeView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(view, theme, parent)
        self._events: tuple[Event, ...] = ()
        self._lanes: tuple[str, ...] = ()
        self._segments: Sequence[Segment] = ()
        self._network_name = ""
        self._scheme = Scheme(())
        self._author = ""
        self._chosen = ""
        self._drag: _Drag | None = None
        self._moved: Event | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Lanes of annotations")

    def show_events(
        self, events: tuple[Event, ...], lanes: Sequence[str], author: str, scheme: Scheme, chosen: str
    ) -> None:
        """Show marks.

        Args:
            events: All marks, ordered by start.
            lanes: Authors, one a lane, from above.
            author: Whose lane can be changed.
            scheme: Gives the colours.
            chosen: Id of the chosen mark, or "".
        """
        self._events, self._lanes = events, tuple(lanes)
        self._author, self._scheme, self._chosen = author, scheme, chosen
        self._drag = self._moved = None
        self._fit()

    def show_network(self, segments: Sequence[Segment], name: str) -> None:
        """Show what the network saw on a face, on a lane below; an empty name hides it."""
        self._segments, self._network_name = segments, name
        self._fit()

    def sizeHint(self) -> QSize:
        """As high as the lanes are."""
        return QSize(640, self._lane_count() * LANE_PX + 2)

    def place_of(self, event: Event) -> QRectF:
        """Return where a mark lies: its bar, or a point's flag."""
        lane = self._lanes.index(event.author) if event.author in self._lanes else 0
        top, left = lane * LANE_PX + 4.0, self.x_of(event.start)
        if event.is_point:
            return QRectF(left - _FLAG_PX, top, 2 * _FLAG_PX, LANE_PX - 8)
        return QRectF(left, top, max(self.x_of(event.end) - left, 2.0), LANE_PX - 8)

    def event_at(self, place: QPointF) -> Event | None:
        """Return the mark at a place, of several the shortest; points come before stretches."""
        hits = [
            event
            for event in self._in_sight()
            if self.place_of(event).adjusted(-2, -2, 2, 2).contains(place) and place.x() >= GUTTER_PX
        ]

        def nearness(event: Event) -> tuple[bool, bool, float]:
            beside = not self.place_of(event).contains(place)
            return not event.is_point, beside, event.end - event.start

        return min(hits, key=nearness, default=None)

    def paint_content(self, painter: QPainter) -> None:
        """Paint lanes, names and marks."""
        area = self.area
        names = [name or "no name" for name in self._lanes]
        names += [self._network_name] if self._network_name else []
        for lane, name in enumerate(names):
            top = lane * LANE_PX
            painter.fillRect(
                QRectF(area.left(), top + 2, area.width(), LANE_PX - 4), self._theme.colour("surface")
            )
            own = lane < len(self._lanes) and self._lanes[lane] == self._author
            painter.setFont(text_font(0.92, bold=own))
            painter.setPen(self._theme.colour("text" if own else "muted"))
            room = QRectF(12, top, GUTTER_PX - 24, LANE_PX)
            elided = QFontMetricsF(painter.font()).elidedText(name, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)
        painter.setFont(text_font(0.85))
        painter.setClipRect(area)
        if self._network_name:
            band = QRectF(area.left(), len(self._lanes) * LANE_PX + 4.0, area.width(), LANE_PX - 8)
            paint_segments(painter, self._segments, band, self._view.range_s, self._theme)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        drawn: dict[tuple[str, bool], float] = {}
        for event in self._in_sight():
            key, left = (event.author, event.is_point), self.x_of(event.end)
            if self._moved is not None and self._moved.id == event.id:
                continue  # painted over the others while it is dragged
            if event.id != self._chosen and left - drawn.get(key, -9.0) < SAME_PLACE_PX:
                continue  # thousands of marks behind the same pixel are painted once
            drawn[key] = left
            self._paint(painter, event)
        painter.setClipping(False)

    def paint_over(self, painter: QPainter) -> None:
        """Paint the mark that is being dragged."""
        if self._moved is not None:
            painter.setClipRect(self.area)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(painter, self._moved)
            painter.setClipping(False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a mark, and take hold of one on the own lane; elsewhere seek."""
        hit = self.event_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or hit is None:
            self.chosen.emit("")
            super().mousePressEvent(event)
            return
        self.chosen.emit(hit.id)
        x = event.position().x()
        self._drag = _Drag(hit, self._grip(hit, x), self.time_of(x), x)
        self._chosen = hit.id
        self.content_changed()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a mark, or show what can be dragged."""
        if self._drag is None:
            hit = self.event_at(event.position())
            grip = (
                self._grip(hit, event.position().x())
                if hit is not None and hit.author == self._author
                else ""
            )
            shapes = {"start": Qt.CursorShape.SizeHorCursor, "end": Qt.CursorShape.SizeHorCursor}
            shapes["body"] = Qt.CursorShape.OpenHandCursor
            self.setCursor(shapes.get(grip, Qt.CursorShape.ArrowCursor))
            if hit is None and event.buttons():
                super().mouseMoveEvent(event)
            return
        if self._moved is None and abs(event.position().x() - self._drag.from_x) < _DRAG_PX:
            return
        if self._drag.event.author != self._author:
            owner = self._drag.event.author or "no name"
            self._drag = None
            self.refused.emit(f"This lane is {owner}'s. Choose {owner} as annotator to change it.")
            return
        if self._moved is None:
            self._content = None
        self._moved = self._dragged_to(self.time_of(event.position().x()))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        drag, moved, self._drag, self._moved = self._drag, self._moved, None, None
        if drag is not None and moved is not None and moved != drag.event:
            self.dragged.emit(moved.id, moved.start, moved.end)
        self.content_changed()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a mark to change its words."""
        hit = self.event_at(event.position())
        if hit is not None:
            self.opened.emit(hit.id)

    def event(self, event: object) -> bool:
        """Tell what a mark is when the pointer rests on it."""
        if isinstance(event, QHelpEvent):
            hit = self.event_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if hit is None else tip_of(hit), self)
            return True
        return bool(super().event(event))

    def _lane_count(self) -> int:
        return max(len(self._lanes) + bool(self._network_name), 1)

    def _fit(self) -> None:
        self.setFixedHeight(self._lane_count() * LANE_PX + 2)
        self.content_changed()

    def _in_sight(self) -> list[Event]:
        first_s, last_s = self._view.range_s
        air_s = self._view.length_s * 0.02
        return [
            event
            for event in self._events
            if event.start <= last_s + air_s and event.end >= first_s - air_s and event.author in self._lanes
        ]

    def _grip(self, event: Event, x: float) -> str:
        """Return what of a mark lies under the pointer: an end, or its body."""
        place = self.place_of(event)
        if event.is_point or place.width() < 3 * _GRIP_PX:
            return "body"
        if x - place.left() < _GRIP_PX:
            return "start"
        return "end" if place.right() - x < _GRIP_PX else "body"

    def _dragged_to(self, time_s: float) -> Event:
        """Return the dragged mark as it would be, kept within the session."""
        assert self._drag is not None
        event, (low, high) = self._drag.event, self._view.span_s
        time_s = min(max(time_s, low), high)
        if self._drag.grip == "start":
            return replace(event, start=min(time_s, event.end))
        if self._drag.grip == "end":
            return replace(event, end=max(time_s, event.start))
        by_s = min(max(time_s - self._drag.from_s, low - event.start), high - event.end)
        return replace(event, start=event.start + by_s, end=event.end + by_s)

    def _paint(self, painter: QPainter, event: Event) -> None:
        colour = QColor(self._scheme.colour_of(event.label))
        chosen = event.id == self._chosen
        paint_event(painter, event, self.place_of(event), self.area, colour, self._theme, chosen=chosen)
