"""Colours and type of the window: one dark and one light theme."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from engines.card import EMOTIONS
from engines.shipped import ASSETS_DIR
from faceapp.ui.style_sheet import style_sheet

EMOTION_COLOURS: dict[str, str] = {
    "neutral": "#9AA0A6",
    "happiness": "#F2B701",
    "surprise": "#3BB2D0",
    "sadness": "#4666B0",
    "anger": "#D1495B",
    "disgust": "#6A994E",
    "fear": "#7B5EA7",
    "contempt": "#B5651D",
}
"""Colour carries one meaning, the emotion; the same in both themes."""

EMOTION_QCOLOURS: tuple[QColor, ...] = tuple(QColor(EMOTION_COLOURS[name]) for name in EMOTIONS)
RECORD_RED = "#E5484D"
"""The dot of a running recording: the only red that is no emotion."""

ICONS_DIR = ASSETS_DIR / "icons"
ROUNDING_PX = 10


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of the window's parts, as #RRGGBB.

    Attributes:
        name: "dark" or "light".
        background: The window.
        surface: Cards and panels.
        raised: Buttons and fields.
        line: Hairlines and frames.
        track: The empty part of a bar.
        text: Words and numbers.
        muted: Less important words; still 4.5 to 1 on every ground above.
        disabled: What can't be used now.
        chip: Ground of labels on the picture, the same in both themes.
        chip_text: Text on it.
    """

    name: str
    background: str
    surface: str
    raised: str
    line: str
    track: str
    text: str
    muted: str
    disabled: str
    chip: str = "#15171A"
    chip_text: str = "#F4F5F6"

    def colour(self, part: str) -> QColor:
        """Return one of the colours above by its name."""
        return QColor(getattr(self, part))


DARK = Theme(
    name="dark",
    background="#15171A",
    surface="#1D2024",
    raised="#282C31",
    line="#343940",
    track="#2B2F35",
    text="#ECEDEE",
    muted="#A9AFB6",
    disabled="#767D85",
)
LIGHT = Theme(
    name="light",
    background="#F7F7F5",
    surface="#FFFFFF",
    raised="#EAEAE6",
    line="#D5D5D0",
    track="#E6E6E2",
    text="#1B1D20",
    muted="#565C63",
    disabled="#8B9096",
)


def theme_named(name: str) -> Theme:
    """Return the theme for "dark", "light" or "system" (dark where the system has no preference)."""
    if name == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme is Qt.ColorScheme.Light else DARK
    return LIGHT if name == "light" else DARK


def contrast_ratio(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def blend(first: QColor, second: QColor, share: float) -> QColor:
    """Return `first` mixed with `second`: 0 gives the first, 1 the second."""
    share = min(max(share, 0.0), 1.0)
    ends = zip(_channels(first), _channels(second), strict=True)
    mixed: QColor = QColor.fromRgbF(*(a + (b - a) * share for a, b in ends))
    return mixed


def base_size_px() -> float:
    """Return the height in pixels of the window's normal text, from the system's font, kept readable."""
    font = QGuiApplication.font()
    size = float(font.pixelSize() if font.pixelSize() > 0 else font.pointSizeF() * 96 / 72)
    return min(max(size, 13.0), 18.0)


@lru_cache(maxsize=128)
def text_font(scale: float = 1.0, *, bold: bool = False) -> QFont:
    """Return the window's font with digits of one width; copy it before changing it.

    Args:
        scale: Size relative to normal text.
        bold: Half bold, for what should be read first.
    """
    font = QFont(QGuiApplication.font())
    font.setPixelSize(max(9, round(base_size_px() * scale)))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    if hasattr(font, "setFeature"):  # Qt 6.7; most fonts have tabular digits without asking
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def apply_theme(theme: Theme) -> None:
    """Give the running application the theme's palette and style sheet."""
    application = QApplication.instance()
    assert isinstance(application, QApplication), "make_application() comes first"
    sheet = style_sheet(theme, ICONS_DIR, round(base_size_px()))
    if application.styleSheet() == sheet:
        return  # Qt would polish every widget again
    if not application.styleSheet():
        application.setStyle("Fusion")
    text_font.cache_clear()
    application.setPalette(_palette(theme))
    application.setStyleSheet(sheet)


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for part, roles in {
        "background": (role.Window,),
        "surface": (role.Base, role.AlternateBase, role.ToolTipBase),
        "raised": (role.Button, role.Mid, role.Midlight),
        "line": (role.Dark, role.Light),
        "text": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.Highlight, role.Link),
        "muted": (role.PlaceholderText,),
    }.items():
        for each in roles:
            palette.setColor(each, theme.colour(part))
    palette.setColor(role.HighlightedText, theme.colour("background"))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, theme.colour("disabled"))
    return palette


def _channels(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
