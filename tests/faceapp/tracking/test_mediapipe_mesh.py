"""The mesh on a portrait: found, followed, lost, and kept apart from its like."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.types import LANDMARK_COUNT, FaceTrack, Image, Tracker
from tests.faceapp.tracking.portraits import FRAMES_PER_S, centre, frame, scene


def test_is_a_tracker_with_checked_settings() -> None:
    tracker = MediaPipeTracker(max_faces=2, landmark_smoothing=0.25)
    assert isinstance(tracker, Tracker)
    assert tracker.landmark_smoothing == 0.25
    tracker.close()  # before any picture there is nothing to release
    with pytest.raises(ValueError, match="max_faces: expected at least 1, found 0"):
        MediaPipeTracker(max_faces=0)


def test_finds_the_face_of_a_portrait(
    tracker: MediaPipeTracker, astronaut: Image, astronaut_landmarks: Image
) -> None:
    (face,) = tracker.update(frame(astronaut))
    assert face.landmarks.shape == (LANDMARK_COUNT, 3) and face.landmarks.dtype == np.float32
    size = np.ptp(astronaut_landmarks[:, 0])
    assert np.abs(face.landmarks - astronaut_landmarks)[:, :2].mean() < 0.02 * size
    assert not face.landmarks.flags.writeable and not face.box.flags.writeable
    x0, y0, x1, y1 = face.box
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    np.testing.assert_allclose([low[0] - x0, x1 - high[0]], 0.05 * (high - low)[0], rtol=1e-3)
    np.testing.assert_allclose([low[1] - y0, y1 - high[1]], 0.05 * (high - low)[1], rtol=1e-3)
    assert 0.8 < face.score <= 1 and face.occlusion == "none"
    assert all(abs(angle) < 12 for angle in face.head_pose_deg)


def test_a_mirrored_picture_mirrors_landmarks_and_pose(tracker: MediaPipeTracker, astronaut: Image) -> None:
    turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((230, 120), -15, 1.0), (512, 512))
    (plain,) = tracker.update(frame(turned))
    tracker.reset()
    (mirrored,) = tracker.update(frame(np.ascontiguousarray(turned[:, ::-1])))
    assert centre(mirrored)[0] == pytest.approx(511 - centre(plain)[0], abs=2)
    assert plain.head_pose_deg[2] == pytest.approx(15 + 4, abs=4)  # clockwise; she leans a little herself
    yaw, pitch, roll = plain.head_pose_deg
    assert mirrored.head_pose_deg == pytest.approx((-yaw, pitch, -roll), abs=4)


def test_a_moving_face_keeps_its_id_and_its_place(tracker: MediaPipeTracker, astronaut: Image) -> None:
    ids = set()
    for index in range(12):
        left = 40 + 25 * index
        (face,) = tracker.update(frame(scene(astronaut, [(left, 120, 1.0)]), index / FRAMES_PER_S))
        ids.add(face.id)
        assert len(ids) == 1
        assert centre(face)[0] == pytest.approx(left + 100, abs=25)


@pytest.mark.parametrize(("gone_s", "same"), [(0.4, True), (0.7, False)])
def test_a_lost_face_keeps_its_id_for_half_a_second(
    tracker: MediaPipeTracker, astronaut: Image, gone_s: float, same: bool
) -> None:
    picture, empty = scene(astronaut, [(200, 120, 1.0)]), scene(astronaut, [])
    for time_s in (0.0, 0.1):
        (before,) = tracker.update(frame(picture, time_s))
    for time_s in np.arange(0.2, 0.1 + gone_s - 0.01, 0.1):
        assert tracker.update(frame(empty, float(time_s))) == ()
    (after,) = tracker.update(frame(picture, 0.1 + gone_s))
    assert (after.id == before.id) == same


def test_two_faces_that_cross_half_hidden_keep_their_ids(tracker: MediaPipeTracker, astronaut: Image) -> None:
    frames = 24
    for index in range(frames):
        left, right = 20 + 18 * index, 434 - 18 * index
        picture = scene(astronaut, [(right, 200, 0.9), (left, 110, 0.9)])
        faces = tracker.update(frame(picture, index / FRAMES_PER_S))
        if index == 0:
            going_right, going_left = (face.id for face in sorted(faces, key=centre))
    by_id = {face.id: centre(face) for face in faces}
    assert by_id[going_right][0] == pytest.approx(left + 90, abs=30)
    assert by_id[going_left][0] == pytest.approx(right + 90, abs=30)


def test_finds_small_faces_at_once_and_newcomers_soon(tracker: MediaPipeTracker, astronaut: Image) -> None:
    small = [(60, 60, 0.4), (400, 250, 0.4)]  # heads 80 pixels wide, faces about 35, in 960x540
    shape = (540, 960)
    faces = tracker.update(frame(scene(astronaut, small, shape)))
    assert len(faces) == 2
    more = scene(astronaut, [*small, (700, 100, 1.0)], shape)
    for index in range(1, 20):  # the coarse windows' round takes 1.5 s
        faces = tracker.update(frame(more, index / 10))
    assert [face.id - faces[0].id for face in faces] == [0, 1, 2]


def test_of_twenty_faces_the_largest_are_taken(tracker: MediaPipeTracker, astronaut: Image) -> None:
    places = [(240 * column, 175 * row, 0.85 if row < 2 else 0.5) for row in range(4) for column in range(5)]
    faces = tracker.update(frame(scene(astronaut, places, (720, 1280))))
    assert len(faces) == 8
    assert all(centre(face)[1] < 350 for face in faces)
    assert [face.id for face in faces] == sorted(face.id for face in faces)


def test_no_more_faces_than_asked_for(astronaut: Image) -> None:
    tracker = MediaPipeTracker(max_faces=1)
    picture = scene(astronaut, [(20, 100, 0.8), (300, 60, 1.3)])
    for index in range(15):
        (face,) = tracker.update(frame(picture, index / 10))
        assert centre(face)[0] > 320  # the larger one
    tracker.close()


@pytest.mark.parametrize("shape", [(8, 8), (1, 300), (16, 16), (40, 30), (17, 900)])
def test_tiny_and_odd_pictures_have_no_faces(tracker: MediaPipeTracker, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    for index in range(3):
        assert tracker.update(frame(noise, index / FRAMES_PER_S)) == ()


def test_gray_blank_and_sliced_pictures(tracker: MediaPipeTracker, astronaut: Image) -> None:
    gray = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert len(tracker.update(frame(gray))) == 1
    for value in (0, 255):
        tracker.reset()
        assert tracker.update(frame(np.full((360, 640, 3), value, dtype=np.uint8))) == ()
    tracker.reset()
    doubled = np.repeat(np.repeat(astronaut, 2, axis=0), 2, axis=1)
    assert len(tracker.update(frame(doubled[::2, ::2]))) == 1  # not contiguous


def test_pictures_are_not_written_to_and_may_be_writeable(
    tracker: MediaPipeTracker, astronaut: Image
) -> None:
    picture = astronaut.copy()
    for index in range(3):
        tracker.update(frame(picture, index / FRAMES_PER_S))
    np.testing.assert_array_equal(picture, astronaut)
    assert picture.flags.writeable


def test_another_size_keeps_ids_and_a_jump_back_starts_anew(
    tracker: MediaPipeTracker, astronaut: Image
) -> None:
    small = cv2.resize(astronaut, (300, 300), interpolation=cv2.INTER_AREA)
    ids = [
        tracker.update(frame(image, time_s))[0].id
        for image, time_s in [
            (astronaut, 5.0),
            (astronaut, 5.1),
            (small, 5.2),
            (small, 5.3),
            (small, 1.0),
            (small, 1.1),
        ]
    ]
    first = ids[0]
    assert ids == [first, first, first, first, first + 1, first + 1]


@pytest.mark.parametrize("step_s", [10.0, 60.0])
def test_a_film_of_rare_frames_shows_one_person(
    tracker: MediaPipeTracker, astronaut: Image, step_s: float
) -> None:
    ids = {tracker.update(frame(astronaut, index * step_s))[0].id for index in range(4)}
    assert len(ids) == 1


def test_after_an_outage_everybody_is_new(tracker: MediaPipeTracker, astronaut: Image) -> None:
    times_s = [0.0, 0.1, 0.2, 5.1, 10.2]
    first, *_, slow, late = (tracker.update(frame(astronaut, time_s))[0].id for time_s in times_s)
    assert slow == first and late == first + 1


def test_a_cut_starts_anew(tracker: MediaPipeTracker, astronaut: Image) -> None:
    other = np.ascontiguousarray(255 - astronaut[::-1])
    other[150:450, 100:400] = astronaut[:300, 100:400]
    ids = [
        tracker.update(frame(image, time_s))[0].id
        for image, time_s in ((astronaut, 0.0), (astronaut, 0.1), (other, 0.2), (other, 0.3))
    ]
    assert ids == [ids[0], ids[0], ids[2], ids[2]] and ids[2] > ids[0]


def test_the_same_frames_give_the_same_tracks(tracker: MediaPipeTracker, astronaut: Image) -> None:
    def run() -> list[np.ndarray]:
        tracker.reset()
        pictures = [scene(astronaut, [(40 + 9 * index, 120, 1.0), (420, 200, 0.5)]) for index in range(12)]
        return [
            np.concatenate([face.landmarks.ravel() for face in tracker.update(frame(picture, index / 10))])
            for index, picture in enumerate(pictures)
        ]

    for first, second in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_starts_quietly_closes_and_starts_again(astronaut: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tracker = MediaPipeTracker(max_faces=2)
    (before,) = tracker.update(frame(astronaut))
    tracker.close()
    tracker.close()
    (after,) = tracker.update(frame(astronaut))
    tracker.close()
    assert after.id > before.id
    assert capfd.readouterr().err == ""


def test_lives_on_the_thread_of_its_first_update(astronaut: Image) -> None:
    tracker = MediaPipeTracker()
    found: list[tuple[FaceTrack, ...]] = []

    def work() -> None:
        found.append(tracker.update(frame(astronaut)))
        tracker.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert not thread.is_alive() and len(found[0]) == 1
