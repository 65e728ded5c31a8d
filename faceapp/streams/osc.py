"""OSC messages over UDP: a bundle a face, as programs for virtual reality, music and light take them."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engines.card import EMOTIONS
from faceapp.errors import StreamError
from faceapp.settings.stream_target import OscTarget
from faceapp.streams.feed import Mark, StreamState
from faceapp.types import FaceTrack, FrameResult, Prediction

if TYPE_CHECKING:
    from pythonosc.osc_bundle import OscBundle
    from pythonosc.osc_message import OscMessage
    from pythonosc.udp_client import UDPClient

Message = tuple[str, list[Any]]


class OscOutput:
    """Sends every result as OSC messages; a value that is not known is not sent.

    Args:
        target: Where to.
        avatar: Send the first face also as avatar parameters, each in a packet of its own.
    """

    name = "OSC"

    def __init__(self, target: OscTarget, avatar: bool = False) -> None:
        self._target, self._avatar = target, avatar
        self._client: UDPClient | None = None

    def open(self) -> None:
        """Look the host up once and make the socket.

        Raises:
            StreamError: python-osc is not installed, or the host is not known.
        """
        try:
            from pythonosc.udp_client import UDPClient
        except ImportError as error:
            raise StreamError(
                'OSC: expected the package python-osc, found none; install it: pip install "faceapp[osc]"'
            ) from error
        try:
            found = socket.getaddrinfo(self._target.host, self._target.port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise StreamError(
                f"OSC: expected a known host, found {self._target.host!r} "
                f"({getattr(error, 'strerror', None) or error}); correct the target"
            ) from error
        self._client = UDPClient(str(found[0][4][0]), self._target.port)

    def send(self, item: FrameResult | Mark) -> None:
        """Send one result or mark; UDP does not wait and does not know whether anyone listens.

        Raises:
            StreamError: The network refuses it.
        """
        from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
        from pythonosc.osc_message_builder import build_msg

        for messages in bundles(item):
            builder = OscBundleBuilder(IMMEDIATELY)
            for address, values in messages:
                builder.add_content(build_msg(address, values))
            self._send(builder.build())
        if self._avatar and isinstance(item, FrameResult):
            for address, values in avatar_parameters(item):
                self._send(build_msg(address, values))

    def _send(self, packet: OscBundle | OscMessage) -> None:
        assert self._client is not None
        try:
            self._client.send(packet)
        except OSError as error:
            raise StreamError(
                f"OSC: expected {self._target} to be reachable, found: {error.strerror}; check the network"
            ) from error

    def state(self) -> StreamState:
        """Return where messages go."""
        detail = f"Messages go to {self._target} over UDP; whether anyone listens is not known"
        return StreamState(f"OSC → {self._target}", detail, leaves=not self._target.on_this_machine)

    def close(self) -> None:
        """Close the socket."""
        if self._client is not None:
            self._client.close()
            self._client = None


def bundles(item: FrameResult | Mark) -> Iterator[list[Message]]:
    """Yield the messages of a result or mark: one bundle for the frame, and one a face, each below 1,200 bytes."""
    if isinstance(item, Mark):
        yield [("/faceapp/marker", [item.text])]
        return
    frame: list[Message] = [("/faceapp/faces", [face.id for face in item.faces])]
    yield [*frame, *_number("/faceapp/delay_ms", item.timing_ms.get("capture_to_result", math.nan))]
    for face, said in zip(item.faces, item.predictions, strict=True):
        yield list(_of_face(face, said))


def avatar_parameters(result: FrameResult) -> Iterator[Message]:
    """Yield the first face as parameters of an avatar, floats and one bool; what is not known keeps its last value."""
    start = "/avatar/parameters/faceapp_"
    said = result.predictions[0] if result.predictions else None
    yield f"{start}read", [said is not None and bool(said.model)]
    if said is not None:
        for name, value in zip(EMOTIONS, said.emotion.tolist(), strict=True):
            yield from _number(f"{start}{name}", value)
        yield from _number(f"{start}smile", said.smile)


def _of_face(face: FaceTrack, said: Prediction) -> Iterator[Message]:
    start = f"/faceapp/face/{face.id}"
    yield f"{start}/occlusion", [face.occlusion]
    for name, value in zip(EMOTIONS, said.emotion.tolist(), strict=True):
        yield from _number(f"{start}/emotion/{name}", value)
    yield from _number(f"{start}/age", said.age_years)
    yield from _number(f"{start}/age_deviation", said.age_std_years)
    yield from _number(f"{start}/female", said.female)
    yield from _number(f"{start}/smile", said.smile)
    for name, value in zip(("yaw_deg", "pitch_deg", "roll_deg"), face.head_pose_deg, strict=True):
        yield from _number(f"{start}/{name}", value)


def _number(address: str, value: float) -> Iterator[Message]:
    if math.isfinite(value):
        yield address, [float(value)]
