"""The ways to the player: from the command line, and from the live window's menu."""

from __future__ import annotations

from pathlib import Path

from faceapp.endings import ended_like_ctrl_c
from faceapp.errors import SessionError
from faceapp.settings import Settings, default_path
from faceapp.ui.application import has_display, make_application
from faceapp.ui.player.review import load_review
from faceapp.ui.player.window import PlayerWindow

MEMORY_FILE = "player.ini"


def run_player(folder: Path) -> int:
    """Show a session until the window is closed.

    Args:
        folder: A session folder.

    Returns:
        The exit code.

    Raises:
        SessionError: There is no session that can be opened, or no display.
    """
    review = load_review(folder)
    if not has_display():
        raise SessionError(
            f"{folder}: expected a display to show the session on, found none; "
            "use `faceapp session report` or `faceapp session export` instead"
        )
    application = make_application()
    window = make_player(Settings.load(default_path()).theme)
    with ended_like_ctrl_c(application.quit):
        window.show()
        window.show_review(review)
        code = int(application.exec())
        window.close()
    return code


def make_player(theme: str) -> PlayerWindow:
    """Return a player's window that remembers its place and the annotator.

    Args:
        theme: "dark", "light" or "system".
    """
    return PlayerWindow(theme, memory_path=default_path().with_name(MEMORY_FILE))


__all__ = ["make_player", "run_player"]
