"""Names of people's own labels."""

from __future__ import annotations

import re

from faceapp.errors import SessionError

_NAME = re.compile(r"[^\W_][\w -]{0,38}")


def check_name(name: str) -> str:
    """Return a label's name as it is kept.

    Raises:
        SessionError: It is empty, longer than 39 letters, or has other characters than letters, digits, " ", "-" and "_".
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise SessionError(
            f'label: expected a name of 1 to 39 letters, digits, " ", "-" and "_" that begins with a letter or digit, '
            f"found {name[:50]!r}; rename the marks"
        )
    return name


COLUMN_PREFIX = "label_"
"""Before the names of labels in the table of a session."""


def column_name(name: str) -> str:
    """Return the name of a label's column in the table of a session: small letters, digits and "_"."""
    return COLUMN_PREFIX + re.sub(r"\W+", "_", name.lower().replace("-", "_")).strip("_")


def label_list(text: object) -> tuple[str, ...]:
    """Return the names in a setting: "bored, talking"; anything but a text is none."""
    names = (part.strip() for part in text.split(",")) if isinstance(text, str) else ()
    return tuple(dict.fromkeys(name for name in names if name))


def check_list(text: object) -> None:
    """Check a setting that lists labels.

    Raises:
        ValueError: A name has odd characters, or two of them share a column.
    """
    try:
        columns = [column_name(check_name(name)) for name in label_list(text)]
    except SessionError as error:
        raise ValueError(str(error)) from error
    if len(set(columns)) < len(columns):
        raise ValueError(f"expected labels of different names, found {text!r}; rename one")
