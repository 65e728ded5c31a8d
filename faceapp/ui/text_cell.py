"""One line of text in one cell, as the painted cards write all of theirs."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from faceapp.ui.theme import text_font

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def write(
    painter: QPainter,
    cell: QRectF,
    text: str,
    colour: QColor,
    scale: float,
    align: Qt.AlignmentFlag = LEFT,
    *,
    bold: bool = False,
) -> None:
    """Write one line of text into a cell, in the program's font.

    Args:
        painter: What paints the widget.
        cell: Where, in pixels.
        text: What; empty writes nothing.
        colour: Its colour.
        scale: Size, times that of the window's text.
        align: Where in the cell.
        bold: Whether it stands out.
    """
    painter.setFont(text_font(scale, bold=bold))
    painter.setPen(colour)
    painter.drawText(cell, align, text)
