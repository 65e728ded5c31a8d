from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from faceapp.errors import StreamError
from faceapp.settings import Settings
from faceapp.streams.feed import Feed, Mark, StreamState
from faceapp.streams.lsl_markers import ReceivedMark
from faceapp.streams.streams import Streams, open_streams
from faceapp.types import FrameResult
from tests.faceapp.fakes import FakeSource
from tests.faceapp.pipeline.parts import pipeline_of
from tests.faceapp.session.results import result
from tests.faceapp.streams.test_feed import FakeOutput
from tests.faceapp.streams.test_osc import Listener
from tests.waiting import wait_until

OFF = Settings()


@pytest.fixture
def streams() -> Iterator[Streams]:
    before = set(threading.enumerate())
    with Streams() as made:
        yield made
    wait_until(
        lambda: not [each for each in set(threading.enumerate()) - before if each.name.startswith("faceapp-")]
    )


@pytest.fixture
def listener() -> Iterator[Listener]:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    listening = Listener()
    yield listening
    listening.close()


def to(listener: Listener) -> Settings:
    return replace(OFF, osc=True, osc_target=f"127.0.0.1:{listener.port}")


def test_everything_is_off_by_default(streams: Streams) -> None:
    streams.use(OFF)
    assert not streams.on and streams.states() == ()
    assert streams.put(result(0)) and streams.take_markers() == []
    assert [
        each.name for each in threading.enumerate() if each.name.startswith(("faceapp-LSL", "faceapp-OSC"))
    ] == []


def test_streams_are_turned_on_moved_and_off_again_while_results_come(
    streams: Streams, listener: Listener
) -> None:
    streams.use(to(listener))
    streams.wait_open()
    streams.put(result(0))
    listener.wait_for("/faceapp/face/1/smile")
    (feed,) = streams._feeds.values()
    streams.use(replace(to(listener), theme="light"))
    assert list(streams._feeds.values()) == [feed], "another setting leaves it alone"
    other = Listener()
    streams.use(to(other))
    streams.wait_open()
    listener.messages.clear()
    streams.put(result(1))
    other.wait_for("/faceapp/face/1/smile")
    other.close()
    streams.use(OFF)
    assert not streams.on
    wait_until(lambda: not feed.alive)
    assert listener.messages == []


def test_what_has_failed_is_tried_again(streams: Streams) -> None:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    settings = replace(OFF, osc=True, osc_target="no-such-host.invalid:9000")
    streams.use(settings)
    with pytest.raises(StreamError, match="expected a known host"):
        streams.wait_open()
    (feed,) = streams._feeds.values()
    wait_until(lambda: not feed.alive)
    assert [state.text for state in streams.states()] == ["OSC failed"]
    streams.use(settings)
    assert list(streams._feeds.values()) != [feed]


def test_a_mark_keeps_the_time_of_its_picture(streams: Streams) -> None:
    output = FakeOutput()
    streams._feeds = {"fake": Feed(output)}
    each = result(0, time_s=7.0)
    streams.put(each)
    streams.mark("smile", 6.25)
    wait_until(lambda: len(output.sent) == 2)
    assert output.sent[1] == Mark("smile", pytest.approx(each.frame.captured_s - 0.75))


