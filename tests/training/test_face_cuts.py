"""How a face is cut out of a sample's picture: boxes, landmarks, eyes, large pictures, MTCNN."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest

from engines.card import InputSpec
from engines.preprocess import alignment_matrix, cut_chip
from training.data.eyes import EYE_HEIGHT, EYE_OFFSET, eye_box, eye_matrix
from training.data.face_cuts import LARGEST_SIDE_PX, UNIT_SIZE, FaceCut, MeshCutter, cut_box, no_map, stored
from training.data.mtcnn import MtcnnCutter
from training.errors import DatasetError, RecipeError

SPEC = InputSpec(size=UNIT_SIZE)
WHOLE = np.full(4, np.nan, np.float32)


@pytest.fixture(scope="module")
def mesh_cutter() -> MeshCutter:
    return MeshCutter()


def chip_difference(cut: FaceCut, picture: np.ndarray, matrix: np.ndarray) -> float:
    """Mean difference in gray levels between the chip of a cut and the chip of its picture."""
    ours, wanted = cut_chip(cut.image, cut.aligned, SPEC), cut_chip(picture, matrix, SPEC)
    return float(np.abs(ours.astype(int) - wanted.astype(int)).mean())


def test_a_box_is_cut_with_a_quarter_around_it_as_far_as_the_picture_goes() -> None:
    picture = np.arange(100 * 80 * 3, dtype=np.uint8).reshape(100, 80, 3)

    part, inner = cut_box(picture, np.float32([20, 40, 60, 80]))
    assert part.shape == (60, 60, 3) and inner.tolist() == [10, 10, 50, 50]
    assert np.array_equal(part, picture[30:90, 10:70])

    part, inner = cut_box(picture, np.float32([-10, 80, 30, 120]))
    assert part.shape == (30, 40, 3) and inner.tolist() == [-10, 10, 30, 50]


@pytest.mark.parametrize("box", [[90, 10, 120, 40], [10, -40, 40, 0], [10, 10, 10.2, 40]])
def test_a_box_outside_the_picture_is_refused(box: list[float]) -> None:
    with pytest.raises(DatasetError, match="inside the picture of 80x100"):
        cut_box(np.zeros((100, 80, 3), np.uint8), np.float32(box))


def test_a_boxed_face_gives_the_chip_of_the_whole_picture(
    mesh_cutter: MeshCutter, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    cut = mesh_cutter(astronaut, np.float32([160, 50, 290, 210]))

    assert max(cut.image.shape) <= LARGEST_SIDE_PX
    assert chip_difference(cut, astronaut, alignment_matrix(astronaut_landmarks, UNIT_SIZE)) < 6


def test_a_large_picture_is_trimmed_to_the_face(
    mesh_cutter: MeshCutter, astronaut: np.ndarray, astronaut_landmarks: np.ndarray
) -> None:
    cut = mesh_cutter(astronaut, None)

    assert max(cut.image.shape) <= LARGEST_SIDE_PX < max(astronaut.shape)
    assert np.isnan(cut.box).all()
    assert chip_difference(cut, astronaut, alignment_matrix(astronaut_landmarks, UNIT_SIZE)) < 6


def test_a_neighbours_mesh_is_not_taken_for_the_boxed_face(
    mesh_cutter: MeshCutter, astronaut: np.ndarray
) -> None:
    beside = np.float32([290, 40, 420, 200])  # the margin shows half of the face

    cut = mesh_cutter(astronaut, beside)

    assert np.isnan(cut.aligned).all() and np.isfinite(cut.box).all()


def test_shrinking_keeps_what_the_maps_show(astronaut: np.ndarray, astronaut_landmarks: np.ndarray) -> None:
    gray = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    large = cv2.resize(gray, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    aligned = alignment_matrix(astronaut_landmarks * 4 + 1.5, UNIT_SIZE)

    cut = stored(FaceCut(large, aligned, np.float32([640, 200, 1160, 840])))

    assert max(cut.image.shape) == LARGEST_SIDE_PX
    assert chip_difference(cut, large, aligned) < 2
    side = cv2.invertAffineTransform(cut.aligned) @ np.array([[0, 0, 1], [48, 0, 1]]).T
    box_share = (cut.box[2] - cut.box[0]) / np.hypot(*(side[:, 1] - side[:, 0]))
    whole_side = cv2.invertAffineTransform(aligned) @ np.array([[0, 0, 1], [48, 0, 1]]).T
    assert box_share == pytest.approx(520 / np.hypot(*(whole_side[:, 1] - whole_side[:, 0])), rel=0.02)


def test_a_large_picture_without_landmarks_is_shrunk_whole() -> None:
    cut = stored(FaceCut(np.zeros((300, 1024), np.uint8), no_map(), WHOLE))

    assert cut.image.shape == (75, 256) and np.isnan(cut.aligned).all()


def test_a_small_picture_is_stored_as_it_is() -> None:
    cut = FaceCut(np.zeros((200, 200), np.uint8), no_map(), WHOLE)

    assert stored(cut) is cut


@pytest.mark.parametrize("swapped", [False, True])
def test_eyes_are_laid_where_the_chip_has_them(swapped: bool) -> None:
    eyes = ((40.0, 60.0), (80.0, 50.0))
    matrix = eye_matrix(*(reversed(eyes) if swapped else eyes), 48)

    laid = [matrix @ np.array([*eye, 1]) for eye in eyes]
    height = EYE_HEIGHT * 48 - 0.5
    assert laid[0] == pytest.approx([(0.5 - EYE_OFFSET) * 48 - 0.5, height], abs=1e-4)
    assert laid[1] == pytest.approx([(0.5 + EYE_OFFSET) * 48 - 0.5, height], abs=1e-4)
    assert np.isnan(eye_matrix(eyes[0], eyes[0], 48)).all()


def test_the_eyes_place_on_the_chip_is_the_template_of_the_crop(astronaut_landmarks: np.ndarray) -> None:
    matrix = alignment_matrix(astronaut_landmarks, UNIT_SIZE)
    left, right = (astronaut_landmarks[list(pair), :2].mean(axis=0) for pair in ((33, 133), (362, 263)))

    ours = eye_matrix(tuple(left), tuple(right), UNIT_SIZE)

    nose = np.array([*astronaut_landmarks[168, :2], 1])
    assert ours @ nose == pytest.approx(matrix @ nose, abs=2)
    x0, y0, x1, y1 = eye_box(tuple(left), tuple(right))
    corner = matrix @ np.array([(x0 + x1) / 2, (y0 + y1) / 2, 1])
    assert corner == pytest.approx([23.5, 23.5], abs=3)


class FakeDetector:
    """Finds what a test says."""

    def __init__(self, *faces: tuple[tuple[float, ...], float]) -> None:
        self._faces = faces

    def detect_faces(self, picture: np.ndarray) -> list[dict[str, object]]:
        """Return the faces, their eyes at fixed shares of the box."""
        return [
            {
                "box": list(box),
                "confidence": confidence,
                "keypoints": {
                    "left_eye": (box[0] + 0.3 * box[2], box[1] + 0.4 * box[3]),
                    "right_eye": (box[0] + 0.7 * box[2], box[1] + 0.4 * box[3]),
                },
            }
            for box, confidence in self._faces
        ]


def test_mtcnn_cuts_its_box_and_lays_the_eyes() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[40:140, 100:180] = 200
    cutter = MtcnnCutter(FakeDetector(((100, 40, 80, 100), 0.99), ((10, 10, 20, 20), 0.8)))

    cut = cutter(picture, None)

    assert cut.image.shape == (150, 120) and cut.box.tolist() == [20, 25, 100, 125]
    assert (cut.image[25:125, 20:100] == 200).all() and (cut.image[:25] == 0).all()
    eye = np.array([20 + 0.3 * 80, 25 + 0.4 * 100, 1])
    assert cut.aligned @ eye == pytest.approx(
        [(0.5 - EYE_OFFSET) * 48 - 0.5, EYE_HEIGHT * 48 - 0.5], abs=1e-3
    )


def test_mtcnn_takes_the_face_that_the_set_means() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    cutter = MtcnnCutter(FakeDetector(((100, 40, 80, 100), 0.99), ((10, 10, 20, 20), 0.8)))

    near = cutter(picture, np.float32([5, 5, 35, 35]))
    absent = cutter(picture, np.float32([200, 150, 240, 190]))

    assert near.box.tolist() == [5, 5, 25, 25] and np.isfinite(near.aligned).all()
    assert absent.box.tolist() == [10, 10, 50, 50] and np.isnan(absent.aligned).all()


def test_mtcnn_finding_nothing_keeps_the_picture() -> None:
    cut = MtcnnCutter(FakeDetector())(np.full((60, 50, 3), 7, np.uint8), None)

    assert cut.image.shape == (60, 50) and np.isnan(cut.aligned).all() and np.isnan(cut.box).all()


def test_without_the_package_mtcnn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mtcnn", None)

    with pytest.raises(RecipeError, match="pip install mtcnn tensorflow"):
        MtcnnCutter()
