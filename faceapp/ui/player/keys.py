"""The keyboard of the player: every key, what it does, and the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from faceapp.session.annotation_scheme import Code

_NONE, _SHIFT, _CONTROL, _ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
_K = Qt.Key
ACTIONS: dict[tuple[Qt.KeyboardModifier, Qt.Key], str] = {
    (_NONE, _K.Key_Space): "play",
    (_NONE, _K.Key_Left): "step_back",
    (_NONE, _K.Key_Right): "step_on",
    (_SHIFT, _K.Key_Left): "second_back",
    (_SHIFT, _K.Key_Right): "second_on",
    (_CONTROL, _K.Key_Left): "ten_back",
    (_CONTROL, _K.Key_Right): "ten_on",
    (_NONE, _K.Key_Home): "start",
    (_NONE, _K.Key_End): "end",
    (_NONE, _K.Key_Down): "slower",
    (_NONE, _K.Key_Up): "faster",
    (_NONE, _K.Key_Plus): "zoom_in",
    (_SHIFT, _K.Key_Plus): "zoom_in",
    (_NONE, _K.Key_Equal): "zoom_in",
    (_NONE, _K.Key_Minus): "zoom_out",
    (_NONE, _K.Key_0): "show_all",
    (_NONE, _K.Key_Comma): "mark_before",
    (_NONE, _K.Key_Period): "mark_after",
    (_NONE, _K.Key_Return): "edit",
    (_NONE, _K.Key_Enter): "edit",
    (_NONE, _K.Key_Delete): "remove",
    (_NONE, _K.Key_Backspace): "remove",
    (_ALT, _K.Key_Left): "nudge_back",
    (_ALT, _K.Key_Right): "nudge_on",
    (_NONE, _K.Key_N): "note",
    (_NONE, _K.Key_A): "about",
    (_NONE, _K.Key_O): "overlays",
    (_NONE, _K.Key_V): "raw",
    (_NONE, _K.Key_D): "difference",
    (_CONTROL, _K.Key_Z): "undo",
    (_CONTROL | _SHIFT, _K.Key_Z): "redo",
    (_CONTROL, _K.Key_Y): "redo",
    (_NONE, _K.Key_Escape): "back",
    (_NONE, _K.Key_Question): "keys",
    (_SHIFT, _K.Key_Question): "keys",
}
REPEATED = frozenset(
    {"step_back", "step_on", "second_back", "second_on", "ten_back", "ten_on", "nudge_back"}
) | {
    "nudge_on",
    "zoom_in",
    "zoom_out",
}
"""What goes on while its key is held."""
_PAGE = (
    ("Space", "play, or pause"),
    ("← →", "one frame back or on; with Shift a second, with Ctrl ten"),
    ("Home, End", "start and end of the session"),
    ("↓ ↑", "slower, faster"),
    ("− + 0", "zoom out, zoom in, show all"),
    (", .", "mark before, mark after"),
    ("N", "note at the position"),
    ("A", "new marks are about the chosen face, or all"),
    ("Enter", "change the chosen mark; Delete removes it"),
    ("Alt ← →", "move the chosen mark by a frame"),
    ("Ctrl Z", "undo; with Shift: redo"),
    ("O", "faces in the picture on or off"),
    ("V", "values smoothed or raw"),
    ("D", "next difference of the two that are compared"),
    ("Esc", "choose no mark, close a message"),
    ("?", "show these keys"),
)


def player_action(event: QKeyEvent) -> str:
    """Return what a key does; "" for keys that do nothing here, and for held ones that don't repeat."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    action = ACTIONS.get((modifiers, Qt.Key(event.key())), "")
    return "" if event.isAutoRepeat() and action not in REPEATED else action


def code_key(event: QKeyEvent) -> str:
    """Return the key by which a scheme knows it: a digit or a capital letter; "" for other keys."""
    if event.isAutoRepeat() or event.modifiers() & (_CONTROL | _ALT | Qt.KeyboardModifier.MetaModifier):
        return ""
    text = event.text().upper()
    return text if len(text) == 1 and text.isascii() and text.isalnum() else ""


def player_keys_page(codes: Iterable[Code]) -> list[tuple[str, str]]:
    """Return the rows of the page that shows the keys, those of the scheme first."""
    own = [(code.key, _meaning(code)) for code in codes if code.key]
    return [*own, *_PAGE]


def _meaning(code: Code) -> str:
    how = "begin and end" if code.shape == "range" else "mark"
    return f"{how} “{code.label}”"
