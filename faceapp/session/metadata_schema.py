"""What kinds of values `session.json` holds; a file from anybody may hold others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from faceapp.session.clock import moment_of

LONGEST_S = 1e8
"""Three years: above any time of a session."""


def wrong_entry(metadata: Mapping[str, Any]) -> str:
    """Return what is wrong with the first entry of another kind than this program writes; empty where nothing is.

    Entries that are missing are left to their defaults; those that no version writes are not looked at.

    Args:
        metadata: Content of `session.json`.
    """
    for name, (is_right, expected) in _ENTRIES.items():
        if name in metadata and not is_right(metadata[name]):
            found = repr(metadata[name])
            return (
                f"expected {expected} under {name}, found {found if len(found) <= 60 else found[:57] + '...'}"
            )
    return "" if "started_utc" in metadata else "expected started_utc, found none"


def _text(value: object) -> bool:
    """Return whether this is nothing, or a text that can be written as UTF-8."""
    try:
        return value is None or (
            isinstance(value, str) and "\0" not in value and bool(value.encode("utf-8") or True)
        )
    except UnicodeEncodeError:
        return False


def _moment(value: object) -> bool:
    try:
        return isinstance(value, str) and moment_of(value) is not None
    except ValueError:
        return False


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _seconds(value: object) -> bool:
    return value is None or (_number(value) and abs(value) <= LONGEST_S)  # type: ignore[arg-type]


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _counts(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _mapping_of(_count)(entry) if name == "not_analysed" else _count(entry)
        for name, entry in value.items()
    )


def _mapping_of(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, Mapping) and all(is_right(entry) for entry in value.values())


def _list_of(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(is_right(entry) for entry in value)


def _mapping_with(**entries: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, Mapping) and all(is_right(value.get(name)) for name, is_right in entries.items())
    )


def _or_none(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_right(value)


_ANY = _mapping_of(lambda _value: True)
_ENTRIES: dict[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(
        (
            "program",
            "program_version",
            "source",
            "participant",
            "notes",
            "session",
            "condition",
            "platform",
            "clock",
        ),
        (_text, "a text"),
    ),
    "started_utc": (_moment, "a moment like 2026-01-31T09:15:02.000Z"),
    "ended_utc": (_or_none(_moment), "a moment like 2026-01-31T09:15:02.000Z"),
    "first_time_s": (_seconds, "seconds"),
    "last_time_s": (_seconds, "seconds"),
    "consent": (_or_none(_mapping_with(text=_text, accepted_utc=_text)), "a text and a moment"),
    "models": (
        _list_of(_mapping_with(name=_text, version=_text, sha256=_text)),
        "models with name, version and hash",
    ),
    "smoothing": (_mapping_of(_number), "numbers"),
    "filters": (_ANY, "an object"),
    "settings": (_ANY, "an object"),
    "changes": (_list_of(_mapping_with(time_s=_seconds, setting=_text)), "changes with time and setting"),
    "frames": (_counts, "counts of frames"),
    "unexplained_frames": (_count, "a count of frames"),
    "video": (_or_none(_mapping_with(file=_text)), "a video with its file"),
    "errors": (_list_of(_text), "texts"),
    "sealed": (_mapping_of(_mapping_with(bytes=_count, sha256=_text)), "size and hash of each file"),
    "outages": (_list_of(_mapping_with(from_s=_seconds, to_s=_seconds)), "stretches with from and to"),
    "input": (_or_none(_ANY), "an object"),
}
