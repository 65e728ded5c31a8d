"""Network cameras: RTSP, HTTP MJPEG and whatever else FFmpeg opens by URL."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av

from faceapp.errors import SourceError
from faceapp.sources.av_pictures import PictureMaker
from faceapp.sources.live import LiveSource
from faceapp.sources.live_capture import Device, RecordingEnded
from faceapp.sources.options import Options
from faceapp.sources.stream_transport import (
    ALWAYS,
    FORMAT,
    attempts,
    comes_in_pieces,
    is_session_description,
    protocols,
)
from faceapp.sources.video_file import default_stream, pixel_aspect
from faceapp.types import Image

RANK = 20
ACCEPTS = "a URL (http://, https://, rtsp://) or an .sdp file"
_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
OPEN_TIMEOUT_S = 6.0
READ_TIMEOUT_S = 4.0
# Pictures that can't be decoded in a row before the stream counts as broken.
_PATIENCE_PACKETS = 60
_WAIT_S = 0.25
_LONGEST_PIECE_S = 10.0
"""A picture that is due later than this belongs to another part of the stream, whose times begin elsewhere."""
_FINAL = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, ConnectionError)
"""What another way of sending the pictures does not change."""
_LATE_S = 2.0
"""A stream that was held up for longer goes on from where it is, instead of running after its own times."""


def available() -> str:
    """Return why streams can't be read; empty when they can."""
    return ""


def from_text(text: str, options: Options) -> StreamSource | None:
    """Return the source when the text is a URL.

    Raises:
        SourceError: It is one that can't be opened, or a part of a recording was asked for.
    """
    url = text.strip()
    if is_session_description(url):
        return StreamSource(url)
    found = _URL.match(url)
    if found is None:
        return None
    scheme = found[1].lower()
    if scheme not in ALWAYS and scheme not in protocols():
        known = ", ".join(protocols())
        raise SourceError(
            f"{public_name(url)}: expected a URL of {known}, which the installed PyAV speaks, found {found[1]}; "
            "check the address"
        )
    source = StreamSource(scheme + url[len(scheme) :])
    options.refuse_clip(source.name)
    return source


def public_name(url: str) -> str:
    """Return a URL as it may be shown and logged: without user name, password, query and fragment."""
    if "://" not in url:
        return Path(url).name
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" + ("?..." if parts.query else "")


class StreamSource(LiveSource):
    """A stream by URL, opened and read on its own thread; user names and passwords stay in here."""

    def __init__(
        self, url: str, *, open_timeout_s: float = OPEN_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        """Remember the URL; nothing is opened.

        Args:
            url: Address, with user name and password where needed.
            open_timeout_s: An address that has not answered by then can't be opened.
            read_timeout_s: A stream that sends nothing for so long is lost.
        """
        super().__init__(public_name(url))
        self._url = url
        self._timeouts_s = (open_timeout_s, read_timeout_s)

    def _connect(self) -> Device:
        reason = ""
        for attempt in attempts(self._url):
            started_s = time.perf_counter()
            options = {key: value for key, value in attempt.items() if key != FORMAT}
            try:
                container = av.open(
                    self._url,
                    format=attempt.get(FORMAT),
                    timeout=self._timeouts_s,
                    options=options,
                    metadata_errors="replace",
                )
            except _FINAL as error:
                reason = _reason(error)
                break
            except (av.FFmpegError, ValueError) as error:
                # Over RTSP and TLS, FFmpeg calls an interrupted wait by other names.
                in_time = time.perf_counter() - started_s < 0.95 * self._timeouts_s[0]
                reason = _reason(error) if in_time else "no answer in time"
                if not in_time:
                    break
            else:
                if container.streams.video and (FORMAT not in attempt or container.streams.video[0].width):
                    return _Stream(self.name, container)
                container.close()
                reason = reason or "no pictures in it"
                break
        # Not raised in the handler: FFmpeg's error carries the whole URL, and a chained one would print it.
        raise SourceError(
            f"{self.name}: expected a video stream, found {reason}; check address, camera and network"
        )


class _Stream:
    """An opened stream."""

    def __init__(self, name: str, container: Any) -> None:
        self._name = name
        self._container = container
        self._stream = default_stream(container.streams.video)
        self._stream.thread_type = "SLICE"  # threads by frame would hold back one picture each
        self._packets = container.demux(self._stream)
        self._frames: Iterator[Any] = iter(())
        self._undecoded = 0
        self._pictures = PictureMaker()
        self._is_recording = bool(container.duration and container.duration > 0)
        self._paced = self._is_recording or comes_in_pieces(container.format.name)
        self._started_s: float | None = None
        self._early: Any = None

    def grab(self) -> tuple[Image, float] | None:
        frame, self._early = self._early or next(self._frames, None), None
        if frame is None:
            self._frames = iter(self._decode_next())
            return None
        if self._paced and not self._is_due(frame):
            self._early = frame
            return None
        image = self._pictures.make(frame, pixel_aspect(self._stream))
        return image, time.perf_counter()

    def close(self) -> None:
        self._container.close()

    def _decode_next(self) -> list[Any]:
        """Return the frames of the next packet, none when it can't be decoded.

        Raises:
            SourceError: There is no further packet, or too many could not be decoded.
            RecordingEnded: There is no further packet of a recording.
        """
        packet, reason = self._next_packet()
        if packet is None:
            if self._is_recording and not reason:
                raise RecordingEnded
            raise SourceError(
                f"{self._name}: expected more pictures, found {reason or 'the end of the stream'}"
            )
        try:
            frames: list[Any] = packet.decode()
        except av.FFmpegError:
            frames = []
        self._undecoded = 0 if frames else self._undecoded + 1
        if self._undecoded > _PATIENCE_PACKETS:
            raise SourceError(f"{self._name}: expected pictures, found data that can't be decoded as such")
        return frames

    def _next_packet(self) -> tuple[Any, str]:
        """Return the next packet, or None and the reason; the reason of an orderly end is empty."""
        try:
            return next(self._packets, None), ""
        except av.FFmpegError as error:
            return None, _reason(error)

    def _is_due(self, frame: Any) -> bool:
        """Hold a recording, or a stream that comes in pieces, to its own speed; waits a moment at most."""
        time_s = frame.time or 0.0
        now_s = time.perf_counter()
        if self._started_s is None or not -_LATE_S < self._started_s + time_s - now_s < _LONGEST_PIECE_S:
            self._started_s = now_s - time_s  # the first one, or another part begins
        left_s = self._started_s + time_s - now_s
        time.sleep(min(_WAIT_S, max(0.0, left_s)))
        return left_s <= _WAIT_S


def _reason(error: Exception) -> str:
    """Return what FFmpeg says, without the URL."""
    if isinstance(error, av.error.ExitError | av.error.TimeoutError):
        return "no answer in time"
    if isinstance(error, av.error.InvalidDataError):
        return "something that is no video"
    said = str(getattr(error, "strerror", None) or type(error).__name__).lower()
    # What FFmpeg says of an answer that is no HTTP, too short, or cut off.
    return f"no usable answer ({said})" if getattr(error, "errno", None) == errno.EIO else said
