"""Test videos whose frames show their own number, and a reader that gets it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from faceapp.sources.video_file import VideoFileSource
from faceapp.types import Frame

WIDTH_PX, HEIGHT_PX = 128, 96
_BITS = 8
TIME_BASE = Fraction(1, 12800)


def numbered_picture(number: int, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> np.ndarray:
    """The number in `_BITS` black or white columns over the upper half; the lower half red left, blue right."""
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    column_px = width_px // _BITS
    for bit in range(_BITS):
        picture[: height_px // 2, bit * column_px : (bit + 1) * column_px] = 235 * (number >> bit & 1)
    picture[height_px // 2 :, : width_px // 2] = (200, 20, 20)
    picture[height_px // 2 :, width_px // 2 :] = (20, 20, 200)
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number that a picture shows."""
    height_px, width_px = picture.shape[:2]
    column_px = width_px // _BITS
    row = picture[height_px // 8 : height_px * 3 // 8].mean(axis=(0, 2))
    return sum(int(row[bit * column_px + column_px // 2] > 117) << bit for bit in range(_BITS))


def write_film(
    path: Path,
    times: Sequence[int] | int,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    size_px: tuple[int, int] = (WIDTH_PX, HEIGHT_PX),
    container_options: dict[str, str] | None = None,
    pictures: Iterable[np.ndarray] | None = None,
) -> list[int]:
    """Write a film of numbered pictures.

    Args:
        times: Presentation times in `TIME_BASE`, or a number of frames at 25 a second.
        options: Of the encoder; H.264 gets pictures between key frames 30 apart.
        pictures: Other pictures than numbered ones.

    Returns:
        The presentation times.
    """
    moments = [512 * n for n in range(times)] if isinstance(times, int) else list(times)
    defaults = {"g": "30", "bf": "3", "crf": "18"} if codec == "libx264" else {}
    shown = pictures or (numbered_picture(number, *size_px) for number in range(len(moments)))
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options={**defaults, **(options or {})})
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        for moment, picture in zip(moments, shown, strict=False):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = moment, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return moments


def turn_in_header(path: Path, clockwise_deg: int) -> None:
    """Write a display matrix into an MP4 file's track header, as phones do (ISO 14496-12, 8.3.2)."""
    one = 1 << 16
    a, b, c, d = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[clockwise_deg]
    matrix = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], dtype=">i4").tobytes()
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 4 + 40
    content[start : start + 36] = matrix
    path.write_bytes(bytes(content))


def read_all(source: VideoFileSource, limit: int = 10_000) -> list[Frame]:
    frames = []
    while len(frames) < limit and (frame := source.read()) is not None:
        frames.append(frame)
    return frames
