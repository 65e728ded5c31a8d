"""Video files that are closed, cut, scratched, empty or none."""

from __future__ import annotations

import logging
import random
from itertools import pairwise

import av
import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources.video_file import VideoFileSource
from tests.faceapp.sources.films import (
    number_in,
    read_all,
    write_film,
)


def test_closed_source_refuses(film):
    source = VideoFileSource(film)
    source.close()
    for call in (source.read, lambda: source.seek(0.0)):
        with pytest.raises(SourceError, match=r"film.mp4: expected an open source"):
            call()
    source.open()
    source.close()
    source.close()
    with pytest.raises(SourceError, match="expected an open source"):
        source.read()


def test_truncated_file_gives_the_frames_before_and_one_warning(tmp_path, caplog):
    path = tmp_path / "cut.mp4"
    write_film(path, 200, options={"g": "10", "crf": "1"}, container_options={"movflags": "faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    source = VideoFileSource(path)
    source.open()
    with caplog.at_level(logging.WARNING):
        frames = read_all(source)
    source.close()
    assert source.ended
    numbers = [number_in(frame.image) for frame in frames]
    assert 60 < len(numbers) < 150
    assert numbers[:60] == list(range(60))
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("faceapp")]
    assert len(lines) == 1
    assert lines[0].startswith("cut.mp4: expected a whole video, found it ")


def test_damage_in_the_middle_is_skipped(tmp_path, caplog):
    path = tmp_path / "scratched.mkv"
    write_film(path, 90, codec="mjpeg")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = b"\x00" * 5000
    path.write_bytes(bytes(content))
    source = VideoFileSource(path)
    source.open()
    with caplog.at_level(logging.WARNING):
        frames = read_all(source)
    source.close()
    assert source.ended
    assert len(frames) >= 40
    assert [number_in(frame.image) for frame in frames[:30]] == list(range(30))
    assert all(a.time_s < b.time_s for a, b in pairwise(frames))
    assert len([record for record in caplog.records if record.name.startswith("faceapp")]) <= 1


def test_a_file_cut_before_its_table_is_refused(film):
    content = film.read_bytes()
    film.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        SourceError, match=r"film.mp4: expected a video, found a file that can't be read as one"
    ):
        VideoFileSource(film).open()


@pytest.mark.parametrize(
    "name, content, found",
    [
        ("empty.mp4", b"", r"an empty file \(0 bytes\)"),
        ("notes.txt", b"hello world\n" * 200, "a file"),
        ("notes.mp4", b"hello world\n" * 200, "a file that can't be read as one"),
        ("noise.avi", bytes(random.Random(0).randbytes(20_000)), "a file"),
        ("table.csv", b"a,b\n1,2\n", "a file"),
    ],
)
def test_what_is_no_video(tmp_path, name, content, found):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=rf"{name}: expected a video, found {found}") as caught:
        VideoFileSource(path).open()
    assert "\n" not in str(caught.value)


def test_sound_without_pictures(tmp_path):
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        samples.rate = 8000
        container.mux(stream.encode(samples))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match=r"song\.wav: expected a video, found a file without pictures"):
        VideoFileSource(path).open()


def test_a_missing_file(tmp_path):
    with pytest.raises(SourceError, match="expected a video file, found none"):
        VideoFileSource(tmp_path / "gone.mp4").open()
