from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceapp.errors import SourceError
from faceapp.sources.picture_files import list_pictures, natural_order, read_picture


def test_a_folder_is_listed_in_natural_order_and_files_as_given(tmp_path: Path):
    for name in ("face10.png", "face2.PNG", "face1.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub.png").mkdir()
    assert [path.name for path in list_pictures([tmp_path])] == ["face1.jpg", "face2.PNG", "face10.png"]
    given = [tmp_path / "face10.png", tmp_path / "notes.txt", tmp_path / "face1.jpg"]
    assert list_pictures(given) == given


@given(st.lists(st.integers(0, 10**9), unique=True))
def test_numbers_in_names_count_as_numbers(numbers: list[int]):
    paths = [Path(f"a{number}.png") for number in numbers]
    assert sorted(paths, key=natural_order) == [Path(f"a{number}.png") for number in sorted(numbers)]


@given(st.lists(st.text(min_size=1).filter(lambda text: "/" not in text and "\0" not in text), unique=True))
def test_any_names_have_one_order(names: list[str]):
    ordered = sorted((Path(f"x{name}") for name in names), key=natural_order)
    assert sorted(reversed(ordered), key=natural_order) == ordered


def test_missing_and_empty_places_are_one_line(tmp_path: Path):
    for path, message in (
        (tmp_path / "none", "found nothing"),
        (tmp_path, "expected pictures in this folder"),
    ):
        with pytest.raises(SourceError, match=message) as caught:
            list_pictures([path])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_picture_is_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="expected a picture") as caught:
        read_picture(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_colours_are_rgb_and_gray_files_have_equal_channels(tmp_path: Path):
    blue = np.zeros((4, 5, 3), dtype=np.uint8)
    blue[..., 2] = 200
    path = tmp_path / "bläu.png"
    path.write_bytes(cv2.imencode(".png", cv2.cvtColor(blue, cv2.COLOR_RGB2BGR))[1].tobytes())
    np.testing.assert_array_equal(read_picture(path), blue)
    gray = np.arange(20, dtype=np.uint8).reshape(4, 5)
    path.write_bytes(cv2.imencode(".png", gray)[1].tobytes())
    np.testing.assert_array_equal(read_picture(path), gray[:, :, None].repeat(3, axis=2))
