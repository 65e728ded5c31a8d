"""`faceapp analyze`: every frame of videos, pictures or streams into session folders, without a window."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from faceapp.commands.analyze_progress import AnalyzeProgress, print_done
from faceapp.commands.options import (
    add_backend_option,
    add_labels_option,
    add_lsl_markers_option,
    add_model_option,
    add_movement_options,
    add_occlusion_option,
    add_region_option,
    add_simulate_option,
    add_smoothing_option,
    add_stream_options,
    count,
    seconds,
    with_options,
)
from faceapp.errors import SessionError, SourceError, StreamError
from faceapp.settings import FaceStyle, Settings

if TYPE_CHECKING:
    from faceapp.batch.jobs import Done, Job
    from faceapp.batch.live_marks import TypedMarks
    from faceapp.batch.processes import Progress
    from faceapp.session.about import About

HELP = "analyse videos, pictures or streams without a window: a session folder per input"
INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    add = parser.add_argument
    add(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="video, picture, folder of videos or pictures, URL, camera or demo",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the session folders")
    add("--start", type=seconds, metavar="S", help="begin at this time: seconds or minutes:seconds")
    add("--end", type=seconds, metavar="S", help="end at this time")
    add(
        "--for",
        dest="for_s",
        type=seconds,
        metavar="S",
        help="so many seconds: from the start, of a camera or stream from its first result",
    )
    add(
        "--markers",
        choices=("stdin",),
        help="of a camera or stream: every line of the standard input is a mark of its moment",
    )
    add("--every", type=count, default=1, metavar="N", help="analyse every N-th frame (default 1)")
    add("--no-video", action="store_true", help="keep the table only, no copy of the pictures")
    add(
        "--shared",
        dest="shared_recordings",
        action="store_true",
        default=argparse.SUPPRESS,
        help="others on this computer may read the sessions (default: you alone)",
    )
    add("--participant", default="", metavar="CODE", help="participant's code, kept in the session")
    add(
        "--session",
        default="",
        metavar="NAME",
        help="session among those of the participant, kept in the session",
    )
    add("--condition", default="", metavar="NAME", help="condition of the experiment, kept in the session")
    add(
        "--consent",
        type=Path,
        metavar="FILE",
        help="text of the notice that was accepted, kept word for word",
    )
    add(
        "--consented-at", metavar="UTC", help="when it was accepted, like 2026-01-31T09:15:02Z (default: now)"
    )
    add("--notes", default="", metavar="TEXT", help="free text, kept in the session")
    add(
        "--faces",
        choices=get_args(FaceStyle),
        default="clear",
        help="how faces look in the recorded video (default clear)",
    )
    add("--processes", type=count, default=1, metavar="N", help="inputs analysed side by side (default 1)")
    add(
        "--resume", action="store_true", help="skip what an earlier run finished, redo what it left half done"
    )
    add(
        "--study",
        action="store_true",
        help="afterwards write study.csv and conditions.csv over all sessions in DIR",
    )
    add(
        "--cluster",
        metavar="ADDRESS",
        help="analyse on a Dask cluster: address of its scheduler, such as tcp://host:8786",
    )
    add_model_option(parser)
    add_backend_option(parser)
    add_occlusion_option(parser)
    add_simulate_option(parser)
    add_region_option(parser)
    add_smoothing_option(parser)
    add_movement_options(parser)
    add_labels_option(parser)
    add_stream_options(parser)
    add_lsl_markers_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Analyse every input; one that fails does not stop the others.

    Returns:
        0 when all went well, 2 when an input failed, 130 after Ctrl-C.

    Raises:
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
        SourceError: The clip ends before it starts.
        SessionError: The notice can't be read.
        StreamError: A stream can't be opened, or several inputs at once should be streamed.
    """
    from faceapp.batch.inputs import expand_inputs
    from faceapp.batch.jobs import make_jobs, split_finished
    from faceapp.sources.options import Clip

    settings = with_options(
        Settings(record_video=not arguments.no_video, record_faces=arguments.faces), arguments
    )
    if (settings.lsl or settings.osc) and (arguments.processes > 1 or arguments.cluster):
        raise StreamError(
            "streams: expected one input at a time, found --processes or --cluster; leave them out"
        )
    clip = Clip(arguments.start, arguments.end, arguments.every, for_s=arguments.for_s)
    texts = expand_inputs(arguments.inputs)
    if arguments.markers or settings.lsl_markers:
        _require_one_live_source(texts, arguments)
    jobs = make_jobs(texts, arguments.out, settings, clip, _about(arguments))
    if arguments.resume:
        jobs, finished = split_finished(jobs, arguments.out)
        for job, folder in finished:
            print(f"{job.text} -> {folder} (finished earlier)")
    if jobs:
        _warn_of_little_room(arguments.out)
    with _without_empty_folders(arguments.out):
        code = _run_jobs(jobs, arguments)
    if arguments.study and code != INTERRUPTED:
        code = max(code, _write_study(arguments.out))
    return code


