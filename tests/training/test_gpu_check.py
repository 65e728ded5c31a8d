"""The GPU tables on a machine without a GPU: tables, aims, turns and what is said when there is none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import torch

from engines.card import MODEL_FILE, load_card
from engines.crops import face_crops
from engines.decode import decode
from engines.models import find_model, model_names
from engines.parity import HeadDifference, Parity, compare, reference_answers
from training import gpu_check, gpu_timers
from training.gpu_check import AIM_16_MS, CAPTURED, EAGER, TENSORRT, GpuReport, aims, in_turns, table

ROOT = Path(__file__).resolve().parents[2]
MET = {1: 0.05, 4: 0.1, 8: 0.15, 16: 0.2}


def report(own_ms: dict[int, float], changed: float = 0.5) -> GpuReport:
    parity = Parity("float16", 2000, (HeadDifference("emotion", "", 0.004, 0.0001, changed),))
    slow = {count: 6 * own for count, own in MET.items()}
    return GpuReport(
        machine={"GPU": "GeForce 9"},
        validity="TensorRT-RTX 1.7: VALID",
        parity={"multitask, tensorrt float16": parity},
        device_ms={TENSORRT: own_ms, EAGER: slow, CAPTURED: MET},
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


def test_rows_take_turns_and_give_medians() -> None:
    order: list[str] = []

    def timer(name: str, own_ms: float) -> gpu_check.Timer:
        def timed(count: int, calls: int) -> list[float]:
            order.append(name)
            return [own_ms * count, own_ms * count, 1000.0][:calls]

        return timed

    found = in_turns({"a": timer("a", 1.0), "b": timer("b", 2.0)}, (1, 4), rounds=3)
    assert found == {"a": {1: 1.0, 4: 4.0}, "b": {1: 2.0, 4: 8.0}}
    assert order == ["a", "b"] * 6


def test_without_tensorrt_the_best_that_runs_is_compared_and_the_reason_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = gpu_check.engine_validity("multitask")
    if not said.startswith("not asked: "):
        pytest.skip("there is a GPU here")
    assert "NVIDIA driver" in said
    found = GpuReport()
    gpu_check._add_parity(found, "multitask", "tensorrt", "float16")
    assert "NVIDIA driver" in found.refused["multitask, tensorrt float16"]
    assert not found.parity


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
    parity = compare(found, reference_answers(folder / MODEL_FILE, card, chips), "float16")
    assert parity.refusal() == ""
    assert parity.largest[0] > 0, "half precision leaves a trace"


def test_the_command_without_a_gpu_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert gpu_check.main(["--out", str(tmp_path / "out")]) == 2
    assert "expected a GPU that PyTorch" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_script_is_well_formed() -> None:
    script = ROOT / "scripts" / "gpu_check.sh"
    checked = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "-m training.gpu_check --out" in script.read_text(encoding="utf-8")
