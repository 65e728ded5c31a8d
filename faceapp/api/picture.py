"""From whatever holds a picture to its pixels: a path, an address, bytes or an array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import cv2
import numpy as np

from faceapp.errors import SourceError
from faceapp.sources.picture_decoding import decode_picture
from faceapp.sources.picture_files import read_picture
from faceapp.types import Image

Color = Literal["rgb", "bgr"]
LARGEST_DOWNLOAD_BYTES = 64 << 20
_ANSWER_WITHIN_S = 10.0
_EXPECTED = "a path, a URL, bytes or an array uint8 (height, width) or (height, width, 3)"


def to_picture(source: Any, color: Color = "rgb") -> tuple[Image, str]:
    """Return the pixels and the name of a picture.

    Args:
        source: A path, an http:// or https:// URL, the bytes of a picture file, or an array uint8 of shape (H, W) gray,
            (H, W, 1) gray or (H, W, 3).
        color: Order of an array's channels; files say it themselves.

    Returns:
        uint8 (H, W, 3) RGB, and a name.

    Raises:
        SourceError: The file or address holds no picture that can be read.
        TypeError: It is nothing that holds a picture.
        ValueError: It is an array of another kind, or an unknown order.
    """
    if color not in ("rgb", "bgr"):
        raise ValueError(f"color: expected 'rgb' or 'bgr', found {color!r}")
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return _downloaded(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir():
            raise SourceError(f"{path}: expected a picture, found a folder; give one of its files")
        return read_picture(path), path.name
    if isinstance(source, bytes | bytearray | memoryview):
        return decode_picture(bytes(source), "bytes"), "bytes"
    if hasattr(source, "__array_interface__") or hasattr(source, "__array__"):
        return _from_array(np.asarray(source), color), "array"
    raise TypeError(f"picture: expected {_EXPECTED}, found {type(source).__name__}")


def _from_array(array: np.ndarray[Any, Any], color: Color) -> Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or array.shape[2:] not in ((), (3,))
        or not array.size
    ):
        hint = "; drop the fourth channel: image[..., :3]" if array.shape[2:] == (4,) else ""
        raise ValueError(f"picture: expected {_EXPECTED}, found an array {array.dtype} {array.shape}{hint}")
    if array.ndim == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return np.ascontiguousarray(array[..., ::-1] if color == "bgr" else array)


def _downloaded(url: str) -> tuple[Image, str]:
    from http.client import HTTPException
    from urllib.request import urlopen

    parts = urlsplit(url)
    name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    try:
        with urlopen(url, timeout=_ANSWER_WITHIN_S) as answer:
            content = answer.read(LARGEST_DOWNLOAD_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        # Not chained: the error may carry the whole address, with user name and password.
        raise SourceError(
            f"{name}: expected a picture, found no answer with one ({reason}); check the address"
        ) from None
    if len(content) > LARGEST_DOWNLOAD_BYTES:
        raise SourceError(
            f"{name}: expected a picture of at most {LARGEST_DOWNLOAD_BYTES >> 20} MiB, found more; download it yourself"
        )
    return decode_picture(content, name), name
