"""Paints marks and the network's stretches on lanes, and says in words what a mark is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from faceapp.session.annotation_edits import describe
from faceapp.session.annotations import Event
from faceapp.session.segments import Segment
from faceapp.ui.player.strip import translucent
from faceapp.ui.theme import EMOTION_COLOURS, Theme

SAME_PLACE_PX = 0.75
"""What ends this near to the one before lies behind the same pixel and is painted once."""
_LIGHT_GROUND = 0.42


def paint_event(
    painter: QPainter,
    event: Event,
    place: QRectF,
    area: QRectF,
    colour: QColor,
    theme: Theme,
    *,
    chosen: bool,
) -> None:
    """Paint one mark: a flag for a moment, a bar for a stretch, hatched when it is left out.

    Args:
        painter: Open on the lanes.
        event: The mark.
        place: Where it lies.
        area: Where time runs; the text stays within.
        colour: Its label's colour.
        theme: The colours.
        chosen: Whether it is the chosen one.
    """
    painter.setPen(QPen(theme.colour("text" if chosen else "background"), 2 if chosen else 1))
    text = event.label or event.note or event.kind
    if event.is_point:
        _paint_flag(painter, place, colour, text)
        return
    excluded = event.kind == "exclude"
    painter.setBrush(translucent(colour.name(), 0.45 if excluded else 0.85))
    painter.drawRoundedRect(place, 4, 4)
    if excluded:
        painter.setBrush(QBrush(translucent(theme.text, 0.3), Qt.BrushStyle.BDiagPattern))
        painter.drawRoundedRect(place, 4, 4)
    text = text if event.face is None else f"{text} ({event.face})"
    ink = theme.colour("text") if excluded else _ink(colour)
    _write(painter, place.intersected(area).adjusted(5, 0, -4, 0), text, ink)


def paint_segments(
    painter: QPainter, segments: Sequence[Segment], lane: QRectF, range_s: tuple[float, float], theme: Theme
) -> None:
    """Paint the network's stretches.

    Args:
        painter: Open on the lanes.
        segments: Stretches of one face, ordered by time.
        lane: Where they lie.
        range_s: First and last time in sight, at the lane's ends.
        theme: The colours.
    """
    first_s, last_s = range_s
    scale = lane.width() / (last_s - first_s)
    painted_to = lane.left() - 9.0
    for segment in segments:
        if segment.end_s < first_s or segment.start_s > last_s:
            continue
        left = max(lane.left() + (segment.start_s - first_s) * scale, lane.left())
        right = min(lane.left() + (segment.end_s - first_s) * scale, lane.right())
        if right - painted_to < SAME_PLACE_PX:
            continue
        painted_to = right
        place = QRectF(left, lane.top(), max(right - left, 1.0), lane.height())
        painter.fillRect(place, translucent(EMOTION_COLOURS[segment.emotion], 0.55))
        if QFontMetricsF(painter.font()).horizontalAdvance(segment.emotion) + 10 < place.width():
            painter.setPen(theme.colour("text"))
            painter.drawText(place.adjusted(5, 0, -5, 0), Qt.AlignmentFlag.AlignVCenter, segment.emotion)


def tip_of(event: Event) -> str:
    """Return what a mark is, whom it is about, who set it, and its note."""
    about = "all faces" if event.face is None else f"face {event.face}"
    parts = [describe(event), about, f"by {event.author or 'no name'}", event.note]
    return " · ".join(part for part in parts if part)


def _paint_flag(painter: QPainter, place: QRectF, colour: QColor, text: str) -> None:
    flag = place.adjusted(0, 0, 0, -6)
    painter.setBrush(colour)
    tip = QPointF(place.center().x(), place.bottom())
    corners = [flag.topLeft(), flag.topRight(), flag.bottomRight(), tip, flag.bottomLeft()]
    painter.drawPolygon(QPolygonF(corners))
    if len(text) == 1:
        painter.setPen(_ink(colour))
        painter.drawText(flag, Qt.AlignmentFlag.AlignCenter, text)


def _write(painter: QPainter, room: QRectF, text: str, ink: QColor) -> None:
    if room.width() <= 14:
        return
    painter.setPen(ink)
    elided = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)


def _ink(ground: QColor) -> QColor:
    """Return black or white, whichever is read better on a colour."""
    return QColor("#15171A" if ground.lightnessF() > _LIGHT_GROUND else "#FFFFFF")
