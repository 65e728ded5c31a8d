"""Video files: every frame, its own time, exact seeks, clips and loops."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources import Clip, video_index
from faceapp.sources.video_file import VideoFileSource
from tests.faceapp.sources.films import (
    TIME_BASE,
    number_in,
    numbered_picture,
    read_all,
    turn_in_header,
    write_film,
)


def test_every_frame_in_order_with_its_time(opened):
    frames = read_all(opened)
    assert [number_in(frame.image) for frame in frames] == list(range(60))
    assert [frame.index for frame in frames] == list(range(60))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 25 for n in range(60)])
    assert opened.ended
    assert opened.read() is None
    assert (opened.frame_count, opened.duration_s) == (60, pytest.approx(2.4))
    assert (opened.name, opened.live, opened.status) == ("film.mp4", False, "")


def test_frames_are_rgb_owned_and_read_only(opened):
    frames = read_all(opened)
    image = frames[0].image
    assert image.shape == (96, 128, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert not image.flags.writeable
    assert np.abs(image[80, 20].astype(int) - (200, 20, 20)).max() < 16  # red left, so no BGR
    assert np.abs(image[80, 100].astype(int) - (20, 20, 200)).max() < 16
    assert len({frame.image.ctypes.data for frame in frames}) == 60


@pytest.mark.parametrize("width_px", [130, 426, 854])
def test_widths_with_padded_rows(tmp_path, width_px):
    write_film(tmp_path / "wide.mp4", 3, size_px=(width_px, 96))
    source = VideoFileSource(tmp_path / "wide.mp4")
    source.open()
    image = source.read().image
    source.close()
    assert image.shape == (96, width_px, 3)
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - numbered_picture(0, width_px, 96))[52:, 4:50].max() < 24


@pytest.mark.parametrize(
    "suffix, codec", [("mkv", "libx264"), ("mp4", "libx264"), ("avi", "mpeg4"), ("webm", "libvpx-vp9")]
)
def test_seeking_is_exact_in_every_container(tmp_path, suffix, codec):
    path = tmp_path / f"film.{suffix}"
    write_film(path, 60, codec=codec, options={"g": "30"})
    source = VideoFileSource(path)
    source.open()
    times_s = [frame.time_s for frame in read_all(source)]
    assert len(times_s) == 60
    for number in [0, 59, 1, 30, 29, 31, *random.Random(1).sample(range(60), 12)]:
        source.seek(times_s[number])
        frame = source.read()
        assert number_in(frame.image) == frame.index == number
        assert frame.time_s == times_s[number]
    source.close()


def test_seeking_between_frames_gives_the_next_one_and_reading_goes_on(opened):
    opened.seek(1.001)
    frames = [opened.read() for _ in range(3)]
    assert [number_in(frame.image) for frame in frames] == [26, 27, 28]
    assert [frame.index for frame in frames] == [26, 27, 28]


def test_seeking_after_the_end_and_beyond_it(opened):
    read_all(opened)
    assert opened.ended
    opened.seek(0.0)
    assert not opened.ended
    assert len(read_all(opened)) == 60
    opened.seek(99.0)
    assert opened.read() is None
    assert opened.ended
    opened.seek(-5.0)
    assert opened.read().index == 0


def test_index_is_estimated_in_large_files(film, monkeypatch):
    monkeypatch.setattr(video_index, "LARGEST_BYTES", 10)
    source = VideoFileSource(film)
    source.open()
    assert source.frame_count == 60
    assert source.duration_s == pytest.approx(2.4)
    source.seek(1.48)
    frame = source.read()
    assert number_in(frame.image) == frame.index == 37
    source.close()


def test_variable_rate_and_a_start_that_is_not_zero(tmp_path):
    steps = [0, 512, 600, 2000, 2050, 9000, 9500, 30000]
    moments = write_film(tmp_path / "phone.mkv", [step + 64000 for step in steps])
    source = VideoFileSource(tmp_path / "phone.mkv")
    source.open()
    frames = read_all(source)
    expected_s = [float((moment - moments[0]) * TIME_BASE) for moment in moments]
    assert [number_in(frame.image) for frame in frames] == list(range(8))
    assert [frame.time_s for frame in frames] == pytest.approx(
        expected_s, abs=0.001
    )  # Matroska keeps milliseconds
    assert all(a.time_s < b.time_s for a, b in pairwise(frames))
    source.seek(frames[5].time_s)
    assert number_in(source.read().image) == 5
    source.close()


@pytest.mark.parametrize("clockwise_deg", [90, 180, 270])
def test_turned_by_the_header(film, clockwise_deg):
    turn_in_header(film, clockwise_deg)
    source = VideoFileSource(film)
    source.open()
    image = source.read().image
    source.close()
    upright = np.rot90(image, clockwise_deg // 90)  # back again: rot90 turns counter-clockwise
    assert upright.shape == (96, 128, 3)
    assert image.flags.c_contiguous
    assert np.abs(upright[80, 20].astype(int) - (200, 20, 20)).max() < 16
    assert np.abs(upright[80, 100].astype(int) - (20, 20, 200)).max() < 16


def test_wide_pixels_are_drawn_out(tmp_path):
    path = tmp_path / "wide.mkv"
    write_film(path, 2, options={"x264-params": "sar=2/1"})
    source = VideoFileSource(path)
    source.open()
    image = source.read().image
    source.close()
    assert image.shape == (96, 256, 3)
    assert np.abs(image[80, 40].astype(int) - (200, 20, 20)).max() < 16


def test_clip_and_every(film):
    source = VideoFileSource(film, Clip(start_s=0.4, end_s=1.2, every=3))
    source.open()
    frames = read_all(source)
    assert [number_in(frame.image) for frame in frames] == [10, 13, 16, 19, 22, 25, 28]
    assert [frame.index for frame in frames] == [10, 13, 16, 19, 22, 25, 28]
    assert source.frame_count == 7
    source.seek(0.0)
    assert source.read().index == 10
    source.close()


def test_two_clips_share_no_frame(film):
    numbers = []
    for clip in (Clip(end_s=1.0), Clip(start_s=1.0)):
        source = VideoFileSource(film, clip)
        source.open()
        numbers += [number_in(frame.image) for frame in read_all(source)]
        source.close()
    assert numbers == list(range(60))


def test_a_clip_after_the_end_is_refused(film):
    source = VideoFileSource(film, Clip(start_s=7.0))
    with pytest.raises(SourceError, match=r"film.mp4: expected a start before its end at 2.400 s, found 7 s"):
        source.open()


def test_loop_keeps_time_rising(film):
    source = VideoFileSource(film, Clip(start_s=1.6, loop=True))
    source.open()
    frames = read_all(source, 50)
    source.close()
    assert [number_in(frame.image) for frame in frames] == [*range(40, 60), *range(40, 60), *range(40, 50)]
    assert [frame.time_s for frame in frames] == pytest.approx([1.6 + n / 25 for n in range(50)])
    assert [frame.index for frame in frames] == list(range(40, 90))
    assert not source.ended


def test_open_again_starts_again(opened):
    opened.seek(2.0)
    opened.read()
    opened.open()
    assert opened.read().index == 0


@pytest.mark.media
@pytest.mark.parametrize(
    "name, count", [("single_face.mp4", 72), ("face_noface.mov", 169), ("no_face.mp4", 95)]
)
def test_real_videos(media_dir, name, count):
    source = VideoFileSource(media_dir / name)
    source.open()
    frames = read_all(source)
    assert len(frames) == source.frame_count == count
    assert all(a.time_s < b.time_s for a, b in pairwise(frames))
    for number in (count - 1, 0, count // 2):
        source.seek(frames[number].time_s)
        again = source.read()
        assert again.index == number
        assert np.array_equal(again.image, frames[number].image)
    source.close()


def test_a_name_with_a_colon_is_no_protocol(tmp_path, monkeypatch):
    write_film(tmp_path / "P1: first.mkv", [0, 512, 1024])
    monkeypatch.chdir(tmp_path)
    source = VideoFileSource(Path("P1: first.mkv"))
    source.open()
    assert source.frame_count == 3 and len(read_all(source)) == 3
    source.close()
