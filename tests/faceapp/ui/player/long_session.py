"""A session of any length, made faster than real time through the real writer: two faces that change and go away.

python -m tests.faceapp.ui.player.long_session DIR --minutes 60
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from faceapp.session.annotation_edits import Annotations
from faceapp.session.annotations import Event
from faceapp.session.writer import SessionWriter
from faceapp.types import FaceTrack, Frame, FrameResult, Prediction

RATE_HZ = 30.0
MARKS_EVERY_S = 6.0
_LANDMARKS = np.zeros((478, 3), dtype=np.float32)


def write_long_session(
    folder: Path,
    seconds: float,
    *,
    size_px: tuple[int, int] = (640, 360),
    video: bool = True,
    marks: bool = True,
) -> Path:
    """Write a session through the real writer and close it.

    Args:
        folder: New folder.
        seconds: Length.
        size_px: Width and height of the pictures.
        video: Whether to record pictures.
        marks: Whether two annotators have set a mark every six seconds.
    """
    writer = SessionWriter(
        folder, source="long", cards=[], settings={}, wait=True, video=video, time_origin_s=0.0
    )
    scenes = [_scene(number, size_px) for number in range(16)]
    for index in range(round(seconds * RATE_HZ)):
        writer.put(moment(index, scenes[index % len(scenes)], size_px))
    writer.close()
    assert writer.error is None
    if marks:
        _mark(folder, seconds)
    return folder


def moment(index: int, image: np.ndarray, size_px: tuple[int, int]) -> FrameResult:
    """One analysed frame; face 1 is away for ten seconds of every minute, face 2 for the first half of each."""
    time_s = index / RATE_HZ
    ids = [face for face, there in ((1, time_s % 60 < 50), (2, time_s % 60 >= 30)) if there]
    faces = tuple(_face(face, time_s, size_px) for face in ids)
    predictions = tuple(_prediction(face, time_s) for face in ids)
    raw = tuple(_prediction(face, time_s + 0.05) for face in ids)
    frame = Frame(index, time_s, image, "long", time.perf_counter())
    return FrameResult(frame, faces, predictions, raw, {"capture_to_result": 15.0 + 5 * np.sin(index)})


def _scene(number: int, size_px: tuple[int, int]) -> np.ndarray:
    """A still ground with faint grain, as a camera gives it, and a disc that goes round."""
    width, height = size_px
    coarse = np.random.default_rng(0).integers(60, 190, (height // 40, width // 40, 3), dtype=np.uint8)
    image = cv2.resize(coarse, size_px, interpolation=cv2.INTER_CUBIC)
    image += np.random.default_rng(number).integers(0, 3, image.shape, dtype=np.uint8)
    angle = number * 2 * np.pi / 16
    centre = round(width * (0.5 + 0.3 * np.cos(angle))), round(height * (0.5 + 0.3 * np.sin(angle)))
    return cv2.circle(image, centre, height // 8, (240, 200, 60), -1)


def _face(face: int, time_s: float, size_px: tuple[int, int]) -> FaceTrack:
    width, height = size_px
    x, y = width * (0.1 + 0.45 * (face - 1) + 0.05 * np.sin(time_s)), height * 0.25
    box = np.array([x, y, x + width * 0.25, y + height * 0.5], dtype=np.float32)
    return FaceTrack(face, box, _LANDMARKS, 0.95, head_pose_deg=(10 * np.sin(time_s / 3), 2.0, 0.0))


def _prediction(face: int, time_s: float) -> Prediction:
    scores = 2.5 * np.sin(time_s * np.array([0.9, 0.31, 0.23, 0.17, 0.13, 0.11, 0.07, 0.05]) + face)
    emotion = (np.exp(scores) / np.exp(scores).sum()).astype(np.float32)
    smile = float(emotion[1])
    return Prediction(
        face, emotion, 30.0 + 4 * face + np.sin(time_s / 7), 5.0, 0.2 + 0.6 * (face - 1), smile, "long"
    )


def _mark(folder: Path, seconds: float) -> None:
    annotations = Annotations(folder, span_s=(0.0, seconds - 1 / RATE_HZ))
    starts = np.arange(1.0, seconds - 5.0, MARKS_EVERY_S)
    events = [
        Event(start, start + 3.0, label=str(1 + number % 3), author="Ada")
        for number, start in enumerate(starts)
    ]
    events += [
        Event(start + 0.4, start + 3.2, label=str(1 + number % 4 % 3), author="Ben")
        for number, start in enumerate(starts)
    ]
    events += [Event(start + 4.0, start + 4.0, label="9", author="Ada") for start in starts]
    annotations.add_all(events, "marks of a long session")


def main() -> None:
    """Write a session from the command line and say how large it became."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    write_long_session(arguments.folder, arguments.minutes * 60)
    sizes = ", ".join(
        f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in sorted(arguments.folder.iterdir())
    )
    print(f"{arguments.minutes:g} minutes in {time.perf_counter() - begun:.0f} s: {sizes}")


if __name__ == "__main__":
    main()
