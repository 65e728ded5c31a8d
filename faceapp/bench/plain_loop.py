"""The plain loop the pipeline is compared with: read, Face Mesh, crop, ONNX Runtime, one after the other.

It is what a careful script would do with the same libraries: OpenCV's reader, MediaPipe's own video mode with
refined landmarks, our crop, and ONNX Runtime with its default options. No ids, no smoothing, no head pose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import MODEL_FILE, InputSpec, load_card
from engines.preprocess import face_matrix, prepare_batch
from faceapp.bench.inputs import is_picture, read_picture
from faceapp.errors import SourceError
from faceapp.tracking.quiet_start import chatter_removed
from faceapp.types import Image

Floats = npt.NDArray[np.float32]


def plain_loop(text: str, model: Path, *, faces: int, frames: int, warm_up: int) -> float:
    """Run the loop and return its frames a second.

    Args:
        text: Path of a video, repeated from its start as needed, or of a picture, decoded once.
        model: Folder of the model.
        faces: `max_num_faces` of Face Mesh.
        frames: Frames that are timed.
        warm_up: Frames before these.

    Raises:
        SourceError: The input can't be read.
    """
    import onnxruntime
    from mediapipe.python.solutions.face_mesh import FaceMesh

    spec = load_card(model).input
    session = onnxruntime.InferenceSession(str(model / MODEL_FILE), providers=["CPUExecutionProvider"])
    read, release = _reader(text)
    try:
        with chatter_removed():  # written while the networks load, up to the first picture
            mesh = FaceMesh(max_num_faces=faces, refine_landmarks=True)
            mesh.process(read())
        with mesh:
            for index in range(warm_up + frames):
                if index == warm_up:
                    started_s = time.perf_counter()
                image = read()
                found = mesh.process(image).multi_face_landmarks
                if found:
                    session.run(None, {spec.name: _batch(image, found, spec)})
            return frames / (time.perf_counter() - started_s)
    finally:
        release()


def _batch(image: Image, found: list[object], spec: InputSpec) -> Image:
    height, width = image.shape[:2]
    matrices = []
    for mesh in found:
        points = np.array([(point.x * width, point.y * height) for point in mesh.landmark])  # type: ignore[attr-defined]
        box = np.concatenate((points.min(axis=0), points.max(axis=0)))
        matrices.append(face_matrix(spec, points, box))
    return prepare_batch(image, matrices, spec)


def _reader(text: str) -> tuple[Callable[[], Image], Callable[[], None]]:
    """Return a function that gives the next RGB picture, and one that releases what it reads from."""
    if is_picture(text):
        picture = read_picture(text)
        return lambda: picture, lambda: None
    capture = cv2.VideoCapture(text)

    def read() -> Image:
        found, picture = capture.read()
        if not found:
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            found, picture = capture.read()
        if not found:
            raise SourceError(f"{text}: expected a video, found none that OpenCV can read; check the path")
        image: Image = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return image

    return read, capture.release
