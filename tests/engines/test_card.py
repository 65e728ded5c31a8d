from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.card import CARD_FILE, EMOTIONS, LABELS, HeadSpec, InputSpec, ModelCard, load_card
from engines.errors import CardError
from engines.model_file import verify_model
from tests.tiny_models import ALL_TASKS, tiny_head

plain_text = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(plain_text, json_values, max_size=3)
input_specs = st.builds(
    InputSpec,
    name=plain_text,
    size=st.integers(8, 1024),
    color=st.sampled_from(["gray", "rgb"]),
    mean=st.floats(-1, 1),
    std=st.floats(0.01, 10),
    crop=st.sampled_from(["aligned_face", "whole_box"]),
)
cards = st.builds(
    ModelCard,
    name=plain_text.filter(lambda text: "/" not in text and text not in {".", ".."}),
    version=plain_text,
    input=input_specs,
    heads=st.lists(st.sampled_from(ALL_TASKS), min_size=1, unique=True).map(
        lambda tasks: tuple(tiny_head(task) for task in tasks)
    ),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    occlusion=st.sampled_from(["none", "headset", "mask"]),
    data=objects,
    metrics=objects,
    recipe=objects,
    license=plain_text,
    limits=st.lists(plain_text, max_size=3).map(tuple),
)


def good_content() -> dict[str, Any]:
    card = ModelCard("tiny", "1.0", InputSpec(), tuple(tiny_head(task) for task in ALL_TASKS), "ab" * 32)
    return {"schema_version": 2, **json.loads(json.dumps(dataclasses.asdict(card)))}


def load_content(tmp_path: Path, content: object) -> ModelCard:
    path = tmp_path / CARD_FILE
    path.write_text(json.dumps(content), encoding="utf-8")
    return load_card(path)


def assert_one_readable_line(text: str) -> None:
    assert "\n" not in text
    assert 20 < len(text) < 600
    assert "expected" in text or "unexpected" in text


