"""`faceapp open`: what a file manager calls: a session in the player, anything else in the window."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

HELP = "open a recorded session in the player, or a video, picture or folder in the window"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        metavar="PATH",
        help="session folder, video, picture or folder of pictures",
    )


def run(arguments: argparse.Namespace) -> int:
    """Open it.

    Returns:
        The exit code of the window.

    Raises:
        SessionError: The session can't be opened, or there is no display to show it on.
        SourceError: There is nothing to open at that place.
    """
    from faceapp.session.metadata import SESSION_FILE
    from faceapp.sources import make_source

    path: Path | None = arguments.path
    if path is not None and (path / SESSION_FILE).is_file():
        start = import_module("faceapp.ui.player.start")
        return int(start.run_player(path))
    if path is not None:
        make_source(str(path))  # what can't be opened is told here, in one line
        arguments.source = str(path)
    return int(arguments.run_window(arguments))
