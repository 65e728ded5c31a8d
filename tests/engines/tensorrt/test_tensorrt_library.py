"""Which TensorRT is taken, and the texts of a machine without driver or library: those of this one are real."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from engines.backends import backend_names, create_backend, unavailable_reason
from engines.errors import EngineError, GpuError
from engines.tensorrt import cuda_driver
from engines.tensorrt import library as tensorrt_library
from engines.tensorrt.cuda import Cuda, import_runtime
from engines.tensorrt.cuda_driver import Driver, NoDriverError, driver_too_old, find_driver
from engines.tensorrt.library import Messages, find_library


@pytest.fixture(autouse=True)
def nothing_found_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tensorrt_library, "_FOUND", {})
    find_driver.cache_clear()
    yield
    find_driver.cache_clear()


def module(name: str, version: str) -> ModuleType:
    made = ModuleType(name)
    made.__version__ = version  # type: ignore[attr-defined]
    made.ILogger = type("ILogger", (), {"Severity": SimpleNamespace(WARNING=2)})  # type: ignore[attr-defined]
    return made


def install(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        found = module(name, versions[name]) if name in versions else None
        monkeypatch.setitem(sys.modules, name, found)


def has_driver() -> bool:
    try:
        ctypes.CDLL(cuda_driver._DRIVER_FILE)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("versions", "taken"),
    [
        ({"tensorrt": "11.4.0.106", "tensorrt_rtx": "1.7.1.116"}, "TensorRT 11.4.0.106"),
        ({"tensorrt": "10.13.0.35"}, "TensorRT 10.13.0.35"),
        ({"tensorrt": "10.12.0.36", "tensorrt_rtx": "1.4.0.76"}, "TensorRT-RTX 1.4.0.76"),
        ({"tensorrt": "12.0.0.1", "tensorrt_rtx": "1.99"}, "TensorRT-RTX 1.99"),
    ],
)
def test_the_first_supported_library_is_taken(
    versions: dict[str, str], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, **versions)
    found = find_library()
    assert found.title == taken
    assert found.builds_without_gpu is ("RTX" in taken)
    assert find_library() is found  # one logger a process


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({}, "tensorrt is not installed; tensorrt_rtx is not installed"),
        (
            {"tensorrt": "10.12.0.36"},
            "expected tensorrt 10.13 or newer, below 12, found 10.12.0.36; tensorrt_rtx is",
        ),
        ({"tensorrt": "12.0"}, "below 12, found 12.0"),
        ({"tensorrt_rtx": "1.3.9"}, "expected tensorrt_rtx 1.4 or newer, below 2, found 1.3.9"),
        ({"tensorrt_rtx": "2.0.0"}, "found 2.0.0"),
        ({"tensorrt_rtx": "nightly"}, "found nightly"),
    ],
)
def test_a_missing_or_wrong_library_is_named(
    versions: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, **versions)
    with pytest.raises(EngineError) as caught:
        find_library()
    assert said in str(caught.value)
    assert str(caught.value).endswith("run: pip install 'faceapp[gpu]'")


def test_a_library_whose_parts_are_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> ModuleType:
        raise ImportError("libnvonnxparser.so.11: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(tensorrt_library.importlib, "import_module", broken)
    with pytest.raises(
        EngineError, match=r"tensorrt can't be imported: libnvonnxparser\.so\.11: cannot open"
    ):
        find_library()


def test_messages_keep_the_last_lines() -> None:
    messages = Messages()
    assert messages.since(messages.mark()) == ""
    for number in range(300):
        messages.add(f"line\n {number}")
    mark = messages.mark()
    assert messages.since(mark) == ""
    messages.add("one")
    messages.add("two")
    assert messages.since(mark) == "one | two"
    assert messages.since(mark, most=1) == "two"
    assert messages.since(0).endswith("line 299 | one | two")


def test_the_logger_keeps_warnings_and_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tensorrt="11.0.0.1")
    messages = find_library().messages
    for severity, text in ((0, "internal"), (1, "error"), (2, "warning"), (3, "info"), (4, "verbose")):
        messages.logger.log(severity, text)
    assert messages.since(0, most=9) == "internal | error | warning"


@pytest.mark.skipif(has_driver(), reason="this machine has an NVIDIA driver")
def test_this_machine_without_a_driver_says_so() -> None:
    reason = unavailable_reason("tensorrt")
    assert reason == (
        f"no usable NVIDIA driver ({cuda_driver._DRIVER_FILE} is not installed); install NVIDIA's driver or choose "
        "another back end"
    )
    assert backend_names()[0] == "tensorrt"
    with pytest.raises(EngineError, match="back end tensorrt: no usable NVIDIA driver"):
        create_backend("tensorrt")


@pytest.mark.skipif(has_driver(), reason="this machine has an NVIDIA driver")
def test_cuda_s_own_words_without_a_driver() -> None:
    pytest.importorskip("cuda.bindings", reason="part of the extra gpu")
    with pytest.raises(
        GpuError, match=r"the GPU failed \(cudaSetDevice: CUDA driver version is insufficient"
    ):
        Cuda(import_runtime())


def test_a_missing_cuda_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(EngineError, match=r"cuda-python can't be imported .*pip install 'faceapp\[gpu\]'"):
        import_runtime()


class FakeLibrary:
    """The driver's functions that are asked; `statuses` makes one fail."""

    def __init__(self, count: int = 1, **statuses: int) -> None:
        self.count, self.statuses = count, statuses

    def __getattr__(self, name: str) -> object:
        def call(*arguments: object) -> int:
            status = self.statuses.get(name, 0)
            return status or int(getattr(self, f"do_{name}")(*arguments) or 0)

        return call

    def do_cuInit(self, flags: int) -> None:
        assert flags == 0

    def do_cuDeviceGetCount(self, number: object) -> None:
        number._obj.value = self.count  # type: ignore[attr-defined]

    def do_cuDriverGetVersion(self, number: object) -> None:
        number._obj.value = 13020  # type: ignore[attr-defined]

    def do_cuDeviceGet(self, number: object, index: int) -> None:
        number._obj.value = index + 40  # type: ignore[attr-defined]

    def do_cuDeviceGetName(self, name: object, size: int, device: int) -> None:
        assert size == 256
        name.value = b"GeForce %d" % device  # type: ignore[attr-defined]

    def do_cuDeviceTotalMem_v2(self, number: object, device: int) -> None:
        number._obj.value = 8 << 30  # type: ignore[attr-defined]

    def do_cuDeviceGetAttribute(self, number: object, attribute: int, device: int) -> None:
        number._obj.value = {75: 8, 76: 9}[attribute]  # type: ignore[attr-defined]

    def do_cuGetErrorName(self, status: int, text: object) -> int:
        names = {100: b"CUDA_ERROR_NO_DEVICE"}
        text._obj.value = names.get(status)  # type: ignore[attr-defined]
        return 0 if status in names else 1

    def do_nvmlInit_v2(self) -> None:
        pass

    def do_nvmlShutdown(self) -> None:
        pass

    def do_nvmlSystemGetDriverVersion(self, text: object, size: int) -> None:
        text.value = b"580.65.06"  # type: ignore[attr-defined]


