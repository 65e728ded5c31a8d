from __future__ import annotations

import itertools

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engines.card import EMOTIONS
from faceapp.ui.icons import icon_pixmap
from faceapp.ui.theme import (
    DARK,
    EMOTION_COLOURS,
    ICONS_DIR,
    LIGHT,
    Theme,
    apply_theme,
    blend,
    contrast_ratio,
    text_font,
    theme_named,
)

GROUNDS = ("background", "surface", "raised")


def test_emotions_have_the_agreed_colours_in_the_order_of_the_cards() -> None:
    assert tuple(EMOTION_COLOURS) == EMOTIONS
    assert tuple(EMOTION_COLOURS.values()) == (
        "#9AA0A6",
        "#F2B701",
        "#3BB2D0",
        "#4666B0",
        "#D1495B",
        "#6A994E",
        "#7B5EA7",
        "#B5651D",
    )


def test_backgrounds_are_the_agreed_ones() -> None:
    assert (DARK.background, LIGHT.background) == ("#15171A", "#F7F7F5")


@pytest.mark.parametrize(("theme", "ground"), list(itertools.product((DARK, LIGHT), GROUNDS)), ids=str)
def test_text_stands_out_on_every_ground(theme: Theme, ground: str) -> None:
    for text in (theme.text, theme.muted):
        assert contrast_ratio(text, getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_text_on_labels_and_on_pressed_buttons_stands_out_even_when_faded(theme: Theme) -> None:
    faded = blend(theme.colour("chip"), theme.colour("chip_text"), 0.62).name()
    assert contrast_ratio(faded, theme.chip) >= 4.5
    assert contrast_ratio(theme.background, theme.text) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast_ratio("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast_ratio("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_digits_are_as_wide_as_each_other(qapp: QApplication) -> None:
    from PySide6.QtGui import QFontMetricsF

    for bold in (False, True):
        metrics = QFontMetricsF(text_font(1.2, bold=bold))
        assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1


def test_system_theme_is_one_of_the_two(qapp: QApplication) -> None:
    assert theme_named("system") in (DARK, LIGHT)
    assert theme_named("light") is LIGHT


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_style_sheet_is_complete_and_readable_for_qt(qtbot: QtBot, qapp: QApplication, theme: Theme) -> None:
    apply_theme(theme)
    assert "$" not in qapp.styleSheet()
    assert theme.background in qapp.styleSheet()
    for name in (f"chevron-{theme.name}", f"check-{theme.name}"):
        assert f"{name}.svg" in qapp.styleSheet()
        assert (ICONS_DIR / f"{name}.svg").is_file()


def test_every_icon_draws_something_in_the_wanted_colour(qapp: QApplication) -> None:
    names = sorted(path.stem for path in ICONS_DIR.glob("*.svg"))
    assert len(names) >= 20
    for name in names:
        if not name.startswith(("chevron", "check", "faceapp")):
            image = icon_pixmap(name, "#123456", 24, 2.0).toImage()
            inks = {image.pixelColor(x, y).name() for x in range(48) for y in range(48)}
            assert "#123456" in inks, name
