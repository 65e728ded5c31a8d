"""Single pictures: from whatever holds them, from any thread, each for itself, wrong ones told in one line."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

import faceapp
from engines.card import EMOTIONS
from engines.errors import CardError
from faceapp.api import images
from faceapp.errors import SourceError

ROOT = Path(__file__).resolve().parents[3]


def test_a_face_has_named_values(portrait: Path) -> None:
    (face,) = faceapp.analyze_image(portrait)

    assert face.emotion == "happiness" and face.occlusion == "none" and face.id == 1
    assert tuple(face.probabilities) == EMOTIONS and sum(face.probabilities.values()) == pytest.approx(
        1, abs=1e-4
    )
    assert face.female > 0.5 and face.smile > 0.5 and 15 < face.age_years < 60
    assert 150 < face.box[0] < face.box[2] < 300 and face.landmarks.shape == (478, 3)
    assert face.model == "multitask" and abs(face.yaw_deg) < 20


def test_everything_that_holds_a_picture_is_read_alike(portrait: Path, astronaut: np.ndarray) -> None:
    expected = faceapp.analyze_image(portrait)[0].to_dict()
    bgr = cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR)

    for picture, options in (
        (str(portrait), {}),
        (portrait.read_bytes(), {}),
        (astronaut, {}),
        (bgr, {"color": "bgr"}),
    ):
        assert faceapp.analyze_image(picture, **options)[0].to_dict() == expected
    gray = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    (plain,), (channel,) = faceapp.analyze_image(gray), faceapp.analyze_image(gray[..., None])
    assert plain.emotion == "happiness" and plain.to_dict() == channel.to_dict()


def test_a_url_is_read(portrait: Path) -> None:
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=portrait.parent)) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://user:secret@127.0.0.1:{server.server_port}"
        try:
            (face,) = faceapp.analyze_image(f"http://127.0.0.1:{server.server_port}/{portrait.name}")
            with pytest.raises(SourceError, match="check the address") as missing:
                faceapp.analyze_image(f"{address}/nothing.png")
        finally:
            server.shutdown()
    assert face.emotion == "happiness"
    assert "secret" not in str(missing.value) and "\n" not in str(missing.value)


def test_a_download_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(bytes(100))

        def log_message(self, *_: object) -> None: ...

    monkeypatch.setattr("faceapp.api.picture.LARGEST_DOWNLOAD_BYTES", 50)
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with pytest.raises(SourceError, match="at most 0 MiB, found more"):
                faceapp.analyze_image(f"http://127.0.0.1:{server.server_port}/x.png")
        finally:
            server.shutdown()


def test_no_picture_knows_of_the_one_before(astronaut: np.ndarray) -> None:
    other = np.ascontiguousarray(astronaut[:, ::-1])
    first = faceapp.analyze_image(astronaut).to_dict()
    faceapp.analyze_image(other)
    faceapp.analyze_image(np.zeros((64, 64, 3), np.uint8))

    assert faceapp.analyze_image(astronaut).to_dict() == first


def test_any_thread_may_ask(portrait: Path) -> None:
    expected = faceapp.analyze_image(portrait)[0].to_dict()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(faceapp.analyze_image, [portrait] * 8))

    assert [answer[0].to_dict() for answer in answers] == [expected] * 8


def test_a_large_face_is_found_without_the_search_for_small_ones(astronaut: np.ndarray) -> None:
    (face,) = faceapp.analyze_image(astronaut, small_faces=False)
    assert face.emotion == "happiness"
    small = np.zeros((1200, 1200, 3), np.uint8)
    small[300:400, 300:400] = cv2.resize(astronaut[:256, 96:352], (100, 100), interpolation=cv2.INTER_AREA)
    assert len(faceapp.analyze_image(small)) == 1
    assert len(faceapp.analyze_image(small, small_faces=False)) == 0


def test_no_face_is_an_empty_answer() -> None:
    nobody = faceapp.analyze_image(np.zeros((64, 64), np.uint8))

    assert len(nobody) == 0 and nobody.to_dict()["faces"] == []


def test_where_the_program_abstains_there_is_none_and_json_works(astronaut: np.ndarray) -> None:
    from faceapp.api.face import make_face
    from faceapp.predictions import make_predictions, unknown_values
    from faceapp.types import FaceTrack

    track = FaceTrack(3, np.array([1, 2, 3, 4], np.float32), np.zeros((478, 3), np.float32), 0.5, "hidden")
    face = make_face(track, make_predictions([3], unknown_values(1), [""])[0])

    assert face.emotion is None and face.age_years is None and face.probabilities == {}
    assert json.loads(json.dumps(face.to_dict(), allow_nan=False))["yaw_deg"] is None
    assert face.to_row()["p_neutral"] is None


@pytest.mark.parametrize(
    ("picture", "options", "error", "words"),
    [
        (None, {}, TypeError, "found NoneType"),
        (3, {}, TypeError, "found int"),
        ("missing.png", {}, SourceError, "missing.png: expected a picture"),
        (".", {}, SourceError, "found a folder"),
        (b"", {}, SourceError, "found an empty file"),
        (b"not a picture", {}, SourceError, "bytes: expected a picture"),
        (np.zeros((8, 8, 3), np.float32), {}, ValueError, "found an array float32"),
        (np.zeros((8, 8, 4), np.uint8), {}, ValueError, r"image\[..., :3\]"),
        (np.zeros((0, 8, 3), np.uint8), {}, ValueError, "found an array uint8"),
        (np.zeros((8, 8, 3), np.uint8), {"color": "hsv"}, ValueError, "expected 'rgb' or 'bgr'"),
        (np.zeros((8, 8, 3), np.uint8), {"smoothing": 0.5}, TypeError, "found 'smoothing'"),
        (np.zeros((8, 8, 3), np.uint8), {"max_faces": 0}, ValueError, "max_faces"),
        (np.zeros((8, 8, 3), np.uint8), {"model": "nothing"}, CardError, "expected one of"),
    ],
)
def test_what_is_wrong_is_one_line(
    picture: object, options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        faceapp.analyze_image(picture, **options)
    assert "\n" not in str(caught.value)


def test_models_of_few_choices_stay_loaded(monkeypatch: pytest.MonkeyPatch, portrait: Path) -> None:
    faceapp.analyze_image(portrait)
    for faces in (1, 2, 3):
        faceapp.analyze_image(portrait, max_faces=faces)

    assert len(images._readers) == images.MOST_READERS


def test_a_drawn_picture_is_a_copy(astronaut: np.ndarray) -> None:
    faces = faceapp.analyze_image(astronaut)
    rgb, bgr = faces.draw(), faces.draw(astronaut[..., ::-1], color="bgr")

    assert not np.array_equal(rgb, astronaut) and np.array_equal(faces.image, astronaut)
    np.testing.assert_allclose(
        rgb.astype(int), bgr[..., ::-1], atol=8
    )  # OpenCV rounds each channel by itself
    with pytest.raises(ValueError, match="draw: expected uint8"):
        faces.draw(astronaut.astype(np.float32))


def test_results_are_a_table(portrait: Path) -> None:
    table = faceapp.analyze_image(portrait).to_pandas()

    assert table.shape[0] == 1 and table["emotion"][0] == "happiness" and table["p_female"][0] > 0.5


def test_importing_loads_nothing_and_an_unknown_name_is_told() -> None:
    code = """
import sys
import faceapp
heavy = [name for name in ("numpy", "cv2", "mediapipe", "PySide6", "av", "openvino") if name in sys.modules]
assert not heavy, heavy
assert "analyze_image" in dir(faceapp) and faceapp.__version__
try:
    faceapp.analyse
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "no attribute 'analyse'; it offers analyze_image" in done.stdout


def test_a_program_of_three_lines_ends_without_a_word(portrait: Path) -> None:
    code = f"import faceapp\nfor face in faceapp.analyze_image({str(portrait)!r}):\n    print(face.emotion)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)

    assert (done.returncode, done.stdout, done.stderr) == (0, "happiness\n", "")
