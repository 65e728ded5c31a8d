"""What is drawn for demonstrations is what the engines read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from faceapp.analyzer import FaceReader
from faceapp.hiding import Hidden, Hiding, HidingReader, hide_faces
from faceapp.types import FaceTrack, Frame, FrameResult


class SpyReader:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.smoothing = 0.5
        self.occlusion = "auto"
        self.cards = ("card",)
        self.description = "tiny, ONNX Runtime CPU"
        self.calls: list[str] = []

    def read(self, frame: Frame, faces: Sequence[FaceTrack], track_ms: float) -> FrameResult:
        return FrameResult(frame, tuple(faces), (), (), {"track": track_ms})

    def reset(self) -> None:
        self.calls.append("reset")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def face(astronaut_landmarks: np.ndarray) -> FaceTrack:
    low, high = astronaut_landmarks[:, :2].min(axis=0), astronaut_landmarks[:, :2].max(axis=0)
    return FaceTrack(3, np.concatenate([low, high]), astronaut_landmarks, 0.9)


@pytest.fixture
def frame(astronaut: np.ndarray) -> Frame:
    return Frame(5, 0.2, astronaut, "demo", time.perf_counter())


@pytest.mark.parametrize("what", ["headset", "mask"])
def test_faces_are_covered_and_say_so(
    frame: Frame, face: FaceTrack, astronaut: np.ndarray, what: Hidden
) -> None:
    before = astronaut.copy()
    hidden, faces = hide_faces(frame, (face,), what)
    assert np.array_equal(frame.image, before), "the source's picture stays as it is"
    assert [each.occlusion for each in faces] == [what]
    assert (hidden.index, hidden.time_s, hidden.captured_s) == (frame.index, frame.time_s, frame.captured_s)
    assert not hidden.image.flags.writeable
    changed = (hidden.image != frame.image).any(axis=2)
    eyes, mouth = face.landmarks[[33, 263], :2].mean(axis=0), face.landmarks[[13, 14], :2].mean(axis=0)
    covered, free = (eyes, mouth) if what == "headset" else (mouth, eyes)
    assert changed[round(float(covered[1])), round(float(covered[0]))]
    assert not changed[round(float(free[1])), round(float(free[0]))]


def test_nothing_to_draw_passes_everything_on(frame: Frame, face: FaceTrack) -> None:
    assert hide_faces(frame, (face,), "none") == (frame, (face,))
    assert hide_faces(frame, (), "mask") == (frame, ())


def test_the_wish_is_obeyed_at_the_next_frame(frame: Frame, face: FaceTrack) -> None:
    hiding = Hiding()
    reader = HidingReader(cast(FaceReader, SpyReader()), hiding)
    assert reader.read(frame, (face,), 4.0).frame is frame
    hiding.what = "headset"
    result = reader.read(frame, (face,), 4.0)
    assert result.frame is not frame
    assert [each.occlusion for each in result.faces] == ["headset"]
    assert result.timing_ms == {"track": 4.0}


def test_everything_else_goes_to_the_reader_inside() -> None:
    spy = SpyReader()
    reader = HidingReader(cast(FaceReader, spy), Hiding())
    reader.smoothing, reader.occlusion = 0.1, "mask"
    assert (spy.smoothing, spy.occlusion) == (0.1, "mask")
    assert (reader.smoothing, reader.occlusion) == (0.1, "mask")
    assert (reader.cards, reader.description) == (("card",), "tiny, ONNX Runtime CPU")
    reader.reset()
    reader.close()
    assert spy.calls == ["reset", "close"]
