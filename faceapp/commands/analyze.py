"""`faceapp analyze`: every frame of videos, pictures or streams into session folders, without a window."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.commands.options import (
    add_backend_option,
    add_model_option,
    add_occlusion_option,
    add_region_option,
    add_simulate_option,
    add_smoothing_option,
    count,
    seconds,
    with_options,
)
from faceapp.errors import SessionError, SourceError
from faceapp.settings import Settings

if TYPE_CHECKING:
    from faceapp.headless import Outcome
    from faceapp.session.about import About
    from faceapp.sources.options import Clip

HELP = "analyse videos, pictures or streams without a window: a session folder per input"
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="video, picture, folder of pictures, URL, camera or demo")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the session folders")
    add("--start", type=seconds, metavar="S", help="begin at this time: seconds or minutes:seconds")
    add("--end", type=seconds, metavar="S", help="end at this time")
    add("--every", type=count, default=1, metavar="N", help="analyse every N-th frame (default 1)")
    add("--no-video", action="store_true", help="keep the table only, no copy of the pictures")
    add("--participant", default="", metavar="CODE", help="participant's code, kept in the session")
    add("--notes", default="", metavar="TEXT", help="free text, kept in the session")
    add_model_option(parser)
    add_backend_option(parser)
    add_occlusion_option(parser)
    add_simulate_option(parser)
    add_region_option(parser)
    add_smoothing_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Analyse every input; one that fails does not stop the others.

    Returns:
        0 when all went well, 2 when an input failed, 130 after Ctrl-C.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
        SourceError: The clip ends before it starts.
    """
    from faceapp.session.about import About
    from faceapp.sources.options import Clip

    settings = with_options(Settings(record_video=not arguments.no_video), arguments)
    clip = Clip(arguments.start, arguments.end, arguments.every)
    about = About(arguments.participant, arguments.notes)
    code = 0
    for text in arguments.inputs:
        try:
            outcome = _analyze(text, arguments.out, settings, clip, about)
            _print_outcome(text, outcome)
        except (SourceError, SessionError) as error:
            print(f"faceapp: {error}", file=sys.stderr)
            code = 2
            continue
        if outcome.interrupted:
            return INTERRUPTED
        code = 2 if outcome.error is not None else code
    return code


def _analyze(text: str, out: Path, settings: Settings, clip: Clip, about: About) -> Outcome:
    from tqdm import tqdm

    from faceapp.headless import analyze, new_folder_for
    from faceapp.sources import make_source

    source = make_source(text, start_s=clip.start_s, end_s=clip.end_s, every=clip.every)
    folder = new_folder_for(out, text)
    with tqdm(desc=source.name, unit=" frames", disable=None, leave=False, dynamic_ncols=True) as bar:

        def advance(_result: object) -> None:
            if bar.total is None:  # known once the source is open
                bar.total = getattr(source, "frame_count", None)
            bar.update()

        return analyze(source, folder, settings, clip, about, each=advance)


def _print_outcome(text: str, outcome: Outcome) -> None:
    """Say what was found and where it lies; the error, if any, goes to the standard error stream."""
    from faceapp.session.reader import read_session
    from faceapp.session.summary import format_summary, summarise

    if outcome.folder is not None:
        print(f"{text} -> {outcome.folder}{' (stopped)' if outcome.interrupted else ''}")
        for line in format_summary(summarise(read_session(outcome.folder))):
            print(f"  {line}")
        if outcome.elapsed_s > 0:
            print(f"  {(outcome.frames - 1) / outcome.elapsed_s:.1f} frames a second")
    if outcome.error is not None:
        print(f"faceapp: {outcome.error}", file=sys.stderr)
