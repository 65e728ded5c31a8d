"""What a queue in the window is told: which frames, what is kept, where sessions go, how many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from faceapp.settings import FaceStyle, Settings
from faceapp.settings.field_limits import check_value, field_metadata
from faceapp.sources.options import Clip

_AS_IN_WINDOW = (
    "backend",
    "smoothing",
    "landmark_smoothing",
    "max_faces",
    "mesh",
    "engine_threads",
    "movements",
    "second_opinion",
    "labels",
)
_LONGEST_S = 1e6
_MOST_PROCESSES = 64


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How the inputs of a queue are analysed; every field says what a form needs to show it.

    Attributes:
        every: Take every N-th frame.
        start_s: First time of each input; None is its beginning.
        end_s: Frames from this time on are left out; None is the end.
        model: Name of a model, or "auto" for the one that suits each face.
        record_video: Keep a copy of the pictures beside the table.
        record_faces: How faces look in it.
        processes: Inputs analysed side by side.
        out: Folder for the session folders.
    """

    every: int = field(default=1, metadata=field_metadata(int, "Every N-th frame", minimum=1, maximum=10_000))
    start_s: float | None = field(
        default=None,
        metadata=field_metadata(
            float, "From (s)", minimum=0, maximum=_LONGEST_S, optional=True, nothing="start"
        ),
    )
    end_s: float | None = field(
        default=None,
        metadata=field_metadata(
            float, "To (s)", minimum=0.1, maximum=_LONGEST_S, optional=True, nothing="end"
        ),
    )
    model: str = field(default="auto", metadata=field_metadata(str, "Model"))
    record_video: bool = field(default=True, metadata=field_metadata(bool, "Keep the video"))
    record_faces: FaceStyle = field(
        default="clear", metadata=field_metadata(str, "Faces in it", choices=get_args(FaceStyle))
    )
    processes: int = field(
        default=1, metadata=field_metadata(int, "At the same time", minimum=1, maximum=_MOST_PROCESSES)
    )
    out: Path = field(
        default_factory=lambda: Settings().sessions_dir, metadata=field_metadata(Path, "Sessions go to")
    )

    def __post_init__(self) -> None:
        for entry in fields(self):
            check_value(entry.name, getattr(self, entry.name), entry.metadata)

    @property
    def clip(self) -> Clip:
        """Which frames are wanted.

        Raises:
            SourceError: The end lies before the start.
        """
        return Clip(self.start_s, self.end_s, self.every)

    def settings(self, window: Settings) -> Settings:
        """Return settings for the analysis; how faces are read and smoothed is as in the window.

        Args:
            window: Settings of the live window.
        """
        return Settings(
            model=self.model,
            record_video=self.record_video,
            record_faces=self.record_faces,
            sessions_dir=self.out,
            **{name: getattr(window, name) for name in _AS_IN_WINDOW},
        )

    def as_json(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return {**asdict(self), "out": str(self.out)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> QueueOptions:
        """Return stored options; entries of another version are left out.

        Raises:
            ValueError: A value outside its limits.
        """
        known = {entry.name for entry in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        if isinstance(values.get("out"), str):
            values["out"] = Path(values["out"])
        return cls(**values)
