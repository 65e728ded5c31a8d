"""Which picture files are meant, in which order, and their pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from faceapp.errors import SourceError
from faceapp.sources.file_suffixes import PICTURE_SUFFIXES
from faceapp.sources.picture_decoding import decode_picture
from faceapp.types import Image


def list_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the pictures meant: files as given, and the pictures directly in folders in natural order.

    Args:
        paths: Files and folders. A file is taken whatever its name; one that is no picture fails when read.

    Raises:
        SourceError: A path is missing, or a folder holds no picture.
    """
    pictures: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = [
                file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file()
            ]
            if not found:
                raise SourceError(
                    f"{path}: expected pictures in this folder, found none; give the folder that holds them"
                )
            pictures += sorted(found, key=natural_order)
        elif path.exists():
            pictures.append(path)
        else:
            raise SourceError(
                f"{path}: expected a picture or a folder of pictures, found nothing; check the path"
            )
    return pictures


def natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key that counts numbers in names as numbers: face2 before face10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part.lower()) for part in parts
    ], path.name


def read_picture(path: Path) -> Image:
    """Read one picture file, upright and in colour; see `faceapp.sources.picture_decoding`.

    Args:
        path: The file; its content decides, not its name.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        SourceError: The file can't be read, is no picture, or has too many pixels.
    """
    try:
        content = path.read_bytes()
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "not enough memory"
        raise SourceError(f"{path}: expected a picture, found none that can be read ({reason})") from error
    return decode_picture(content, str(path))
