from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from faceapp.errors import StreamError
from faceapp.streams.feed import Feed, Mark, StreamState
from faceapp.types import FrameResult
from tests.faceapp.session.results import result
from tests.waiting import PATIENCE_S, wait_until


class FakeOutput:
    """Remembers what it gets; opening and sending can be held up or fail."""

    name = "fake"

    def __init__(self, *, opening: Exception | None = None) -> None:
        self.opening = opening
        self.failing: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.sent: list[FrameResult | Mark] = []
        self.threads: set[str] = set()
        self.closed = 0

    def open(self) -> None:
        self.threads.add(threading.current_thread().name)
        if self.opening is not None:
            raise self.opening

    def send(self, item: FrameResult | Mark) -> None:
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(PATIENCE_S)
        if self.failing is not None:
            raise self.failing
        self.sent.append(item)

    def state(self) -> StreamState:
        return StreamState("fake on", "to nowhere")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def feeds() -> Iterator[Callable[..., tuple[Feed, FakeOutput]]]:
    made: list[tuple[Feed, FakeOutput]] = []

    def make(output: FakeOutput | None = None, **options: int) -> tuple[Feed, FakeOutput]:
        output = output or FakeOutput()
        made.append((Feed(output, **options), output))
        return made[-1]

    yield make
    for feed, output in made:
        output.gate.set()
        feed.close()
        assert not feed.alive and output.closed == 1


def test_everything_is_sent_in_order_on_another_thread_and_before_the_end(feeds) -> None:
    feed, output = feeds()
    items = [Mark(str(number), 0.0) for number in range(50)]
    assert all(feed.put(item) for item in items)
    feed.close()
    assert output.sent == items
    assert output.threads == {"faceapp-fake"}
    assert feed.dropped == 0


def test_the_picture_is_let_go(feeds) -> None:
    feed, output = feeds()
    given = result(3)
    feed.put(given)
    feed.close()
    (sent,) = output.sent
    assert sent.frame.image.size == 0 and given.frame.image.size > 0
    assert sent.frame.captured_s == given.frame.captured_s and sent.predictions == given.predictions


def test_a_stuck_output_holds_up_nobody_and_the_oldest_items_are_dropped_and_counted(feeds) -> None:
    output = FakeOutput()
    output.gate.clear()
    feed, _ = feeds(output, queued=5)
    feed.put(Mark("first", 0.0))
    wait_until(lambda: len(output.threads) and not feed._items._items)  # it is in the stuck output now
    kept = [feed.put(Mark(str(number), 0.0)) for number in range(20)]
    assert kept == [True] * 5 + [False] * 15
    assert feed.dropped == 15
    assert feed.state.text == "fake on, 15 dropped"
    output.gate.set()
    feed.close()
    assert [item.text for item in output.sent] == ["first", "15", "16", "17", "18", "19"]


def test_what_cannot_be_opened_says_why_and_takes_nothing(feeds) -> None:
    feed, output = feeds(FakeOutput(opening=StreamError("fake: expected a cable, found none; plug it in")))
    with pytest.raises(StreamError, match="found none; plug it in"):
        feed.wait_open(PATIENCE_S)
    wait_until(lambda: not feed.alive)
    assert (feed.state.text, feed.state.problem) == ("fake failed", feed.problem)
    assert not feed.put(Mark("x", 0.0))
    assert output.sent == []


def test_an_error_that_nobody_expected_ends_the_feed_and_not_the_program(feeds, caplog) -> None:
    feed, output = feeds()
    feed.wait_open(PATIENCE_S)
    output.failing = ZeroDivisionError("division by zero")
    feed.put(Mark("x", 0.0))
    wait_until(lambda: not feed.alive)
    assert "expected to go on, found ZeroDivisionError" in feed.problem
    assert "a stream ends with an error" in caplog.text


def test_a_refusal_is_counted_and_told_until_something_gets_out_again(feeds, caplog) -> None:
    feed, output = feeds()
    output.failing = StreamError("fake: expected a network, found none; check it")
    for _ in range(3):
        feed.put(Mark("lost", 0.0))
    wait_until(lambda: feed.dropped == 3)
    assert feed.state.problem == str(output.failing) and feed.alive
    assert caplog.text.count("expected a network") == 1, "told once, not once a frame"
    output.failing = None
    feed.put(Mark("found", 0.0))
    wait_until(lambda: output.sent)
    wait_until(lambda: not feed.problem)
    assert feed.state.text == "fake on, 3 dropped"


def test_an_output_that_takes_too_long_to_open_is_told(feeds) -> None:
    output = FakeOutput()
    held = threading.Event()
    output.open = lambda: held.wait(PATIENCE_S)  # type: ignore[method-assign]
    feed, _ = feeds(output)
    with pytest.raises(StreamError, match=r"fake: expected it to open within 0\.01 s"):
        feed.wait_open(0.01)
    held.set()
