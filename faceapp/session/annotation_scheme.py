"""What annotators may mark: a label, a key and a colour each, as JSON of the user and copied into every session."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engines.json_text import read_json
from engines.whole_file import write_whole
from faceapp.errors import SessionError
from faceapp.session.annotations import KINDS
from faceapp.settings import default_path

SCHEME_FILE = "annotation_scheme.json"
RESERVED_KEYS = "AFHMNORSVZ"
"""Letters that the windows use themselves."""
_SHAPES = ("point", "range")
_LABEL_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Code:
    """One thing that can be marked.

    Attributes:
        label: Text shown on the timeline; names the code.
        key: The key that sets it: a digit from 1 or a letter, "" for none.
        colour: #RRGGBB on the timeline.
        shape: "point" marks a moment, "range" a stretch from one press of the key to the next.
        kind: "marker", "exclude" (leave the stretch out of statistics) or "note" (a remark).
    """

    label: str
    key: str = ""
    colour: str = "#9AA0A6"
    shape: str = "point"
    kind: str = "marker"

    def __post_init__(self) -> None:
        if not isinstance(self.label, str) or not 0 < len(self.label.strip()) <= _LABEL_LENGTH:
            raise SessionError(
                f"code: expected a label of 1 to {_LABEL_LENGTH} characters, found {self.label!r}"
            )
        if not isinstance(self.key, str) or not re.fullmatch(r"|[1-9A-Z]", self.key):
            raise SessionError(
                f"code {self.label!r}: expected a key from 1 to 9 or A to Z, found {self.key!r}; choose another"
            )
        if self.key and self.key in RESERVED_KEYS:
            raise SessionError(
                f"code {self.label!r}: expected a key that is free, found {self.key}, which the window uses; "
                "choose another"
            )
        if not isinstance(self.colour, str) or not re.fullmatch(r"#[0-9A-Fa-f]{6}", self.colour):
            raise SessionError(
                f"code {self.label!r}: expected a colour like #3BB2D0, found {self.colour!r}; correct it"
            )
        for name, allowed in (("shape", _SHAPES), ("kind", KINDS)):
            if getattr(self, name) not in allowed:
                raise SessionError(
                    f"code {self.label!r}: expected a {name} of {', '.join(allowed)}, "
                    f"found {getattr(self, name)!r}; correct it"
                )


@dataclass(frozen=True, slots=True)
class Scheme:
    """All codes, in the order they are shown; labels and keys are not used twice.

    Attributes:
        codes: The codes.
    """

    codes: tuple[Code, ...]

    def __post_init__(self) -> None:
        for name in ("label", "key"):
            used = [getattr(code, name) for code in self.codes if getattr(code, name)]
            twice = next((value for value in used if used.count(value) > 1), None)
            if twice is not None:
                raise SessionError(
                    f"scheme: expected every {name} once, found {twice!r} twice; change one of them"
                )

    def of_key(self, key: str) -> Code | None:
        """Return the code that a key sets, or None."""
        return next((code for code in self.codes if code.key and code.key == key.upper()), None)

    def of_label(self, label: str) -> Code | None:
        """Return the code of a label, or None."""
        return next((code for code in self.codes if code.label == label), None)

    def colour_of(self, label: str) -> str:
        """Return a label's colour; one that is in no code is gray."""
        code = self.of_label(label)
        return "#9AA0A6" if code is None else code.colour


# Eight tones that differ in lightness too, so that they are told apart without colour vision (after Okabe and Ito).
_COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#0072B2", "#D55E00", "#B3B3B3", "#8C6BB1")
DEFAULT_SCHEME = Scheme(
    (
        *(Code(str(number), str(number), colour) for number, colour in enumerate(_COLOURS, 1)),
        Code("stretch", "W", "#56B4E9", "range"),
        Code("leave out", "X", "#808080", "range", "exclude"),
    )
)
"""Keys 1 to 9 mark moments, W a stretch, X a stretch to leave out."""


def user_scheme_path() -> Path:
    """Return where this user's scheme lies, beside the settings."""
    return default_path().with_name(SCHEME_FILE)


def load_scheme(path: Path) -> Scheme:
    """Read a scheme; a missing file gives the default one.

    Raises:
        SessionError: The file can't be read or holds no scheme.
    """
    try:
        content: Any = read_json(path)
    except FileNotFoundError:
        return DEFAULT_SCHEME
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"no JSON ({error})"
        raise SessionError(
            f"{path}: expected an annotation scheme, found {reason}; correct or remove the file"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("codes"), list):
        raise SessionError(
            f'{path}: expected an annotation scheme ({{"codes": [...]}}), found something else; '
            "correct or remove the file"
        )
    try:
        return Scheme(tuple(_code(entry) for entry in content["codes"]))
    except SessionError as error:
        raise SessionError(f"{path}: {error}") from error


def save_scheme(path: Path, scheme: Scheme) -> None:
    """Write a scheme, replacing an older one in one step.

    Raises:
        SessionError: The folder can't be written.
    """
    text = json.dumps({"codes": [asdict(code) for code in scheme.codes]}, indent=1, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text + "\n")
    except OSError as error:
        raise SessionError(
            f"{path}: expected a folder that can be written, found: {error.strerror}; choose another folder"
        ) from error


def session_scheme(folder: Path, user_path: Path | None = None) -> Scheme:
    """Return the scheme of a session: its own copy, else the user's.

    Args:
        folder: The session folder.
        user_path: The user's scheme; None takes `user_scheme_path()`.

    Raises:
        SessionError: The scheme can't be read.
    """
    own = folder / SCHEME_FILE
    return load_scheme(own if own.exists() else user_path or user_scheme_path())


def _code(entry: Any) -> Code:
    try:
        return Code(**entry)
    except TypeError as error:
        raise SessionError(
            f"codes: expected label, key, colour, shape and kind, found {str(entry)[:60]!r}; correct it"
        ) from error
