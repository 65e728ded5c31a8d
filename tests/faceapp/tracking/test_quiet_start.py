from __future__ import annotations

import os

import pytest

from faceapp.tracking.quiet_start import chatter_removed


def test_known_chatter_is_dropped_and_all_else_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with chatter_removed():
        os.write(
            2,
            b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nI0000 00:00:1.2 5 gl_context.cc:369] GL version\n",
        )
        os.write(2, b"E0000 a real error\n")
    assert capfd.readouterr().err == "E0000 a real error\n"


def test_what_was_written_before_an_error_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), chatter_removed():
        os.write(2, b"F0000 why it fails\n")
        raise RuntimeError
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "F0000 why it fails\nafter\n"
