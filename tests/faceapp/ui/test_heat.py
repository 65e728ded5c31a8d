"""Heat stands over the place of the chip that it is about."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from faceapp.types import Explanation
from faceapp.ui.heat import legend_words, paint_heat, paint_legend
from faceapp.ui.overlay import PictureMap
from faceapp.ui.theme import theme_named

SIZE = 48


def explanation(task: str = "emotion", answer: str = "fear", largest: float = 2.0) -> Explanation:
    heat = np.zeros((SIZE, SIZE), np.float32)
    heat[30:42, 6:18] = 1
    # The chip shows 96 pixels of the picture from (100, 50) on.
    matrix = np.array([[0.5, 0, -50], [0, 0.5, -25]], np.float32)
    return Explanation(1, task, answer, heat, matrix, largest)


def painted(scale: float) -> QImage:
    image = QImage(int(400 * scale), int(300 * scale), QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    paint_heat(painter, explanation(), PictureMap(scale, QPointF(0, 0)))
    painter.end()
    return image


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_heat_lies_over_its_place_in_the_picture(scale: float) -> None:
    image = painted(scale)
    for x, y, hot in ((124, 122, True), (170, 122, False), (124, 70, False), (50, 50, False)):
        colour = image.pixelColor(int(x * scale), int(y * scale))
        assert (colour.red() > 150) == hot, (x, y, colour.name())


@pytest.mark.usefixtures("qapp")
def test_the_legend_stays_in_the_lower_right_corner() -> None:
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    paint_legend(painter, explanation(), QRectF(0, 0, 400, 300), theme_named("dark"))
    painter.end()
    changed = [
        (x, y)
        for x in range(0, 400, 4)
        for y in range(0, 300, 4)
        if image.pixelColor(x, y) != QColor("white")
    ]
    assert changed and min(x for x, _ in changed) > 100 and min(y for _, y in changed) > 200
    assert max(x for x, _ in changed) < 390 and max(y for _, y in changed) < 290


@pytest.mark.parametrize(
    ("task", "answer", "largest", "words"),
    [
        ("emotion", "fear", 1.0, "pink: covered, its odds fall to 1/2.7"),
        ("emotion", "fear", 9.0, "pink: covered, its odds fall to 1/100 or less"),
        ("emotion", "fear", 0.1, "no single place matters"),
        ("age", "31 years", 4.2, "pink: covered, it moves by 4 years"),
    ],
)
def test_the_legend_says_how_much_the_strongest_place_matters(
    task: str, answer: str, largest: float, words: str
) -> None:
    assert legend_words(explanation(task, answer, largest)) == (f"What “{answer}” rests on", words)
