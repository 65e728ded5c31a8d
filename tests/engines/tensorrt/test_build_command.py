"""`python -m engines build`, for a GPU that is not there and, for real, for GPUs elsewhere."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")

from engines.__main__ import main
from engines.card import load_card
from engines.errors import EngineError
from engines.tensorrt import build_command, cuda_driver
from engines.tensorrt.build import Built
from engines.tensorrt.build_control import BuildControl
from engines.tensorrt.library import find_library
from engines.user_cache import user_cache_folder
from tests.engines.conftest import FakeMachine
from tests.tiny_models import write_tiny_model

Fake = Callable[..., FakeMachine]


def test_engines_for_this_gpu_are_kept_for_the_program(
    fake_machine: Fake, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = fake_machine()
    for said in ("built", "already there"):
        assert main(["build", "--model", str(tiny_model)]) == 0
        text = capsys.readouterr().out
        assert f"tiny: float16 engine for GeForce 9, TensorRT-RTX 1.7.1.116: {said}, " in text
    assert machine.module.builds == 1
    assert len(list((user_cache_folder() / "engines").glob("*.plan"))) == 1


def test_engines_for_others_are_compiled_for_real(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        library = find_library(("tensorrt_rtx",))
    except EngineError as error:
        pytest.skip(str(error))
    out = tmp_path / "out" / "engines"
    arguments = ["build", "--model", str(tiny_model), "--out", str(out), "--precision", "float32"]
    assert main([*arguments, "--compute-capability", "8.9", "12.0"]) == 0
    assert str(out / "tiny-float32.plan") in capsys.readouterr().out
    key = json.loads((out / "tiny-float32.json").read_text(encoding="utf-8"))
    plan = (out / "tiny-float32.plan").read_bytes()
    assert key["plan_sha256"] == hashlib.sha256(plan).hexdigest()
    assert key["model_sha256"] == load_card(tiny_model).sha256
    assert key["compute_capabilities"] == ["8.9", "12.0"]
    assert key["library_version"] == library.version
    assert len(list(out.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--compute-capability", "8.9"], "expected with --out"),
        (["--model", "absent", "--out", "x"], "model: expected one of"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_without_a_driver_the_way_out_is_named(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cuda_driver, "_DRIVER_FILE", "libcuda-absent.so.1")
    cuda_driver.find_driver.cache_clear()
    try:
        assert main(["build", "--model", str(tiny_model)]) == 2
    finally:
        cuda_driver.find_driver.cache_clear()
    error = capsys.readouterr().err
    assert "no usable NVIDIA driver (libcuda-absent.so.1 is not installed)" in error
    assert error.endswith("with --out FOLDER engines for other machines are built here\n")


def test_a_changed_model_is_not_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tiny_model(tmp_path / "model")
    with (folder / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    assert main(["build", "--model", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_t_be_written_is_named(
    fake_machine: Fake,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    library = fake_machine().library
    monkeypatch.setattr(build_command, "find_library", lambda names: library)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main(["build", "--model", str(tiny_model), "--out", str(tmp_path / "file" / "out")]) == 2
    assert "the engine can't be written (Not a directory); choose another folder" in capsys.readouterr().err


def test_engines_that_can_t_be_kept_are_an_error_here(
    fake_machine: Fake, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_machine()
    user_cache_folder().mkdir(parents=True)
    (user_cache_folder() / "engines").write_text("in the way", encoding="utf-8")
    assert main(["build", "--model", str(tiny_model)]) == 2
    assert "compiled engines can't be kept (File exists)" in capsys.readouterr().err


def test_ctrl_c_stops_the_build_and_leaves_nothing(
    fake_machine: Fake,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    library = fake_machine().library
    monkeypatch.setattr(build_command, "find_library", lambda names: library)
    threads: list[threading.Thread] = []

    def slow(model: bytes, settings: object, library: object, control: BuildControl) -> Built:
        threads.append(threading.current_thread())
        signal.raise_signal(signal.SIGINT)
        assert control.cancelled.wait(30)
        control.check()
        raise AssertionError("not cancelled")

    monkeypatch.setattr(build_command, "build_plan", slow)
    before = signal.getsignal(signal.SIGINT)
    assert main(["build", "--model", str(tiny_model), "--out", str(tmp_path / "out")]) == 2
    assert (
        capsys.readouterr().err
        == "error: the build was cancelled; start it again or choose another back end\n"
    )
    assert not (tmp_path / "out").exists()
    assert not threads[0].is_alive()
    assert signal.getsignal(signal.SIGINT) is before
