"""The clean video of a session: every frame at its own time, in a file that plays even after a kill."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faceapp.errors import SessionError
from faceapp.session.own_files import open_own
from faceapp.sources.media_name import media_name
from faceapp.types import Image

VIDEO_FILE = "video.mkv"
_TIME_BASE = Fraction(1, 1000)  # Matroska's own; a finer one would be rounded to it
_CLUSTER_MS = "500"  # what is buffered before it reaches the file: a killed recording lost 0.43 s of video
_X264 = {"preset": "ultrafast", "tune": "zerolatency", "crf": "20", "g": "60"}
_MPEG4 = {"qmin": "2", "qmax": "6", "g": "60"}


class VideoEncoder:
    """Encodes RGB frames of variable rate into Matroska; used by one thread.

    The first frame sets the size (an odd side gets one repeated line, because 4:2:0 needs even ones). A later
    frame of another size is fitted into it without stretching, and `sizes` keeps from when on: boxes in the
    table stay in the pixels of the frame they were found in, `fitted_rectangle` maps them to the video.

    Attributes:
        frames: Frames encoded so far.
        sizes: [time_s, width_px, height_px] of the frames given, an entry at every change.
        codec: Name of the encoder, empty before the first frame.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container: Any = None
        self._stream: Any = None
        self._last_ms = -1
        self.frames = 0
        self.sizes: list[tuple[float, int, int]] = []
        self.codec = ""

    def add(self, image: Image, time_s: float) -> None:
        """Encode one frame.

        Args:
            image: uint8 (H, W, 3) RGB.
            time_s: Its time; later than the one before (two frames within a millisecond are set 1 ms apart).

        Raises:
            SessionError: The encoder or the disk refused it.
        """
        import av

        height, width = image.shape[:2]
        try:
            if self._container is None:
                self._open(width, height)
            if not self.sizes or self.sizes[-1][1:] != (width, height):
                self.sizes.append((time_s, width, height))
            frame = av.VideoFrame.from_ndarray(self._fit(image), format="rgb24")
            self._last_ms = max(self._last_ms + 1, round(time_s * 1000))
            frame.pts, frame.time_base = self._last_ms, _TIME_BASE
            self._container.mux(self._stream.encode(frame))
            self.frames += 1
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Write what is buffered and the index; may be called twice.

        Raises:
            SessionError: The end can't be written; what was written before still plays.
        """
        import av

        container, self._container = self._container, None
        if container is None:
            return
        try:
            try:
                container.mux(self._stream.encode(None))
            finally:
                container.close()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._error(error) from error

    def sync(self) -> None:
        """Wait until the disk has what reached the file, so that a power cut loses no more than a kill."""
        if os.name != "posix" or self._container is None:
            return  # elsewhere only the handle that wrote can ask for it, and that is FFmpeg's
        with suppress(OSError):  # the folder has gone: writing will say so
            descriptor = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _open(self, width: int, height: int) -> None:
        import av

        self.codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        options = {"cluster_time_limit": _CLUSTER_MS, "flush_packets": "1"}
        open_own(self._path, "xb").close()  # with the rights that its folder asks for
        self._container = av.open(media_name(self._path), "w", format="matroska", options=options)
        self._stream = self._container.add_stream(
            self.codec, rate=30, options=_X264 if self.codec == "libx264" else _MPEG4
        )
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _TIME_BASE
        self._stream.codec_context.thread_count = 1  # 5 ms a 1280x720 frame; the other cores track and infer

    def _fit(self, image: Image) -> Image:
        height, width = image.shape[:2]
        full_width, full_height = self._stream.width, self._stream.height
        if (width, height) == (full_width, full_height):
            return image
        if self.sizes[-1][1:] == self.sizes[0][1:]:
            padding = (0, full_height - height, 0, full_width - width)
            return np.asarray(cv2.copyMakeBorder(image, *padding, cv2.BORDER_REPLICATE), dtype=np.uint8)
        x, y, new_width, new_height = fitted_rectangle((width, height), self.sizes[0][1:])
        canvas = np.zeros((full_height, full_width, 3), dtype=np.uint8)
        canvas[y : y + new_height, x : x + new_width] = cv2.resize(
            image, (new_width, new_height), interpolation=cv2.INTER_AREA
        )
        return canvas

    def _error(self, error: Exception) -> SessionError:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        return SessionError(
            f"{self._path.name}: expected to record video, found: {reason}; "
            f"the video ends after {self.frames} frames, the table is kept; "
            "free some space or record without video"
        )


def fitted_rectangle(size: tuple[int, int], video_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return where a frame of another size lies in the video.

    Args:
        size: Width and height of the frame in pixels.
        video_size: Width and height of the session's first frame.

    Returns:
        x, y, width, height in the video's pixels; the whole video for a frame of its own size.
    """
    scale = min(video_size[0] / size[0], video_size[1] / size[1])
    width, height = (
        max(1, min(limit, round(side * scale))) for side, limit in zip(size, video_size, strict=True)
    )
    return (video_size[0] - width) // 2, (video_size[1] - height) // 2, width, height
