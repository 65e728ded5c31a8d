"""The mesh on real videos and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.tracking.smoothing import LandmarkSmoother
from faceapp.types import Floats, Frame
from tests.faceapp.tracking.portraits import FRAMES_PER_S, centre, frame


def read_frames(path: Path) -> Iterator[Frame]:
    video = cv2.VideoCapture(str(path))
    frames_per_s, index = video.get(cv2.CAP_PROP_FPS), 0
    while True:
        got, image = video.read()
        if not got:
            break
        yield Frame(index, index / frames_per_s, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), path.name, 0.0)
        index += 1
    video.release()


@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "with_face", "frames"),
    [("single_face.mp4", 72, 72), ("face_noface.mov", 72, 169), ("no_face.mp4", 0, 95)],
)
def test_counts_the_face_frames_of_real_videos(
    tracker: MediaPipeTracker, media_dir: Path, name: str, with_face: int, frames: int
) -> None:
    tracks = [tracker.update(item) for item in read_frames(media_dir / name)]
    assert len(tracks) == frames
    assert sum(map(bool, tracks)) == pytest.approx(with_face, abs=1)
    assert len({face.id for faces in tracks for face in faces}) == min(with_face, 1)


@pytest.mark.media
def test_finds_all_of_a_group_in_one_still(tracker: MediaPipeTracker, media_dir: Path) -> None:
    picture = cv2.cvtColor(cv2.imread(str(media_dir / "multi_face.jpg")), cv2.COLOR_BGR2RGB)
    where = [(260, 125), (362, 302), (476, 265), (581, 378), (737, 362)]  # seen by eye
    for index in range(3):
        faces = tracker.update(frame(picture, index / FRAMES_PER_S))
        found = sorted(centre(face) for face in faces)
        np.testing.assert_allclose(found, where, atol=12)
    tracker.reset()
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert len(tracker.update(frame(half))) == 5
    np.testing.assert_allclose(found, where, atol=12)


@pytest.mark.media
def test_smoothing_calms_a_face_under_sensor_noise_with_little_lag(
    tracker: MediaPipeTracker, media_dir: Path
) -> None:
    still = next(read_frames(media_dir / "single_face.mp4")).image
    chance = np.random.default_rng(0)
    noisy = [np.clip(still + chance.normal(scale=5, size=still.shape), 0, 255) for _ in range(60)]
    tracker.landmark_smoothing = 0.0
    raw = np.stack(
        [
            tracker.update(frame(image.astype(np.uint8), index / FRAMES_PER_S))[0].landmarks
            for index, image in enumerate(noisy)
        ]
    )
    eyes_px = float(np.linalg.norm((raw[0, 263] - raw[0, 33])[:2]))
    off, on = jitter_px(raw) / eyes_px, jitter_px(smoothed(raw, 0.5)) / eyes_px
    times_s = np.arange(len(raw)) / FRAMES_PER_S
    size_px = np.ptp(raw[0, :, 1])
    lags_s = {}
    for name, reach, rate_hz in (("slow", 0.15, 0.5), ("fast", 1.0, 0.7)):
        path = np.zeros((len(raw), 1, 3), dtype=np.float32)
        path[:, 0, 0] = reach * size_px * np.sin(2 * np.pi * rate_hz * times_s)
        truth, seen = raw.mean(axis=0) + path, raw + path
        behind, speed = (truth - smoothed(seen, 0.5))[10:], np.gradient(truth, 1 / FRAMES_PER_S, axis=0)[10:]
        lags_s[name] = float((behind * speed).sum() / (speed**2).sum())
    print(f"jitter / eye distance: off {off:.4f}, on {on:.4f}; lag in seconds: {lags_s}")
    assert off < 0.01 and on < 0.3 * off
    assert lags_s["slow"] < 0.03 and lags_s["fast"] < 0.01


def smoothed(meshes: Floats, strength: float) -> Floats:
    smoother = LandmarkSmoother(strength)
    return np.stack([smoother.update(1, index / FRAMES_PER_S, mesh) for index, mesh in enumerate(meshes)])


def jitter_px(meshes: Floats) -> float:
    bends = np.diff(meshes[5:, :, :2].astype(np.float64), 2, axis=0)
    return float(np.sqrt((bends**2).sum(axis=-1).mean()))
