"""`faceapp completion`: prints what teaches a shell the commands and options."""

from __future__ import annotations

import argparse
from typing import Any

from faceapp.errors import SessionError

HELP = "print a script with which a shell completes commands and options"
SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("shell", choices=SHELLS, help="the shell that completes")


def run(arguments: argparse.Namespace) -> int:
    """Print the script.

    Returns:
        0.

    Raises:
        SessionError: The library that writes such scripts is missing.
    """
    parser: Any = arguments.parser
    try:
        import shtab
    except ImportError as error:
        raise SessionError(
            f"completion: expected the package shtab, found none ({error}); install it: pip install shtab"
        ) from error
    for each in _actions(parser):
        each.complete = shtab.FILE
    print(shtab.complete(parser, shell=arguments.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> list[Any]:
    """Return the arguments of a parser and all below it that take a file or a folder."""
    from faceapp.commands.every_command import commands_below

    return [
        action
        for _, each in commands_below(parser)
        for action in each._actions
        if action.metavar in ("INPUT", "DIR", "PATH", "FILE", "FILE.csv", "FILE.html", "SOURCE")
    ]
