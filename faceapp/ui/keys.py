"""The keyboard: every key, what it does, and the page that shows them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from faceapp.session.annotation_scheme import RESERVED_KEYS


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One key.

    Attributes:
        shown: As printed for people.
        action: Name of what it does, see `MainWindow`.
        text: What it does, for people.
        keys: Qt's codes.
    """

    shown: str
    action: str
    text: str
    keys: tuple[int, ...]


def _key(shown: str, action: str, text: str, *keys: Qt.Key) -> KeyAction:
    return KeyAction(shown, action, text, tuple(int(key) for key in keys))


KEY_ACTIONS = (
    _key("Space", "pause", "pause, or go on", Qt.Key.Key_Space),
    _key("R", "record", "start or stop recording", Qt.Key.Key_R),
    KeyAction("Shift R", "record_with_details", "record after asking for participant and consent", ()),
    _key("S", "snapshot", "save the picture as you see it", Qt.Key.Key_S),
    _key("O", "occlusion", "next occlusion mode: auto, full, headset, mask", Qt.Key.Key_O),
    _key("H", "hide", "draw a headset, a mask, nothing", Qt.Key.Key_H),
    _key("V", "compare", "read the hidden face three ways, side by side", Qt.Key.Key_V),
    _key("M", "mesh", "show or hide the mesh", Qt.Key.Key_M),
    _key(
        "1 to 9",
        "marker",
        "set a marker; so do the scheme's letters",
        *(Qt.Key(int(Qt.Key.Key_1) + n) for n in range(9)),
    ),
    _key("N", "note", "write a note at this moment", Qt.Key.Key_N),
    _key("A", "about", "markers are about the chosen face, or all", Qt.Key.Key_A),
    KeyAction("Ctrl Z", "undo", "take the last marker back", ()),
    KeyAction("Ctrl L", "queue", "analyse files: show or hide the queue", ()),
    KeyAction("Ctrl E", "explain", "show what the emotion rests on, or no more", ()),
    _key("F", "audience", "full screen for an audience", Qt.Key.Key_F),
    _key("Esc", "back", "leave full screen, close a message", Qt.Key.Key_Escape),
    _key("?", "keys", "show these keys", Qt.Key.Key_Question),
)


_WITH_MODIFIER = {
    (Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_Z): "undo",
    (Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_L): "queue",
    (Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_E): "explain",
    (Qt.KeyboardModifier.ShiftModifier, Qt.Key.Key_R): "record_with_details",
}


def action_of(event: QKeyEvent) -> tuple[str, str]:
    """Return what a key does and its own text; ("", "") for other keys, held keys and Ctrl, Alt or Meta.

    A letter that the window does not use itself is a marker: the annotation scheme knows which.
    """
    modified = _WITH_MODIFIER.get((event.modifiers(), Qt.Key(event.key())))
    if modified is not None and (modified == "undo" or not event.isAutoRepeat()):
        return modified, ""
    held = (
        Qt.KeyboardModifier.ControlModifier
        | Qt.KeyboardModifier.AltModifier
        | Qt.KeyboardModifier.MetaModifier
    )
    if event.isAutoRepeat() or event.modifiers() & held:
        return "", ""
    for entry in KEY_ACTIONS:
        if event.key() in entry.keys:
            return entry.action, event.text()
    letter = event.text().upper()
    if len(letter) == 1 and letter.isascii() and letter.isalpha() and letter not in RESERVED_KEYS:
        return "marker", letter
    return "", ""


def keys_page() -> list[tuple[str, str]]:
    """Return the rows of the page that shows the keys."""
    return [(entry.shown, entry.text) for entry in KEY_ACTIONS]
