"""What the program remembers between runs: one checked record, saved as JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from engines.json_text import read_json
from engines.whole_file import rename, write_whole
from faceapp.settings.field_limits import check_value, field_metadata
from faceapp.settings.label_names import check_list
from faceapp.settings.notice import NOTICE
from faceapp.settings.region import Region, make_region
from faceapp.settings.stream_target import DEFAULT_TARGET, check_stream_name, parse_osc_target

logger = logging.getLogger(__name__)

OcclusionMode = Literal["auto", "none", "headset", "mask"]
Hidden = Literal["none", "headset", "mask"]
Mesh = Literal["mediapipe", "openvino"]
Theme = Literal["dark", "light", "system"]
Explained = Literal["off", "emotion", "age", "gender", "smile"]
FaceStyle = Literal["clear", "blurred", "silhouette"]


def _default_sessions_dir() -> Path:
    return Path.home() / "faceapp-sessions"


MOST_FACES = 32
"""Of a picture; each costs a run of the mesh network a frame."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All choices a person can make; `dataclasses.replace` makes a changed copy.

    Every field's `metadata` holds its `kind`, `label` and limits, from which the window builds its form.

    Attributes:
        source: Anything `faceapp.sources.make_source` takes: "0", a camera's name, a path, a URL, "demo".
        model: Name of a model, or "auto" for the one that suits each face's occlusion.
        backend: Name of a back end of `engines.backends`, or "auto".
        occlusion: Which half is hidden, or "auto" for what the tracker says of each face.
        simulate: What is drawn on every face of the source before it is tracked, for demonstrations; not loaded again.
        region: Fixed place of the one face, for cameras that move with the head; None looks for faces.
        smoothing: Strength of smoothing of predictions over time, 0 (off) to 1.
        landmark_smoothing: Strength of smoothing of landmarks over time, 0 (off) to 1.
        movements: Measure the action units of each face.
        second_opinion: Ask the movements where the network's highest probabilities are close; measures them too.
        labels: Names of one's own labels to read, with commas between them; None reads none.
        explain: Show what the answer to this task rests on, for one face; not loaded again.
        max_faces: Largest number of faces followed at once.
        mesh: What sees the faces' points: MediaPipe's graph with its second look at eyes and lips, or its plain network in
            OpenVINO, which is faster and differs by 2% of the eye distance; only where neither movements nor
            explanations ask for the detail.
        engine_threads: Processor threads of one engine; None lets the back end's file choose.
        show_raw: Show predictions before smoothing.
        show_mesh: Draw the mesh over the face.
        theme: Colours of the window.
        camera_width_px: Width asked of a camera; None takes the driver's.
        camera_height_px: Height asked of a camera; None takes the driver's.
        camera_rate_hz: Frames a second asked of a camera; None takes the driver's.
        record_video: Write the picture beside the table.
        record_faces: How faces look in the recorded picture.
        cover_on_screen: Cover faces in the live picture too, as in the recorded one.
        ask_before_recording: Ask for participant and consent before every recording.
        consent_notice: Text of the notice that participants are asked to accept.
        sessions_dir: Folder that holds the session folders.
        shared_recordings: Let others on this computer read new recordings; else their owner alone.
        lsl: Offer values and markers to other programs through Lab Streaming Layer.
        lsl_network: Let other computers find these streams, and find theirs.
        lsl_markers: Name or type of marker streams of other programs to take in; None takes none.
        osc: Send values and markers as OSC messages.
        osc_target: Where to, as HOST:PORT.
        osc_avatar: Send the first face also as avatar parameters, as VRChat takes them.
    """

    source: str = field(default="0", metadata=field_metadata(str, "Source"))
    model: str = field(default="auto", metadata=field_metadata(str, "Model"))
    backend: str = field(default="auto", metadata=field_metadata(str, "Back end"))
    occlusion: OcclusionMode = field(
        default="auto", metadata=field_metadata(str, "Hidden half", choices=get_args(OcclusionMode))
    )
    simulate: Hidden = field(
        default="none", metadata=field_metadata(str, "Draw on faces", choices=get_args(Hidden))
    )
    region: Region | None = field(
        default=None, metadata=field_metadata(Region, "Fixed region", optional=True)
    )
    smoothing: float = field(
        default=0.5, metadata=field_metadata(float, "Smoothing of predictions", minimum=0, maximum=1)
    )
    landmark_smoothing: float = field(
        default=0.5, metadata=field_metadata(float, "Smoothing of landmarks", minimum=0, maximum=1)
    )
    movements: bool = field(default=False, metadata=field_metadata(bool, "Measure movements"))
    second_opinion: bool = field(
        default=False, metadata=field_metadata(bool, "Second opinion from movements")
    )
    labels: str | None = field(
        default=None,
        metadata=field_metadata(str, "Own labels", optional=True, nothing="none", check=check_list),
    )
    explain: Explained = field(
        default="off", metadata=field_metadata(str, "Explain", choices=get_args(Explained))
    )
    max_faces: int = field(
        default=8, metadata=field_metadata(int, "Faces at most", minimum=1, maximum=MOST_FACES)
    )
    mesh: Mesh = field(default="mediapipe", metadata=field_metadata(str, "Mesh", choices=get_args(Mesh)))
    engine_threads: int | None = field(
        default=None,
        metadata=field_metadata(int, "Threads per engine", minimum=1, maximum=64, optional=True),
    )
    show_raw: bool = field(default=False, metadata=field_metadata(bool, "Show values before smoothing"))
    show_mesh: bool = field(default=False, metadata=field_metadata(bool, "Show the mesh"))
    theme: Theme = field(default="dark", metadata=field_metadata(str, "Theme", choices=get_args(Theme)))
    camera_width_px: int | None = field(
        default=None,
        metadata=field_metadata(int, "Camera width (px)", minimum=16, maximum=8192, optional=True),
    )
    camera_height_px: int | None = field(
        default=None,
        metadata=field_metadata(int, "Camera height (px)", minimum=16, maximum=8192, optional=True),
    )
    camera_rate_hz: float | None = field(
        default=None,
        metadata=field_metadata(float, "Camera rate (Hz)", minimum=1, maximum=1000, optional=True),
    )
    record_video: bool = field(default=True, metadata=field_metadata(bool, "Record the picture"))
    record_faces: FaceStyle = field(
        default="clear", metadata=field_metadata(str, "Faces in the recording", choices=get_args(FaceStyle))
    )
    cover_on_screen: bool = field(
        default=False, metadata=field_metadata(bool, "Cover faces on the screen too")
    )
    ask_before_recording: bool = field(
        default=False, metadata=field_metadata(bool, "Ask before every recording")
    )
    consent_notice: str = field(default=NOTICE, metadata=field_metadata(str, "Notice for participants"))
    sessions_dir: Path = field(
        default_factory=_default_sessions_dir, metadata=field_metadata(Path, "Folder of sessions")
    )
    shared_recordings: bool = field(default=False, metadata=field_metadata(bool, "Readable by others here"))
    lsl: bool = field(default=False, metadata=field_metadata(bool, "Lab Streaming Layer"))
    lsl_network: bool = field(default=False, metadata=field_metadata(bool, "Open it to the network"))
    lsl_markers: str | None = field(
        default=None,
        metadata=field_metadata(
            str, "Take markers from", optional=True, nothing="none", check=check_stream_name
        ),
    )
    osc: bool = field(default=False, metadata=field_metadata(bool, "OSC messages"))
    osc_target: str = field(
        default=DEFAULT_TARGET, metadata=field_metadata(str, "OSC to (host:port)", check=parse_osc_target)
    )
    osc_avatar: bool = field(default=False, metadata=field_metadata(bool, "Also as avatar parameters"))

    def __post_init__(self) -> None:
        for name in _LIMITS:
            check_setting(name, getattr(self, name))

    @classmethod
    def load(cls, path: Path, report: Callable[[str], None] = logger.warning) -> Settings:
        """Read settings; whatever can't be used is replaced by the default and reported.

        Args:
            path: The JSON file; a missing one gives the defaults without a report.
            report: Called with one line per problem; the window passes its banner.

        Returns:
            The settings. An unreadable file is set aside as `<name>.broken`.
        """
        try:
            content = read_json(path)
        except FileNotFoundError:
            return cls()
        except OSError as error:
            report(f"{path}: expected readable settings ({error.strerror}); the defaults are used")
            return cls()
        except ValueError as error:
            return cls._set_aside(path, f"expected JSON ({error})", report)
        if not isinstance(content, dict):
            return cls._set_aside(path, f"expected an object, found {type(content).__name__}", report)
        return cls(**_usable(content, path, report))

    @classmethod
    def _set_aside(cls, path: Path, reason: str, report: Callable[[str], None]) -> Settings:
        broken = path.with_name(path.name + ".broken")
        try:
            rename(path, broken)
        except OSError as error:
            report(f"{path}: {reason}; the defaults are used, and the file stays ({error.strerror})")
        else:
            report(f"{path}: {reason}; the defaults are used, the file is kept as {broken.name}")
        return cls()

    def changed_since(self, start: Settings, stored: Settings) -> Settings:
        """Return what to store: the changes made since the start, and all else as it was stored.

        Args:
            start: What the program started with; what a command line says counts once and is not kept.
            stored: What was stored before it.
        """
        names = [entry.name for entry in fields(self)]
        changes = {name: getattr(self, name) for name in names if getattr(self, name) != getattr(start, name)}
        return replace(stored, **changes)

    def save(self, path: Path) -> None:
        """Write the settings as JSON, replacing an older file in one step.

        Raises:
            OSError: The folder can't be made or written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(self.as_json(), indent=1) + "\n")

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, for the settings file and the session's metadata."""
        return {**asdict(self), "sessions_dir": str(self.sessions_dir)}


