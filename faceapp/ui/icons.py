"""Icons drawn from `assets/icons` in a theme's colours, sharp at every scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from faceapp.ui.theme import ICONS_DIR, Theme

_INK = b"#808080"
_SCALES = (1, 2, 3)


def icon(name: str, theme: Theme, size_px: int = 18) -> QIcon:
    """Return an icon for buttons: text colour, the background's colour when checked, faint when disabled.

    Args:
        name: File name in `assets/icons` without ".svg".
        theme: The colours.
        size_px: Side in logical pixels.
    """
    drawn = QIcon()
    for scale in _SCALES:
        for colour, mode, state in (
            (theme.text, QIcon.Mode.Normal, QIcon.State.Off),
            (theme.background, QIcon.Mode.Normal, QIcon.State.On),
            (theme.disabled, QIcon.Mode.Disabled, QIcon.State.Off),
        ):
            drawn.addPixmap(icon_pixmap(name, colour, size_px, scale), mode, state)
    return drawn


@lru_cache(maxsize=256)
def icon_pixmap(name: str, colour: str, size_px: int, scale: float = 1.0) -> QPixmap:
    """Return one icon in one colour.

    Args:
        name: File name in `assets/icons` without ".svg".
        colour: #RRGGBB.
        size_px: Side in logical pixels.
        scale: Device pixels per logical pixel.
    """
    drawing = (ICONS_DIR / f"{name}.svg").read_bytes().replace(_INK, colour.encode())
    pixmap = QPixmap(round(size_px * scale), round(size_px * scale))
    pixmap.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(drawing)).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap
