"""Which back ends there are, how they are asked for, and how many threads they use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines import backends
from engines.backend import default_threads, resolve_threads
from engines.backends import backend_names, create_backend, unavailable_reason
from engines.errors import EngineError

NAMES = backend_names()


def test_the_names_are_the_files_best_first() -> None:
    files = {path.stem for path in Path(backends.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(NAMES) == files
    assert {"openvino", "onnxruntime"} <= files
    assert [name for name in NAMES if name in {"tensorrt", "openvino", "onnxruntime"}][-2:] == [
        "openvino",
        "onnxruntime",
    ]


def test_onnx_runtime_is_always_there() -> None:
    assert unavailable_reason("onnxruntime") == ""


@pytest.mark.parametrize("library", ["openvino", "onnxruntime"])
def test_a_missing_library_gives_the_command_that_installs_it(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert f"pip install {library}" in unavailable_reason(library)
    with pytest.raises(EngineError, match=f"pip install {library}"):
        create_backend(library)


@pytest.mark.parametrize("wrong", ["cuda", "", "__init__", "onnxruntime.py", "../card"])
def test_an_unknown_back_end_is_refused_with_the_names(wrong: str) -> None:
    for ask in (unavailable_reason, create_backend):
        with pytest.raises(EngineError, match=r"expected auto or one of .*onnxruntime"):
            ask(wrong)


def test_threads_are_half_of_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, expected in ((1, 1), (2, 1), (4, 2), (8, 4), (64, 4)):
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, count=processors: set(range(count)), raising=False
        )
        assert default_threads() == expected
    assert resolve_threads(None) == expected
    assert resolve_threads(3) == 3
