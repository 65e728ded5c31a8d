"""Which source a text means, and what is said when it means none."""

from __future__ import annotations

import pytest

from faceapp import sources
from faceapp.errors import SourceError
from faceapp.sources import CameraInfo, CameraSettings, Clip, make_source, source_kinds, webcam
from faceapp.sources.demo import LiveDemo, RecordedDemo
from faceapp.sources.images import ImagesSource
from faceapp.sources.stream import StreamSource
from faceapp.sources.video_file import VideoFileSource
from faceapp.sources.webcam import WebcamSource
from faceapp.types import Source

CAMERAS = (
    CameraInfo(0, "HD Pro Webcam C920"),
    CameraInfo(2, "Integrated Camera"),
    CameraInfo(4, "HD Capture"),
)


@pytest.fixture(autouse=True)
def cameras(monkeypatch):
    monkeypatch.setattr(webcam, "list_cameras", lambda: CAMERAS)


@pytest.mark.parametrize(
    "text, name", [("demo", "demo"), ("Demo:Headset", "demo:headset"), ("demo:two", "demo:two")]
)
def test_demos(text, name):
    source = make_source(text)
    assert isinstance(source, LiveDemo)
    assert source.name == name


def test_a_demo_with_an_end_is_a_recording():
    source = make_source("demo:mask", start_s=1.0, end_s=2.0, every=2)
    assert isinstance(source, RecordedDemo)
    source.open()
    assert source.frame_count == 15
    assert source.read().time_s == pytest.approx(1.0)
    source.close()


@pytest.mark.parametrize(
    "text, name",
    [
        ("0", "HD Pro Webcam C920"),
        (" 2 ", "Integrated Camera"),
        ("7", "camera 7"),
        ("c920", "HD Pro Webcam C920"),
        ("integrated camera", "Integrated Camera"),
    ],
)
def test_cameras(text, name):
    source = make_source(text)
    assert isinstance(source, WebcamSource)
    assert source.name == name


def test_a_name_that_fits_several_cameras():
    with pytest.raises(
        SourceError, match=r"hd: expected one camera, found 0 HD Pro Webcam C920, 4 HD Capture; give more"
    ):
        make_source("hd")


@pytest.mark.parametrize(
    "url", ["rtsp://10.0.0.5/live", "HTTP://phone:8080/video", "https://example.org/a.m3u8"]
)
def test_urls(url):
    assert isinstance(make_source(url), StreamSource)


def test_paths(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "a.PNG").write_bytes(b"x")
    (tmp_path / "0").write_bytes(b"x")
    assert isinstance(make_source(str(tmp_path / "a.mp4")), VideoFileSource)
    assert isinstance(make_source(str(tmp_path / "a.PNG")), ImagesSource)
    assert isinstance(make_source(str(tmp_path)), ImagesSource)
    assert isinstance(make_source(str(tmp_path / "0")), VideoFileSource)


@pytest.mark.parametrize("text", ["nothing", "", "  ", "demolition", "-1", "nothing.txt"])
def test_everything_else_says_what_is_possible(text):
    with pytest.raises(SourceError) as caught:
        make_source(text)
    message = str(caught.value)
    for choice in ("demo", "a URL", "video file", "folder of pictures", "a camera's number"):
        assert choice in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["missing.mp4", "missing.PNG", "/no/such/folder", "here/nothing"])
def test_a_path_with_nothing_there_is_told_in_few_words(text):
    with pytest.raises(SourceError) as caught:
        make_source(text)
    assert str(caught.value) == f"{text}: expected a file or a folder, found nothing there; check the path"


@pytest.mark.parametrize(
    "text, found", [("demo:hat", "no demo of that name"), ("gopher://x/y", "found gopher")]
)
def test_near_misses(text, found):
    with pytest.raises(SourceError, match=found):
        make_source(text)


@pytest.mark.parametrize("text", ["0", "c920", "rtsp://10.0.0.5/live", "demo"])
def test_live_sources_have_no_part_to_take(text):
    make_source(text, loop=True)
    for part in ({"start_s": 1.0}, {"every": 2}):
        with pytest.raises(SourceError, match="expected a recording to take a part of, found a live source"):
            make_source(text, **part)


@pytest.mark.parametrize(
    "part, found",
    [
        ({"every": 0}, "expected a whole number from 1, found 0"),
        ({"start_s": -1.0}, "expected seconds from 0, found -1.0"),
        ({"end_s": float("nan")}, "expected seconds from 0, found nan"),
        ({"start_s": 2.0, "end_s": 2.0}, "expected an end after the start 2 s, found 2 s"),
    ],
)
def test_clips_that_make_no_sense(part, found):
    with pytest.raises(SourceError, match=found):
        make_source("demo", **part)


@pytest.mark.parametrize("asked", [{"width_px": 0}, {"height_px": -5}, {"rate_hz": float("inf")}])
def test_camera_settings_that_make_no_sense(asked):
    with pytest.raises(SourceError, match="expected a number above 0 or nothing"):
        CameraSettings(**asked)


def test_every_kind_keeps_the_contract(tmp_path):
    names = [kind.__name__.rpartition(".")[2] for kind in source_kinds()]
    assert names == ["demo", "stream", "images", "video_file", "webcam"]
    for kind in source_kinds():
        assert isinstance(kind.available(), str)
        assert isinstance(kind.ACCEPTS, str)
        assert kind.__doc__
    made = [
        make_source("demo"),
        make_source("demo", end_s=1.0),
        make_source("0"),
        make_source("rtsp://h/x"),
        ImagesSource(tmp_path),
        VideoFileSource(tmp_path),
    ]
    for source in made:
        assert isinstance(source, Source)
        assert source.status == ""
        assert source.ended is False
        source.close()  # from an unopened state
        with pytest.raises(SourceError, match="expected an open source"):
            source.read()
        assert hasattr(source, "seek") is not source.live


def test_clip_is_exported():
    assert Clip().whole
    assert not Clip(every=2).whole
    assert set(sources.__all__) >= {"make_source", "list_cameras", "CameraSettings"}
