"""Which picture files are meant, in which order, and their pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceapp.errors import SourceError
from faceapp.sources.file_suffixes import PICTURE_SUFFIXES
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
    """Read one picture in colour; a gray file has three equal channels.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        SourceError: The file can't be read or is no picture.
    """
    try:
        content = np.fromfile(
            path, dtype=np.uint8
        )  # imread itself fails on names outside the code page of Windows
    except OSError as error:
        raise SourceError(
            f"{path}: expected a picture, found none that can be read ({error.strerror})"
        ) from error
    return decode_picture(content, str(path))


def decode_picture(content: npt.NDArray[np.uint8], name: str) -> Image:
    """Decode one picture in colour; a gray one has three equal channels.

    Args:
        content: uint8 (bytes,), the content of a picture file.
        name: For the error.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        SourceError: It is no picture.
    """
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if picture is None:
        raise SourceError(
            f"{name}: expected a picture, found {content.size} bytes of something else; restore or remove it"
        )
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
