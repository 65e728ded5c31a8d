"""JSON from files that may come from anybody: too deep or too large is one error, as whatever else is no JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MOST_BYTES = 64 << 20
"""Above the largest file of the program: a session of a day with many faces merged takes some megabytes."""


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says.

    Args:
        text: The text; bytes are UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: It is no JSON, no text, or nested deeper than can be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists and objects nested too deep") from None


def read_json(path: Path) -> Any:
    """Return what a JSON file says.

    Raises:
        OSError: It can't be read.
        ValueError: It is no JSON, or too large or too deep.
    """
    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES >> 20} MB")
    return parse_json(content.decode("utf-8"))
