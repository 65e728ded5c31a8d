"""Pictures as other people have them: damaged, huge, empty, crowded, with odd names."""

from __future__ import annotations

import csv
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.__main__ import main
from faceapp.errors import SourceError
from faceapp.sources.picture_decoding import MOST_PIXELS, decode_picture
from faceapp.sources.picture_files import read_picture

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"


def case(name: str) -> Path:
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"needs the shared cases beside the checkout ({name})")
    return path


def predict(out: Path, *pictures: Path, options: tuple[str, ...] = ()) -> tuple[int, list[dict[str, str]]]:
    code = main(
        [
            "predict",
            "--model",
            "multitask",
            "--backend",
            "onnxruntime",
            *options,
            "--out",
            str(out),
            "--images",
            *map(str, pictures),
        ]
    )
    with out.open(encoding="utf-8", newline="") as stream:
        return code, list(csv.DictReader(stream))


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that announces a size and brings a few pixels."""
    start = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR" + start, b"IDAT" + zlib.compress(b"\0" * 8))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


@pytest.mark.parametrize(
    ("width", "height"), [(36864, 36864), (12000, 10001), (2**31 - 1, 2**31 - 1), (60000, 60000)]
)
def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_decoded(
    width: int, height: int
) -> None:
    with pytest.raises(
        SourceError, match=rf"^big: expected .*at most {MOST_PIXELS // 1_000_000} million pixels"
    ):
        decode_picture(png_header(width, height), "big")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "found an empty file"),
        (b"text", "found 4 bytes of something else"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(60), "of something else"),  # JPEG 2000
        (b"\xff\x4f\xff\x51" + bytes(60), "of something else"),  # its bare code stream
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "found HEIC"),
        (b"\x76\x2f\x31\x01" + bytes(60), "of something else"),  # OpenEXR
        (png_header(8, 8), "found a damaged one"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "expected a picture"),
    ],
)
def test_what_is_no_picture_of_the_known_formats_is_one_line(content: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        decode_picture(content, "file")
    assert "\n" not in str(caught.value)


def test_the_others_are_written_and_a_picture_without_a_face_has_a_row(
    tmp_path: Path, astronaut: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    face, empty, broken = (tmp_path / name for name in ("face.png", "empty.png", "broken.png"))
    cv2.imwrite(str(face), astronaut[..., ::-1])
    cv2.imwrite(str(empty), np.full((200, 200, 3), 120, np.uint8))
    broken.write_bytes(png_header(50000, 50000))
    code, rows = predict(tmp_path / "out.csv", broken, empty, face)
    assert code == 2
    assert [(Path(row["image"]).name, bool(row["emotion"])) for row in rows] == [
        ("empty.png", False),
        ("face.png", True),
    ]
    assert not any(rows[0][name] for name in rows[0] if name != "image")
    said = capsys.readouterr().err
    assert "broken.png: expected a picture of at most" in said and "no face found in 1 of 3" in said


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names of any bytes are Linux's")
def test_names_that_are_no_text_are_written_escaped(tmp_path: Path, astronaut: np.ndarray) -> None:
    picture = tmp_path / os.fsdecode(b"caf\xe9.png")
    picture.write_bytes(cv2.imencode(".png", astronaut[..., ::-1])[1].tobytes())
    code, (row,) = predict(tmp_path / "out.csv", picture)
    assert code == 0 and row["image"].endswith(r"caf\udce9.png") and row["emotion"]


def test_standard_output_that_lacks_a_letter_is_no_reason_to_end(tmp_path: Path) -> None:
    program = "import sys; from faceapp.__main__ import _write_any_name as w; w(); print('\\u5317 \\udce9'); print('end')"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0 and run.stdout.split() == [rb"\u5317", rb"\udce9", b"end"]


def test_all_of_twenty_faces_are_read_where_asked_and_told_where_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crowd = case("twenty_faces.jpg")
    _, rows = predict(tmp_path / "eight.csv", crowd)
    assert (
        len(rows) == 8 and "8 faces were looked for and found in 1 of 1 pictures" in capsys.readouterr().err
    )
    _, rows = predict(tmp_path / "all.csv", crowd, options=("--max-faces", "32"))
    assert len(rows) == 20 and "were looked for" not in capsys.readouterr().err


def test_a_webp_that_lies_on_its_side_is_read_upright() -> None:
    upright = read_picture(case("exif_orientation_6.webp"))
    assert upright.shape[0] == upright.shape[1] or upright.shape[0] > upright.shape[1]


UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored),
}
"""Exif 2.3, table 6: orientation -> what makes the stored rows upright."""


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_all_eight_orientations_come_out_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    from PIL import Image

    rows = np.zeros((24, 40, 3), np.uint8)
    rows[:12, :20], rows[:12, 20:], rows[12:, :20] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    picture = Image.fromarray(rows)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / f"a{suffix}", exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    found = read_picture(tmp_path / f"a{suffix}")
    expected = UPRIGHT[orientation](rows)
    assert found.shape == expected.shape and np.abs(found.astype(int) - expected).mean() < 8


def test_a_tiled_heic_is_whole_or_refused(tmp_path: Path) -> None:
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        with pytest.raises(SourceError, match="pip install pillow-heif"):
            read_picture(case("tiled.heic"))
    else:
        assert read_picture(case("tiled.heic")).shape == (1400, 1400, 3)
