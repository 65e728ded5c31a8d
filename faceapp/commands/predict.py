"""`faceapp predict`: pictures in, a CSV row per face out."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engines.card import EMOTIONS
from engines.whole_file import part_of, put_in_place
from faceapp.commands.options import (
    add_backend_option,
    add_model_option,
    add_occlusion_option,
    count,
    face_count,
    with_options,
)
from faceapp.errors import SessionError
from faceapp.settings import MOST_FACES

if TYPE_CHECKING:
    from faceapp.analysis.face_reader import FaceReader
    from faceapp.analysis.picture_readings import Reading
    from faceapp.settings import Settings
    from faceapp.types import FaceTrack

HELP = "read the faces of pictures into a CSV file: a row per face"
COLUMNS = (
    *("image", "emotion", *(f"p_{name}" for name in EMOTIONS)),
    *("age_years", "age_std_years", "p_female", "p_smile", "occlusion", "model"),
    *("face", "x0_px", "y0_px", "x1_px", "y1_px", "score", "yaw_deg", "pitch_deg", "roll_deg"),
)
"""What was found where comes last: it is empty for crops, in which nothing is looked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    add = parser.add_argument
    add(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        metavar="PATH",
        help="pictures, or folders of pictures",
    )
    add(
        "--out", type=Path, required=True, metavar="FILE.csv", help="table to write; an older one is replaced"
    )
    add(
        "--crops",
        action="store_true",
        help="every picture is one face crop, prepared as in training (aligned where landmarks are found or a half "
        "is seen to be hidden, else whole): a row per picture, in order",
    )
    add(
        "--jobs",
        type=count,
        default=None,
        metavar="N",
        help="threads that find landmarks of crops (default: all)",
    )
    add(
        "--max-faces",
        type=face_count,
        metavar="N",
        default=argparse.SUPPRESS,
        help=f"faces to look for in a picture, up to {MOST_FACES} (default: 8)",
    )
    add_model_option(parser)
    add_backend_option(parser)
    add_occlusion_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read every picture.

    Returns:
        0 when all went well, 2 when a picture could not be read (the rows of the others are there).

    Raises:
        SourceError: There is no picture.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
        SessionError: The table can't be written.
    """
    from faceapp.analysis.analyzer import load_engines
    from faceapp.analysis.face_reader import FaceReader
    from faceapp.settings import Settings
    from faceapp.sources.picture_files import list_pictures

    pictures = list_pictures(arguments.images)
    settings = with_options(Settings(smoothing=0, landmark_smoothing=0), arguments)
    # A model that a person named answers for every face; "auto" leaves unread what nobody can read.
    abstains = settings.model == "auto"
    with (
        _new_table(arguments.out) as write,
        closing(FaceReader(load_engines(settings), 0.0, settings.occlusion, abstains=abstains)) as reader,
    ):
        jobs = (arguments.jobs or _processors()) if arguments.crops else 0
        readings = _readings(reader, settings, pictures, jobs)
        limit = 0 if arguments.crops else settings.max_faces
        tally = _write_rows(readings, len(pictures), write, limit, arguments.quiet)
    if not arguments.quiet:
        _tell(tally, arguments.out, len(pictures), limit)
    return 2 if tally.failed else 0


@dataclass(slots=True)
class _Tally:
    """How many pictures could not be read, show no face, and show as many as are looked for; how many faces were read."""

    failed: int = 0
    without_face: int = 0
    crowded: int = 0
    faces: int = 0


def _tell(tally: _Tally, out: Path, pictures: int, limit: int) -> None:
    """Say what was written and what is missing in it."""
    from faceapp.session.numbers import counted

    if out.is_file():  # a pipe gets the table alone
        print(f"{out}: {counted(tally.faces, 'face')} of {counted(pictures, 'picture')}")
    if tally.without_face:
        print(f"faceapp: no face found in {tally.without_face} of {pictures} pictures", file=sys.stderr)
    if tally.crowded:
        print(
            f"faceapp: {limit} faces were looked for and found in {tally.crowded} of {pictures} pictures; there may be more, "
            f"read them with --max-faces {MOST_FACES}",
            file=sys.stderr,
        )


def _readings(
    reader: FaceReader, settings: Settings, pictures: Sequence[Path], jobs: int
) -> Iterator[Reading]:
    """Return the readings of crops, found by so many threads; 0 threads: of the faces of whole pictures."""
    from faceapp.analysis.analyzer import make_tracker, open_visibility_reader
    from faceapp.analysis.picture_readings import CropReading, read_faces

    if not jobs:
        return read_faces(reader, pictures, partial(make_tracker, settings))
    # The threads share the processor: one is enough for each small network.
    open_visibility = partial(open_visibility_reader, replace(settings, engine_threads=1))
    crops = CropReading(reader.engines, open_visibility, settings.occlusion, reader.abstains, jobs)
    return crops.read(pictures)


def _write_rows(
    readings: Iterator[Reading],
    pictures: int,
    write: Callable[[Sequence[str]], object],
    limit: int,
    quiet: bool,
) -> _Tally:
    """Write the rows; return what there was."""
    from tqdm import tqdm

    tally, number = _Tally(), 0
    previous = None
    disable = True if quiet else None  # None: where the output is no terminal
    with tqdm(total=pictures, unit=" pictures", disable=disable, leave=False, dynamic_ncols=True) as bar:
        for reading in readings:
            bar.update(reading.picture is not previous)
            number = number + 1 if reading.picture is previous else 1
            previous = reading.picture
            if reading.error is not None:
                tally.failed += 1
                bar.write(f"faceapp: {reading.error}", file=sys.stderr)
            elif reading.prediction is None:
                tally.without_face += 1
                write([str(reading.picture), *[""] * (len(COLUMNS) - 1)])
            else:
                write(_row(reading, number))
                tally.faces += 1
                tally.crowded += number == limit
    return tally


def _row(reading: Reading, number: int) -> list[str]:
    from faceapp.session.table import prediction_cells

    prediction = reading.prediction
    assert prediction is not None
    known = prediction.emotion[0] == prediction.emotion[0]
    emotion = EMOTIONS[int(prediction.emotion.argmax())] if known else ""
    said = [*prediction_cells(prediction), reading.occlusion, prediction.model]
    return [str(reading.picture), emotion, *said, *_place_cells(reading.face, number)]


def _place_cells(face: FaceTrack | None, number: int) -> list[str]:
    """Return the cells behind the prediction: which face of the picture, where, how sure, and how it is turned."""
    from faceapp.session.numbers import number_text

    if face is None:
        return [""] * 9
    places = [number_text(value, 2) for value in face.box.tolist()]
    pose = [number_text(value, 2) for value in face.head_pose_deg]
    return [str(number), *places, number_text(face.score, 4), *pose]


@contextmanager
def _new_table(path: Path) -> Iterator[Callable[[Sequence[str]], object]]:
    """Give the function that writes a row; the file appears whole at the end, after an error not at all."""
    from faceapp.session.recorded_files import refuse_recorded

    refuse_recorded(path)
    whole = path.is_file() or not path.exists()  # /dev/stdout and pipes are written directly
    partial = part_of(path) if whole else path
    try:
        with partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            yield writer.writerow
        if whole:
            put_in_place(partial, path)
    except OSError as error:
        raise SessionError(
            f"{path}: expected a file that can be written, found: {error.strerror}; choose another place"
        ) from error
    finally:
        if whole:
            with suppress(OSError):  # the folder itself may be missing
                partial.unlink()


def _processors() -> int:
    """Return how many processors this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
