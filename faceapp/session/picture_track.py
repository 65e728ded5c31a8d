"""The pictures of a recording on their way into its video: faces covered where wished, a failure kept from the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from faceapp.errors import SessionError
from faceapp.session.face_cover import FaceCover
from faceapp.session.frame_log import NO_VIDEO, VIDEO_FAILED
from faceapp.session.video_encoder import VIDEO_FILE, VideoEncoder
from faceapp.settings import FaceStyle
from faceapp.types import FaceTrack, Image


class PictureTrack:
    """Encodes pictures in order of their time; used by one thread.

    Args:
        path: Video to make; None records no picture.
        style: How faces look in it.
        failed: Called with what ended the video early.

    Attributes:
        error: What ended the video early, or None.
    """

    def __init__(self, path: Path | None, style: FaceStyle, failed: Callable[[SessionError], None]) -> None:
        self.error: SessionError | None = None
        self._style = style
        self._failed = failed
        self._cover = FaceCover(style)
        self._encoder = None if path is None else VideoEncoder(path)

    @property
    def frames(self) -> int:
        """Frames in the video."""
        return self._encoder.frames if self._encoder is not None else 0

    def add(self, image: Image, time_s: float) -> str:
        """Take one captured picture.

        Returns:
            Why it is not in the video; empty when it is, or will be once its faces are known.
        """
        if self._encoder is None:
            return NO_VIDEO
        if self.error is None:
            self._cover.hold(image, time_s)
            self._encode(ended=False)
        return VIDEO_FAILED if self.error is not None else ""

    def know(self, time_s: float, faces: Sequence[FaceTrack]) -> None:
        """Take the faces of one analysed frame."""
        if self._encoder is not None and self.error is None:
            self._cover.know(time_s, faces)
            self._encode(ended=False)

    def sync(self) -> None:
        """Wait until the disk has what was encoded."""
        if self._encoder is not None:
            self._encoder.sync()

    def close(self) -> None:
        """Encode what was kept back and write the index."""
        if self._encoder is None:
            return
        if self.error is None:
            self._encode(ended=True)
        self._end()

    def as_json(self) -> dict[str, Any] | None:
        """Return the entry `video` of `session.json`; None where there is no video."""
        encoder = self._encoder
        if encoder is None or not encoder.frames:
            return None
        sizes = [
            {"time_s": time_s, "width_px": width, "height_px": height}
            for time_s, width, height in encoder.sizes
        ]
        entry = {"file": VIDEO_FILE, "codec": encoder.codec, "frame_sizes": sizes, "faces": self._style}
        return entry if self._style == "clear" else {**entry, "wholly_covered_frames": self._cover.uncertain}

    def _encode(self, ended: bool) -> None:
        assert self._encoder is not None
        try:
            for image, time_s in self._cover.ready(ended):
                self._encoder.add(image, time_s)
        except SessionError as error:
            self._fail(error)
            self._end()

    def _end(self) -> None:
        assert self._encoder is not None
        try:
            self._encoder.close()
        except SessionError as error:
            if self.error is None:
                self._fail(error)

    def _fail(self, error: SessionError) -> None:
        self.error = error
        self._failed(error)
