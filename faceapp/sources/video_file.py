"""Video files: every frame with its own time, upright, from any position."""

from __future__ import annotations

import logging
import math
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av

from faceapp.errors import SourceError
from faceapp.sources.av_pictures import PictureMaker
from faceapp.sources.media_name import media_name
from faceapp.sources.options import Clip, Options
from faceapp.sources.recorded import TIME_TOLERANCE_S, Entry, RecordedSource
from faceapp.sources.video_index import count_between, read_packet_times
from faceapp.types import Image

logger = logging.getLogger(__name__)

RANK = 40
ACCEPTS = "the path of a video file"
# Seeking lands on the key frame before a time; where a file's index is wrong, further back is tried.
_SEEK_BACK_S = (0.0, 2.0, 10.0)
# FFmpeg "recognises" text by its file name and renders it as pictures.
_NO_VIDEO_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf"})
_FALLBACK_RATE_HZ = 25.0
# Times that go back by so much begin anew; less is damage, or a frame out of order.
_RESTART_S = 0.5


def available() -> str:
    """Return why video files can't be read; empty when they can."""
    return ""


def from_text(text: str, options: Options) -> VideoFileSource | None:
    """Return the source when the text is the path of a file."""
    path = Path(text).expanduser()
    return VideoFileSource(path, options.clip.of_recording) if path.is_file() else None


