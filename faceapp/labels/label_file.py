"""A taught label in a file: JSON with its weights, its figure and a hash; nothing in it is ever executed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.features import FeatureNet
from engines.json_text import read_json
from engines.whole_file import write_whole
from faceapp.errors import SessionError
from faceapp.labels.classifier import Doubles
from faceapp.labels.judging import Judgement
from faceapp.settings.label_names import check_name, column_name
from faceapp.types import Floats

FORMAT = 1
SUFFIX = ".label.json"
_LARGEST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A label that can be read live.

    Attributes:
        name: As marks are called.
        contrast: What it was told from; "" for everything else.
        model: Name of the network whose features it takes.
        model_sha256: Hash of that network's file.
        weights: float32 (F,), of features as they come.
        offset: Added to the weighted sum; the sigmoid of the whole is the probability.
        missing: float32 (F,), stands for a feature that is missing.
        judgements: The figures, the one by time first.
        sessions: Names of the sessions' folders it was taught from.
    """

    name: str
    contrast: str
    model: str
    model_sha256: str
    weights: Floats
    offset: float
    missing: Floats
    judgements: tuple[Judgement, ...]
    sessions: tuple[str, ...]

    @property
    def column(self) -> str:
        """Name of its column in the table of a session."""
        return column_name(self.name)

    def probabilities(self, features: Floats) -> Doubles:
        """Return the probability of the label for each row of features, float64 (N,), both classes taken as equally frequent."""
        known = np.where(np.isfinite(features), features, self.missing)
        found: Doubles = 1 / (
            1 + np.exp(-np.clip(known @ self.weights.astype(np.float64) + self.offset, -30, 30))
        )
        return found

    def require_fits(self, net: FeatureNet, width: int | None = None) -> None:
        """Check that it was taught on this network.

        Raises:
            SessionError: It was taught on another one.
        """
        if net.card.sha256 != self.model_sha256 or width not in (None, len(self.weights)):
            raise SessionError(
                f"label {self.name!r}: expected the network {self.model!r} it was taught on, found another version of "
                "it; teach the label again"
            )


def labels_folder() -> Path:
    """Return the folder of this user's labels on this platform, which may not exist yet."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "faceapp" / "labels"


def label_path(name: str) -> Path:
    """Return where a label of this user is kept.

    Raises:
        SessionError: The name has odd characters.
    """
    return labels_folder() / f"{check_name(name).replace(' ', '_')}{SUFFIX}"


def label_names() -> tuple[str, ...]:
    """Return the names of this user's labels, sorted, also of damaged ones."""
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in labels_folder().glob(f"*{SUFFIX}")))


def save_label(label: Label, path: Path) -> None:
    """Write a label, replacing an older file in one step.

    Raises:
        SessionError: It can't be written.
    """
    content = _as_json(label)
    content["sha256"] = _hash(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise SessionError(f"{path}: expected a file that can be written, found: {error.strerror}") from error


def load_label(label: str | Path) -> Label:
    """Return a label.

    Args:
        label: Name of one of this user's labels, or a file.

    Raises:
        SessionError: There is none, or the file is damaged.
    """
    path = label if isinstance(label, Path) else label_path(label)
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("too large")
        content = read_json(path)
    except OSError as error:
        there = ", ".join(label_names()) or "none yet"
        raise SessionError(
            f"{path}: expected a label, found no file that can be read ({error.strerror}); there are: {there}"
        ) from error
    except ValueError as error:
        raise SessionError(f"{path}: expected a label, found a damaged file; teach it again") from error
    return _from_json(content, path)


def remove_label(name: str) -> None:
    """Remove one of this user's labels.

    Raises:
        SessionError: It can't be removed.
    """
    path = label_path(name)
    try:
        path.unlink()
    except OSError as error:
        raise SessionError(f"{path}: expected a label, found none to remove ({error.strerror})") from error


def _as_json(label: Label) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": label.name,
        "contrast": label.contrast,
        "model": label.model,
        "model_sha256": label.model_sha256,
        "judgements": [asdict(each) for each in label.judgements],
        "sessions": list(label.sessions),
        "offset": label.offset,
        "weights": _encoded(label.weights),
        "missing": _encoded(label.missing),
    }


def _from_json(content: Any, path: Path) -> Label:
    if isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise SessionError(
            f"{path}: expected a label of format {FORMAT}, found {content['format']}; use the program version that wrote it"
        )
    try:
        if content.pop("sha256") != _hash(content):
            raise ValueError("hash")
        weights, missing = _decoded(content["weights"]), _decoded(content["missing"])
        if weights.shape != missing.shape or not np.isfinite([weights, missing]).all():
            raise ValueError("weights")
        return Label(
            name=check_name(content["name"]),
            contrast=str(content["contrast"]),
            model=str(content["model"]),
            model_sha256=str(content["model_sha256"]),
            weights=weights,
            offset=float(content["offset"]),
            missing=missing,
            judgements=tuple(Judgement(**each) for each in content["judgements"]),
            sessions=tuple(map(str, content["sessions"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError, SessionError) as error:
        raise SessionError(f"{path}: expected a label, found a damaged file; teach it again") from error


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _encoded(values: Floats) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _decoded(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
