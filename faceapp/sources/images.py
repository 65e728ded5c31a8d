"""Pictures as a slow film: one picture, or a folder of them in natural order."""

from __future__ import annotations

import logging
import math
from pathlib import Path

from faceapp.errors import SourceError
from faceapp.sources.file_suffixes import FOREIGN_PICTURE_SUFFIXES, PICTURE_SUFFIXES
from faceapp.sources.options import Clip, Options
from faceapp.sources.picture_files import list_pictures, read_picture
from faceapp.sources.recorded import TIME_TOLERANCE_S, Entry, RecordedSource
from faceapp.types import Image

logger = logging.getLogger(__name__)

RANK = 30
ACCEPTS = "the path of a picture or of a folder of pictures"
# Unrelated pictures: a second apart, smoothing over time hardly mixes them.
RATE_HZ = 1.0


def available() -> str:
    """Return why pictures can't be read; empty when they can."""
    return ""


def from_text(text: str, options: Options) -> ImagesSource | None:
    """Return the source when the text is the path of a folder or of a picture by its name."""
    path = Path(text).expanduser()
    if path.is_dir() or (path.is_file() and _is_picture(path)):
        return ImagesSource(path, options.clip.of_recording)
    return None


def _is_picture(path: Path) -> bool:
    """Tell by name; pictures of formats that are not read too, so that they are refused as pictures, not as videos."""
    return path.suffix.lower() in PICTURE_SUFFIXES | FOREIGN_PICTURE_SUFFIXES


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
