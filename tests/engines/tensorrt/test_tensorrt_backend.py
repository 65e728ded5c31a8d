"""How the TensorRT back end runs: graphs, memory, and what it says when the GPU fails."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from engines.backend import MAX_BATCH
from engines.errors import EngineError, GpuError
from tests.engines.tensorrt.fake_gpu import ILLEGAL_ADDRESS, OUT_OF_MEMORY
from tests.engines.tensorrt.tensorrt_runs import Fake, assert_right, chips_of, loaded


def test_a_run_is_one_graph_and_nothing_else(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    assert backend.describe()["graphs"] == 4
    for count in (1, 4, 2):
        machine.cuda.calls.clear()
        assert_right(backend, tiny_model, count)
        assert machine.cuda.calls == ["cudaSetDevice", "cudaGraphLaunch", "cudaStreamSynchronize"]


def test_a_larger_batch_is_captured_on_first_use(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    assert_right(backend, tiny_model, 9)
    assert backend.describe()["graphs"] == 5
    machine.cuda.calls.clear()
    assert_right(backend, tiny_model, 9)
    assert machine.cuda.calls == ["cudaSetDevice", "cudaGraphLaunch", "cudaStreamSynchronize"]


def test_nothing_is_allocated_run_after_run(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    chips = chips_of(tiny_model, MAX_BATCH)
    for count in range(1, MAX_BATCH + 1):
        backend.run(chips[:count])
    held = (dict(machine.cuda.device), dict(machine.cuda.pinned), dict(machine.cuda.graphs))
    machine.cuda.calls.clear()
    for turn in range(200):
        backend.run(chips[: turn % MAX_BATCH + 1])
    assert set(machine.cuda.calls) == {"cudaSetDevice", "cudaGraphLaunch", "cudaStreamSynchronize"}
    assert [set(one) for one in (machine.cuda.device, machine.cuda.pinned, machine.cuda.graphs)] == [
        set(one) for one in held
    ]


@pytest.mark.parametrize("flavour", ["tensorrt_rtx", "tensorrt"])
def test_closing_frees_everything(fake_machine: Fake, tiny_model: Path, flavour: str) -> None:
    cuda = fake_machine(flavour).cuda
    backend = loaded(tiny_model)
    assert cuda.device and cuda.pinned and cuda.graphs and cuda.streams
    backend.close()
    assert (cuda.device, cuda.pinned, cuda.graphs, cuda.streams) == ({}, {}, {}, set())
    backend.close()
    with pytest.raises(EngineError, match="load it first"):
        backend.describe()


@pytest.mark.parametrize("flavour", ["tensorrt_rtx", "tensorrt"])
@pytest.mark.parametrize("reason", ["capture", "is_stream_capturable"])
def test_what_can_t_be_captured_runs_step_by_step(
    fake_machine: Fake,
    tiny_model: Path,
    flavour: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = fake_machine(flavour)
    machine.module.says["capture"] = "operation not permitted when stream is capturing"
    if reason == "capture":  # the library says it can, then refuses
        monkeypatch.setattr(
            "tests.engines.tensorrt.fake_tensorrt.Context.is_stream_capturable", lambda *_: True
        )
    with caplog.at_level(logging.WARNING):
        backend = loaded(tiny_model)
    assert "can't be captured" in caplog.text
    assert backend.describe()["graphs"] == 0
    for count in (1, 7):
        assert_right(backend, tiny_model, count)


@pytest.mark.parametrize("memory_bytes", [0, 5_000, 9_000, 20_000])
def test_too_little_memory_is_a_gpu_error_and_leaves_nothing(
    fake_machine: Fake, tiny_model: Path, memory_bytes: int
) -> None:
    cuda = fake_machine(memory_bytes=memory_bytes).cuda
    with pytest.raises(GpuError, match="too little free memory; close other programs"):
        loaded(tiny_model)
    assert (cuda.device, cuda.pinned, cuda.graphs, cuda.streams) == ({}, {}, {}, set())


@pytest.mark.parametrize("call", ["cudaGraphLaunch", "cudaStreamSynchronize", "*", "compute"])
def test_a_lost_gpu_is_a_gpu_error(fake_machine: Fake, tiny_model: Path, call: str) -> None:
    cuda = fake_machine().cuda
    backend = loaded(tiny_model)
    cuda.failing[call] = ILLEGAL_ADDRESS
    with pytest.raises(GpuError, match=r"the GPU failed \(cuda\w+: an illegal memory access") as caught:
        backend.run(chips_of(tiny_model, 1))
    assert "restart the program" in str(caught.value)
    backend.close()
    with pytest.raises(EngineError, match="load it first"):
        backend.run(chips_of(tiny_model, 1))


def test_memory_that_runs_out_while_running_is_a_gpu_error(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    machine.module.says["context"] = "Error Code 2: OutOfMemory"
    with pytest.raises(GpuError, match=r"can't prepare a run .*OutOfMemory"):
        backend.run(chips_of(tiny_model, 11))
    machine.cuda.failing["cudaGraphInstantiate"] = OUT_OF_MEMORY
    del machine.module.says["context"]
    assert_right(backend, tiny_model, 11)  # no graph for it, but answers


def test_a_shape_that_can_t_be_settled_is_refused(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine().module.says["shapes"] = "no shapes"
    with pytest.raises(EngineError, match="refuses a batch of 1"):
        loaded(tiny_model)
