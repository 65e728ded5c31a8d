"""Analysed frames made by hand, so that sessions are tested without cameras, trackers and engines."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from engines.card import HeadSpec, InputSpec, ModelCard
from faceapp.types import FaceTrack, Frame, FrameResult, Prediction


def card() -> ModelCard:
    head = HeadSpec("smile", "smile", "softmax", ("no_smile", "smile"))
    return ModelCard("tiny", "1.0", InputSpec(), (head,), sha256="ab" * 32)


def picture(index: int = 0, width_px: int = 64, height_px: int = 48) -> np.ndarray:
    """A smooth RGB picture whose brightness tells the index, so that a decoded video can be recognised."""
    x = np.linspace(0, 60, width_px, dtype=np.float32)[None, :, None]
    level = 40 + index * 7 % 120
    return np.broadcast_to(x + level, (height_px, width_px, 3)).astype(np.uint8)


def prediction(face_id: int, happiness: float = 0.65, **values: float) -> Prediction:
    emotion = np.full(8, (1 - happiness) / 7, dtype=np.float32)
    emotion[1] = happiness
    scalars = {"age_years": 31.5, "age_std_years": 4.25, "female": 0.75, "smile": 0.5, **values}
    return Prediction(face_id, emotion, **scalars, model="tiny")


def result(
    index: int,
    time_s: float | None = None,
    faces: int = 1,
    image: np.ndarray | None = None,
    happiness: float = 0.65,
) -> FrameResult:
    """One analysed frame; face 1 first. Raw predictions differ from smoothed ones."""
    box = np.array([10.5, 8.25, 30, 40], dtype=np.float32)
    landmarks = np.zeros((478, 3), dtype=np.float32)
    ids = range(1, faces + 1)
    image = picture(index) if image is None else image
    frame = Frame(index, index / 25 if time_s is None else time_s, image, "test", time.perf_counter())
    tracks = tuple(
        FaceTrack(face_id, box, landmarks, 0.9, head_pose_deg=(1.5, -2.5, float("nan"))) for face_id in ids
    )
    smoothed = tuple(prediction(face_id, happiness) for face_id in ids)
    raw = tuple(prediction(face_id, happiness, age_years=35.0) for face_id in ids)
    return FrameResult(frame, tracks, smoothed, raw, {"capture_to_result": 12.3456})


def hidden(each: FrameResult) -> FrameResult:
    """The same frame where too little of every face is visible: the program abstains."""
    faces = tuple(replace(face, occlusion="hidden") for face in each.faces)  # type: ignore[arg-type]
    nothing = tuple(
        Prediction(face.id, np.full(8, np.nan, np.float32), *[float("nan")] * 4, model="") for face in faces
    )
    return replace(each, faces=faces, predictions=nothing, raw_predictions=nothing)
