"""The GPU tables on a machine without a GPU: tables, aims, turns and what is said when there is none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.backends import create_backend
from engines.card import MODEL_FILE, InputSpec, load_card
from engines.crops import face_crops
from engines.decode import decode
from engines.models import find_model, model_names
from engines.parity import REFERENCE, HeadDifference, Parity, compare, reference_answers
from engines.tensorrt.streams import STREAMS
from tests.engines.conftest import FakeMachine
from tests.tiny_models import write_tiny_model
from training.studies.gpu import command as gpu_check
from training.studies.gpu import report as gpu_report
from training.studies.gpu import rows as gpu_rows
from training.studies.gpu import timers as gpu_timers
from training.studies.gpu.report import (
    AIM_16_MS,
    CAPTURED,
    EAGER,
    ONE_BY_ONE,
    ONE_STREAM,
    ONNXRUNTIME,
    SIDE_BY_SIDE,
    GpuReport,
    aims,
    table,
)
from training.studies.gpu.rows import Row, in_turns, ready_rows
from training.studies.gpu.timers import Timer

ROOT = Path(__file__).resolve().parents[2]
MET = {1: 0.05, 4: 0.1, 8: 0.15, 16: 0.2}


def report(own_ms: dict[int, float], changed: float = 0.5) -> GpuReport:
    parity = Parity("float16", 2000, (HeadDifference("emotion", "", 0.004, 0.0001, changed),))
    slow = {count: 6 * own for count, own in MET.items()}
    return GpuReport(
        machine={"GPU": "GeForce 9"},
        validity="TensorRT-RTX 1.7: VALID",
        parity={"multitask, tensorrt float16": parity},
        device_ms={ONE_STREAM: own_ms, EAGER: slow, CAPTURED: MET},
        refused={"torch.compile fp16": "no triton"},
    )


def test_aims_stand_beside_what_was_measured() -> None:
    assert [verdict for _, _, verdict in aims(report(MET))] == ["met"] * 5
    slower = {count: 4 * own for count, own in MET.items()}
    assert [verdict for _, _, verdict in aims(report(slower, changed=1.5))] == ["missed"] * 5
    assert {verdict for _, _, verdict in aims(GpuReport())} == {"not measured"}


def test_the_table_has_every_row_and_reason() -> None:
    text = table(report(MET))
    for part in (
        "GeForce 9",
        "VALID",
        "batch 16",
        "0.2000 (80,000)",
        "no triton",
        f"under {AIM_16_MS} ms",
        "0.004",
    ):
        assert part in text
    written = json.loads(json.dumps(report(MET).as_dict()))
    assert written["aims"][0][2] == "met"


def test_without_tensorrt_the_aims_are_about_onnx_runtime_by_the_clock() -> None:
    own = {count: 2 * fast for count, fast in MET.items()}
    found = GpuReport(
        validity="TensorRT-RTX 1.7: INVALID UNSUPPORTED_CC",
        device_ms={EAGER: MET, CAPTURED: MET},
        host_ms={
            ONNXRUNTIME: own,
            EAGER: {count: 12 * fast for count, fast in MET.items()},
            CAPTURED: {count: 3 * fast for count, fast in MET.items()},
        },
    )
    said = aims(found)
    assert [verdict for _, _, verdict in said] == ["missed", "missed", "met", "met", "not measured"]
    assert said[0][1] == "0.4 ms (ONNX Runtime CUDA fp32, processor's clock)"
    assert said[2][1] == "6 times, at the worst batch size"


def test_the_faster_of_tensorrt_s_rows_is_the_one_the_aims_are_about() -> None:
    found = report(MET)
    found.device_ms[SIDE_BY_SIDE] = {count: own / 2 for count, own in MET.items()}
    assert aims(found)[0][1] == "0.1 ms (TensorRT, side by side, GPU's clock)"


def test_rows_take_turns_and_give_medians() -> None:
    order: list[str] = []

    def timer(name: str, own_ms: float) -> Timer:
        def timed(count: int, calls: int) -> list[float]:
            order.append(name)
            return [own_ms * count, own_ms * count, 1000.0][:calls]

        return timed

    found = GpuReport()
    rows = {"device/a": Row(timer("a", 1.0), (1, 4)), "host/b": Row(timer("b", 2.0), (1,))}
    in_turns(rows, 3, found)
    assert found.device_ms == {"a": {1: 1.0, 4: 4.0}}
    assert found.host_ms == {"b": {1: 2.0}}
    assert order == ["a", "b"] * 3 + ["a"] * 3
    assert "4.0000" in table(found)


def test_a_row_that_fails_costs_no_other() -> None:
    def fails(count: int, calls: int) -> list[float]:
        if count > 1:
            raise ValueError("an illegal\nmemory access")
        return [0.5] * calls

    def works(count: int, calls: int) -> list[float]:
        return [1.0] * calls

    found = GpuReport()
    rows = ready_rows("both", lambda: {"device/bad": fails, "device/good": works}, found)
    assert {name: row.batches for name, row in rows.items()} == {
        "device/bad": (1,),
        "device/good": gpu_timers.BATCHES,
    }
    assert found.refused == {"device/bad": "an illegal memory access"}
    rows["device/bad"] = Row(fails, (1, 4, 8))
    in_turns(rows, 2, found)
    assert found.device_ms == {"bad": {1: 0.5}, "good": dict.fromkeys(gpu_timers.BATCHES, 1.0)}

    def no_package() -> dict[str, Timer]:
        raise ModuleNotFoundError("No module named 'onnx'")

    assert ready_rows("TensorRT", no_package, found) == {}
    assert found.refused["TensorRT"] == "No module named 'onnx'"


def test_a_row_whose_time_is_over_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = iter([0.0, 1.0, 5.0, 11.0])
    monkeypatch.setattr(gpu_rows.time, "monotonic", lambda: next(now_s))
    found = GpuReport()
    rows = ready_rows("slow", lambda: {"device/slow": lambda count, calls: [1.0]}, found, 10.0)
    assert rows["device/slow"].batches == gpu_timers.BATCHES[:2]
    assert found.refused == {"slow": "from batch 8 on: its 10 s were over"}


def test_without_tensorrt_the_best_that_runs_is_compared_and_the_reason_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = gpu_check.engine_validity("multitask")
    if not said.startswith("not asked: "):
        pytest.skip("there is a GPU here")
    assert "NVIDIA driver" in said
    monkeypatch.setattr(gpu_check, "face_crops", few_crops)
    found = GpuReport()
    gpu_check._add_parity(found, "multitask", True)
    assert "NVIDIA driver" in found.refused["multitask, tensorrt float16"]
    assert "multitask, onnxruntime_cuda float32" in found.refused
    assert not found.parity


def few_crops(spec: InputSpec, count: int = 8, occlusion: str = "none") -> np.ndarray:
    return face_crops(spec, min(count, 8), occlusion)


def test_all_tables_on_a_gpu_where_only_tensorrt_works(
    fake_machine: Callable[..., FakeMachine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = fake_machine()
    folders = [write_tiny_model(tmp_path / name, name=name, seed=seed) for seed, name in enumerate("abc")]
    for name in ("command", "timers", "engine_timers"):
        monkeypatch.setattr(f"training.studies.gpu.{name}.MODELS", tuple(map(str, folders)))
    for name in ("rows", "timers", "engine_timers"):
        monkeypatch.setattr(f"training.studies.gpu.{name}.BATCHES", (1, 4))
    monkeypatch.setattr(gpu_check, "face_crops", few_crops)
    monkeypatch.setattr(gpu_check, "find_driver", lambda: machine.driver)
    monkeypatch.setattr(gpu_rows, "_CALLS", 2)
    assert gpu_check.main(["--out", str(tmp_path / "out"), "--rounds", "1"]) == 0
    written = json.loads((tmp_path / "out" / "gpu.json").read_text(encoding="utf-8"))
    assert written["validity"] == "TensorRT-RTX 1.7.1.116, built for 8.9: 0"
    assert len(written["parity"]) == 6
    assert {row: set(own) for row, own in written["device_ms"].items()} == {
        ONE_STREAM: {"1", "4"},
        SIDE_BY_SIDE: {"1", "4"},
    }
    assert set(written["host_ms"]) == {ONE_STREAM, SIDE_BY_SIDE, ONE_BY_ONE}
    assert written["streams"].split()[0] in STREAMS
    for row in (EAGER, CAPTURED, gpu_report.COMPILED):
        assert "expected a PyTorch that can use the GPU" in written["refused"][row]
    text = (tmp_path / "out" / "gpu.txt").read_text(encoding="utf-8")
    for part in ("GeForce 9", "driver: 580.65", "TensorRT, one stream", "not measured", "tensorrt float32"):
        assert part in text


def test_a_refused_gpu_is_told_first_and_costs_tensorrt_s_rows_alone(
    fake_machine: Callable[..., FakeMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = fake_machine(compute_capability=(9, 0))
    machine.module.says["invalid"] = "2"
    assert gpu_check.engine_validity("multitask") == (
        "TensorRT-RTX 1.7.1.116, built for all: 2 (UNSUPPORTED_CC)"
    )
    found = GpuReport()
    assert ready_rows("TensorRT", gpu_rows.makers(True)["TensorRT"], found) == {}
    assert "can't run the engine on this GPU (UNSUPPORTED_CC)" in found.refused["TensorRT"]
    monkeypatch.setattr("training.studies.gpu.command.find_machine", lambda: 1 / 0)
    assert gpu_check.engine_validity("multitask") == "not asked: ZeroDivisionError: division by zero"


def test_pytorch_s_rows_copy_in_run_and_copy_out() -> None:
    card = load_card(find_model("multitask"))
    chips = face_crops(card.input, 4)
    net = gpu_timers.Deployed(card, "cpu").eval()
    row = gpu_timers.TorchRow(lambda _: lambda image: [net(image), net(image)], chips, "cpu")
    for count in (4, 1, 4):
        answers = row.run(count)
        with torch.inference_mode():
            wanted = list(net(torch.from_numpy(chips[:count])).values())
        assert len(answers) == 2 * len(wanted)
        for found, expected in zip(answers, wanted * 2, strict=True):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", gpu_check.MODELS)
def test_pytorch_s_rows_say_what_the_shipped_model_says(name: str) -> None:
    assert name in model_names()
    folder = find_model(name)
    card = load_card(folder)
    chips = face_crops(card.input, 3, card.occlusion)
    with torch.inference_mode():
        answers = gpu_timers.Deployed(card, "cpu").eval()(torch.from_numpy(chips))
    assert {head.output for head in card.heads} == set(answers)
    found = decode({name: values.numpy() for name, values in answers.items()}, card)
    parity = compare(
        found, reference_answers(create_backend(REFERENCE), folder / MODEL_FILE, card, chips), "float16"
    )
    assert parity.refusal() == ""
    assert parity.largest[0] > 0, "half precision leaves a trace"


def test_the_command_without_a_gpu_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert gpu_check.main(["--out", str(tmp_path / "out")]) == 3
    assert re.fullmatch(r"gpu-check: .*NVIDIA driver.*\n", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_the_script_is_well_formed() -> None:
    script = ROOT / "scripts" / "gpu_check.sh"
    checked = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "-m training.studies.gpu.command --out" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("python", "code", "said"),
    [
        (sys.executable, 3, r"gpu-check: .*NVIDIA driver"),
        ("/no/python", 2, r"gpu_check: expected a Python as /no/python, found none"),
    ],
)
def test_the_script_ends_with_one_line_where_it_can_t_run(
    tmp_path: Path, python: str, code: int, said: str
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    script = ROOT / "scripts" / "gpu_check.sh"
    surroundings = {**os.environ, "PYTHON": python, "SITE_ENV": str(tmp_path / "none")}
    ended = subprocess.run(
        ["bash", str(script), str(tmp_path / "out")],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code
    assert re.search(said, ended.stderr)
