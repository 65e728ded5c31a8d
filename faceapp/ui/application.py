"""The Qt application: one a process, offscreen where there is no display."""

from __future__ import annotations

import locale
import os
import sys

from PySide6.QtWidgets import QApplication

DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")


def has_display() -> bool:
    """Whether a window could be shown to a person."""
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in DISPLAY_VARIABLES)


def make_application() -> QApplication:
    """Return the application, made at the first call; it draws into memory where there is no display."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication(sys.argv[:1] or ["faceapp"])
    # Qt takes the user's locale for the whole process; with a decimal comma MediaPipe can't parse its own graphs.
    locale.setlocale(locale.LC_NUMERIC, "C")
    application.setApplicationName("faceapp")
    application.setApplicationDisplayName("faceapp")
    application.setDesktopFileName("faceapp")  # by which Wayland finds name and icon
    return application
