"""The video of a session at any time: seeks to the key frame before and decodes up to the frame that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from faceapp.errors import SessionError
from faceapp.sources.av_pictures import PictureMaker
from faceapp.sources.media_name import media_name
from faceapp.types import Image

_AHEAD_S = 2.5  # decoding on costs less than seeking while the wanted frame is at most a key frame away
_ROUNDING_S = 0.0006  # Matroska keeps milliseconds


class VideoReader:
    """Decodes single frames; used by one thread.

    Args:
        path: The video.

    Raises:
        SessionError: It is no video that can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pictures = PictureMaker()
        try:
            self._container = av.open(media_name(path), metadata_errors="replace")
            self._stream = self._container.streams.video[0]
        except (av.FFmpegError, IndexError) as error:
            raise SessionError(
                f"{path.name}: expected a video, found a file that can't be read as one ({error}); "
                "run `faceapp session check`"
            ) from error
        self._frames: Iterator[Any] = iter(())
        self._current: Any = None
        self._next: Any = None
        self._rewind(0.0)

    def picture_at(
        self, time_s: float, interrupted: Callable[[], bool] = lambda: False
    ) -> tuple[float, Image]:
        """Return the frame that is shown at a time: the last one that is not later.

        Args:
            time_s: Seconds on the session's clock.
            interrupted: Asked before each frame is decoded; True gives the frame reached so far.

        Returns:
            The frame's own time in seconds, and its picture, uint8 (H, W, 3) RGB.

        Raises:
            SessionError: No frame can be decoded.
        """
        time_s += _ROUNDING_S
        if self._current is None or not _time_s(self._current) <= time_s <= _time_s(self._current) + _AHEAD_S:
            self._rewind(time_s)
        while self._next is not None and _time_s(self._next) <= time_s and not interrupted():
            self._current, self._next = self._next, self._decode_next()
        if self._current is None:
            raise SessionError(
                f"{self._path.name}: expected a video, found no frame; run `faceapp session check`"
            )
        return _time_s(self._current), self._pictures.make(self._current)

    def close(self) -> None:
        """Release the file."""
        self._container.close()

    def _rewind(self, time_s: float) -> None:
        """Continue at the key frame before a time."""
        try:
            offset = int(max(0.0, time_s) / self._stream.time_base)
            self._container.seek(offset, stream=self._stream, backward=True)
        except av.FFmpegError:  # a file without an index, as a kill leaves it: from its beginning
            self._container.close()
            self._container = av.open(media_name(self._path), metadata_errors="replace")
            self._stream = self._container.streams.video[0]
        self._frames = self._decode()
        self._current = self._decode_next()
        self._next = self._decode_next()

    def _decode_next(self) -> Any:
        return next(self._frames, None)

    def _decode(self) -> Iterator[Any]:
        """Give every frame with a time up to the end; a damaged packet is passed over."""
        try:
            for packet in self._container.demux(self._stream):
                yield from (frame for frame in _frames_of(packet) if frame.pts is not None)
        except av.FFmpegError:
            return


def read_frame_times(path: Path, stopped: Callable[[], bool] = lambda: False) -> npt.NDArray[np.float64]:
    """Return the times of all frames of a video, rising, from its packets without decoding them.

    Args:
        path: The video.
        stopped: Asked now and then; True ends early with what was found.
    """
    times: list[int] = []
    try:
        with av.open(media_name(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            base_s = float(stream.time_base)
            for number, packet in enumerate(container.demux(stream)):
                if packet.pts is not None and packet.size:
                    times.append(packet.pts)
                if number % 256 == 0 and stopped():
                    break
    except (av.FFmpegError, IndexError):
        if not times:
            return np.empty(0)
    return np.sort(np.asarray(times, dtype=np.float64)) * base_s


def _frames_of(packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []


def _time_s(frame: Any) -> float:
    return float(frame.pts * frame.time_base)
