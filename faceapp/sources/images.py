"""Pictures as a slow film: one picture, or a folder of them in natural order."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceapp.errors import SourceError
from faceapp.sources.file_suffixes import PICTURE_SUFFIXES
from faceapp.sources.options import Clip, Options
from faceapp.sources.picture_files import list_pictures
from faceapp.sources.recorded import TIME_TOLERANCE_S, Entry, RecordedSource
from faceapp.types import Image

logger = logging.getLogger(__name__)

RANK = 30
ACCEPTS = "the path of a picture or of a folder of pictures"
# Unrelated pictures: a second apart, smoothing over time hardly mixes them.
RATE_HZ = 1.0
# Behind transparent pixels, whose own colours are often black or leftovers.
_BEHIND_TRANSPARENCY = 128


def available() -> str:
    """Return why pictures can't be read; empty when they can."""
    return ""


def from_text(text: str, options: Options) -> ImagesSource | None:
    """Return the source when the text is the path of a folder or of a picture by its name."""
    path = Path(text).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES):
        return ImagesSource(path, options.clip)
    return None


class ImagesSource(RecordedSource):
    """One picture, or the pictures directly in a folder; those that can't be read are named and left out."""

    def __init__(self, path: Path, clip: Clip | None = None, *, rate_hz: float = RATE_HZ) -> None:
        """Remember what is wanted; nothing is opened.

        Args:
            path: A picture or a folder.
            clip: Which of the pictures are wanted; None: all, once.
            rate_hz: Pictures a second on the source's clock.

        Raises:
            SourceError: The rate is not above zero.
        """
        super().__init__(path.name or str(path), clip)
        if not (math.isfinite(rate_hz) and rate_hz > 0):
            raise SourceError(f"{self.name}: expected a rate above 0 pictures a second, found {rate_hz!r}")
        self._path = path
        self._rate_hz = rate_hz
        self._files: list[Path] = []
        self._next = 0
        self._refused: set[Path] = set()

    def _acquire(self) -> None:
        self._refused.clear()
        self._files = list_pictures([self._path])
        self._require_one()
        self.duration_s = len(self._files) / self._rate_hz
        first = self._index_at(self._clip.start_s or 0.0)
        last = len(self._files) if self._clip.end_s is None else self._index_at(self._clip.end_s)
        self.frame_count = math.ceil(max(0, min(last, len(self._files)) - first) / self._clip.every)

    def _require_one(self) -> None:
        """Raise unless at least one picture can be read."""
        if self._path.is_dir():
            if any(self._picture(file) is not None for file in self._files):
                return
            found = f"{len(self._files)} files of which none can be read"
            raise SourceError(f"{self._path}: expected pictures, found {found}; check them")
        read_picture(self._path)

    def _index_at(self, time_s: float) -> int:
        return max(0, math.ceil((time_s - TIME_TOLERANCE_S) * self._rate_hz))

    def _rewind(self, time_s: float) -> None:
        self._next = self._index_at(time_s)

    def _advance(self) -> Entry | None:
        index = self._next
        if index >= len(self._files):
            return None
        self._next = index + 1
        return Entry(index, index / self._rate_hz, self._files[index])

    def _picture(self, content: Path) -> Image | None:
        try:
            return read_picture(content)
        except SourceError as error:
            if content not in self._refused:
                self._refused.add(content)
                logger.warning("%s; it is left out", error)
            return None

    def _release(self) -> None:
        self._files = []


def read_picture(path: Path) -> Image:
    """Read a picture file; gray, 16-bit, transparent or turned by its EXIF data, it comes out upright in RGB.

    Args:
        path: The file; its content decides, not its name.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        SourceError: The file can't be read or is no picture.
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)  # imread fails on names outside the code page of Windows
    except OSError as error:
        raise SourceError(
            f"{path}: expected a picture, found none that can be read ({error.strerror})"
        ) from error
    picture = _decode(content) if content.size else None
    if picture is None:
        found = f"{content.size} bytes of something else" if content.size else "an empty file"
        raise SourceError(f"{path}: expected a picture, found {found}; replace or remove it")
    return picture


def _decode(content: npt.NDArray[np.uint8]) -> Image | None:
    """Return the picture in an encoded file, or None when there is none."""
    try:
        if _has_alpha(content.tobytes()[:64]):
            layers = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
            if layers is not None and layers.ndim == 3 and layers.shape[2] == 4:
                return _before_gray(layers)
        picture: Image | None = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None
    return picture


def _has_alpha(start: bytes) -> bool:
    """Return whether a PNG or WebP file says in its header that it has transparency."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return start[25:26] in (b"\x04", b"\x06")
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return (start[12:16] == b"VP8X" and bool(start[20] & 0x10)) or (
            start[12:16] == b"VP8L" and bool(start[24] & 0x10)
        )
    return False


def _before_gray(layers: npt.NDArray[np.generic]) -> Image:
    """Return a picture with alpha (BGRA, 8 or 16 bits) before gray, uint8 RGB."""
    scale = 255 / (65535 if layers.dtype == np.uint16 else 255)
    values = layers.astype(np.float32) * np.float32(scale)
    cover = values[..., 3:] / 255
    flat = values[..., 2::-1] * cover + _BEHIND_TRANSPARENCY * (1 - cover)
    picture: Image = np.ascontiguousarray(flat.round().astype(np.uint8))
    return picture