def test_the_driver_says_what_gpus_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_driver, "_load", lambda name: FakeLibrary(2))
    driver = find_driver()
    assert (driver.version, driver.cuda_version) == ("580.65.06", (13, 2))
    assert [(gpu.index, gpu.name) for gpu in driver.gpus] == [(0, "GeForce 40"), (1, "GeForce 41")]
    assert {(gpu.compute_capability, gpu.memory_bytes) for gpu in driver.gpus} == {((8, 9), 8 << 30)}


def test_a_driver_without_its_management_library_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        cuda_driver, "_load", lambda name: FakeLibrary() if name == cuda_driver._DRIVER_FILE else None
    )
    assert find_driver().version == ""


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (FakeLibrary(cuInit=100), "has no usable GPU (cuInit: CUDA_ERROR_NO_DEVICE); install"),
        (FakeLibrary(cuInit=803), "has no usable GPU (cuInit: error 803); install"),
        (FakeLibrary(0), "expected a GPU, but the NVIDIA driver has none for this process; install"),
        (FakeLibrary(cuDeviceGetName=100), "(cuDeviceGetName: CUDA_ERROR_NO_DEVICE)"),
    ],
)
def test_a_driver_without_a_gpu_is_refused(
    library: FakeLibrary, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_driver, "_load", lambda name: library)
    with pytest.raises(NoDriverError) as caught:
        find_driver()
    assert said in str(caught.value)


def test_only_the_major_version_of_cuda_counts() -> None:
    def driver(major: int, minor: int, version: str = "1.2") -> Driver:
        return Driver(version, (major, minor), ())

    assert driver_too_old(driver(13, 0), (13, 4)) == ""
    assert driver_too_old(driver(14, 0), (13, 0)) == ""
    assert "for CUDA 13.0 or newer, found 1.2 for CUDA 12.9" in driver_too_old(driver(12, 9), (13, 0))
    assert "found one for CUDA 12.9" in driver_too_old(driver(12, 9, ""), (13, 0))
