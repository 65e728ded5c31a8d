"""`faceapp doctor`: what this machine offers the program, and why something is missing."""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.commands.system_libraries import INSTALL_SYSTEM_LIBRARIES
from faceapp.settings import Settings, default_path

if TYPE_CHECKING:
    from engines.choice import Choice

HELP = "list cameras, window system, back ends, models and versions, each absent one with the reason"
_PACKAGES = (
    *("mediapipe", "numpy", "opencv-contrib-python", "onnxruntime", "openvino", "tensorrt-rtx-cu13", "av"),
    *("pyarrow", "PySide6-Essentials", "pyqtgraph"),
)
_USES = {"none": "full faces", "headset": "upper half hidden", "mask": "lower half hidden"}
_LACKS = {
    "multitask-headset": "faces under a headset are read by multitask",
    "multitask-mask": "faces behind a mask are read by multitask",
    "visibility": "every face is taken for fully visible",
}
# In a process of its own, because Qt ends the process when its platform plugin is missing a library.
_QT_PROBE = "from PySide6.QtGui import QGuiApplication; print(QGuiApplication([]).platformName())"
_XCB_LIBRARY = "libxcb-cursor.so.0"  # Qt 6.5 and later end the process without it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line: there are no options."""


def run(_arguments: argparse.Namespace) -> int:
    """Print what was found.

    Returns:
        0 when faces can be read here, 1 when no model or no back end can.
    """
    usable_backends, backend_lines = _backends()
    usable_models, model_lines = _models()
    sections = [
        ("program", _program()),
        ("cameras", _cameras()),
        ("window", [_window()]),
        ("back ends", backend_lines),
        ("models", model_lines),
        ("disk", [_disk(Settings().sessions_dir)]),
        ("versions", _versions()),
    ]
    for title, lines in sections:
        print(title)
        for line in lines:
            print(f"  {line}")
    return 0 if usable_backends and usable_models else 1


def _program() -> list[str]:
    from faceapp.surroundings import program_version

    return [
        f"faceapp {program_version()}, Python {platform.python_version()}, {platform.platform()}",
        f"settings {default_path()}",
    ]


def _cameras() -> list[str]:
    from faceapp.sources import list_cameras

    cameras = [f"{camera.index}  {camera.name}" for camera in list_cameras()]
    return cameras or ["none found: plug one in, allow access to it, or use --source demo, a video or a URL"]


def _window() -> str:
    """Return the Qt platform, or why there is no window."""
    if problem := window_problem():
        return f"no window: {problem}"
    try:
        done = subprocess.run([sys.executable, "-c", _QT_PROBE], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "no window: no answer from the window system within 30 s"
    if done.returncode == 0:
        return f"Qt platform {done.stdout.strip()}"
    reason = next(
        (line.strip() for line in done.stderr.splitlines() if line.strip()), f"exit code {done.returncode}"
    )
    return f"no window: {reason}"


def window_problem() -> str:
    """Return why no window can be shown, as far as that is seen without opening one; empty when it may work."""
    try:
        from faceapp.ui.application import has_display
    except ImportError as error:
        return f"expected Qt, found: {error}; on Debian and Ubuntu: {INSTALL_SYSTEM_LIBRARIES}"
    if not has_display():
        return "no display here; `faceapp` analyses ten seconds of the demo instead"
    if sys.platform == "linux" and not os.environ.get("WAYLAND_DISPLAY") and not _has_library(_XCB_LIBRARY):
        return f"expected {_XCB_LIBRARY}, found none; on Debian and Ubuntu: {INSTALL_SYSTEM_LIBRARIES}"
    return ""


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _backends() -> tuple[int, list[str]]:
    """Return how many back ends can be used, and lines about each: its measured times, or why it can't; what it settled."""
    from engines.backends import backend_names, unavailable_reason

    reasons = {name: unavailable_reason(name) for name in backend_names()}
    whole = _whole_model()
    choice = _choice(whole) if list(reasons.values()).count("") > 1 else None
    if choice is not None:
        reasons |= choice.refused
    taken = next((name for name in choice.order if not reasons[name]), "") if choice is not None else ""
    lines = []
    for name, reason in reasons.items():
        times = choice.times_text(name) if choice is not None else ""
        said = f"not here: {reason}" if reason else f"ready{times and f': {times}'}"
        lines.append(f"{name:<16} {said}{', taken by auto' if name == taken else ''}")
        if whole is not None and not reason and (settled := _settled(name, whole)):
            lines.append(f"{'':<16} {settled}")
    return sum(not reason for reason in reasons.values()), lines


def _whole_model() -> Path | None:
    """Return the folder of a model that can be measured with; None where there is none: the models' own lines tell."""
    from engines.models import model_folder, model_names

    return next((model_folder(name) for name in model_names() if _check_model(name)[0]), None)


def _choice(folder: Path | None) -> Choice | None:
    """Return which back end auto takes here, measured now if it never was; None where there is no model to measure."""
    from engines.card import load_card
    from engines.choice import choose

    return None if folder is None else choose(folder, load_card(folder), Settings().engine_threads)


def _settled(name: str, folder: Path) -> str:
    """Return what a back end remembers of this machine; empty where it can't be asked."""
    from engines.backends import settled_text
    from engines.card import load_card
    from engines.errors import EngineError

    try:
        return settled_text(name, load_card(folder))
    except EngineError:
        return ""


def _models() -> tuple[int, list[str]]:
    from engines.models import MODELS_DIR, model_names

    present = model_names()
    checked = [_check_model(name) for name in present]
    lines = [line for _, line in checked] or [f"none in {MODELS_DIR}"]
    if present:
        lines += [f"{name:<20} not here: {lack}" for name, lack in _LACKS.items() if name not in present]
    return sum(reads_faces for reads_faces, _ in checked), lines


def _check_model(name: str) -> tuple[bool, str]:
    """Return whether a model is whole and reads faces, and a line about it."""
    from engines.card import LABELS, MODEL_FILE, load_card
    from engines.errors import CardError
    from engines.model_file import verify_model
    from engines.models import model_folder

    try:
        folder = model_folder(name)
        card = load_card(folder)
        verify_model(card, folder / MODEL_FILE)
    except CardError as error:
        return False, f"{name:<20} damaged: {error}"
    reads_faces = any(card.head(task) is not None for task in LABELS)
    use = _USES[card.occlusion] if reads_faces else "sees what hides a face"
    return reads_faces, f"{name:<20} {card.version}, {use}, SHA-256 {card.sha256}"


def _disk(folder: Path) -> str:
    """Return the free space where sessions go, which may not exist yet."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return f"{shutil.disk_usage(existing).free / 1e9:.1f} GB free for sessions in {folder}"


def _versions() -> list[str]:
    return [f"{name:<22} {_version(name)}" for name in _PACKAGES]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
