"""Compiling for real with TensorRT-RTX, which needs no GPU: every shipped model, progress, cancelling, refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from onnx import helper, numpy_helper

from engines.card import MODEL_FILE, load_card
from engines.errors import CardError, EngineError
from engines.models import model_folder, model_names
from engines.tensorrt.build import BuildSettings, build_plan, read_model
from engines.tensorrt.build_control import BuildCancelledError, BuildControl, Phases
from engines.tensorrt.library import Library, find_library
from tests.tiny_models import save_graph


@pytest.fixture(scope="module")
def rtx() -> Library:
    try:
        return find_library(("tensorrt_rtx",))
    except EngineError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("name", "precision"), [*((name, "float16") for name in model_names()), ("visibility", "float32")]
)
def test_every_shipped_model_compiles(rtx: Library, name: str, precision: str) -> None:
    folder = model_folder(name)
    model, card = read_model(folder / MODEL_FILE), load_card(folder)
    mark = rtx.messages.mark()
    built = build_plan(model, BuildSettings(precision, card.float32_nodes), rtx)  # type: ignore[arg-type]
    assert rtx.messages.since(mark) == ""
    # float32 weights take what the file's float16 weights take, twice; a plan with less has lost some.
    share = len(built.plan) / len(model)
    assert (1.0 if precision == "float16" else 1.9) < share < (2.0 if precision == "float16" else 3.0)
    assert built.timing_cache == b""


def test_progress_rises_to_the_end(rtx: Library, tiny_model: Path) -> None:
    seen: list[tuple[float, str]] = []
    control = BuildControl(lambda share, step: seen.append((share, step)))
    build_plan(read_model(tiny_model / MODEL_FILE), BuildSettings("float32"), rtx, control)
    shares = [share for share, _ in seen]
    assert shares == sorted(shares)
    assert (shares[0], seen[-1]) == (0.0, (1.0, "done"))
    assert len(set(shares)) > 10
    assert "Building engine" in {step for _, step in seen}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_build_is_cancelled_at_its_next_step(rtx: Library, tiny_model: Path, share: float) -> None:
    control = BuildControl()
    seen: list[float] = []

    def progress(done: float, step: str) -> None:
        seen.append(done)
        if done >= share:
            control.cancelled.set()

    control.progress = progress
    model = read_model(tiny_model / MODEL_FILE)
    with pytest.raises(BuildCancelledError, match="the build was cancelled"):
        build_plan(model, BuildSettings("float32"), rtx, control)
    assert max(seen) < 1
    assert build_plan(model, BuildSettings("float32"), rtx).plan  # the library goes on as before


def test_an_operator_it_does_not_know_is_named(rtx: Library, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("Unheard", ["flat"], ["emotion"], name="strange"),
    ]
    save_graph(tmp_path, nodes, [], emotion=8)
    with pytest.raises(EngineError) as caught:
        build_plan(read_model(tmp_path / MODEL_FILE), BuildSettings("float32"), rtx)
    text = str(caught.value)
    assert text.startswith(f"{rtx.title} can't read the model (Unheard 'strange': ")
    assert "\n" not in text
    assert len(text) < 500


def test_a_model_that_can_t_be_built_gives_the_reason(rtx: Library, tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones((7, 8), np.float32), "weight")  # 48 * 48 inputs, not 7
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["emotion"]),
    ]
    save_graph(tmp_path, nodes, [weight], emotion=8)
    with pytest.raises(EngineError, match=r"can't (read|compile) the model \(.+\); choose another back end"):
        build_plan(read_model(tmp_path / MODEL_FILE), BuildSettings("float32"), rtx)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 500])
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_a_damaged_model_gives_one_line(rtx: Library, content: bytes, precision: str) -> None:
    with pytest.raises((EngineError, CardError)) as caught:
        build_plan(content, BuildSettings(precision), rtx)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert "model" in str(caught.value)


def test_gpus_are_chosen_by_compute_capability(rtx: Library, tiny_model: Path) -> None:
    model = read_model(tiny_model / MODEL_FILE)
    assert build_plan(model, BuildSettings("float32", compute_capabilities=("8.9", "12.0")), rtx).plan
    assert build_plan(model, BuildSettings("float16", compute_capabilities=("7.5",)), rtx).plan
    with pytest.raises(EngineError, match=r"FP32 GEMM is not supported"):  # the library's own limit on Turing
        build_plan(model, BuildSettings("float32", compute_capabilities=("7.5",)), rtx)
    with pytest.raises(
        EngineError, match=r"expected some of 7\.5, 8\.0, .*found 9\.0; TensorRT-RTX compiles"
    ):
        build_plan(model, BuildSettings("float32", compute_capabilities=("9.0",)), rtx)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"precision": "int4"}, "precision: expected one of float16, float32, as_written, found 'int4'"),
        ({"usual_batch": 0}, "batch: expected 1 <= usual <= largest <= 16, found 0 and 16"),
        ({"largest_batch": 17}, "found 4 and 17"),
        ({"usual_batch": 9, "largest_batch": 8}, "found 9 and 8"),
    ],
)
def test_senseless_settings_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(EngineError, match=said):
        BuildSettings(**wrong)  # type: ignore[arg-type]


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match=r"absent\.onnx: the model can't be read \(No such file or directory\)"
    ):
        read_model(tmp_path / "absent.onnx")


def test_nested_phases_make_one_share() -> None:
    phases = Phases()
    assert phases.share() == 0
    phases.start("build", None, 2)
    phases.start("time", "build", 4)
    phases.step("time", 0)
    assert phases.share() == pytest.approx(1 / 8)
    phases.start("tune", "time", 2)
    phases.step("tune", 0)
    assert phases.share() == pytest.approx((1 + 1 / 2) / 4 / 2)
    phases.finish("tune")
    phases.finish("time")
    phases.step("build", 0)
    assert phases.share() == pytest.approx(1 / 2)
    phases.start("time", "build", 4)
    assert phases.share() == pytest.approx(1 / 2)  # never back
    phases.step("unheard", 3)
    phases.finish("build")
    assert phases.share() == pytest.approx(1 / 2)


def test_full_tensorrt_without_a_driver_is_refused_before_its_builder_is_made(
    fake_machine: Callable[..., object], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.tensorrt import cuda_driver, plans

    fake_machine("tensorrt")
    library = plans.find_library()
    monkeypatch.setattr(library.module, "Builder", lambda _: pytest.fail("made without a driver"))
    monkeypatch.setattr("engines.tensorrt.build.find_driver", cuda_driver.find_driver)
    monkeypatch.setattr(cuda_driver, "_DRIVER_FILE", "libcuda-absent.so.1")
    cuda_driver.find_driver.cache_clear()
    try:
        with pytest.raises(
            cuda_driver.NoDriverError, match=r"no usable NVIDIA driver \(libcuda-absent\.so\.1 is not"
        ):
            build_plan(read_model(tiny_model / MODEL_FILE), BuildSettings(), library)
    finally:
        cuda_driver.find_driver.cache_clear()


def test_full_tensorrt_builds_for_the_gpus_here(
    fake_machine: Callable[..., object], tiny_model: Path
) -> None:
    from engines.tensorrt import plans

    fake_machine("tensorrt")
    library, model = plans.find_library(), read_model(tiny_model / MODEL_FILE)
    assert build_plan(model, BuildSettings(compute_capabilities=("8.9",)), library).plan
    with pytest.raises(
        EngineError, match=r"compute capability: expected 8\.9, found 12\.0; engines for other GPUs"
    ):
        build_plan(model, BuildSettings(compute_capabilities=("12.0",)), library)


def test_building_neither_prints_nor_needs_the_cuda_package(tiny_model: Path) -> None:
    """In a process of its own: the library writes to the process's own output where its logger is not ours."""
    program = (
        "import sys; sys.modules['cuda'] = None\n"
        "from pathlib import Path\n"
        "from engines.tensorrt.build import *\n"
        "from engines.tensorrt.library import find_library\n"
        "from engines.errors import EngineError\n"
        "try: library = find_library(('tensorrt_rtx',))\n"
        "except EngineError as error: sys.exit(77)\n"
        f"plan = build_plan(read_model(Path({str(tiny_model / MODEL_FILE)!r})), BuildSettings('float32'), library).plan\n"
        "try: build_plan(b'nothing', BuildSettings('float32'), library)\n"
        "except EngineError: sys.exit(0 if len(plan) > 1000 else 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode == 77:
        pytest.skip("TensorRT-RTX is not installed: pip install 'faceapp[gpu]'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        ("Runtime", ("deserialize_cuda_engine", "get_engine_validity")),
        (
            "ICudaEngine",
            (
                *(
                    "num_io_tensors",
                    "get_tensor_name",
                    "get_tensor_mode",
                    "get_tensor_dtype",
                    "get_tensor_shape",
                ),
                *("device_memory_size_v2", "create_runtime_config", "create_execution_context"),
            ),
        ),
        (
            "IRuntimeConfig",
            (
                *(
                    "set_execution_context_allocation_strategy",
                    "dynamic_shapes_kernel_specialization_strategy",
                ),
                *("create_runtime_cache", "set_runtime_cache"),
            ),
        ),
        ("IRuntimeCache", ("serialize", "deserialize")),
        (
            "IExecutionContext",
            (
                *("set_device_memory", "set_input_shape", "set_tensor_address", "infer_shapes"),
                *("is_stream_capturable", "execute_async_v3"),
            ),
        ),
        ("ExecutionContextAllocationStrategy", ("USER_MANAGED",)),
        ("DynamicShapesKernelSpecializationStrategy", ("EAGER",)),
        ("EngineValidity", ("INVALID",)),
        ("EngineInvalidityDiagnostics", ("UNSUPPORTED_CC",)),
    ],
)
def test_the_real_library_has_what_running_calls(rtx: Library, owner: str, names: tuple[str, ...]) -> None:
    """What only a GPU can run is at least there, by the names that the fake library has too."""
    for name in names:
        assert hasattr(getattr(rtx.module, owner), name), f"{owner}.{name}"


def test_the_real_library_s_types_are_numpy_s(rtx: Library) -> None:
    kinds = rtx.module.DataType
    for kind, name in ((kinds.UINT8, "uint8"), (kinds.FLOAT, "float32"), (kinds.HALF, "float16")):
        assert np.dtype(rtx.module.nptype(kind)).name == name


def test_cuda_s_binding_has_what_is_called() -> None:
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="part of the extra gpu")
    from tests.engines.tensorrt.fake_gpu import FakeCuda

    called = [name for name in vars(FakeCuda) if name.startswith("cuda")]
    assert len(called) > 20
    for name in called:
        assert hasattr(runtime, name), name
    assert runtime.cudaMemcpyKind.cudaMemcpyHostToDevice != runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
    assert runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal is not None
    assert int(runtime.cudaError_t.cudaErrorMemoryAllocation) == 2
    assert runtime.cudaRuntimeGetVersion()[1] >= 13000
