"""Pictures: order, rate, EXIF rotation, 16 bits, transparency, gray, and files that are no pictures."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.errors import SourceError
from faceapp.sources import Clip
from faceapp.sources.images import ImagesSource
from faceapp.sources.picture_files import read_picture


def quarters() -> np.ndarray:
    """RGB (40, 60, 3): upper left red, upper right green, lower left blue, lower right white."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:20, :30], picture[:20, 30:] = (220, 10, 10), (10, 220, 10)
    picture[20:, :30], picture[20:, 30:] = (10, 10, 220), (240, 240, 240)
    return picture


def write(path: Path, picture: np.ndarray) -> Path:
    """Write a gray, RGB or RGBA picture in the format of its suffix."""
    channels = 1 if picture.ndim == 2 else picture.shape[2]
    order = {1: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[channels]
    coded, content = cv2.imencode(path.suffix, picture if order is None else cv2.cvtColor(picture, order))
    assert coded
    content.tofile(path)
    return path


def add_orientation(path: Path, orientation: int) -> None:
    """Insert an EXIF block with nothing but an orientation after a JPEG's first marker."""
    entry = struct.pack("<HHHIHH", 1, 0x0112, 3, 1, orientation, 0)
    block = b"Exif\x00\x00" + b"II*\x00\x08\x00\x00\x00" + entry + b"\x00\x00\x00\x00"
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:])


def test_one_picture(tmp_path):
    source = ImagesSource(write(tmp_path / "face.png", quarters()))
    source.open()
    assert (source.name, source.live, source.frame_count, source.duration_s) == ("face.png", False, 1, 1.0)
    frame = source.read()
    assert (frame.index, frame.time_s, frame.source) == (0, 0.0, "face.png")
    assert np.array_equal(frame.image, quarters())
    assert not frame.image.flags.writeable
    assert source.read() is None
    assert source.ended
    source.close()


def test_folder_in_natural_order_at_a_rate(tmp_path):
    for number in (10, 9, 1, 2):
        write(tmp_path / f"face{number}.png", np.full((4, 4, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    source = ImagesSource(tmp_path, rate_hz=5.0)
    source.open()
    frames = [source.read() for _ in range(4)]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 9, 10]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6])
    assert source.read() is None
    source.seek(0.4)
    assert int(source.read().image[0, 0, 0]) == 9
    source.close()


def test_clip_every_and_loop(tmp_path):
    for number in range(6):
        write(tmp_path / f"{number}.png", np.full((4, 4, 3), number, np.uint8))
    source = ImagesSource(tmp_path, Clip(start_s=1.0, every=2, loop=True))
    source.open()
    frames = [source.read() for _ in range(7)]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 3, 5, 1, 3, 5, 1]
    assert [frame.time_s for frame in frames] == pytest.approx([1, 3, 5, 6, 8, 10, 11])
    assert source.frame_count == 3
    source.close()


def test_unreadable_pictures_are_named_once_and_left_out(tmp_path, caplog):
    write(tmp_path / "b.png", quarters())
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    (tmp_path / "c.png").write_bytes(b"")
    source = ImagesSource(tmp_path)
    with caplog.at_level(logging.WARNING):
        source.open()
        frame = source.read()
        assert source.read() is None
        source.seek(0.0)
        source.read()
    assert frame.index == 1
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert "a.jpg: expected a picture, found 13 bytes of something else" in lines[0]
    assert "c.png: expected a picture, found an empty file" in lines[1]
    source.close()


def test_a_folder_without_a_readable_picture(tmp_path):
    with pytest.raises(SourceError, match="expected pictures in this folder, found none"):
        ImagesSource(tmp_path).open()
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    with pytest.raises(SourceError, match="expected pictures, found 1 files of which none can be read"):
        ImagesSource(tmp_path).open()


def test_an_image_that_is_no_image(tmp_path):
    (tmp_path / "face.jpg").write_bytes(b"<html>not found</html>")
    with pytest.raises(SourceError, match=r"face.jpg: expected a picture, found 22 bytes of something else"):
        ImagesSource(tmp_path / "face.jpg").open()
    with pytest.raises(SourceError, match="expected a picture"):
        ImagesSource(tmp_path / "gone.jpg").open()


def test_a_cut_picture(tmp_path):
    path = write(tmp_path / "cut.png", quarters())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(SourceError, match=r"cut.png: expected a picture"):
        ImagesSource(path).open()


@pytest.mark.parametrize(
    "orientation, turn",
    [
        (1, lambda picture: picture),
        (3, lambda picture: np.rot90(picture, 2)),
        (6, lambda picture: np.rot90(picture, -1)),  # the camera was held turned: show turned clockwise
        (8, lambda picture: np.rot90(picture, 1)),
        (2, np.fliplr),
    ],
)
def test_exif_rotation(tmp_path, orientation, turn):
    path = write(tmp_path / "phone.jpg", quarters())
    add_orientation(path, orientation)
    expected = turn(quarters())
    found = read_picture(path)
    assert found.shape == expected.shape
    assert found.flags.c_contiguous
    inner = np.s_[8:12, 8:12]  # away from the edges, which JPEG smears
    assert np.abs(found[inner].astype(int) - expected[inner]).max() < 20
    assert np.abs(found[-12:-8, -12:-8].astype(int) - expected[-12:-8, -12:-8]).max() < 20


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits(tmp_path, suffix):
    path = write(tmp_path / f"deep{suffix}", quarters().astype(np.uint16) * 257)
    assert np.abs(read_picture(path).astype(int) - quarters()).max() <= 1


def test_gray_in_eight_and_sixteen_bits(tmp_path):
    gray = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
    expected = np.repeat(gray[..., None], 3, axis=2)
    assert np.array_equal(read_picture(write(tmp_path / "gray.png", gray)), expected)
    deep = read_picture(write(tmp_path / "deep.png", gray.astype(np.uint16) * 257))
    assert np.abs(deep.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    "name, depth", [("cut.png", np.uint8), ("deep.png", np.uint16), ("cut.webp", np.uint8)]
)
def test_transparency_goes_before_gray(tmp_path, name, depth):
    picture = np.dstack([quarters(), np.full((40, 60), 255, np.uint8)])
    picture[:20, :, 3] = 0  # above, the hidden colours must not come through
    path = tmp_path / name
    scaled = picture if depth is np.uint8 else picture.astype(np.uint16) * 257
    content = cv2.cvtColor(scaled, cv2.COLOR_RGBA2BGRA)
    cv2.imencode(path.suffix, content, [cv2.IMWRITE_WEBP_QUALITY, 101] if path.suffix == ".webp" else [])[
        1
    ].tofile(path)
    found = read_picture(path)
    assert found.shape == (40, 60, 3)
    assert np.abs(found[:20].astype(int) - 128).max() <= 1
    assert np.abs(found[20:].astype(int) - quarters()[20:]).max() <= 1


def test_names_outside_ascii(tmp_path):
    path = write(tmp_path / "größe 写真.png", quarters())
    assert np.array_equal(read_picture(path), quarters())


def test_a_rate_that_is_none(tmp_path):
    with pytest.raises(SourceError, match="expected a rate above 0 pictures a second, found 0"):
        ImagesSource(tmp_path, rate_hz=0)


@pytest.mark.media
def test_a_real_picture(media_dir):
    source = ImagesSource(media_dir / "multi_face.jpg")
    source.open()
    image = source.read().image
    assert image.shape[2] == 3
    assert image.std() > 20
    source.close()
