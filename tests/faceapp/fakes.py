"""Sources, trackers, engines and recorders with known behaviour, for tests of what lies between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from engines.card import InputSpec, ModelCard
from engines.errors import EngineError
from faceapp.errors import SourceError
from faceapp.types import FaceTrack, Floats, Frame, FrameResult, Image, Occlusion
from tests.tiny_models import tiny_head

RATE_HZ = 25.0


class FakeSource:
    """A file of `count` frames whose pixels hold their number; live, one every `period_s` for ever."""

    def __init__(
        self,
        count: int = 10,
        *,
        live: bool = False,
        period_s: float = 0.0,
        breaks_at: int | None = None,
        error: Exception | None = None,
    ) -> None:
        self.name = "fake"
        self.live = live
        self.status = ""
        self.ended = False
        self.opened = self.closed = 0
        self.threads: set[str] = set()
        self.silent = threading.Event()
        self._count = count
        self._period_s = period_s
        self._breaks_at = breaks_at
        self._error = error or SourceError("fake: expected a whole file, found a cut one; copy it again")
        self._next = 0

    def open(self) -> None:
        self.opened += 1
        self._next = 0
        self.ended = False
        self.threads.add(threading.current_thread().name)
        if self._breaks_at == -1:
            raise self._error

    def read(self) -> Frame | None:
        if self.silent.is_set():
            time.sleep(0.02)
            return None
        if self._next == self._breaks_at:
            raise self._error
        if self._next >= self._count and not self.live:
            self.ended = True
            return None
        if self._period_s:
            time.sleep(self._period_s)
        index, self._next = self._next, self._next + 1
        image = np.full((8, 8, 3), index % 256, dtype=np.uint8)
        return Frame(index, index / RATE_HZ, image, self.name, time.perf_counter())

    def close(self) -> None:
        self.closed += 1
        self.threads.add(threading.current_thread().name)


class SeekableSource(FakeSource):
    """A file that can jump."""

    def seek(self, time_s: float) -> None:
        self._next = round(time_s * RATE_HZ)
        self.ended = False


class FakeTracker:
    """Sees the given faces in every frame and remembers who called it."""

    def __init__(self, faces: Sequence[FaceTrack] = (), *, fails_at: int | None = None) -> None:
        self.landmark_smoothing = 0.5
        self.threads = {threading.current_thread().name}
        self.resets = 0
        self.closed = 0
        self._faces = tuple(faces)
        self._fails_at = fails_at

    def see(self, faces: Sequence[FaceTrack]) -> None:
        """See other faces from now on."""
        self._faces = tuple(faces)

    def update(self, frame: Frame) -> tuple[FaceTrack, ...]:
        self.threads.add(threading.current_thread().name)
        if frame.index == self._fails_at:
            raise RuntimeError("the mesh graph broke")
        return self._faces

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed += 1
        self.threads.add(threading.current_thread().name)


class FakeEngine:
    """Says `value` for every head it has, and counts the faces of every call."""

    def __init__(
        self,
        name: str = "fake",
        *,
        value: float = 0.5,
        tasks: Sequence[str] = ("emotion", "age", "gender", "smile"),
        infer: Callable[[int], None] | None = None,
    ) -> None:
        heads = tuple(tiny_head(task) for task in tasks)
        self.card = ModelCard(name=name, version="1.0", input=InputSpec(), heads=heads, sha256="0" * 64)
        self.problem = ""
        self.backend_name = "fake"
        self.backend_description = "Fake CPU"
        self.value = value
        self.batches: list[int] = []
        self.closed = 0
        self.threads = {threading.current_thread().name}
        self._tasks = tasks
        self._infer = infer

    def crop(self, image: np.ndarray, landmarks: Sequence[Floats | None], boxes: Sequence[Floats]) -> Image:
        assert len(landmarks) == len(boxes)
        return np.zeros((len(boxes), 48, 48), dtype=np.uint8)

    def infer(self, batch: Image) -> dict[str, Floats]:
        self.threads.add(threading.current_thread().name)
        self.batches.append(len(batch))
        if self._infer is not None:
            self._infer(len(self.batches))
        scalar = np.full(len(batch), self.value, dtype=np.float32)
        heads: dict[str, Floats] = {}
        if "emotion" in self._tasks:
            heads["emotion"] = np.tile(np.eye(8, dtype=np.float32)[int(self.value * 7)], (len(batch), 1))
        if "age" in self._tasks:
            heads |= {"age_years": scalar * 100, "age_std_years": scalar * 10}
        if "gender" in self._tasks:
            heads["female"] = scalar
        if "smile" in self._tasks:
            heads["smile"] = scalar
        return heads

    def begin(self, batch: Image) -> Callable[[], dict[str, Floats]]:
        heads = self.infer(batch)
        return lambda: heads

    def close(self) -> None:
        self.closed += 1
        self.threads.add(threading.current_thread().name)


class FakeRecorder:
    """Keeps the numbers of the frames it was given."""

    def __init__(self) -> None:
        self.indices: list[int] = []

    def put(self, result: FrameResult) -> bool:
        self.indices.append(result.frame.index)
        return True


def fail_from(call: int) -> Callable[[int], None]:
    """Return an inference hook that raises from this call on."""

    def infer(number: int) -> None:
        if number >= call:
            raise EngineError("fake: expected numbers, found smoke; choose another back end")

    return infer


def face(track_id: int = 1, occlusion: Occlusion = "none") -> FaceTrack:
    """Return a face with a mesh of distinct points."""
    points = np.random.default_rng(track_id).uniform(0, 8, (478, 3)).astype(np.float32)
    box = np.array([0, 0, 8, 8], dtype=np.float32)
    return FaceTrack(track_id, box, points, 0.9, occlusion)


def frame(index: int = 0, time_s: float | None = None) -> Frame:
    """Return a small picture."""
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    return Frame(index, index / RATE_HZ if time_s is None else time_s, image, "fake", time.perf_counter())
