"""What the TensorRT back end does beside the contract, on a GPU that is not there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")

from engines.backends import MAX_BATCH, create_backend, unavailable_reason
from engines.backends.tensorrt import TensorRtBackend
from engines.build_control import BuildCancelledError, BuildControl, watch_builds
from engines.card import load_card
from engines.cuda_driver import Driver
from engines.errors import EngineError, GpuError
from engines.user_cache import user_cache_folder
from engines.verify import fixed_chips
from tests.engines.conftest import FakeMachine
from tests.engines.fake_gpu import ILLEGAL_ADDRESS, OUT_OF_MEMORY
from tests.engines.fake_tensorrt import MAGIC
from tests.tiny_models import write_tiny_card, write_tiny_model

Fake = Callable[..., FakeMachine]


@pytest.fixture(autouse=True)
def no_watcher() -> Iterator[None]:
    yield
    watch_builds(None)


def loaded(folder: Path, precision: str = "float32") -> TensorRtBackend:
    backend = TensorRtBackend(precision)  # type: ignore[arg-type]
    backend.load(folder / "model.onnx", load_card(folder), None)
    return backend


def chips_of(folder: Path, count: int) -> np.ndarray:
    return fixed_chips(load_card(folder).input, count)


def expected(folder: Path, chips: np.ndarray) -> dict[str, np.ndarray]:
    reference = create_backend("onnxruntime")
    reference.load(folder / "model.onnx", load_card(folder), 1)
    return reference.run(chips)


def assert_right(backend: TensorRtBackend, folder: Path, count: int) -> None:
    chips = chips_of(folder, count)
    found, wanted = backend.run(chips), expected(folder, chips)
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4)


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
        monkeypatch.setattr("tests.engines.fake_tensorrt.Context.is_stream_capturable", lambda *_: True)
    with caplog.at_level(logging.WARNING):
        backend = loaded(tiny_model)
    assert "can't be captured" in caplog.text
    assert backend.describe()["graphs"] == 0
    for count in (1, 7):
        assert_right(backend, tiny_model, count)


def test_two_models_overlap_and_keep_their_answers(
    fake_machine: Fake, tiny_model: Path, tmp_path: Path
) -> None:
    fake_machine()
    other = write_tiny_model(tmp_path / "other", name="other", seed=5)
    first, second = loaded(tiny_model), loaded(other)
    chips = chips_of(tiny_model, 3)
    first.submit(chips)
    second.submit(chips[::-1].copy())
    for backend, folder, batch in ((second, other, chips[::-1].copy()), (first, tiny_model, chips)):
        for name, values in expected(folder, batch).items():
            np.testing.assert_allclose(backend.collect(3)[name], values, atol=1e-4)


def test_times_come_from_events_around_each_run(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    backend = loaded(tiny_model)
    for copies in (True, False):
        machine.cuda.calls.clear()
        times_ms = backend.device_times_ms(2, 5, copies=copies)
        assert len(times_ms) == 5
        assert min(times_ms) > 0
        assert machine.cuda.calls.count("cudaEventElapsedTime") == 5
        assert (
            machine.cuda.calls.count("cudaEventCreate") == machine.cuda.calls.count("cudaEventDestroy") == 2
        )
    assert_right(backend, tiny_model, 2)


@pytest.mark.parametrize("flavour", ["tensorrt_rtx", "tensorrt"])
def test_an_engine_is_built_once_and_float16_is_close(
    fake_machine: Fake, tiny_model: Path, flavour: str
) -> None:
    machine = fake_machine(flavour)
    backend = loaded(tiny_model, "float16")
    assert (backend.precision, machine.module.builds) == ("float16", 1)
    chips = chips_of(tiny_model, 4)
    wanted = expected(tiny_model, chips)
    for again in (backend, loaded(tiny_model, "float16")):
        for name, values in again.run(chips).items():
            np.testing.assert_allclose(values, wanted[name], atol=0.3 if name == "age" else 0.01)
    assert machine.module.builds == 1
    loaded(tiny_model, "float32")
    assert machine.module.builds == 2


def test_kernels_and_kernel_times_are_kept(fake_machine: Fake, tiny_model: Path, tmp_path: Path) -> None:
    rtx = fake_machine("tensorrt_rtx")
    loaded(tiny_model)
    loaded(tiny_model)
    assert rtx.module.runtime_caches == [b"kernels"]
    full = fake_machine("tensorrt")
    loaded(tiny_model)
    loaded(write_tiny_model(tmp_path / "other", seed=5))
    assert full.module.timing_caches == [b"", b"times "]


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


@pytest.mark.parametrize(
    ("bits", "kind", "said"),
    [
        ("2", EngineError, r"\(UNSUPPORTED_CC\); choose another back end"),
        ("3", EngineError, r"\(VERSION_MISMATCH, UNSUPPORTED_CC\)"),
        ("16", GpuError, r"\(INSUFFICIENT_GPU_MEMORY\); close other programs"),
    ],
)
def test_a_refused_gpu_is_told_in_the_library_s_words(
    fake_machine: Fake, tiny_model: Path, bits: str, kind: type[EngineError], said: str
) -> None:
    machine = fake_machine()
    machine.module.says["invalid"] = bits
    with pytest.raises(EngineError, match=rf"can't run the engine on this GPU {said}") as caught:
        loaded(tiny_model)
    assert type(caught.value) is kind
    assert (machine.cuda.device, machine.cuda.streams) == ({}, set())


def test_a_shape_that_can_t_be_settled_is_refused(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine().module.says["shapes"] = "no shapes"
    with pytest.raises(EngineError, match="refuses a batch of 1"):
        loaded(tiny_model)


def test_the_engine_is_built_for_the_gpu_that_is_here(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    loaded(tiny_model)
    assert machine.module.targets == [{0: 89}]
    other = fake_machine(gpu="Unheard", compute_capability=(9, 0))
    loaded(tiny_model)
    assert other.module.targets == [{}]  # the library decides, and says at loading whether it runs there


def test_a_kept_engine_that_the_library_refuses_is_built_again(
    fake_machine: Fake, tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = fake_machine()
    loaded(tiny_model)
    refused: list[bytes] = []
    real = machine.module.Runtime

    def runtime(logger: object) -> object:
        made = real(logger)
        load = made.deserialize_cuda_engine
        made.deserialize_cuda_engine = lambda plan: load(plan) if refused else refused.append(plan)
        return made

    machine.module.Runtime = runtime
    with caplog.at_level(logging.WARNING):
        backend = loaded(tiny_model)
    assert "the kept engine is of no use" in caplog.text
    assert len(refused) == 1
    assert machine.module.builds == 2
    assert_right(backend, tiny_model, 2)


def test_a_library_that_never_loads_is_asked_once_per_build(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    machine.module.says["deserialise"] = "Serialization assertion failed"
    with pytest.raises(EngineError, match=r"can't load the engine .*Serialization assertion failed"):
        loaded(tiny_model)
    assert machine.module.builds == 1
    with pytest.raises(EngineError, match="can't load the engine"):
        loaded(tiny_model)
    assert machine.module.builds == 2  # the kept one was tried, then one more was built


@pytest.mark.parametrize(
    "damage", [lambda plan: plan[:-10], lambda plan: b"", lambda plan: plan[:50] + b"\0" + plan[51:]]
)
def test_a_damaged_engine_is_never_loaded(
    fake_machine: Fake, tiny_model: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    machine = fake_machine()
    loaded(tiny_model)
    (path,) = (user_cache_folder() / "engines").glob("*.plan")
    assert path.read_bytes().startswith(MAGIC)
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert_right(loaded(tiny_model), tiny_model, 1)
    assert "the kept engine is damaged" in caplog.text
    assert machine.module.builds == 2


def test_a_model_replaced_while_it_runs_or_loads(fake_machine: Fake, tmp_path: Path) -> None:
    machine = fake_machine()
    folder = write_tiny_model(tmp_path / "model")
    backend, old_card = loaded(folder), load_card(folder)
    chips = chips_of(folder, 2)
    before = backend.run(chips)
    write_tiny_model(folder, seed=9)
    for name, values in backend.run(chips).items():  # the running engine is not touched
        np.testing.assert_array_equal(values, before[name])
    with pytest.raises(EngineError, match="it was replaced while it was loaded; load it again"):
        TensorRtBackend().load(folder / "model.onnx", old_card, None)
    fresh = loaded(folder)
    assert machine.module.builds == 2
    assert_right(fresh, folder, 2)
    assert np.abs(fresh.run(chips)["emotion"] - before["emotion"]).max() > 1e-3


def test_loading_shows_its_build_and_can_be_cancelled(fake_machine: Fake, tiny_model: Path) -> None:
    machine = fake_machine()
    seen: list[tuple[str, float]] = []

    def watch(model: str) -> BuildControl:
        control = BuildControl()

        def progress(share: float, step: str) -> None:
            seen.append((model, share))
            if share > 0.3 and machine.module.builds == 1:
                control.cancelled.set()

        control.progress = progress
        return control

    watch_builds(watch)
    with pytest.raises(BuildCancelledError, match="the build was cancelled"):
        loaded(tiny_model)
    assert not list((user_cache_folder() / "engines").glob("*.plan"))
    assert 0.3 < seen[-1][1] < 1
    seen.clear()
    loaded(tiny_model)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert seen[-1] == ("tiny", 1.0)
    seen.clear()
    loaded(tiny_model)
    assert seen == []  # a kept engine has nothing to show


def test_the_parser_s_words_name_the_operator(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine().module.says["parse"] = "No importer registered for op: Unheard."
    with pytest.raises(EngineError, match=r"can't read the model \(Unheard 'node_7': No importer registered"):
        loaded(tiny_model)


def test_a_build_that_fails_gives_the_library_s_last_line(fake_machine: Fake, tiny_model: Path) -> None:
    fake_machine().module.says["build"] = "Error Code 10: Could not find any implementation\nfor node x"
    with pytest.raises(
        EngineError, match=r"can't compile the model .*Could not find any implementation for node x"
    ):
        loaded(tiny_model)


def test_a_driver_too_old_is_named(fake_machine: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = fake_machine()
    assert unavailable_reason("tensorrt") == ""
    old = Driver("535.10", (12, 2), machine.driver.gpus)
    monkeypatch.setattr("engines.plans.find_driver", lambda: old)
    assert unavailable_reason("tensorrt") == (
        "expected an NVIDIA driver for CUDA 13.0 or newer, found 535.10 for CUDA 12.2; "
        "update the driver or choose another back end"
    )
    with pytest.raises(EngineError, match=r"back end tensorrt: expected an NVIDIA driver for CUDA 13\.0"):
        create_backend("tensorrt")


def test_gpus_are_told_apart(fake_machine: Fake, tiny_model: Path) -> None:
    first = fake_machine(gpu="GeForce 9")
    loaded(tiny_model)
    second = fake_machine(gpu="GeForce 10")
    assert_right(loaded(tiny_model), tiny_model, 1)
    assert (first.module.builds, second.module.builds) == (1, 1)
    third = fake_machine(gpu="GeForce 9")
    loaded(tiny_model)
    assert third.module.builds == 0


def test_nodes_that_the_card_names_stay_float32(fake_machine: Fake, tmp_path: Path) -> None:
    import onnx

    machine = fake_machine()
    folder = write_tiny_model(tmp_path / "model")
    model = onnx.load(str(folder / "model.onnx"))
    for node in model.graph.node:
        node.name = node.name or f"layer/{node.output[0]}"
    onnx.save(model, str(folder / "model.onnx"))
    plans = []
    for names in ((), ("layer/",)):
        card = replace(write_tiny_card(folder), float32_nodes=names)
        card.save(folder / "card.json")
        assert load_card(folder) == card
        loaded(folder, "float16")
        newest = max(
            (user_cache_folder() / "engines").glob("*.plan"), key=lambda path: path.stat().st_mtime_ns
        )
        plans.append(onnx.load_model_from_string(newest.read_bytes().removeprefix(MAGIC)))
    assert machine.module.builds == 2
    halves = [{weight.name for weight in plan.graph.initializer if weight.data_type == 10} for plan in plans]
    assert halves[0]
    assert halves[1] == set()
