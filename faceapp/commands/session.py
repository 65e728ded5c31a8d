"""`faceapp session`: check and repair, export, report or summarise recorded sessions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from faceapp.commands.session_figures import FIGURE_ACTIONS, add_figure_actions
from faceapp.commands.session_teach import TEACH_ACTIONS, add_teach_actions
from faceapp.errors import SessionError

HELP = "open, check and repair, export, report or summarise recorded sessions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    from faceapp.session.exports import export_names

    actions = parser.add_subparsers(
        dest="action", required=True, metavar="open|check|export|report|summary|agreement|study|teach|labels"
    )
    opened = actions.add_parser("open", help="see a session again, annotate and compare it")
    opened.add_argument("folders", nargs=1, type=Path, metavar="DIR", help="session folder")
    check = actions.add_parser("check", help="verify sessions and repair what a killed program left behind")
    check.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="session folder")
    check.add_argument(
        "--look-only", action="store_true", help="say what would be repaired and change nothing"
    )
    export = actions.add_parser("export", help="write files that other programs read")
    export.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="session folder")
    export.add_argument(
        "--format", action="append", choices=export_names(), help="only this format; may be repeated"
    )
    export.add_argument("--out", type=Path, metavar="DIR", help="folder for the files (default: DIR/export)")
    add_figure_actions(actions)
    add_teach_actions(actions)
    report = actions.add_parser("report", help="write one HTML page that opens offline")
    report.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="session folder")
    report.add_argument(
        "--out", type=Path, metavar="FILE.html", help="page to write (default: DIR/report.html)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the action on every folder; one that fails does not stop the others.

    Returns:
        0 when all went well, 2 otherwise.
    """
    if arguments.action in TEACH_ACTIONS:  # all sessions together
        return TEACH_ACTIONS[arguments.action](arguments)
    if len(arguments.folders) > 1 and getattr(arguments, "out", None) is not None:
        raise SessionError("--out: expected one session with it, found several; leave it out or give one")
    action = {"open": _open, "check": _check, "export": _export, "report": _report, **FIGURE_ACTIONS}[
        arguments.action
    ]
    return max([_run_one(action, folder, arguments) for folder in arguments.folders])


def _run_one(
    action: Callable[[Path, argparse.Namespace], int], folder: Path, arguments: argparse.Namespace
) -> int:
    try:
        return action(folder, arguments)
    except SessionError as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return 2


def _open(folder: Path, arguments: argparse.Namespace) -> int:
    start = import_module("faceapp.ui.player.start")  # the window's libraries load only when they are needed
    return int(start.run_player(folder))


def _check(folder: Path, arguments: argparse.Namespace) -> int:
    from faceapp.session.check import check_session
    from faceapp.session.numbers import counted

    result = check_session(folder, repair=not arguments.look_only)
    for repair in result.repairs:
        print(f"{'to repair' if arguments.look_only else 'repaired'}: {repair}")
    for problem in result.problems:
        inside = problem.removeprefix(f"{folder}{os.sep}").removeprefix(
            f"{folder}: "
        )  # the folder is named once
        print(f"faceapp: {folder}: {inside}", file=sys.stderr)
    if result.problems:
        return 2
    video = (
        "no video"
        if result.frames_in_video is None
        else f"{counted(result.frames_in_video, 'frame')} of video"
    )
    state = "to be repaired" if arguments.look_only and result.repairs else "sound"
    print(f"{folder}: {state}, {counted(result.rows, 'row')}, {video}")
    return 0


def _export(folder: Path, arguments: argparse.Namespace) -> int:
    from faceapp.session.export import export_session, missing_formats

    if arguments.format is None:
        for name, reason in missing_formats().items():
            print(f"faceapp: {name} is left out: {reason}", file=sys.stderr)
    for path in export_session(folder, arguments.format, arguments.out):
        print(path)
    return 0


def _report(folder: Path, arguments: argparse.Namespace) -> int:
    from faceapp.session.report import write_report

    print(write_report(folder, arguments.out))
    return 0