STREAM_SETTINGS = ("lsl", "lsl_network", "lsl_markers", "osc", "osc_target", "osc_avatar")
"""What goes out while it arises, and comes in; nothing of it changes what is recorded of the pictures."""
WINDOW_SETTINGS = ("cover_on_screen", "ask_before_recording", "consent_notice")
"""What the live window does before and beside recording; nothing of it changes what is recorded either."""
_LIMITS = {entry.name: entry.metadata for entry in fields(Settings)}


def check_setting(name: str, value: object) -> None:
    """Check one value.

    Args:
        name: Name of a field of `Settings`.
        value: The value it should get.

    Raises:
        ValueError: Unknown name, wrong type, or a value outside the limits; the text names the field.
    """
    if name not in _LIMITS:
        raise ValueError(f"{name}: expected the name of a setting ({', '.join(_LIMITS)})")
    check_value(name, value, _LIMITS[name])


def for_people(name: str, error: ValueError) -> str:
    """Return why a value was refused under the name that people see in the window.

    Args:
        name: Name of a field of `Settings`.
        error: As `check_setting` raises it.
    """
    return f"{_LIMITS[name]['label']}: {str(error).removeprefix(f'{name}: ')}"


def default_path() -> Path:
    """Return where the settings of this user live on this platform."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "faceapp" / "settings.json"


def _usable(content: dict[str, Any], path: Path, report: Callable[[str], None]) -> dict[str, Any]:
    """Return the entries of a settings file that this version understands."""
    usable: dict[str, Any] = {}
    for name, value in content.items():
        if name in ("simulate", "explain"):
            continue  # a demonstration ends with the program
        if name not in _LIMITS:
            logger.info("%s: the setting %r of another version is dropped", path, name)
            continue
        if name == "sessions_dir" and isinstance(value, str):
            value = Path(value)
        try:
            if name == "region" and value is not None:
                value = make_region(value)
            check_setting(name, value)
        except ValueError as error:
            report(f"{path}: {error}; the default is used")
        else:
            usable[name] = value
    return usable