@given(card=cards)
def test_a_card_is_read_as_it_was_written(card: ModelCard, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("card")
    card.save(folder / CARD_FILE)
    assert load_card(folder) == card
    assert load_card(folder / CARD_FILE) == card
    assert [path.name for path in folder.iterdir()] == [CARD_FILE]


def set_field(content: dict[str, Any], path: tuple[str | int, ...], value: object) -> None:
    *parents, last = path
    target: Any = content
    for step in parents:
        target = target[step]
    target[last] = value


BAD_FIELDS = [
    (("schema_version",), 1),
    (("schema_version",), 3),
    (("schema_version",), None),
    (("name",), ""),
    (("name",), "a/b"),
    (("name",), ".."),
    (("name",), "two\nlines"),
    (("name",), 5),
    (("version",), " "),
    (("occlusion",), "hat"),
    (("occlusion",), ["none"]),
    (("sha256",), "AB" * 32),
    (("sha256",), "ab"),
    (("sha256",), None),
    (("heads",), []),
    (("heads",), None),
    (("heads",), "emotion"),
    (("heads",), {"emotion": 1}),
    (("heads", 0), "emotion"),
    (("heads", 0, "output"), ""),
    (("heads", 0, "output"), "smile"),
    (("heads", 0, "task"), "pose"),
    (("heads", 0, "task"), "smile"),
    (("heads", 0, "kind"), "sigmoid"),
    (("heads", 0, "kind"), "distribution"),
    (("heads", 0, "labels"), list(reversed(EMOTIONS))),
    (("heads", 0, "labels"), EMOTIONS[:7]),
    (("heads", 0, "labels"), "neutral"),
    (("heads", 0, "labels"), [1, 2]),
    (("heads", 0, "labels"), None),
    (("heads", 1, "kind"), "softmax"),
    (("heads", 1, "unit"), 3),
    (("heads", 0, "bias"), 3),
    (("input",), None),
    (("input",), [48]),
    (("input", "name"), ""),
    (("input", "size"), 7),
    (("input", "size"), 1025),
    (("input", "size"), 48.0),
    (("input", "size"), True),
    (("input", "size"), "48"),
    (("input", "color"), "bgr"),
    (("input", "crop"), "square"),
    (("input", "mean"), float("nan")),
    (("input", "mean"), 10**400),
    (("input", "mean"), None),
    (("input", "std"), 0),
    (("input", "std"), -0.25),
    (("input", "std"), float("inf")),
    (("input", "scale"), 2),
    (("data",), []),
    (("metrics",), "good"),
    (("recipe",), None),
    (("license",), 1),
    (("limits",), "none"),
    (("float32_nodes",), "none"),
    (("limits",), [1]),
    (("limits",), {"a": 1}),
    (("colour",), "gray"),
]


@pytest.mark.parametrize(("path", "value"), BAD_FIELDS, ids=lambda value: str(value)[:40])
def test_a_wrong_field_is_named_on_one_line(
    path: tuple[str | int, ...], value: object, tmp_path: Path
) -> None:
    content = good_content()
    assert load_content(tmp_path, content).name == "tiny"
    set_field(content, path, value)
    with pytest.raises(CardError) as caught:
        load_content(tmp_path, content)
    text = str(caught.value)
    assert_one_readable_line(text)
    assert str(tmp_path / CARD_FILE) in text
    named = [step for step in path if isinstance(step, str)]
    assert any(name in text for name in named), text


@pytest.mark.parametrize(
    "name",
    [name for name in good_content() if name not in {"occlusion", "license", "limits", "float32_nodes"}],
)
def test_a_missing_field_is_named(name: str, tmp_path: Path) -> None:
    content = good_content()
    del content[name]
    if name in {"data", "metrics", "recipe"}:
        assert getattr(load_content(tmp_path, content), name) == {}
        return
    with pytest.raises(CardError, match=name):
        load_content(tmp_path, content)


FIELD_PATHS = [
    ("schema_version",),
    *((name,) for name in ("name", "version", "input", "heads", "sha256", "occlusion", "limits", "license")),
    *(("input", name) for name in ("name", "size", "color", "mean", "std", "crop")),
    *(("heads", 0, name) for name in ("output", "task", "kind", "labels", "unit")),
]


@given(path=st.sampled_from(FIELD_PATHS), value=json_values)
def test_any_value_in_any_field_gives_a_card_or_a_card_error(
    path: tuple[str | int, ...], value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = good_content()
    set_field(content, path, value)
    try:
        card = load_content(tmp_path_factory.mktemp("card"), content)
    except CardError as error:
        assert_one_readable_line(str(error))
    else:
        assert isinstance(card, ModelCard)


@given(content=json_values)
def test_any_json_gives_a_card_error(content: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(CardError) as caught:
        load_content(tmp_path_factory.mktemp("card"), content)
    assert_one_readable_line(str(caught.value))


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"\x00\x01", b'{"schema_version": 1}']
)
def test_a_file_that_is_no_card_gives_a_card_error(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_bytes(raw)
    with pytest.raises(CardError) as caught:
        load_card(tmp_path)
    assert_one_readable_line(str(caught.value))


def test_a_missing_card_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="found none"):
        load_card(tmp_path)
    with pytest.raises(CardError, match="found none"):
        load_card(tmp_path / "absent" / CARD_FILE)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes", "\ud800"])
def test_a_card_that_json_cannot_hold_is_refused_and_leaves_the_old_file(
    value: object, tmp_path: Path
) -> None:
    path = tmp_path / CARD_FILE
    path.write_text("old", encoding="utf-8")
    card = ModelCard("tiny", "1.0", InputSpec(), (tiny_head("smile"),), "ab" * 32, metrics={"figure": value})
    with pytest.raises(CardError) as caught:
        card.save(path)
    assert_one_readable_line(str(caught.value))
    assert path.read_text(encoding="utf-8") == "old"


def test_a_card_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    card = ModelCard("tiny", "1.0", InputSpec(), (tiny_head("smile"),), "ab" * 32)
    with pytest.raises(CardError, match="can't be written"):
        card.save(tmp_path / "absent" / CARD_FILE)


def test_head_finds_the_task(tmp_path: Path) -> None:
    card = load_content(tmp_path, good_content())
    age = card.head("age")
    assert age is not None
    assert (age.kind, age.unit, age.labels) == ("distribution", "years", LABELS["age"])
    only_smile = dataclasses.replace(card, heads=(tiny_head("smile"),))
    assert only_smile.head("age") is None


def test_a_changed_or_missing_model_file_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    card = load_card(tiny_model)
    verify_model(card, tiny_model / "model.onnx")
    changed = tmp_path / "model.onnx"
    changed.write_bytes((tiny_model / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(CardError, match="SHA-256"):
        verify_model(card, changed)
    with pytest.raises(CardError, match="found none"):
        verify_model(card, tmp_path / "absent.onnx")
    with pytest.raises(CardError, match="directory"):
        verify_model(card, tmp_path)


def test_channels_follow_the_color() -> None:
    assert InputSpec(color="gray").channels == 1
    assert InputSpec(color="rgb").channels == 3


def test_heads_must_have_the_labels_of_their_task() -> None:
    with pytest.raises(CardError, match="8 labels neutral"):
        HeadSpec("emotion", "emotion", "softmax", EMOTIONS[1:])