def test_a_received_marker_is_put_on_the_clock_of_the_source(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Inlet:
        alive = True

        def __init__(self, wanted: str, network: bool) -> None:
            assert (wanted, network) == ("Markers", False)
            self.waiting = [ReceivedMark("PsychoPy", "go", given.frame.captured_s + 0.125)]

        def take(self) -> list[ReceivedMark]:
            taken, self.waiting = self.waiting, []
            return taken

        def close(self, wait: bool = True) -> None:
            pass

    given = result(0, time_s=20.0)
    monkeypatch.setattr("faceapp.streams.streams.MarkerInlet", Inlet)
    streams.use(replace(OFF, lsl_markers="Markers"))
    assert streams.take_markers() == [], "before the first picture nobody knows the source's clock"
    streams.put(given)
    ((mark, time_s),) = streams.take_markers()
    assert (mark.text, time_s) == ("go", pytest.approx(20.125))
    assert streams.take_markers() == []


def test_a_stuck_stream_does_not_hold_up_the_reading_thread(streams: Streams) -> None:
    output = FakeOutput()
    output.gate.clear()
    streams._feeds = {"fake": Feed(output, queued=3)}
    pipeline = pipeline_of(FakeSource(60))
    pipeline.set_listener(streams)
    results: list[FrameResult] = list(pipeline.results())
    assert len(results) == 60, "every frame of the file was read while the output was stuck"
    (feed,) = streams._feeds.values()
    assert feed.dropped in (56, 57), "three wait, and one may be in the stuck output"
    output.gate.set()


def test_what_cannot_be_opened_leaves_nothing_open() -> None:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    with pytest.raises(StreamError):
        open_streams(replace(OFF, osc=True, osc_target="no-such-host.invalid:9000"))
    wait_until(lambda: "faceapp-OSC" not in {each.name for each in threading.enumerate()})


def test_a_stream_that_leaves_this_computer_is_told(
    tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceapp.__main__ import main

    open_to_all = StreamState("LSL on", "Streams are offered to every computer of this network", leaves=True)
    monkeypatch.setattr(Streams, "states", lambda self: (open_to_all, StreamState("OSC on")))

    assert main(["analyze", "demo", "--end", "0.1", "--model", str(tiny_model), "--out", str(tmp_path)]) == 0

    said = caplog.text
    assert "LSL on: Streams are offered to every computer of this network" in said and "OSC on" not in said


def test_a_file_is_analysed_and_streamed_from_the_command_line(
    tiny_model: Path, listener: Listener, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from faceapp.__main__ import main

    command = [
        "analyze",
        "demo",
        "--end",
        "0.1",
        "--occlusion",
        "none",
        "--no-video",
        "--model",
        str(tiny_model),
        "--out",
        str(tmp_path),
    ]
    assert main([*command, "--osc", f"127.0.0.1:{listener.port}"]) == 0
    found = listener.wait_for("/faceapp/face/1/occlusion")
    assert found["/faceapp/faces"] == (1,)
    assert main([*command, "--osc", "no-such-host.invalid:9"]) == 2
    assert "expected a known host" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["demo"], "no empty session is left"


@pytest.mark.parametrize("option", [("--processes", "2"), ("--cluster", "tcp://127.0.0.1:1")])
def test_several_inputs_at_once_cannot_be_streamed(option: tuple[str, str], tmp_path: Path, capfd) -> None:
    from faceapp.__main__ import main

    assert main(["analyze", "demo", "demo", "--out", str(tmp_path), "--lsl", *option]) == 2
    assert "streams: expected one input at a time" in capfd.readouterr().err


@pytest.mark.parametrize("text", ["host", "127.0.0.1:99999"])
def test_a_wrong_target_is_refused_by_the_command_line(text: str, tmp_path: Path, capfd) -> None:
    from faceapp.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main(["analyze", "demo", "--out", str(tmp_path), "--osc", text])
    assert ended.value.code == 2
    assert "port from 1 to 65535" in capfd.readouterr().err


def test_the_command_line_sets_what_it_names() -> None:
    from faceapp.__main__ import _parser
    from faceapp.commands.options import with_options

    def settings(*arguments: str) -> Settings:
        return with_options(OFF, _parser().parse_args(arguments))

    assert settings() == OFF
    assert settings("--lsl") == replace(OFF, lsl=True)
    assert settings("--lsl-network") == replace(OFF, lsl=True, lsl_network=True)
    assert settings("--lsl-markers", "Markers") == replace(OFF, lsl_markers="Markers")
    assert settings("--osc", "quest.local:9001") == replace(OFF, osc=True, osc_target="quest.local:9001")
    assert settings("--osc", "[::1]:9", "--osc-avatar").osc_avatar


def test_avatar_parameters_without_an_address_are_refused() -> None:
    from faceapp.__main__ import _parser
    from faceapp.commands.options import with_options

    arguments = _parser().parse_args(["--osc-avatar"])
    with pytest.raises(StreamError, match=r"--osc-avatar: expected --osc with it, found .*; add --osc \S+$"):
        with_options(OFF, arguments)
    assert with_options(replace(OFF, osc=True), arguments).osc_avatar, "the saved settings send already"


def test_streams_do_not_make_another_input_of_a_file(tmp_path: Path) -> None:
    from faceapp.batch.jobs import make_jobs
    from faceapp.session.about import About
    from faceapp.sources.options import Clip

    keys = {
        make_jobs(["a.mp4"], tmp_path, settings, Clip(), About())[0].key
        for settings in (OFF, replace(OFF, lsl=True, osc=True, osc_target="localhost:1"))
    }
    assert len(keys) == 1
