"""What can be chosen on this machine: sources, models and back ends, each absent one with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faceapp.settings import Settings
from faceapp.sources.drawn_occlusion import Hidden

OPEN_FILE = "open-file"
OPEN_ADDRESS = "open-address"
LOOK_AGAIN = "look-again"
OPEN_MODEL = "open-model"
_NO_CAMERA = "no-camera"
_NO_CAMERA_REASON = "Not found: plug it in and choose Look again"
DEMOS = (
    ("demo", "Demo portrait"),
    ("demo:two", "Demo, two faces"),
    ("demo:headset", "Demo with a headset"),
    ("demo:mask", "Demo with a mask"),
)
MODES = (
    ("auto", "Auto", "Take each face for what the tracker says of it"),
    ("none", "Full", "Read every face as fully visible"),
    ("headset", "Headset", "Read every face as hidden above by a headset"),
    ("mask", "Mask", "Read every face as hidden below by a mask"),
)
HIDINGS: tuple[tuple[Hidden, str], ...] = (
    ("none", "Hide: nothing"),
    ("headset", "Hide: headset"),
    ("mask", "Hide: mask"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a chooser.

    Attributes:
        value: What the program takes.
        text: What people read.
        reason: Why it can't be chosen now; empty when it can.
    """

    value: str
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that can be chosen.

    Attributes:
        sources: Cameras and demos; the window adds files and addresses.
        models: "auto" and every model, with those that `auto` would like to have.
        backends: "auto" and every back end.
    """

    sources: tuple[Choice, ...]
    models: tuple[Choice, ...]
    backends: tuple[Choice, ...]


def find_choices() -> Choices:
    """Look for cameras, models and back ends; takes a moment, so not on the interface thread."""
    return Choices(_sources(), _models(), _backends())


def source_text(source: str) -> str:
    """Return how a source is shown: a demo by its title, a file by its name, anything else as it is."""
    demos = dict(DEMOS)
    if source in demos:
        return demos[source]
    if source.isdigit():
        return f"Camera {source}"
    return source if "://" in source else Path(source).name or source


def with_current(sources: tuple[Choice, ...], settings: Settings) -> tuple[Choice, ...]:
    """Return the sources, led by the present one where it is none of them, such as a file."""
    if any(choice.value == settings.source for choice in sources):
        return sources
    if settings.source.isdigit():
        others = (choice for choice in sources if choice.value != _NO_CAMERA)
        return (Choice(settings.source, source_text(settings.source), _NO_CAMERA_REASON), *others)
    return (Choice(settings.source, source_text(settings.source)), *sources)


def with_current_model(models: tuple[Choice, ...], model: str) -> tuple[Choice, ...]:
    """Return the models, with the present one last where it is none of them: a folder, shown by its last two names."""
    if any(choice.value == model for choice in models):
        return models
    return (*models, Choice(model, "/".join(Path(model).parts[-2:])))


def _sources() -> tuple[Choice, ...]:
    from faceapp.sources import list_cameras

    cameras = tuple(Choice(str(camera.index), camera.name) for camera in list_cameras())
    if not cameras:
        cameras = (Choice(_NO_CAMERA, "Camera", _NO_CAMERA_REASON),)
    return cameras + tuple(Choice(value, text) for value, text in DEMOS)


def _models() -> tuple[Choice, ...]:
    from engines.models import model_names
    from engines.visibility import MODEL_NAME
    from faceapp.analysis.analyzer import AUTO_MODELS

    present = [
        name for name in model_names() if name != MODEL_NAME
    ]  # that one reads no faces, but what hides them
    missing = [name for name in AUTO_MODELS.values() if name not in present]
    reason = "Not installed: expected a folder of this name in assets/models"
    return (
        Choice("auto", "Automatic", "" if AUTO_MODELS["none"] in present else reason),
        *(Choice(name, name) for name in present),
        *(Choice(name, name, reason) for name in missing),
    )


def _backends() -> tuple[Choice, ...]:
    from engines.backends import backend_names, unavailable_reason

    found = tuple(Choice(name, name, unavailable_reason(name)) for name in backend_names())
    return (Choice("auto", "Automatic"), *found)