@contextmanager
def _without_empty_folders(out: Path) -> Iterator[None]:
    """Remove afterwards the folders that were made for sessions and hold none."""
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        yield
    finally:
        with suppress(OSError):  # it is not empty, or was never made
            for folder in missing:
                folder.rmdir()


def _warn_of_little_room(out: Path) -> None:
    """Say on the standard error stream when the disk of the sessions is nearly full."""
    from faceapp.session.disk_watch import DiskWatch

    place = next((folder for folder in (out, *out.absolute().parents) if folder.is_dir()), out)
    watch = DiskWatch(place, stop_bytes=0)  # below that the recording itself ends, and says so
    watch.check()
    if watch.low:
        print(
            f"faceapp: {out}: expected at least {watch.warn_bytes / 1e9:.0f} GB free, "
            f"found {(watch.free_bytes or 0) / 1e9:.1f} GB; free some space or choose another folder",
            file=sys.stderr,
        )


def _about(arguments: argparse.Namespace) -> About:
    from faceapp.session.about import About, Consent

    consent = None
    if arguments.consent is not None:
        try:
            text = arguments.consent.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SessionError(
                f"{arguments.consent}: expected a text file with the notice, found: {error}"
            ) from error
        when = {"accepted_utc": arguments.consented_at} if arguments.consented_at else {}
        consent = Consent(text, **when)
    return About(arguments.participant, arguments.notes, arguments.session, arguments.condition, consent)


def _run_jobs(jobs: Sequence[Job], arguments: argparse.Namespace) -> int:
    code, ended = 0, 0
    with AnalyzeProgress(jobs, arguments.quiet) as progress:
        for done in _results(jobs, arguments, progress.step):
            ended += 1
            progress.ended(done)
            print_done(done, progress)
            if done.interrupted:
                code = INTERRUPTED
            elif done.error and code != INTERRUPTED:
                code = 2
    if code == INTERRUPTED and len(jobs) > 1:
        print(
            f"faceapp: stopped after {ended} of {len(jobs)} inputs; go on with the same command and --resume",
            file=sys.stderr,
        )
    return code


def _results(jobs: Sequence[Job], arguments: argparse.Namespace, step: Progress) -> Iterator[Done]:
    from faceapp.batch.processes import run_here, run_in_processes

    if arguments.cluster:
        from faceapp.batch.cluster import run_on_cluster

        return run_on_cluster(jobs, arguments.cluster, step)
    if arguments.processes > 1 and len(jobs) > 1:
        return run_in_processes(jobs, min(arguments.processes, len(jobs)), step)
    return run_here(jobs, step, _typed_marks(arguments))


def _typed_marks(arguments: argparse.Namespace) -> TypedMarks | None:
    from faceapp.batch.live_marks import TypedMarks

    return TypedMarks(sys.stdin) if arguments.markers else None


def _require_one_live_source(texts: Sequence[str], arguments: argparse.Namespace) -> None:
    """Refuse markers where their moment is none of the recording's.

    Raises:
        SourceError: There are several inputs, a recording, or several processes.
    """
    from faceapp.sources import make_source

    if len(texts) != 1 or arguments.cluster or not make_source(texts[0], for_s=arguments.for_s).live:
        raise SourceError(
            f"markers: expected one camera or stream to set them in, found {', '.join(texts)}; leave the markers out"
        )


def _write_study(out: Path) -> int:
    from faceapp.session.study import session_folders, study_rows, write_study

    problems: list[str] = []
    for path in write_study(study_rows(session_folders(out), problems), out):
        print(path)
    for problem in problems:
        print(f"faceapp: {problem}", file=sys.stderr)
    return 2 if problems else 0
