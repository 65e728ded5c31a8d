"""Sessions without a camera: made results through the real writer, to measure and to break recordings with."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from engines.card import EMOTIONS
from faceapp.session.writer import SessionWriter
from faceapp.types import FaceTrack, Floats, Frame, FrameResult, Image, Prediction, read_only

RATE_HZ = 30.0
_LANDMARKS = read_only(np.zeros((478, 3), dtype=np.float32))
_SETTINGS = {"smoothing": 0.5, "landmark_smoothing": 0.5, "model": "synthetic"}


def synthetic_result(frame: Frame, faces: int = 1) -> FrameResult:
    """Return what a network might say about a frame: emotions that come and go, one slow wave each.

    Args:
        frame: The frame.
        faces: Faces in it.
    """
    tracks, smoothed, raw = [], [], []
    for face_id in range(1, faces + 1):
        height, width = frame.image.shape[:2]
        x = (face_id - 0.5) / faces * width + width * 0.02 * math.sin(frame.time_s)
        box = np.array([x - width * 0.1, height * 0.3, x + width * 0.1, height * 0.7], dtype=np.float32)
        yaw_deg = 20 * math.sin(frame.time_s / 3)
        tracks.append(FaceTrack(face_id, read_only(box), _LANDMARKS, 0.95, "none", (yaw_deg, 0.0, 0.0)))
        smoothed.append(_prediction(face_id, frame.time_s, 0.0))
        raw.append(_prediction(face_id, frame.time_s, 0.02 * ((frame.index * 7919) % 101 / 50 - 1)))
    timing_ms = {"track": 6.0, "crop": 1.0, "infer": 9.0, "smooth": 0.1, "capture_to_result": 20.0}
    return FrameResult(frame, tuple(tracks), tuple(smoothed), tuple(raw), timing_ms)


def synthetic_frames(rate_hz: float, size_px: tuple[int, int] = (160, 120)) -> Iterator[Frame]:
    """Yield frames for ever: a few smooth pictures in turn, time on a clock of that rate.

    Args:
        rate_hz: Frames a second on the frames' own clock; how fast they are taken is the caller's business.
        size_px: Width and height.
    """
    pictures = [_picture(phase / 8, size_px) for phase in range(8)]
    index = 0
    while True:
        yield Frame(index, index / rate_hz, pictures[index // 4 % 8], "synthetic", time.perf_counter())
        index += 1


def write_long_session(
    folder: Path,
    minutes: float,
    rate_hz: float = RATE_HZ,
    faces: int = 1,
    read_every: int = 1,
    size_px: tuple[int, int] = (160, 120),
) -> Path:
    """Record a session faster than real time, through the real writer.

    Args:
        folder: New folder.
        minutes: Length on the session's clock.
        rate_hz: Camera rate.
        faces: Faces in every frame.
        read_every: Every N-th captured frame is analysed.
        size_px: Width and height of the picture.

    Returns:
        The session folder.

    Raises:
        SessionError: It can't be written.
    """
    writer = SessionWriter(
        folder, source="synthetic", cards=(), settings=_SETTINGS, captured=True, wait=True, queue_size=60
    )
    for frame in synthetic_frames(rate_hz, size_px):
        if frame.time_s >= minutes * 60:
            break
        writer.put_frame(frame)
        if frame.index % read_every == 0:
            writer.put(synthetic_result(frame, faces))
    writer.close()
    if writer.error is not None:
        raise writer.error
    return folder


def _prediction(face_id: int, time_s: float, noise: float) -> Prediction:
    phases = time_s / 7 + face_id + np.arange(len(EMOTIONS)) * 0.8
    logits = 2.5 * np.sin(phases) + noise * 10
    weights: Floats = np.exp(logits).astype(np.float32)
    emotion: Floats = read_only(weights / weights.sum())
    smile = float(emotion[EMOTIONS.index("happiness")])
    return Prediction(face_id, emotion, 25.0 + 5 * face_id + noise, 4.5, 0.3, smile, "synthetic")


def _picture(phase: float, size_px: tuple[int, int]) -> Image:
    width, height = size_px
    ramp = np.linspace(0, 120, width, dtype=np.float32)[None, :, None]
    shape = (height, width, 3)
    picture = np.ascontiguousarray(np.broadcast_to(ramp + 60 * phase + (30, 20, 10), shape), dtype=np.uint8)
    centre = (round(width * (0.4 + 0.2 * phase)), height // 2)
    cv2.circle(picture, centre, height // 5, (210, 170, 140), -1, cv2.LINE_AA)
    return read_only(picture)
