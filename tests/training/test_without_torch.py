"""Without PyTorch, `python -m training` says in one line what to install."""

from __future__ import annotations

import pytest

from training import __main__ as program


def test_a_missing_library_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "find_spec", lambda name: None if name == "torch" else object())

    assert program.main(["list"]) == 2
    errors = capsys.readouterr().err
    assert errors == "training: expected PyTorch, found none; in a checkout: pip install -e '.[train]'\n"
