"""How streams are reached: protocols that are there, ways that are tried, pieces that are paced; real senders on this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources import make_source, stream_transport
from faceapp.sources.stream import StreamSource
from faceapp.sources.stream_transport import attempts, comes_in_pieces, protocols
from faceapp.types import Frame
from tests.waiting import wait_until

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="needs the program ffmpeg, which sends"
)


def test_only_protocols_that_are_there_are_named() -> None:
    for name in protocols():
        with pytest.raises((av.FFmpegError, ValueError)) as caught:
            av.open(f"{name}://", timeout=(0.2, 0.2))
        assert not isinstance(caught.value, av.error.ProtocolNotFoundError), name
    if "srt" not in protocols():
        with pytest.raises(SourceError, match="which the installed PyAV speaks, found srt") as refused:
            make_source("srt://127.0.0.1:9000")
        assert "srt," not in str(refused.value).partition("found")[0]


def test_rtsp_is_asked_for_over_tcp_and_then_over_udp() -> None:
    assert [each["rtsp_transport"] for each in attempts("rtsp://camera/live")] == ["tcp", "udp"]
    assert len(attempts("rtmp://camera/live")) == 1
    assert [each.get("format") for each in attempts("http://camera/live")] == [None, "mjpeg"]


def test_the_second_way_is_taken_where_the_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(_url: str, *, options: dict[str, str], **_: object) -> None:
        tried.append(options["rtsp_transport"])
        raise av.error.ProtocolNotFoundError(1, "461 Unsupported Transport")

    monkeypatch.setattr("faceapp.sources.stream.av.open", refuse)
    with pytest.raises(SourceError, match="expected a video stream"):
        StreamSource("rtsp://camera/live")._connect()
    assert tried == ["tcp", "udp"]

    def forbid(_url: str, *, options: dict[str, str], **_: object) -> None:
        tried.append(options["rtsp_transport"])
        raise av.error.HTTPUnauthorizedError(1, "401")

    monkeypatch.setattr("faceapp.sources.stream.av.open", forbid)
    with pytest.raises(SourceError):
        StreamSource("rtsp://camera/live")._connect()
    assert tried == ["tcp", "udp", "tcp"], "a wrong password stays wrong"


def test_formats_that_come_in_pieces_are_known() -> None:
    assert comes_in_pieces("hls") and comes_in_pieces("hls,applehttp") and not comes_in_pieces("mpegts")


def write_pieces(folder: Path, frames: int = 100) -> None:
    """Write an HLS stream of 25 frames a second as a camera offers it: pieces of a second, and no end."""
    with av.open(str(folder / "live.m3u8"), "w", format="hls", options={"hls_time": "1"}) as out:
        stream = out.add_stream("mpeg2video", rate=25, options={"g": "25"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(frames):
            picture = np.full((96, 128, 3), number * 2, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    text = (folder / "live.m3u8").read_text(encoding="utf-8")
    (folder / "live.m3u8").write_text(text.replace("#EXT-X-ENDLIST\n", ""), encoding="utf-8")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.slow
def test_pictures_that_come_in_pieces_keep_their_own_times(tmp_path: Path) -> None:
    write_pieces(tmp_path)
    with served(tmp_path) as address:
        source = StreamSource(f"{address}/live.m3u8")
        source.open()
        try:
            frames = [wait_until(source.read, "no frame came") for _ in range(30)]
        finally:
            source.close()
    assert source.live and frames[-1].time_s - frames[0].time_s > 28 / 25 - 0.1, "not all at once"


@contextmanager
def sending(*arguments: str) -> Iterator[None]:
    command = [
        "ffmpeg",
        "-loglevel",
        "error",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=128x96:rate=25",
        *arguments,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            yield
        finally:
            program.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@needs_ffmpeg
@pytest.mark.slow
def test_an_sdp_file_is_a_stream(tmp_path: Path) -> None:
    description = tmp_path / "camera.sdp"
    port = free_port() // 2 * 2
    arguments = [
        "-c:v",
        "mpeg4",
        "-g",
        "10",
        "-f",
        "rtp",
        f"rtp://127.0.0.1:{port}",
        "-sdp_file",
        str(description),
    ]
    with sending(*arguments):
        wait_until(lambda: description.is_file() and description.stat().st_size, "ffmpeg does not send")
        source = make_source(str(description))
        assert source.live and source.name == "camera.sdp"
        source.open()
        try:
            # Whoever joins in the middle sees gray until the next key frame.
            wait_until(lambda: _sharp(source.read()), "no picture came")
        finally:
            source.close()


def _sharp(frame: Frame | None) -> bool:
    return frame is not None and frame.image.shape == (96, 128, 3) and bool(frame.image.std() > 30)


@needs_ffmpeg
@pytest.mark.slow
def test_a_real_sender_over_tcp_is_read(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    with sending("-c:v", "mpeg2video", "-g", "10", "-f", "mpegts", f"{address}?listen=1"):
        source = wait_until(partial(opened, address), "ffmpeg does not listen")
        try:
            frame = wait_until(source.read, "no frame came")
        finally:
            source.close()
    assert frame.image.shape == (96, 128, 3)


@needs_ffmpeg
@pytest.mark.slow
def test_sound_alone_is_told(tmp_path: Path) -> None:
    sound = tmp_path / "sound.ts"
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=2", "-c:a", "mp2", str(sound)],
        check=True,
    )
    with served(tmp_path) as address:
        source = StreamSource(f"{address}/sound.ts")
        with pytest.raises(SourceError, match="found no pictures in it"):
            source.open()
            wait_until(source.read, "no error came")


def opened(address: str) -> StreamSource | None:
    """Return the source once it gives pictures; a sender listens a moment after it was started."""
    source = StreamSource(address)
    try:
        source.open()
        wait_until(source.read)
    except SourceError:
        source.close()
        return None
    return source


def test_probing_happens_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    protocols.cache_clear()
    monkeypatch.setattr(stream_transport, "_speaks", lambda name: asked.append(name) or False)
    try:
        assert "srt" not in protocols() and "http" in protocols()
        assert asked == list(stream_transport.SOMETIMES)
    finally:
        protocols.cache_clear()
