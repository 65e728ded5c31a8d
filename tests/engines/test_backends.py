"""The contract of every back end file."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="tiny models are made with it: pip install onnx")
from onnx import helper, numpy_helper

from engines.backend import MAX_BATCH, Backend
from engines.backends import backend_names, create_backend, unavailable_reason
from engines.card import InputSpec, ModelCard, load_card
from engines.decode import decode
from engines.errors import CardError, EngineError
from engines.measure.verify import TOLERANCES, fixed_chips, largest_differences
from tests.tiny_models import save_graph, tiny_head, write_tiny_card, write_tiny_model

NAMES = backend_names()


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.gpu] if name == "tensorrt" else []) for name in NAMES]
)
def name(request: pytest.FixtureRequest) -> str:
    found = str(request.param)
    if reason := unavailable_reason(found):
        pytest.skip(reason)
    return found


@pytest.fixture
def load(name: str) -> Callable[..., tuple[Backend, ModelCard]]:
    def loaded(folder: Path, threads: int | None = None) -> tuple[Backend, ModelCard]:
        backend, card = create_backend(name), load_card(folder)
        backend.load(folder / "model.onnx", card, threads)
        return backend, card

    return loaded


Load = Callable[..., tuple[Backend, ModelCard]]


def test_every_batch_size_gives_onnx_runtime_s_numbers(load: Load, tiny_model: Path) -> None:
    backend, card = load(tiny_model)
    reference = create_backend("onnxruntime")
    reference.load(tiny_model / "model.onnx", card, 1)
    chips = fixed_chips(card.input)
    for count in (*range(1, MAX_BATCH + 1), 1):
        found, expected = (decode(each.run(chips[:count]), card) for each in (backend, reference))
        share, years = largest_differences(found, expected)
        allowed_share, allowed_years = TOLERANCES[backend.precision]
        assert share <= allowed_share
        assert years <= allowed_years


@pytest.mark.parametrize("spec", [InputSpec(size=64, color="rgb"), InputSpec(name="face", size=40)])
def test_other_inputs_work(load: Load, tmp_path: Path, spec: InputSpec) -> None:
    backend, _ = load(write_tiny_model(tmp_path / "model", spec=spec, tasks=("age", "smile")))
    outputs = backend.run(fixed_chips(spec, 2))
    assert {name: values.shape for name, values in outputs.items()} == {"age": (2, 2), "smile": (2, 2)}


def test_only_the_card_s_outputs_are_given(load: Load, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    write_tiny_card(folder, tasks=("smile",))
    backend, card = load(folder)
    assert set(backend.run(fixed_chips(card.input, 1))) == {"smile"}


def test_the_outputs_are_the_caller_s_own(load: Load, tiny_model: Path) -> None:
    backend, card = load(tiny_model)
    chips = fixed_chips(card.input, 2)
    first = backend.run(chips)
    kept = {name: values.copy() for name, values in first.items()}
    backend.run(chips[::-1].copy())
    for name, values in first.items():
        assert values.dtype == np.float32
        assert values.flags.writeable
        np.testing.assert_array_equal(values, kept[name])


def test_the_batch_is_left_alone_and_may_be_read_only(load: Load, tiny_model: Path) -> None:
    backend, card = load(tiny_model)
    chips = fixed_chips(card.input, 3)
    before = chips.copy()
    first = backend.run(chips)
    np.testing.assert_array_equal(chips, before)
    chips.setflags(write=False)
    second = backend.run(chips)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_a_reused_buffer_is_read_anew(load: Load, tiny_model: Path) -> None:
    backend, card = load(tiny_model)
    chips = fixed_chips(card.input, 2)
    buffer = np.zeros((4, *chips.shape[1:]), np.uint8)
    answers = []
    for chip in chips:
        buffer[0] = chip
        answers.append(backend.run(buffer[:1])["emotion"])
    together = backend.run(chips)["emotion"]
    np.testing.assert_allclose(np.concatenate(answers), together, atol=0.03)
    assert np.abs(answers[0] - answers[1]).max() > 0.06


def test_it_runs_on_another_thread_than_it_was_loaded_on(load: Load, tiny_model: Path) -> None:
    backend, card = load(tiny_model)
    chips = fixed_chips(card.input, 2)
    here = backend.run(chips)
    there: list[dict[str, np.ndarray]] = []
    thread = threading.Thread(target=lambda: there.append(backend.run(chips)))
    thread.start()
    thread.join(30)
    for name, values in here.items():
        np.testing.assert_array_equal(there[0][name], values)


def test_the_description_names_library_and_device(load: Load, tiny_model: Path) -> None:
    backend, _ = load(tiny_model)
    assert backend.description.split()[-1] in {"CPU", "GPU"}
    assert backend.precision in TOLERANCES


def test_it_is_refused_before_loading_and_after_closing(load: Load, name: str, tiny_model: Path) -> None:
    backend, card = load(tiny_model)
    backend.close()
    backend.close()
    for unusable in (backend, create_backend(name)):
        with pytest.raises(EngineError, match="load it first"):
            unusable.run(fixed_chips(card.input, 1))


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 500])
def test_a_corrupt_file_gives_one_line(
    load: Load, tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    write_tiny_card(tmp_path)
    # OpenVINO takes some garbage for a model without inputs: then the card's check refuses it.
    with pytest.raises((EngineError, CardError)) as caught:
        load(tmp_path)
    text = str(caught.value)
    assert "\n" not in text
    assert "model" in text
    assert len(text) < 500
    assert capfd.readouterr() == ("", "")


def test_a_cut_off_file_gives_an_engine_error(load: Load, tiny_model: Path, tmp_path: Path) -> None:
    whole = (tiny_model / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(whole[: len(whole) // 2])
    write_tiny_card(tmp_path)
    with pytest.raises((EngineError, CardError)) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_replaced_after_its_hash_was_checked_is_not_loaded(name: str, tmp_path: Path) -> None:
    card = load_card(write_tiny_model(tmp_path / "model"))
    write_tiny_model(tmp_path / "model", seed=9)
    with pytest.raises(EngineError, match="it was replaced while it was loaded; load it again"):
        create_backend(name).load(tmp_path / "model" / "model.onnx", card, None)


def dense(folder: Path, *, size: int = 8, output: str = "emotion") -> None:
    """Write a model of one dense layer."""
    weight = numpy_helper.from_array(np.ones((48 * 48, size), np.float32), "weight")
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], [output]),
    ]
    save_graph(folder, nodes, [weight], **{output: size})


def test_a_missing_output_gives_a_card_error(load: Load, tmp_path: Path) -> None:
    dense(tmp_path, output="logits")
    write_tiny_card(tmp_path, tasks=("emotion",))
    with pytest.raises(CardError, match=r"expects an output 'emotion' for emotion, found only \['logits'\]"):
        load(tmp_path)


def test_an_output_of_another_shape_gives_a_card_error(load: Load, tmp_path: Path) -> None:
    dense(tmp_path, size=7)
    write_tiny_card(tmp_path, tasks=("emotion",))
    with pytest.raises(CardError, match=r"output 'emotion' of shape \(any, 8\), found \(any, 7\)"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (InputSpec(name="picture"), r"one input 'picture', found \['image'\]"),
        (InputSpec(size=64), r"of shape \(any, 64, 64\), found \(any, 48, 48\)"),
        (InputSpec(color="rgb"), r"of shape \(any, 48, 48, 3\), found \(any, 48, 48\)"),
    ],
)
def test_another_input_gives_a_card_error(load: Load, tmp_path: Path, spec: InputSpec, message: str) -> None:
    dense(tmp_path)
    write_tiny_card(tmp_path, tasks=("emotion",), spec=spec)
    with pytest.raises(CardError, match=message):
        load(tmp_path)


def test_a_fixed_batch_size_gives_a_card_error(load: Load, tmp_path: Path) -> None:
    import onnx

    dense(tmp_path)
    path = tmp_path / "model.onnx"
    model = onnx.load(str(path))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, str(path))
    write_tiny_card(tmp_path, tasks=("emotion",))
    with pytest.raises(CardError, match="free batch size"):
        load(tmp_path)


@pytest.mark.parametrize("threads", [0, -1, 65, 1.5, True, "2"])
def test_a_senseless_number_of_threads_is_refused(load: Load, tiny_model: Path, threads: object) -> None:
    with pytest.raises(EngineError, match="threads: expected"):
        load(tiny_model, threads)


def test_two_threads_give_the_numbers_of_one(load: Load, tiny_model: Path) -> None:
    one, card = load(tiny_model, 1)
    two, _ = load(tiny_model, 2)
    chips = fixed_chips(card.input, 4)
    for name, values in one.run(chips).items():
        np.testing.assert_allclose(two.run(chips)[name], values, rtol=1e-2, atol=1e-2)


def test_spaces_other_letters_and_read_only_files_do_no_harm(
    load: Load, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my models ä 顔" / "tiny"
    shutil.copytree(tiny_model, folder)
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555)
    before = sorted(path.name for path in folder.iterdir())
    try:
        backend, card = load(folder)
        assert backend.run(fixed_chips(card.input, 1))["smile"].shape == (1, 2)
        assert sorted(path.name for path in folder.iterdir()) == before
    finally:
        folder.chmod(0o755)


def test_a_head_keeps_its_own_output(load: Load, tmp_path: Path) -> None:
    """Outputs are found by name: the card's order differs from the file's."""
    folder = write_tiny_model(tmp_path / "model")
    card = load_card(folder)
    turned = ModelCard(
        card.name, card.version, card.input, tuple(tiny_head(task) for task in ("smile", "age")), card.sha256
    )
    turned.save(folder / "card.json")
    backend, _ = load(folder)
    reference = create_backend("onnxruntime")
    reference.load(folder / "model.onnx", card, 1)
    chips = fixed_chips(card.input, 2)
    found, expected = backend.run(chips), reference.run(chips)
    for name in ("smile", "age"):
        np.testing.assert_allclose(found[name], expected[name], atol=0.03 if name == "smile" else 1)
