"""All streams of the program together: turned on and off by the settings, fed by the pipeline, watched by the window."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from faceapp.errors import StreamError
from faceapp.settings import Settings
from faceapp.settings.stream_target import parse_osc_target
from faceapp.streams.feed import Feed, Mark, StreamState
from faceapp.streams.lsl_markers import MarkerInlet, ReceivedMark
from faceapp.streams.lsl_outlets import LslOutput
from faceapp.streams.osc import OscOutput
from faceapp.types import FrameResult

_OPEN_S = 10.0


@dataclass(frozen=True, slots=True)
class _Moment:
    """One moment on the source's clock and on `time.perf_counter()`."""

    time_s: float
    captured_s: float


class Streams:
    """Sends to whatever the settings name; a `Recorder` for the pipeline, which never has to wait for it.

    `use`, `mark`, `take_markers`, `states` and `close` are called from one thread, `put` from another.
    """

    def __init__(self) -> None:
        self._feeds: Mapping[object, Feed] = {}  # replaced as a whole: `put` may be walking through it
        self._inlet: tuple[tuple[str, bool], MarkerInlet] | None = None
        self._newest: _Moment | None = None

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def on(self) -> bool:
        """Whether anything is sent or taken."""
        return bool(self._feeds) or self._inlet is not None

    def use(self, settings: Settings) -> None:
        """Turn streams on and off; what stays the same goes on, what has failed is tried again. Returns at once."""
        wanted: dict[object, LslOutput | OscOutput] = {}
        if settings.lsl:
            wanted["LSL", settings.lsl_network] = LslOutput(settings.lsl_network)
        if settings.osc:
            target = parse_osc_target(settings.osc_target)
            wanted["OSC", target, settings.osc_avatar] = OscOutput(target, settings.osc_avatar)
        before = {key: feed for key, feed in self._feeds.items() if feed.alive}
        for key in before.keys() - wanted.keys():
            before[key].close(wait=False)
        self._feeds = {key: before.get(key) or Feed(output) for key, output in wanted.items()}
        self._use_markers(settings.lsl_markers, settings.lsl_network)

    def wait_open(self) -> None:
        """Wait until everything is open.

        Raises:
            StreamError: Something can't be opened.
        """
        until_s = time.monotonic() + _OPEN_S
        for feed in self._feeds.values():
            feed.wait_open(max(0.0, until_s - time.monotonic()))

    def put(self, result: FrameResult) -> bool:
        """Send one result to every output, without waiting; False where one had no room."""
        self._newest = _Moment(result.frame.time_s, result.frame.captured_s)
        return all([feed.put(result) for feed in self._feeds.values()])

    def mark(self, text: str, time_s: float) -> None:
        """Send a mark that a person has set.

        Args:
            text: What it says.
            time_s: `Frame.time_s` of the picture it belongs to.
        """
        newest = self._newest
        captured_s = time.perf_counter() if newest is None else newest.captured_s + time_s - newest.time_s
        for feed in self._feeds.values():
            feed.put(Mark(text, captured_s))

    def take_markers(self) -> list[tuple[ReceivedMark, float]]:
        """Return markers of other programs that have come, each with its `Frame.time_s`; none before the first frame."""
        if self._inlet is None or self._newest is None:
            return []
        newest = self._newest
        return [(mark, newest.time_s + mark.captured_s - newest.captured_s) for mark in self._inlet[1].take()]

    def states(self) -> tuple[StreamState, ...]:
        """Return what every stream is doing; none when all are off."""
        states = [feed.state for feed in self._feeds.values()]
        return (*states, *([self._inlet[1].state] if self._inlet else []))

    def close(self) -> None:
        """Send what waits and release everything; may be called twice."""
        feeds, self._feeds = self._feeds, {}
        inlet, self._inlet = self._inlet, None
        for feed in feeds.values():
            feed.close(wait=False)
        if inlet is not None:
            inlet[1].close()
        for feed in feeds.values():
            feed.close()

    def _use_markers(self, wanted: str | None, network: bool) -> None:
        key = None if wanted is None else (wanted, network)
        if self._inlet is not None and (self._inlet[0] != key or not self._inlet[1].alive):
            self._inlet[1].close(wait=False)
            self._inlet = None
        if key is not None and self._inlet is None:
            self._inlet = key, MarkerInlet(*key)


def open_streams(settings: Settings) -> Streams:
    """Return the streams that the settings name, open; nothing is sent or taken where they name none.

    Raises:
        StreamError: Something can't be opened.
    """
    streams = Streams()
    try:
        streams.use(settings)
        streams.wait_open()
    except StreamError:
        streams.close()
        raise
    return streams
