"""Keys, mouse and looks of the player's tests."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from faceapp.session.annotations import Event
from faceapp.ui.player.window import PlayerWindow
from tests.faceapp.ui.player.conftest import RATE_HZ

PLAIN = Qt.KeyboardModifier.NoModifier

SHIFT, CONTROL, ALT = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)


def press(
    window: PlayerWindow,
    key: Qt.Key,
    text: str = "",
    how: Qt.KeyboardModifier = PLAIN,
    to: QWidget | None = None,
) -> None:
    QApplication.sendEvent(to or window.video, QKeyEvent(QEvent.Type.KeyPress, key, how, text))


def shows_frame(window: PlayerWindow, index: int) -> bool:
    result = window.stage.result
    return result is not None and abs(result.frame.time_s - index / RATE_HZ) < 0.0006


def drag(qtbot: QtBot, widget: QWidget, start: QPointF, end: QPointF) -> None:
    qtbot.mousePress(widget, Qt.MouseButton.LeftButton, pos=start.toPoint())
    for share in (0.3, 0.7, 1.0):
        place = start + (end - start) * share
        move = _move(place)
        QApplication.sendEvent(widget, move)
    qtbot.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end.toPoint())


def _move(place: QPointF) -> QEvent:
    from PySide6.QtGui import QMouseEvent

    button = Qt.MouseButton.LeftButton
    return QMouseEvent(QEvent.Type.MouseMove, place, place, button, button, PLAIN)


def mark_of(window: PlayerWindow, author: str, label: str) -> Event:
    assert window.review is not None
    return next(e for e in window.review.annotations.events if (e.author, e.label) == (author, label))
