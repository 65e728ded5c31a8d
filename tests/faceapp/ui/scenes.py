"""Results of a person who smiles and turns serious, made from the astronaut picture and its real mesh."""

from __future__ import annotations

import time

import cv2
import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from engines.card import EMOTIONS
from faceapp.types import FaceTrack, Frame, FrameResult, Prediction

RATE_HZ = 30.0


def make_track(landmarks: np.ndarray, track_id: int, **changes: object) -> FaceTrack:
    """A face around a mesh, as the tracker makes it."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    fields: dict[str, object] = {
        "id": track_id,
        "box": np.concatenate([low, high]).astype(np.float32),
        "landmarks": landmarks.astype(np.float32),
        "score": 0.98,
        "head_pose_deg": (4.0, -3.0, 1.0),
    }
    return FaceTrack(**{**fields, **changes})  # type: ignore[arg-type]


def make_prediction(track_id: int, time_s: float = 0.0, **changes: object) -> Prediction:
    """What a model could say about a face that goes from neutral to happy and back."""
    smile = 0.5 + 0.5 * np.sin(time_s * 0.7 + track_id)
    scores = np.array([1.4, 3.4 * smile, 0.6 + 0.5 * np.sin(time_s), 0.1, -0.4, -0.8, -0.6, -0.7])
    emotion = np.exp(scores) / np.exp(scores).sum()
    fields: dict[str, object] = {
        "track_id": track_id,
        "emotion": emotion.astype(np.float32),
        "age_years": 34.2 + 5 * track_id,
        "age_std_years": 5.8,
        "female": 0.93 if track_id % 2 else 0.11,
        "smile": float(smile),
        "model": "multitask",
    }
    return Prediction(**{**fields, **changes})  # type: ignore[arg-type]


def no_reading(track_id: int) -> Prediction:
    """What a program says that abstains."""
    nan = float("nan")
    return Prediction(track_id, np.full(len(EMOTIONS), nan, np.float32), nan, nan, nan, nan, "")


def make_result(
    image: np.ndarray,
    faces: tuple[FaceTrack, ...],
    time_s: float = 0.0,
    predictions: tuple[Prediction, ...] | None = None,
    source: str = "demo",
) -> FrameResult:
    """One result with a prediction a face."""
    if predictions is None:
        predictions = tuple(make_prediction(face.id, time_s) for face in faces)
    frame = Frame(round(time_s * RATE_HZ), time_s, image, source, time.perf_counter())
    return FrameResult(frame, faces, predictions, predictions, {"capture_to_result": 14.0})


def pixels(widget: QWidget) -> np.ndarray:
    """uint8 (H, W, 3) of what a widget shows."""
    return image_pixels(widget.grab().toImage())


def image_pixels(image: QImage) -> np.ndarray:
    """uint8 (H, W, 3) of an image."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def crowd(image: np.ndarray, landmarks: np.ndarray, count: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """The person several times side by side."""
    side = 960 // count if count > 2 else 480
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    scaled = landmarks * (side / image.shape[0])
    wide = np.concatenate([small] * count, axis=1)
    return np.ascontiguousarray(wide), [scaled + np.float32([side * number, 0, 0]) for number in range(count)]
