"""Formats a session can be written in. Each file that has `write` is one; adding a format is adding a file.

Such a file has `ABOUT` (one line for people), `available()` (why it can't be written here, empty when it can) and
`write(session, folder)`, which makes its files in a folder of its own and returns them in order. Where files of several
sessions lie together it has `join(new, existing)` too, which changes a new file so that it loses nothing of the existing one
whose place it takes.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:  # the command line asks for names before it reads a session
    from faceapp.session.reader import Session


class Export(Protocol):
    """What the file of a format holds."""

    ABOUT: str

    def available(self) -> str:
        """Return why the format can't be written here; empty when it can."""

    def write(self, session: Session, folder: Path) -> list[Path]:
        """Make the files of the format in an empty folder."""


def export_names() -> tuple[str, ...]:
    """Return the names of all formats, in the order of the alphabet."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def export_format(name: str) -> Export:
    """Return a format.

    Args:
        name: One of `export_names()`.
    """
    return cast(Export, import_module(f"{__name__}.{name}"))
