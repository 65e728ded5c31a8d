"""The shipped models on a real GPU: needs one, and skips with the reason otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engines.backend import MAX_BATCH
from engines.backends import create_backend, unavailable_reason
from engines.backends.tensorrt import TensorRtBackend
from engines.card import MODEL_FILE, load_card
from engines.decode import decode
from engines.measure.verify import TOLERANCES, fixed_chips, largest_differences
from engines.models import model_folder, model_names
from engines.tensorrt.cache import PlanCache
from engines.tensorrt.plan_times import device_times_ms
from engines.tensorrt.streams import STREAMS, Streams

pytestmark = pytest.mark.gpu

Load = Callable[..., TensorRtBackend]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    if reason := unavailable_reason("tensorrt"):
        pytest.skip(reason)
    cache = PlanCache(tmp_path_factory.mktemp("engines"))

    def loaded(name: str, precision: str = "float16") -> TensorRtBackend:
        backend = TensorRtBackend(precision, cache)  # type: ignore[arg-type]
        folder = model_folder(name)
        backend.load(folder / MODEL_FILE, load_card(folder), None)
        return backend

    return loaded


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("name", model_names())
def test_a_shipped_model_says_what_onnx_runtime_says(load: Load, name: str, precision: str) -> None:
    folder = model_folder(name)
    card = load_card(folder)
    backend, reference = load(name, precision), create_backend("onnxruntime")
    reference.load(folder / MODEL_FILE, card, None)
    chips = fixed_chips(card.input)
    for count in (1, 3, 7, MAX_BATCH, 1):
        found, wanted = (decode(each.run(chips[:count]), card) for each in (backend, reference))
        share, years = largest_differences(found, wanted)
        allowed_share, allowed_years = TOLERANCES[backend.precision]
        assert share <= allowed_share
        assert years <= allowed_years
    backend.close()


def test_runs_are_graphs_and_take_no_more_memory(load: Load) -> None:
    backend = load("visibility")
    chips = fixed_chips(load_card(model_folder("visibility")).input)
    for count in range(1, MAX_BATCH + 1):
        backend.run(chips[:count])
    described = backend.describe()
    assert described["graphs"] == MAX_BATCH
    assert backend._cuda is not None
    free_before, _ = backend._cuda.memory_bytes()
    for turn in range(5000):
        backend.run(chips[: turn % MAX_BATCH + 1])
    free_after, _ = backend._cuda.memory_bytes()
    assert backend.describe() == described
    assert free_before - free_after < 1 << 20
    times_ms = device_times_ms([backend.runner], 4, 50)
    assert 0 < min(times_ms) <= max(times_ms) < 1000
    backend.close()


@pytest.mark.parametrize("setting", STREAMS)
def test_runs_of_two_models_may_overlap(load: Load, setting: Streams) -> None:
    first, second = load("multitask"), load("multitask-mask")
    chips = fixed_chips(load_card(model_folder("multitask")).input, 7)
    alone = [backend.run(chips[:4]) for backend in (first, second)]
    for backend in (first, second):
        backend.use_streams(setting)
        assert backend.describe()["streams"] == setting
    first.submit(chips[:4])
    second.submit(chips)  # captured only now, while the first one runs
    second.collect(7)
    second.submit(chips[:4])
    for wanted, found in zip(alone, (first.collect(4), second.collect(4)), strict=True):
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)
    for copies in (True, False):
        times_ms = device_times_ms([first.runner, second.runner], 4, 20, copies=copies)
        assert 0 < min(times_ms) <= max(times_ms) < 1000
    first.close()
    assert second.run(chips[:4])["emotion"].shape == (4, 8)
    second.close()


def test_a_kept_engine_loads_without_a_build(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    load("visibility").close()
    monkeypatch.setattr("engines.tensorrt.plans.build_plan", lambda *_: pytest.fail("built again"))
    load("visibility").close()
