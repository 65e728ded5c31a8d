"""A real live source over HTTP on this machine: running, cut and back, silent, refusing, talking rubbish."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources import live_capture
from faceapp.sources.stream import StreamSource, public_name
from faceapp.types import Frame
from tests.faceapp.sources.films import number_in, write_film
from tests.faceapp.sources.mjpeg_server import MjpegServer
from tests.waiting import PATIENCE_S, wait_until

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(live_capture, "FIRST_RETRY_S", 0.1)


def next_frame(source: StreamSource) -> Frame:
    return wait_until(source.read, "no frame came")


def first_error(source: StreamSource) -> SourceError:
    """Open and read until the source says what is wrong."""
    with pytest.raises(SourceError) as caught:
        source.open()
        wait_until(source.read, "no error came")
    return caught.value


def test_pictures_come_in_rgb_and_the_newest_wins():
    with MjpegServer(period_s=0.01) as server:
        source = StreamSource(server.url())
        source.open()
        first = late = next_frame(source)

        def frames_are_left_out() -> bool:
            nonlocal late
            before, sent = next_frame(source), server.sent
            wait_until(lambda: server.sent > sent + 30)
            late = next_frame(source)
            return late.index > before.index + 5

        wait_until(frames_are_left_out)
        assert source.status == ""
        source.close()
    assert first.image.shape == (96, 128, 3)
    assert np.abs(first.image[40, 40].astype(int) - (200, 0, 0)).max() < 20
    assert not first.image.flags.writeable
    assert late.time_s > first.time_s
    assert (source.live, source.ended) == (True, False)
    assert not hasattr(source, "seek")


def test_cut_and_back(caplog):
    with MjpegServer() as server:
        source = StreamSource(server.url())
        with caplog.at_level(logging.INFO):
            source.open()
            before = next_frame(source)
            server.stop()
            wait_until(lambda: source.status.startswith("lost: trying again"))
            while source.read() is not None:  # what was still in the pipe
                pass
            assert not source.ended
            server.start()
            after = next_frame(source)
            wait_until(lambda: source.status == "")
        assert after.time_s > before.time_s
        assert after.index > before.index
        source.close()
    lines = [record.getMessage() for record in caplog.records if "live_capture" in record.name]
    assert sum("lost" in line for line in lines) == 1


def test_one_that_accepts_and_never_answers():
    with MjpegServer("silence") as server:
        source = StreamSource(server.url(), open_timeout_s=1.5)
        error = first_error(source)
        source.close()
    expected = "expected a video stream, found no answer in time; check address, camera and network"
    assert str(error) == f"http://127.0.0.1:{server.port}/video: {expected}"


def test_a_stream_that_falls_silent_is_lost():
    with MjpegServer() as server:
        source = StreamSource(server.url(), read_timeout_s=1.0)
        source.open()
        next_frame(source)
        server._period_s = 60.0
        wait_until(lambda: source.status.startswith("lost"))
        source.close()


def test_pictures_without_a_first_boundary_are_read():
    with MjpegServer("unbounded", period_s=0.02) as server:
        source = StreamSource(server.url())
        source.open()
        frames = [next_frame(source) for _ in range(3)]
        source.close()
    assert [frame.image.shape for frame in frames] == [(96, 128, 3)] * 3
    assert frames[0].image[40, 60, 0] > 150 > frames[0].image[40, 60, 2]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "mode, found",
    [("rubbish", "no usable answer"), ("text", "no"), ("refuse", "server returned 401 unauthorized")],
)
def test_one_that_answers_something_else(mode, found):
    with MjpegServer(mode) as server:
        source = StreamSource(server.url(), open_timeout_s=5.0)
        error = first_error(source)
        source.close()
    assert f"expected a video stream, found {found}" in str(error)
    assert "\n" not in str(error)


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    error = first_error(StreamSource(f"rtsp://127.0.0.1:{port}/live"))
    assert str(error).startswith(
        f"rtsp://127.0.0.1:{port}/live: expected a video stream, found connection refused"
    )


def capturing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("source http")]


def test_closing_does_not_wait_for_the_network():
    with MjpegServer("silence") as server:
        source = StreamSource(server.url(), open_timeout_s=PATIENCE_S)
        source.open()
        source.close()
        assert capturing(), "the thread waits for an answer; open and close did not"
    wait_until(lambda: not capturing())


def test_user_and_password_are_used_but_never_shown(caplog):
    with MjpegServer("refuse") as server, caplog.at_level(logging.DEBUG):
        source = StreamSource(server.url(f"admin:{SECRET}") + f"?token={SECRET}")
        error = first_error(source)
        source.close()
        assert any("Authorization: Basic" in request or SECRET in request for request in server.requests)
        server.mode = "pictures"
        source = StreamSource(server.url(f"admin:{SECRET}"))
        source.open()
        next_frame(source)
        server.stop()
        wait_until(lambda: source.status.startswith("lost"))
        source.close()
    trace = "".join(traceback.format_exception(error))
    for shown in (source.name, source.status, str(error), repr(error), trace, caplog.text):
        assert SECRET not in shown
        assert "admin" not in shown


@pytest.mark.parametrize(
    "url, name",
    [
        ("rtsp://admin:hunter2@10.0.0.5:554/live", "rtsp://10.0.0.5:554/live"),
        ("http://a:b@c@host/x", "http://host/x"),
        ("https://host/shot.jpg?user=admin&password=hunter2#top", "https://host/shot.jpg?..."),
        ("http://phone:8080/video", "http://phone:8080/video"),
    ],
)
def test_public_names(url, name):
    assert public_name(url) == name


@pytest.fixture
def web_folder(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


def test_a_recording_by_url_plays_at_its_own_speed_and_ends(web_folder):
    folder, address = web_folder
    write_film(folder / "film.mp4", 30)
    source = StreamSource(f"{address}/film.mp4")
    source.open()
    frames = [next_frame(source)]
    while not source.ended:
        if (frame := source.read()) is not None:
            frames.append(frame)
    assert source.read() is None
    assert source.status == ""
    source.close()
    numbers = [number_in(frame.image) for frame in frames]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 29
    assert frames[-1].time_s > 0.5  # 1.2 s of film


def test_a_page_that_is_not_there(web_folder):
    error = first_error(StreamSource(f"{web_folder[1]}/gone.mp4"))
    assert "gone.mp4: expected a video stream, found" in str(error)
    assert "404" in str(error)
