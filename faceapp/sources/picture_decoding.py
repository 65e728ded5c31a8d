"""The one way from the bytes of a picture file to pixels: known formats only, never too many pixels, upright, RGB."""

from __future__ import annotations

import warnings
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np

from faceapp.errors import SourceError
from faceapp.types import Image

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Formats that are decoded, by content. JPEG 2000 and others with a history of faulty decoders are not."""
MOST_PIXELS = 120_000_000
"""A picture of a phone has at most 108 million; more would take gigabytes."""
BEHIND_TRANSPARENCY = 128
"""Gray behind transparent pixels, whose own colours are often black or leftovers."""
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def is_heif(start: bytes) -> bool:
    """Return whether a file that begins like this is a HEIF picture, as phones take them.

    Args:
        start: At least its first 12 bytes.
    """
    return start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS


def decode_picture(content: bytes, name: str) -> Image:
    """Decode one picture; gray, 16-bit, transparent or turned by its EXIF data, it comes out upright in RGB.

    Args:
        content: Of a picture file.
        name: For the error.

    Returns:
        uint8 (H, W, 3) RGB, contiguous.

    Raises:
        SourceError: It is no picture of `FORMATS`, has more than `MOST_PIXELS`, or is damaged.
    """
    if not content:
        raise SourceError(f"{name}: expected a picture, found an empty file; replace or remove it")
    heif = is_heif(content[:16])
    if heif and not _can_read_heif():
        raise SourceError(
            f"{name}: expected a JPEG, PNG, TIFF, WebP or BMP picture, found HEIC; "
            "run `pip install pillow-heif`, or save it as JPEG"
        )
    return _decode(content, name, (*FORMATS, "HEIF") if heif else FORMATS)


def _decode(content: bytes, name: str, formats: tuple[str, ...]) -> Image:
    from PIL import Image as pillow
    from PIL import ImageOps, UnidentifiedImageError

    too_many = (pillow.DecompressionBombError, pillow.DecompressionBombWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            picture: Any = pillow.open(BytesIO(content), formats=formats)
        _require_size(picture.size, name)
        picture.load()
        return _rgb(ImageOps.exif_transpose(picture), name)
    except UnidentifiedImageError as error:
        raise SourceError(
            f"{name}: expected a picture, found {len(content)} bytes of something else; replace or remove it"
        ) from error
    except too_many as error:
        raise SourceError(f"{name}: {_TOO_LARGE}; make it smaller or remove it") from error
    except MemoryError as error:
        raise SourceError(
            f"{name}: expected a picture, found not enough memory for it; make it smaller"
        ) from error
    except SourceError:
        raise
    except Exception as error:  # a decoder of foreign bytes may raise anything
        said = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        raise SourceError(
            f"{name}: expected a picture, found a damaged one ({said}); replace or remove it"
        ) from error


_TOO_LARGE = f"expected a picture of at most {MOST_PIXELS // 1_000_000} million pixels, found a larger one"


def _require_size(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise SourceError(
            f"{name}: expected a picture of at most {MOST_PIXELS // 1_000_000} million pixels, found {size[0]}x{size[1]}; "
            "make it smaller or remove it"
        )


def _rgb(picture: Any, name: str) -> Image:
    """Return the pixels of any mode of Pillow as uint8 (H, W, 3) RGB."""
    if picture.mode in _SIXTEEN_BITS:
        gray = (np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(gray[:, :, None], 3, axis=2)
    if picture.mode in ("I", "F"):
        raise SourceError(f"{name}: expected 8 or 16 bits a colour, found 32; save it as PNG")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        layers = np.asarray(picture.convert("RGBA"), dtype=np.float32)
        cover = layers[..., 3:] / 255
        flat = layers[..., :3] * cover + BEHIND_TRANSPARENCY * (1 - cover)
        return np.ascontiguousarray(flat.round().astype(np.uint8))
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"), dtype=np.uint8))


def _can_read_heif() -> bool:
    """Return whether the optional package that reads HEIC is there, and let Pillow use it."""
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
        return True
    return False
