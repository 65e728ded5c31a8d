"""`session.json`: what a recording was made from, with what, and what is in it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engines.card import ModelCard
from engines.json_text import read_json
from engines.whole_file import part_of, sync_folder, write_whole
from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.clock import now_utc, utc_text
from faceapp.session.metadata_schema import wrong_entry
from faceapp.session.own_files import open_own, refuse_links
from faceapp.session.stored_settings import stored_settings
from faceapp.surroundings import program_version
from faceapp.tracking.smoothing import filter_parameters

SESSION_FILE = "session.json"
SCHEMA_VERSION = 1
STATES = ("recording", "closed", "repaired")
_SMOOTHING_KEYS = ("smoothing", "landmark_smoothing")


@dataclass(slots=True)
class FrameCounts:
    """What became of the frames of a session.

    `captured` is `analysed` plus the numbers in `not_analysed`; what is missing to that is `unexplained`, written
    at the end, and never anything but 0 unless the program has an error.

    Attributes:
        captured: Frames the source gave while recording.
        analysed: Those of them whose result reached the session folder, with or without a face.
        with_faces: Analysed frames with at least one face.
        faces: Rows of the table.
        in_video: Frames in the recorded video.
        dropped: Results refused because the writer was behind, or had ended.
        dropped_pictures: Captured pictures refused for the same reasons; their frames may still be analysed.
        out_of_order: Frames left out because they were not later than the one before (a seek back, a loop).
        not_analysed: Reason -> captured frames without a result, see `faceapp.session.frame_log`.
    """

    captured: int = 0
    analysed: int = 0
    with_faces: int = 0
    faces: int = 0
    in_video: int = 0
    dropped: int = 0
    dropped_pictures: int = 0
    out_of_order: int = 0
    not_analysed: dict[str, int] = field(default_factory=dict)

    @property
    def unexplained(self) -> int:
        """Captured frames of which nobody knows what became."""
        return self.captured - self.analysed - sum(self.not_analysed.values())


def new_metadata(
    *,
    source: str,
    cards: Sequence[ModelCard],
    settings: Mapping[str, Any],
    about: About,
) -> dict[str, Any]:
    """Return the content of `session.json` at the start of a recording.

    Args:
        source: Name of the source.
        cards: Cards of the models that make the predictions, with their hashes.
        settings: Resolved settings, kept without folders and with the source's name; the smoothing strengths in it
            are repeated under `smoothing`, and what the filters do at these strengths stands under `filters`.
        about: What people say about it.
    """
    strengths = {key: settings[key] for key in _SMOOTHING_KEYS if key in settings}
    return {
        "schema_version": SCHEMA_VERSION,
        "program": "faceapp",
        "program_version": program_version(),
        "state": "recording",
        "source": source,
        "started_utc": utc_text(now_utc()),
        "ended_utc": None,
        **about.as_json(),
        "models": [asdict(card) for card in cards],
        "smoothing": strengths,
        "filters": filter_parameters(**strengths) if len(strengths) == len(_SMOOTHING_KEYS) else {},
        "settings": stored_settings(settings) | ({"source": source} if "source" in settings else {}),
        "changes": [],
        "platform": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "clock": "time_s and the video's timestamps share one clock; utc = started_utc + time_s",
        "first_time_s": None,
        "last_time_s": None,
        "frames": asdict(FrameCounts()),
        "video": None,
        "errors": [],
    }


def create_metadata(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Write the first `session.json`, whole or not at all; another program that does the same gets an error.

    Raises:
        SessionError: Another recording has begun in the folder.
        OSError: The folder can't be written.
    """
    target = folder / SESSION_FILE
    partial = part_of(target)
    write_whole(partial, _json_text(metadata))
    try:
        os.link(partial, target)  # unlike a rename, this fails where the file exists
        sync_folder(folder)
    except FileExistsError as error:
        raise SessionError(
            f"{folder}: expected a new folder, found a recording that has just begun in it; choose another folder"
        ) from error
    except OSError:  # a disk without links, such as a memory stick
        with open_own(target, "xb") as stream:
            stream.write(_json_text(metadata).encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(folder)
    finally:
        partial.unlink(missing_ok=True)


def save_metadata(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Replace `session.json` in one step that a crash can't break.

    Args:
        folder: The session folder.
        metadata: Content.

    Raises:
        SessionError: The folder can't be written.
    """
    try:
        write_whole(folder / SESSION_FILE, _json_text(metadata))
    except OSError as error:
        raise folder_error(folder, error) from error


def load_metadata(folder: Path) -> dict[str, Any]:
    """Read and check `session.json`.

    Raises:
        SessionError: No session folder, links in it, no JSON, or written by a newer program.
    """
    path = folder / SESSION_FILE
    refuse_links(folder)
    try:
        content = read_json(path)
    except OSError as error:
        raise SessionError(
            f"{folder}: expected a session folder, found no {SESSION_FILE} ({error.strerror}); "
            "give the folder of one session"
        ) from error
    except ValueError as error:
        raise SessionError(
            f"{path}: expected JSON, found something else ({error}); restore it from a copy"
        ) from error
    found = content.get("schema_version") if isinstance(content, dict) else None
    if found != SCHEMA_VERSION:
        raise SessionError(
            f"{path}: expected schema_version {SCHEMA_VERSION}, found {found!r}; "
            "open it with the program version that wrote it"
        )
    if content.get("state") not in STATES or not isinstance(content.get("frames"), dict):
        raise SessionError(
            f"{path}: expected a state of {', '.join(STATES)} and counts of frames, found none; "
            "restore it from a copy"
        )
    if wrong := wrong_entry(content):
        raise SessionError(f"{path}: {wrong}; restore it from a copy")
    return dict(content)


def _json_text(metadata: Mapping[str, Any]) -> str:
    return json.dumps(metadata, indent=1, default=str, ensure_ascii=False)


def parquet_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of `session.json` that travels inside the Parquet file."""
    keys = (
        *(
            "schema_version",
            "program_version",
            "source",
            "started_utc",
            "participant",
            "session",
            "condition",
        ),
        *("smoothing", "filters", "changes", "clock"),
    )
    models = [
        {key: model.get(key) for key in ("name", "version", "sha256")} for model in metadata.get("models", [])
    ]
    return {key: metadata.get(key) for key in keys} | {"models": models}


def file_inside(folder: Path, name: str) -> Path:
    """Return the path of a file that `session.json` names.

    Raises:
        SessionError: The name leads out of the folder.
    """
    path = folder / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise SessionError(
            f"{folder / SESSION_FILE}: expected a file inside the session folder, found {name!r}; "
            "correct the name"
        )
    return path


def folder_error(folder: Path, error: OSError) -> SessionError:
    """Return the one-line error for a folder that can't be written."""
    reason = error.strerror or str(error)
    return SessionError(
        f"{folder}: expected a folder that can be written, found: {reason}; "
        "choose another folder or free some space"
    )
