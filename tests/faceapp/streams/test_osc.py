"""Messages decoded by python-osc's own server."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engines.card import EMOTIONS
from faceapp.errors import StreamError
from faceapp.settings.stream_target import OscTarget
from faceapp.streams.feed import Mark
from faceapp.streams.osc import OscOutput, bundles
from tests.faceapp.session.results import hidden, result
from tests.waiting import wait_until


class Listener:
    """A program that takes OSC messages."""

    def __init__(self) -> None:
        from pythonosc.dispatcher import Dispatcher
        from pythonosc.osc_server import BlockingOSCUDPServer

        self.messages: list[tuple[str, tuple[Any, ...]]] = []
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(lambda address, *values: self.messages.append((address, values)))
        self.server = BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher)
        self.port = int(self.server.server_address[1])
        self._thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def wait_for(self, address: str) -> dict[str, tuple[Any, ...]]:
        wait_until(lambda: address in dict(self.messages), f"{address} did not come")
        return dict(self.messages)


@pytest.fixture
def listener() -> Iterator[Listener]:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def output(listener: Listener) -> Iterator[OscOutput]:
    opened = OscOutput(OscTarget("127.0.0.1", listener.port))
    opened.open()
    yield opened
    opened.close()


def test_every_value_of_every_face_arrives_under_its_address(listener: Listener, output: OscOutput) -> None:
    each = result(0, faces=2)
    output.send(each)
    found = listener.wait_for("/faceapp/face/2/pitch_deg")
    assert found["/faceapp/faces"] == (1, 2)
    assert found["/faceapp/delay_ms"] == (pytest.approx(12.3456),)
    said = [found[f"/faceapp/face/1/emotion/{name}"][0] for name in EMOTIONS]
    assert said == pytest.approx(each.predictions[0].emotion.tolist())
    values = {
        "occlusion": "none", "age": 31.5, "age_deviation": 4.25, "female": 0.75, "smile": 0.5, "yaw_deg": 1.5, "pitch_deg": -2.5,
    }  # fmt: skip
    assert {name: found[f"/faceapp/face/2/{name}"][0] for name in values} == values
    assert "/faceapp/face/1/roll_deg" not in found, "a value that is not known is not sent"
    assert len(found) == 2 + 2 * (len(EMOTIONS) + len(values))


def test_an_abstention_sends_the_reason_and_no_value(listener: Listener, output: OscOutput) -> None:
    output.send(hidden(result(0)))
    found = listener.wait_for("/faceapp/face/1/pitch_deg")
    assert found["/faceapp/face/1/occlusion"] == ("hidden",)
    assert not [address for address in found if "emotion" in address or address.endswith(("age", "smile"))]


def test_a_frame_without_a_face_and_a_mark_arrive(listener: Listener, output: OscOutput) -> None:
    output.send(result(0, faces=0))
    output.send(Mark("Lächeln", 0.0))
    found = listener.wait_for("/faceapp/marker")
    assert found["/faceapp/faces"] == ()
    assert found["/faceapp/marker"] == ("Lächeln",)


def test_the_first_face_drives_an_avatar_where_that_is_wanted(listener: Listener) -> None:
    output = OscOutput(OscTarget("127.0.0.1", listener.port), avatar=True)
    output.open()
    each = result(0, faces=2)
    output.send(each)
    found = listener.wait_for("/avatar/parameters/faceapp_smile")
    start = "/avatar/parameters/faceapp_"
    values = {
        address.removeprefix(start): said for address, said in found.items() if address.startswith(start)
    }
    assert values["read"] == (True,) and values["smile"] == (0.5,)
    assert values["happiness"] == (pytest.approx(float(each.predictions[0].emotion[1])),)
    assert set(values) == {*EMOTIONS, "smile", "read"}
    listener.messages.clear()
    output.send(hidden(each))
    output.send(Mark("end", 0.0))
    found = listener.wait_for("/faceapp/marker")
    assert [address for address in found if address.startswith(start)] == [f"{start}read"]
    assert found[f"{start}read"] == (False,)
    output.close()


def test_a_host_is_looked_up_once_by_name(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    output = OscOutput(OscTarget("localhost", listener.port))
    asked = []
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    output.open()
    output.send(result(0))
    listener.wait_for("/faceapp/face/1/pitch_deg")
    output.close()
    assert asked == ["localhost", "127.0.0.1"], "then python-osc gets the address"


def test_no_packet_is_longer_than_a_network_carries_in_one_piece() -> None:
    from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
    from pythonosc.osc_message_builder import build_msg

    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    each = result(0, faces=8)
    far = tuple(replace(face, id=10**9 + face.id, head_pose_deg=(1.0, 2.0, 3.0)) for face in each.faces)
    for messages in bundles(replace(each, faces=far)):
        builder = OscBundleBuilder(IMMEDIATELY)
        for address, values in messages:
            builder.add_content(build_msg(address, values))
        assert builder.build().size < 1200


def test_nobody_listening_is_no_error(listener: Listener) -> None:
    listener.close()
    output = OscOutput(OscTarget("127.0.0.1", listener.port))
    output.open()
    for _ in range(3):
        output.send(result(0))
    assert output.state().text == f"OSC → 127.0.0.1:{listener.port}"
    output.close()
    listener.close = lambda: None  # type: ignore[method-assign]


def test_an_unknown_host_is_one_line() -> None:
    pytest.importorskip("pythonosc", reason="python-osc is not installed (extra osc)")
    with pytest.raises(
        StreamError, match=r"OSC: expected a known host, found 'no-such-host.invalid' \(.+\); correct"
    ):
        OscOutput(OscTarget("no-such-host.invalid", 9000)).open()


def test_a_network_that_refuses_is_one_line(listener: Listener) -> None:
    output = OscOutput(OscTarget("255.255.255.255", 9000))  # a broadcast, which the system refuses by itself
    output.open()
    with pytest.raises(
        StreamError, match=r"OSC: expected 255\.255\.255\.255:9000 to be reachable, found: .+; check"
    ):
        output.send(result(0))
    output.close()


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pythonosc", None)
    monkeypatch.setitem(sys.modules, "pythonosc.udp_client", None)
    output = OscOutput(OscTarget("127.0.0.1", 9000))
    with pytest.raises(StreamError, match=r'install it: pip install "faceapp\[osc\]"'):
        output.open()
    output.close()


@pytest.mark.parametrize(
    ("host", "leaves"), [("127.0.0.1", False), ("192.168.1.9", True), ("quest.local", True)]
)
def test_the_state_tells_whether_values_leave_this_machine(host: str, leaves: bool) -> None:
    state = OscOutput(OscTarget(host, 9000)).state()
    assert (state.text, state.leaves) == (f"OSC → {host}:9000", leaves)
