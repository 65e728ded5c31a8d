"""The two ways to the window: shown to a person until it is closed, or drawn into a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt

from faceapp.errors import SessionError
from faceapp.pipeline import PipelineStatistics
from faceapp.settings import Settings, Theme, default_path
from faceapp.types import FrameResult
from faceapp.ui.application import make_application
from faceapp.ui.window import MainWindow

__all__ = ["MainWindow", "run_window", "save_window_picture"]


def run_window(settings: Settings, source: str) -> int:
    """Show the window until it is closed.

    Args:
        settings: What the window starts with; changes are saved in `faceapp.settings.default_path()`.
        source: Source to open, or "" for the one of the settings.

    Returns:
        The exit code.
    """
    application = make_application()
    window = MainWindow(replace(settings, source=source or settings.source), settings_path=default_path())
    window.show()
    window.start()
    return int(application.exec())


def save_window_picture(
    results: Sequence[FrameResult],
    path: Path,
    *,
    theme: Theme = "dark",
    statistics: PipelineStatistics | None = None,
) -> None:
    """Draw the real window with given results into a PNG; needs no display and opens no source.

    Args:
        results: At least one result, in order; the last one is shown, all of them make the timeline.
        path: The picture to write.
        theme: "dark" or "light".
        statistics: Numbers for the status line.

    Raises:
        ValueError: There are no results.
        SessionError: The picture can't be written.
    """
    if not results:
        raise ValueError("results: expected at least one to draw, found none")
    make_application()
    window = MainWindow(replace(Settings(), theme=theme, source=results[-1].frame.source))
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.show()
    for result in results:
        window.show_result(result)
    window.settle(statistics)
    picture = window.grab()
    window.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not picture.save(str(path), "PNG"):
        raise SessionError(f"{path}: expected to write a picture, the disk refused it; choose another folder")
