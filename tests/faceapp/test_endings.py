from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from faceapp.endings import ended_like_ctrl_c, requests_held_back

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of this kind are POSIX's")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] if os.name != "nt" else []


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    """Catch what the program that started the tests may ignore, as `nohup` does."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_every_request_to_end_interrupts(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), ended_like_ctrl_c():
        os.kill(os.getpid(), number)
        threading.Event().wait(5)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_window_is_asked_to_end(number: int) -> None:
    asked = threading.Event()
    with ended_like_ctrl_c(asked.set):
        os.kill(os.getpid(), number)
        assert asked.wait(5)


def test_what_was_ignored_from_outside_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_like_ctrl_c():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_changes() -> None:
    seen: list[object] = []

    def run() -> None:
        with ended_like_ctrl_c():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_request_waits_until_what_is_opened_is_known() -> None:
    opened = []
    with pytest.raises(KeyboardInterrupt), ended_like_ctrl_c(), requests_held_back():
        os.kill(os.getpid(), signal.SIGTERM)
        opened.append("file")
    assert opened == ["file"]
    with ended_like_ctrl_c(), requests_held_back():
        opened.append("nothing was asked")
    assert len(opened) == 2
