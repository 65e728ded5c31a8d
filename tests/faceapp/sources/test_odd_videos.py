"""Videos as other people have them: without times, put together, mirrored, with more than one stream."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from faceapp.sources.options import Clip
from faceapp.sources.stream import StreamSource
from faceapp.sources.video_file import VideoFileSource
from faceapp.types import Frame

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"
ONE = 1 << 16


def case(name: str) -> Path:
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"needs the shared cases beside the checkout ({name})")
    return path


def frames(path: Path, clip: Clip | None = None) -> list[Frame]:
    source = VideoFileSource(path, clip)
    source.open()
    found = []
    while not source.ended:
        if (frame := source.read()) is not None:
            found.append(frame)
    source.close()
    return found


def write(path: Path, picture: np.ndarray, count: int = 3, codec: str = "mpeg4") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        for _ in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


def corner_picture() -> np.ndarray:
    picture = np.full((32, 64, 3), 20, np.uint8)
    picture[:16, :32] = 240
    return picture


@pytest.mark.parametrize(
    ("matrix", "shape", "bright"),
    [
        ((ONE, 0, 0, ONE), (32, 64), (0, 0)),
        ((-ONE, 0, 0, ONE), (32, 64), (0, 1)),
        ((ONE, 0, 0, -ONE), (32, 64), (1, 0)),
        ((-ONE, 0, 0, -ONE), (32, 64), (1, 1)),
        ((0, ONE, -ONE, 0), (64, 32), (0, 1)),
        ((0, -ONE, ONE, 0), (64, 32), (1, 0)),
        ((0, ONE, ONE, 0), (64, 32), (0, 0)),
        ((0, -ONE, -ONE, 0), (64, 32), (1, 1)),
    ],
)
def test_pictures_are_turned_and_mirrored_as_the_file_says(
    tmp_path: Path, matrix: tuple[int, int, int, int], shape: tuple[int, int], bright: tuple[int, int]
) -> None:
    path = write(tmp_path / "a.mp4", corner_picture())
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    a, b, c, d = matrix
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)

    image = frames(path)[0].image
    assert image.shape[:2] == shape
    rows, columns = np.array_split(image, 2), 1
    quarters = np.array([[half.mean() for half in np.array_split(row, 2, axis=columns)] for row in rows])
    assert np.unravel_index(quarters.argmax(), quarters.shape) == bright


def test_raw_h264_has_the_rate_that_the_stream_says() -> None:
    found = frames(case("raw_stream_without_times.h264"))
    assert len(found) == 60 and found[-1].time_s == pytest.approx(59 / 30, abs=1e-3)


def test_a_clip_of_raw_h264_has_its_frames() -> None:
    found = frames(case("raw_stream_without_times.h264"), Clip(start_s=1.0, end_s=1.5))
    assert [frame.index for frame in found] == list(range(30, 45))
    assert found[0].time_s == pytest.approx(1.0, abs=1e-3)


def test_a_second_file_behind_the_first_goes_on_where_that_ended(tmp_path: Path) -> None:
    picture = corner_picture()
    parts = [
        write(tmp_path / f"{name}.ts", picture, count, "mpeg2video") for name, count in (("a", 45), ("b", 45))
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = frames(both)
    steps_s = np.diff([frame.time_s for frame in found])
    assert len(found) >= 88 and found[-1].time_s == pytest.approx((len(found) - 1) / 30, abs=0.05)
    assert steps_s.min() > 0.02 and steps_s.max() < 0.08


def test_the_stream_marked_as_default_is_read(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = []
        for width, disposition in ((32, 0), (64, av.stream.Disposition.default)):
            stream = container.add_stream("mpeg4", rate=30)
            stream.width, stream.height, stream.pix_fmt = width, 32, "yuv420p"
            stream.disposition = disposition
            streams.append(stream)
        for stream in streams:
            for index in range(3):
                frame = av.VideoFrame.from_ndarray(np.zeros((32, stream.width, 3), np.uint8), "rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 30)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    assert {frame.image.shape[1] for frame in frames(path)} == {64}


def test_wide_pixels_are_the_same_from_a_file_and_over_a_stream() -> None:
    path = case("pixel_aspect_64_45.mpg")
    assert frames(path, Clip(end_s=0.1))[0].image.shape == (576, 1024, 3)
    device = StreamSource(path.as_uri())._connect()
    try:
        while (grabbed := device.grab()) is None:
            pass
        assert grabbed[0].shape == (576, 1024, 3)
    finally:
        device.close()
