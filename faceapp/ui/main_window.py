"""The two ways to the window: shown to a person until it is closed, or drawn into a picture."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from engines.tensorrt.build_control import watch_builds
from faceapp.endings import ended_like_ctrl_c
from faceapp.errors import SessionError
from faceapp.pipeline import PipelineStatistics
from faceapp.settings import Settings, Theme, default_path
from faceapp.types import FrameResult
from faceapp.ui.application import make_application
from faceapp.ui.steady import EASE_S
from faceapp.ui.window import MainWindow

__all__ = ["MainWindow", "run_window", "save_window_picture"]

logger = logging.getLogger(__name__)

_LOADING_S = 20.0


def run_window(
    settings: Settings, source: str, problems: Sequence[str] = (), stored: Settings | None = None
) -> int:
    """Show the window until it is closed.

    Args:
        settings: What the window starts with; changes are saved in `faceapp.settings.default_path()`.
        source: Source to open, or "" for the one of the settings.
        problems: Sentences to show at once, such as what was wrong with the settings file.
        stored: The settings without what the command line says for this once.

    Returns:
        The exit code.
    """
    application = make_application()
    start = replace(settings, source=source or settings.source)
    window = MainWindow(start, settings_path=default_path(), stored=stored or settings)
    hook = sys.excepthook
    sys.excepthook = partial(_tell_unexpected, window)
    watch_builds(window.live.builds.control)
    try:
        with ended_like_ctrl_c(application.quit):
            window.show()
            window.start()
            if problems:
                window.controls.complain(" ".join(problems))
            code = int(application.exec())
            window.close()
    finally:
        window.live.builds.cancel()  # a build would keep the program for minutes
        watch_builds(None)
        sys.excepthook = hook
    _wait_for_threads()
    return code


def _tell_unexpected(
    window: MainWindow, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log an error that nobody expected, and say so in the window, which goes on."""
    logger.error("an error in the window", exc_info=(kind, error, trace))
    window.controls.complain(f"Something went wrong in the window ({kind.__name__}: {error}); it goes on.")


def settle(window: MainWindow, statistics: PipelineStatistics | None = None, backend: str = "") -> None:
    """Show the newest result as it looks once the bars have arrived, for a picture of the window."""
    window.show_timeline()
    window.refresh()
    window.status.show_statistics(statistics)
    if backend:
        window.status.show_engines("" if window.chosen is None else window.chosen.model, backend)
    until_s = time.perf_counter() + 2 * EASE_S
    while time.perf_counter() < until_s:
        QApplication.processEvents()
    QApplication.sendPostedEvents()
    QApplication.processEvents()


def _wait_for_threads() -> None:
    """Let threads that load a model finish; leaving the interpreter under them aborts the program."""
    until_s = time.monotonic() + _LOADING_S
    for thread in threading.enumerate():
        if thread.name.startswith("faceapp-"):
            thread.join(max(0.0, until_s - time.monotonic()))


def save_window_picture(
    results: Sequence[FrameResult],
    path: Path,
    *,
    theme: Theme = "dark",
    statistics: PipelineStatistics | None = None,
    backend: str = "",
) -> None:
    """Draw the real window with given results into a PNG; needs no display and opens no source.

    Args:
        results: At least one result, in order; the last one is shown, all of them make the timeline.
        path: The picture to write.
        theme: "dark" or "light".
        statistics: Numbers for the status line.
        backend: Back end for the status line.

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
    settle(window, statistics, backend)
    picture = window.grab()
    window.close()
    window.deleteLater()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not picture.save(str(path), "PNG"):
        raise SessionError(f"{path}: expected to write a picture, the disk refused it; choose another folder")
