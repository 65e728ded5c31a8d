from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")

from engines import models
from engines.__main__ import main
from engines.backends import backend_names, openvino, unavailable_reason
from engines.card import InputSpec, load_card
from engines.measure import bench as bench_module
from engines.measure import verify as verify_module
from engines.measure.bench import PLAIN, PLAIN_SAME_THREADS, bench
from engines.measure.bench_turns import batches_of_faces, times_in_turns_ms
from engines.measure.verify import fixed_chips, largest_differences, metrics_line, verify
from tests.tiny_models import write_tiny_model

USABLE = [name for name in backend_names() if not unavailable_reason(name)]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of installed models with one, "tiny"."""
    folder = tmp_path / "models"
    for module in (models, __import__("engines.__main__", fromlist=["main"])):
        monkeypatch.setattr(module, "MODELS_DIR", folder)
    write_tiny_model(folder / "tiny")
    return folder


def test_list_shows_heads_input_hash_and_figures(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert "tiny 1.0 | emotion, age, gender, smile | 48 px gray | occlusion none | hash ok" in text
    assert "emotion_accuracy 0.125" in text


def test_list_shows_a_changed_model_and_a_broken_card(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (installed / "tiny" / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    write_tiny_model(installed / "broken")
    (installed / "broken" / "card.json").write_text("{}", encoding="utf-8")
    assert main(["list"]) == 2
    text = capsys.readouterr().out
    assert "hash differs from the card" in text
    assert "broken: " in text
    assert "schema_version: expected 2" in text


def test_list_of_nothing_says_where_it_looked(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (installed / "tiny" / "card.json").unlink()
    assert main(["list"]) == 0
    assert str(installed) in capsys.readouterr().out


def test_verify_compares_every_back_end(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2].rstrip(":") for line in lines] == ["card", "file", *backend_names()]
    states = {line.split()[2].rstrip(":"): line.split()[0] for line in lines}
    assert all(states[name] == ("ok" if name in USABLE else "skipped") for name in backend_names())
    assert all("largest difference" in line for line in lines if line.split()[2].rstrip(":") in USABLE)


def test_verify_fails_on_a_changed_model(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (installed / "tiny" / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    assert main(["verify", "--model", "tiny"]) == 2
    assert "failed  tiny model: " in capsys.readouterr().out


def test_verify_fails_when_a_back_end_s_numbers_differ(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module, "TOLERANCES", dict.fromkeys(verify_module.TOLERANCES, (-1.0, 100.0)))
    checks = list(verify("tiny", installed / "tiny"))
    assert [check.state for check in checks if check.subject in USABLE] == ["failed"] * len(USABLE)


def test_verify_without_models_or_with_an_unknown_one_is_an_error(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--model", "absent"]) == 2
    assert "error: model: expected one of tiny, found 'absent'" in capsys.readouterr().err
    (installed / "tiny" / "card.json").unlink()
    assert main(["verify"]) == 2
    assert "found none" in capsys.readouterr().err


def test_bench_gives_json_with_a_row_for_every_back_end_and_batch(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "--model", "tiny", "--backend", "all", "--batch", "1,3", "--json"]
    assert main([*arguments, "--rounds", "2", "--calls", "3"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {(row["backend"], row["batch"]) for row in report["rows"]} == {
        (name, batch) for name in (PLAIN, PLAIN_SAME_THREADS, *USABLE) for batch in (1, 3)
    }
    assert {row["calls"] for row in report["rows"]} == {6}
    assert all(0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] for row in report["rows"])
    assert report["model"] == "tiny"
    assert set(report["refused"]) == set(backend_names()) - set(USABLE)
    assert report["versions"]["onnxruntime"]


def test_bench_prints_a_table_and_why_a_back_end_is_left_out(
    installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "unavailable_reason", lambda name: "gone" if name == "openvino" else "")
    assert main(["bench", "--model", "tiny", "--backend", "onnxruntime,openvino", "--rounds", "1"]) == 0
    text = capsys.readouterr().out
    assert "openvino: not measured: gone" in text
    assert text.count("ONNX Runtime CPU") == 3


@pytest.mark.skipif("openvino" not in USABLE, reason="needs OpenVINO")
def test_bench_leaves_out_a_number_format_that_the_processor_lacks(
    installed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(openvino._NUMBER_FORMATS, "bf16", "float32")
    arguments = ["bench", "--model", "tiny", "--backend", "openvino", "--precision", "all", "--json"]
    assert main([*arguments, "--rounds", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["backend"] for row in report["rows"]} == {PLAIN, PLAIN_SAME_THREADS, "openvino float32"}
    assert "this CPU has no other" in report["refused"]["openvino bfloat16"]


def test_bench_takes_turns() -> None:
    order: list[str] = []
    subjects = {name: (lambda _, name=name: order.append(name)) for name in "abc"}
    times_ms = times_in_turns_ms(subjects, [np.zeros((1, 48, 48), np.uint8)], rounds=20, calls=2)
    assert {name: len(values) for name, values in times_ms.items()} == {"a": 40, "b": 40, "c": 40}
    turns = [order[start : start + 3] for start in range(3, len(order), 3)]
    assert all(len(set(turn)) == 1 for turn in turns)
    for start in range(0, len(turns), 3):
        assert {turn[0] for turn in turns[start : start + 3]} == {"a", "b", "c"}
    assert {turns[start][0] for start in range(0, len(turns), 3)} == {"a", "b", "c"}


def test_bench_gives_all_the_same_batches_of_faces_one_after_the_other(tiny_model: Path) -> None:
    batches = batches_of_faces(load_card(tiny_model), 4)
    seen: dict[str, list[bytes]] = {"a": [], "b": []}
    subjects = {name: (lambda batch, name=name: seen[name].append(batch.tobytes())) for name in seen}

    times_in_turns_ms(subjects, batches, rounds=2, calls=3)

    assert len(batches) == 64 and all(len(batch) == 4 for batch in batches)
    assert seen["a"] == seen["b"] and len(set(seen["a"])) == 6


def test_bench_refuses_an_unknown_back_end(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--model", "tiny", "--backend", "opengl"]) == 2
    assert "found 'opengl'" in capsys.readouterr().err


@pytest.mark.parametrize("batch", ["0", "1,x", "", "-1", "1.5"])
def test_a_senseless_batch_is_refused(batch: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["bench", f"--batch={batch}"])
    assert "expected a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["list"], ["verify"], ["bench"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert "usage: python -m engines" in capsys.readouterr().out


def test_the_model_may_be_a_folder(tiny_model: Path) -> None:
    report = bench(tiny_model, ["onnxruntime"], [2], threads=1, rounds=1, calls=1)
    assert report.threads == 1
    assert [row.batch for row in report.rows] == [2, 2, 2]


def test_the_fixed_chips_are_the_same_each_time_and_varied() -> None:
    for spec in (InputSpec(), InputSpec(size=64, color="rgb")):
        chips = fixed_chips(spec)
        np.testing.assert_array_equal(chips, fixed_chips(spec))
        assert chips.shape == (16, *spec.chip_shape)
        assert chips.dtype == np.uint8
        assert np.abs(chips[0].astype(int) - chips[1]).mean() > 20


def test_differences_are_told_apart_by_unit() -> None:
    one = {"emotion": np.zeros((2, 8), np.float32), "age_years": np.zeros(2, np.float32)}
    other = {"emotion": np.full((2, 8), 0.25, np.float32), "age_years": np.float32([0, -3])}
    assert largest_differences(one, other) == (0.25, 3)
    assert largest_differences({}, {}) == (0, 0)


def test_metrics_are_found_at_any_depth(tiny_model: Path) -> None:
    card = load_card(tiny_model)
    assert metrics_line(card) == "emotion_accuracy 0.125"
    card.metrics.clear()
    assert metrics_line(card) == ""
    card.metrics.update(
        {
            "set_test": {"age_error": {"value": 5.25, "low": 5}, "age_within_5_years": {"value": 0.5}},
            "note": "x",
        }
    )
    assert metrics_line(card) == "set_test age_error 5.25"
    card.metrics["set_test"].pop("age_error")
    assert metrics_line(card) == "set_test age_within_5_years 0.5"
