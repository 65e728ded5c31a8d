"""`faceapp`: the window, or one of the commands; what can't be done is one clear line and exit code 2."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from faceapp.endings import ended_like_ctrl_c
from faceapp.surroundings import problem

if TYPE_CHECKING:
    from faceapp.pipeline import PipelineStatistics
    from faceapp.types import FrameResult

COMMANDS = ("open", "analyze", "predict", "session", "bench", "doctor", "completion")
FAILED, INTERRUPTED = 2, 130

_DESCRIPTION = """\
Reads faces live: emotion, age, gender and smile, also under a headset or a mask.
Without a command the window opens; where there is no display, ten seconds of the demo are analysed instead.
Everything is computed on this machine."""
_EPILOG = "The values are estimates of appearance, not of what a person feels or is."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: Command line without the program's name; None takes the real one.

    Returns:
        The exit code: 0 when all went well, 2 for a clear error, 130 after Ctrl-C.
    """
    with ended_like_ctrl_c():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    """Run the window or a command; return the exit code."""
    try:
        if said := problem():
            print(f"faceapp: {said}", file=sys.stderr)
            return FAILED
        _write_any_name()
        parser = _parser()
        parsed = parser.parse_args(arguments, argparse.Namespace(parser=parser, run_window=_run_window))
        _set_up_logging(parsed.verbose, parsed.quiet)
        if parsed.command is None:
            return _run_window(parsed)
        return int(import_module(f"faceapp.commands.{parsed.command}").run(parsed))
    except project_errors() as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return FAILED
    except ImportError as error:
        library = re.match(r"(lib\S+\.so\S*): cannot open shared object file", str(error))
        if library is None:
            raise
        print(f"faceapp: {missing_library(library[1])}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # `faceapp ... | head`: nobody reads any more, and what Python would still write is dropped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("faceapp: stopped", file=sys.stderr)
        return INTERRUPTED


def _write_any_name() -> None:
    """Let standard output take file names that its encoding lacks, as error output does."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def project_errors() -> tuple[type[Exception], ...]:
    """Return the errors whose text is written for people."""
    from engines.errors import CardError, EngineError
    from faceapp.errors import SessionError, SourceError, StreamError

    return SourceError, SessionError, CardError, EngineError, StreamError


def missing_library(name: str) -> str:
    """Return the line about a system library that OpenCV or Qt needs and the machine lacks."""
    from faceapp.commands.system_libraries import INSTALL_SYSTEM_LIBRARIES

    return (
        f"expected the system library {name}, found none; install it, "
        f"on Debian and Ubuntu: {INSTALL_SYSTEM_LIBRARIES}"
    )


def _parser() -> argparse.ArgumentParser:
    from faceapp.commands.every_command import complete
    from faceapp.commands.options import (
        add_backend_option,
        add_lsl_markers_option,
        add_model_option,
        add_occlusion_option,
        add_region_option,
        add_simulate_option,
        add_stream_options,
    )

    parser = argparse.ArgumentParser(
        prog="faceapp",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    parser.add_argument(
        "--source",
        metavar="SOURCE",
        default=argparse.SUPPRESS,
        help="0 (a camera's number), a camera's name, a video, a folder of pictures, an rtsp:// or http:// "
        "URL, demo, demo:headset or demo:mask",
    )
    add_model_option(parser)
    add_backend_option(parser)
    add_occlusion_option(parser)
    add_simulate_option(parser)
    add_region_option(parser)
    add_stream_options(parser)
    add_lsl_markers_option(parser)
    parser.add_argument(
        "--sessions",
        dest="sessions_dir",
        type=Path,
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder that holds the recorded sessions (default: faceapp-sessions in your home folder)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name in COMMANDS:
        command = import_module(f"faceapp.commands.{name}")
        description = f"{command.HELP[0].upper()}{command.HELP[1:]}."
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=description))
    complete(parser)
    return parser


class _Version(argparse.Action):
    """Prints the version; looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from faceapp.surroundings import program_version

        print(f"faceapp {program_version()}")
        parser.exit()


def _set_up_logging(verbose: bool, quiet: bool) -> None:
    """Send warnings to the standard error stream, with --verbose everything, and all of ours to the log file."""
    from faceapp.commands.log_file import LogFile, log_path

    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter("faceapp: %(message)s"))
    if not verbose:
        terminal.setLevel(logging.ERROR if quiet else logging.WARNING)
        terminal.addFilter(concerns_people)
    handlers: list[logging.Handler] = [terminal]
    with suppress(OSError):  # a home folder that can't be written to
        handlers.append(LogFile(log_path()))
    logging.basicConfig(level=logging.INFO, handlers=handlers)


def concerns_people(record: logging.LogRecord) -> bool:
    """Leave out the chat of libraries, and the project's own errors, which are printed once at the end."""
    from faceapp.commands.log_file import is_ours

    if record.exc_info and isinstance(record.exc_info[1], project_errors()):
        return False
    return record.levelno >= logging.ERROR or is_ours(record)


def _run_window(arguments: argparse.Namespace) -> int:
    """Open the window, or analyse the demo where there is no display."""
    from faceapp.commands.doctor import window_problem
    from faceapp.commands.options import with_options
    from faceapp.settings import Settings, default_path

    try:
        from faceapp.ui.application import has_display
        from faceapp.ui.main_window import run_window
    except ImportError:
        print(f"faceapp: {window_problem()}", file=sys.stderr)
        return FAILED
    if not has_display():
        from faceapp.commands.demo import run_demo

        source = getattr(arguments, "source", "demo")
        return run_demo(with_options(Settings(), arguments), source, _save_picture)
    if problem := window_problem():
        print(f"faceapp: {problem}", file=sys.stderr)
        return FAILED
    stored = Settings.load(default_path())
    settings = with_options(stored, arguments)
    if not hasattr(arguments, "source") and settings.source.isdecimal() and not _has_camera():
        return run_window(settings, "demo", ["No camera was found: this is the built-in demo."], stored)
    return run_window(settings, settings.source, (), stored)


def _has_camera() -> bool:
    from faceapp.sources import list_cameras

    return bool(list_cameras())


def _save_picture(results: Sequence[FrameResult], path: Path, statistics: PipelineStatistics) -> None:
    from faceapp.ui.main_window import save_window_picture

    save_window_picture(results, path, statistics=statistics)


def start() -> NoReturn:
    """Run the program as its own process, and end it.

    What must be whole is closed already; threads inside a library that still load a model after Ctrl-C, or hang in a
    camera's driver, are not waited for.
    """
    code = main()
    if code == INTERRUPTED or any(thread.name.startswith("faceapp-") for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        logging.shutdown()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    start()
