"""The soak's verdict, its command, the floor and the picture of the benchmark."""

from __future__ import annotations

import json
import mmap
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="operations are counted with it: pip install onnx")

from engines.__main__ import main
from engines.card import load_card
from engines.engine import Engine
from engines.measure import soak as soak_module
from engines.measure.floor import Peak, Work, count_work
from engines.measure.soak import Soak, line, slope, soak
from engines.models import find_model
from tests.tiny_models import write_tiny_model


@pytest.fixture(scope="module")
def found(tiny_model: Path) -> Soak:
    return soak(tiny_model, "onnxruntime", 300, batch=2)


def test_a_soak_counts_what_it_ran(found: Soak) -> None:
    assert (found.calls, found.batch, found.backend) == (300, 2, "onnxruntime")
    assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms <= found.longest_ms + 1e-3
    assert found.first_mib > 10
    assert f"{found.calls} calls of 2" in line(found)


def test_growth_and_slow_calls_fail_it(found: Soak) -> None:
    good = replace(found, p50_ms=1.0, p99_ms=2.9, first_mib=100, last_mib=101, growth_mib=1.0)
    assert good.passed
    assert not replace(good, p99_ms=3.1).passed
    assert not replace(good, growth_mib=9.0).passed
    assert not replace(good, last_mib=110).passed
    assert not replace(good, last_mib=float("nan")).flat
    assert not replace(good, problem="the GPU was lost").passed
    assert slope([1.0, 2.0, 3.0]) == pytest.approx(1)


def test_a_leak_is_seen(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[mmap.mmap] = []
    right = Engine.infer

    def leaking(self: Engine, batch: np.ndarray) -> dict[str, np.ndarray]:
        kept.append(mmap.mmap(-1, 1 << 17))  # 128 KiB a call, fresh ones: never what was freed before
        kept[-1].write(bytes([1]) * (1 << 17))
        return right(self, batch)

    monkeypatch.setattr(Engine, "infer", leaking)
    assert not np.isnan(soak_module.resident_mib())
    leaked = soak(tiny_model, "onnxruntime", 200)
    assert leaked.growth_mib == pytest.approx(25, rel=0.3)
    assert not leaked.flat


def test_the_command_tells_the_verdict(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["soak", "--model", str(tiny_model), "--backend", "onnxruntime", "--count", "100", "--json"]
    code = main(arguments)
    (told,) = json.loads(capsys.readouterr().out)
    assert code == (0 if told["passed"] else 2)
    assert told["calls"] == 100
    assert main([*arguments[:-1], "--batch", "17"]) == 2
    assert "batch: expected 1 to 16 faces, found 17" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["soak", "--count", "5"])


def test_operations_are_counted_from_the_file(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny", tasks=("smile",))
    work = count_work(folder / "model.onnx", load_card(folder))
    # 48 pixels pooled by 4 to 12, a 3x3 convolution to 4 maps of 10x10, then 400 numbers to 2.
    assert work.multiplications == 4 * 10 * 10 * 9 + 400 * 2
    assert work.face_bytes == 48 * 48 + 4 * 2
    shipped = find_model("multitask")
    assert 100e6 < count_work(shipped / "model.onnx", load_card(shipped)).multiplications < 200e6


def test_the_floor_is_the_slower_of_operations_and_bytes() -> None:
    peak = Peak({"float32": 1e9, "bfloat16": 2e9}, 1e9)
    work = Work(1_000_000, 4_000_000, 1000)
    assert peak.floor_ms(work, "float32", 1) == pytest.approx(4.001)
    assert peak.floor_ms(work, "float32", 16) == pytest.approx(16)
    assert peak.floor_ms(work, "bfloat16", 16) == pytest.approx(8)
    assert peak.floor_ms(work, "int8", 1) is None


def test_bench_draws_a_picture_and_shows_the_floor(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the picture is drawn with it: pip install matplotlib")
    picture = tmp_path / "bench.png"
    arguments = [
        "bench",
        "--model",
        str(tiny_model),
        "--backend",
        "onnxruntime",
        "--batch",
        "1,2",
        "--rounds",
        "2",
    ]
    assert main([*arguments, "--calls", "2", "--picture", str(picture), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = [row for row in report["rows"] if row["backend"] == "onnxruntime"]
    assert all(row["floor_ms"] > 0 for row in rows)
    assert all(row["library"].startswith("onnxruntime ") for row in rows)
    assert report["work"]["multiplications"] > 0
    drawn = cv2.imread(str(picture))
    assert drawn.shape[1] > 600
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 10
    assert main([*arguments, "--calls", "1", "--picture", str(tmp_path / "absent" / "bench.png")]) == 2
    assert "the picture can't be written" in capsys.readouterr().err