class VideoFileSource(RecordedSource):
    """A video file, decoded on the caller's thread.

    Frame times are the file's own (variable rates too), counted from its first frame. After a seek, frame
    numbers are exact in files up to 64 MiB and at constant rate, else estimated from the time.
    """

    def __init__(self, path: Path, clip: Clip | None = None) -> None:
        """Remember what is wanted; nothing is opened.

        Args:
            path: The file.
            clip: Which of its frames are wanted; None: all, once.
        """
        super().__init__(path.name, clip)
        self._path = path
        self._container: Any = None
        self._stream: Any = None
        self._frames: Iterator[Any] = iter(())
        self._pending: Any = None
        self._pictures = PictureMaker()
        self._pixel_aspect = 1.0
        self._times: array[int] | None = None
        self._origin = 0
        self._next_index = 0
        self._untimed, self._numbered = False, 0
        self._shift_s = 0.0
        self._last_time_s = -math.inf
        self._warned = False

    @property
    def rate_hz(self) -> float:
        """Average frames a second, known once the file is open."""
        rate = (None if self._untimed else self._stream.average_rate) or self._stream.guessed_rate
        return float(rate) if rate else _FALLBACK_RATE_HZ

    def _acquire(self) -> None:
        self._warned = False
        self._open_container()
        first = next(self._frames, None)
        if first is None:
            raise SourceError(
                f"{self.name}: expected a video, found not one picture that can be decoded; check the file"
            )
        self._origin = first.pts if first.pts is not None else 0
        self._times = read_packet_times(self._path, self._stream.index)
        self.duration_s = self._find_duration_s()
        self.frame_count = self._count_frames()
        self._start_at(first)

    def _open_container(self) -> None:
        """Open the file and its video stream at the beginning."""
        self._release()
        self._numbered = 0
        try:
            size_bytes = self._path.stat().st_size
        except OSError as error:
            raise SourceError(
                f"{self._path}: expected a video file, found none ({error.strerror}); check the path"
            ) from error
        if size_bytes == 0:
            raise SourceError(f"{self.name}: expected a video, found an empty file (0 bytes); copy it again")
        try:
            self._container = av.open(media_name(self._path), metadata_errors="replace")
        except av.FFmpegError as error:
            raise SourceError(
                f"{self.name}: expected a video, found a file that can't be read as one ({error.strerror}); "
                "check that it is a video and complete"
            ) from error
        pictures = [stream for stream in self._container.streams.video if not _is_cover(stream)]
        if not pictures or self._container.format.name in _NO_VIDEO_FORMATS:
            raise SourceError(
                f"{self.name}: expected a video, found a file without pictures; choose another file"
            )
        self._stream = default_stream(pictures)
        # Decoding shares the cores with tracking and inference: on two cores one thread, the caller's.
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = max(1, min(4, (os.cpu_count() or 2) // 2))
        self._pixel_aspect = pixel_aspect(self._stream)
        self._frames = self._decode()

    def _find_duration_s(self) -> float | None:
        time_base = float(self._stream.time_base)
        if self._times:
            last_s = (self._times[-1] - self._origin) * time_base
            return last_s + (last_s / (len(self._times) - 1) if len(self._times) > 1 else 1 / self.rate_hz)
        if self._stream.duration:
            end = (self._stream.start_time or 0) + self._stream.duration
            return float((end - self._origin) * time_base)
        if self._container.duration:
            return float(self._container.duration / av.time_base)
        return None

    def _count_frames(self) -> int | None:
        start_s, end_s, every = self._clip.start_s or 0.0, self._clip.end_s, self._clip.every
        if self._times:
            last = None if end_s is None else self._to_pts(end_s)
            return math.ceil(count_between(self._times, self._to_pts(start_s), last) / every)
        if self.duration_s is None:
            return None
        length_s = min(self.duration_s, math.inf if end_s is None else end_s) - start_s
        return math.ceil(max(0.0, length_s) * self.rate_hz / every)

    def _to_pts(self, time_s: float) -> int:
        """Return the first presentation time that is not before a time."""
        return self._origin + math.ceil((time_s - TIME_TOLERANCE_S) / float(self._stream.time_base))

    def _rewind(self, time_s: float) -> None:
        if self._pending is not None and abs(self._time_s(self._pending) - time_s) <= TIME_TOLERANCE_S:
            return
        frame = self._key_frame_before(time_s)
        while frame is not None and self._time_s(frame) < time_s - TIME_TOLERANCE_S:
            frame = next(self._frames, None)
        self._start_at(frame)

    def _key_frame_before(self, time_s: float) -> Any:
        """Continue at a frame that is not after a time and return it; None when nothing can be decoded."""
        for back_s in _SEEK_BACK_S:
            frame = self._jump(time_s - back_s)
            if frame is not None and self._time_s(frame) <= time_s + TIME_TOLERANCE_S:
                return frame
        self._open_container()
        return next(self._frames, None)

    def _jump(self, time_s: float) -> Any:
        """Seek to the key frame before a time and return the first frame decoded there, or None."""
        if self._untimed:  # frames have to be counted from the beginning
            return None
        try:
            self._container.seek(self._to_pts(max(0.0, time_s)), stream=self._stream, backward=True)
        except av.FFmpegError:
            return None
        self._frames = self._decode()
        return next(self._frames, None)

    def _start_at(self, frame: Any) -> None:
        """Continue with this frame, which is decoded already."""
        self._pending = frame
        self._last_time_s, self._shift_s = -math.inf, 0.0
        if frame is None:
            return
        if self._times and frame.pts is not None:
            first = bisect_left(self._times, self._origin)
            self._next_index = bisect_left(self._times, frame.pts) - first
        else:
            self._next_index = round(self._time_s(frame) * self.rate_hz)

    def _advance(self) -> Entry | None:
        frame, self._pending = self._pending, None
        if frame is None:
            frame = next(self._frames, None)
        if frame is None:
            self._check_end()
            return None
        time_s = self._time_s(frame) + self._shift_s
        if (
            time_s < self._last_time_s - _RESTART_S
        ):  # files put together: the second begins anew behind the first
            self._shift_s += self._last_time_s + 1 / self.rate_hz - time_s
            time_s = self._last_time_s + 1 / self.rate_hz
        elif time_s <= self._last_time_s:  # missing or damaged: the frame still comes after the one before
            time_s = self._last_time_s + (1 if frame.pts is None else 0.1) / self.rate_hz
        self._last_time_s = time_s
        index, self._next_index = self._next_index, self._next_index + 1
        return Entry(index, time_s, frame)

    def _time_s(self, frame: Any) -> float:
        if frame.pts is None:
            return self._last_time_s if math.isfinite(self._last_time_s) else 0.0
        return float((frame.pts - self._origin) * frame.time_base)

    def _picture(self, content: Any) -> Image:
        return self._pictures.make(content, self._pixel_aspect)

    def _decode(self) -> Iterator[Any]:
        """Give every frame up to the end of the file; damage is reported once and skipped."""
        try:
            for packet in self._container.demux(self._stream):
                yield from self._decode_packet(packet)
        except av.FFmpegError as error:
            self._warn(f"cut off after {self._reached()}, {error.strerror}")

    def _decode_packet(self, packet: Any) -> list[Any]:
        try:
            frames: list[Any] = packet.decode()
        except av.FFmpegError as error:
            self._warn(f"damaged after {self._reached()}, {error.strerror}")
            return []
        for frame in frames:
            self._number(frame)
        return frames

    def _number(self, frame: Any) -> None:
        """Give a frame of a stream without times (raw H.264) the time that follows from its number."""
        if self._numbered == 0:
            self._untimed = frame.pts is None
        if self._untimed:
            frame.pts = round(self._numbered / self.rate_hz / float(self._stream.time_base))
            frame.time_base = self._stream.time_base
        self._numbered += 1

    def _check_end(self) -> None:
        """Report a file that ends well before the length it announces."""
        if self._stream.duration and math.isfinite(self._last_time_s):
            end = (self._stream.start_time or 0) + self._stream.duration
            announced_s = float((end - self._origin) * self._stream.time_base)
            if self._last_time_s + 2 / self.rate_hz + 0.5 < announced_s:
                self._warn(f"cut off after {self._reached()} of {announced_s:.2f} s")

    def _reached(self) -> str:
        return f"{max(self._last_time_s, 0.0):.2f} s"

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning(
                "%s: expected a whole video, found it %s; the frames that can be read are used",
                self.name,
                what,
            )

    def _release(self) -> None:
        container, self._container = self._container, None
        self._frames, self._pending = iter(()), None
        if container is not None:
            container.close()


def default_stream(streams: Sequence[Any]) -> Any:
    """Return the stream that players show: the one marked as default, else the first.

    Args:
        streams: Video streams of a container, at least one.
    """
    marked = (stream for stream in streams if stream.disposition & av.stream.Disposition.default)
    return next(marked, streams[0])


def _is_cover(stream: Any) -> bool:
    """Return whether a stream is the cover picture of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def pixel_aspect(stream: Any) -> float:
    """Return width by height of a pixel; unbelievable values count as square."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if 0.25 <= aspect <= 4 else 1.0
