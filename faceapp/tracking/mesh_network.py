"""MediaPipe's plain face mesh, read by OpenVINO from the file that MediaPipe itself brings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from engines.backends.openvino import available, compile_tflite
from engines.errors import EngineError
from faceapp.tracking.mesh_graph import FaceMesh
from faceapp.tracking.regions import FaceRegion
from faceapp.types import LANDMARK_COUNT, Floats, Image

MODEL_FILE = "modules/face_landmark/face_landmark.tflite"
"""Below MediaPipe's package."""
PLAIN_COUNT = 468
"""Points of the plain mesh; the ten of the irises are missing."""
_INPUT_PX = 192
_LEAST_PRESENCE = 0.5  # as in MediaPipe's graph
# Each iris: its eye's corners, and the lids' middles above and below.
_EYES = np.array(((33, 133, 159, 145), (362, 263, 386, 374)))
_IRIS_SHARE = 0.2  # radius, of the eye's width
_RING = np.array(((0, 0), (1, 0), (0, -1), (-1, 0), (0, 1)), dtype=np.float32)


class FaceMeshNetwork:
    """Runs the plain mesh network on any number of regions of a picture in one batch.

    It costs less than `faceapp.tracking.mesh_graph.FaceMeshGraph` (docs/benchmarks.md), which adds a second look at eyes and
    lips: `python -m faceapp.bench.mesh` measures both, and what the difference does to the answers. The plain network sees
    no irises; their ten points lie as in a face that looks straight ahead.

    Used by one thread.

    Args:
        folder: MediaPipe's package; None finds the installed one.

    Raises:
        EngineError: OpenVINO or the model is missing, or OpenVINO can't read it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if reason := available():
            raise EngineError(reason)
        path = (folder or _package_folder()) / MODEL_FILE
        self._request: Any = compile_tflite(path, (_INPUT_PX, _INPUT_PX, 3))
        self._batch: npt.NDArray[np.uint8] = np.empty((1, _INPUT_PX, _INPUT_PX, 3), dtype=np.uint8)

    def find(self, image: Image, regions: Sequence[FaceRegion]) -> list[FaceMesh | None]:
        """Return the mesh of each region, None where the network saw no face.

        Args:
            image: uint8 (H, W, 3), RGB.
            regions: Where to look.
        """
        usable = [index for index, region in enumerate(regions) if 0 < region.side_px < math.inf]
        meshes: list[FaceMesh | None] = [None] * len(regions)
        if not usable or self._request is None:
            return meshes
        matrices = np.stack([_to_picture(regions[index]) for index in usable])
        outputs = self._request.infer([self._cut(image, matrices)], share_inputs=True, share_outputs=True)
        points = np.array(outputs[0], dtype=np.float32).reshape(-1, PLAIN_COUNT, 3)
        presences = 1 / (1 + np.exp(-np.asarray(outputs[1], dtype=np.float64).reshape(-1)))
        for index, landmarks, presence in zip(usable, _placed(points, matrices), presences, strict=True):
            if presence >= _LEAST_PRESENCE and np.isfinite(landmarks).all():
                landmarks.setflags(write=False)
                meshes[index] = FaceMesh(landmarks, float(presence))
        return meshes

    def close(self) -> None:
        """Release the network."""
        self._request = None

    def _cut(self, image: Image, matrices: Floats) -> npt.NDArray[np.uint8]:
        """Return the regions side by side, uint8 (N, 192, 192, 3): a view of a buffer."""
        if len(matrices) > len(self._batch):
            self._batch = np.empty((len(matrices), *self._batch.shape[1:]), dtype=np.uint8)
        batch = self._batch[: len(matrices)]
        for chip, matrix in zip(batch, matrices, strict=True):
            cv2.warpAffine(
                image,
                matrix,
                (_INPUT_PX, _INPUT_PX),
                dst=chip,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        return batch


def _package_folder() -> Path:
    spec = find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise EngineError("mesh: expected MediaPipe with its models, found none; run: pip install mediapipe")
    return Path(spec.origin).parent


def _to_picture(region: FaceRegion) -> Floats:
    """Return the map from the network's input to the picture, float32 (2, 3); as MediaPipe, from the pixels' edges."""
    scale, half = region.side_px / _INPUT_PX, _INPUT_PX / 2
    cosine, sine = scale * math.cos(region.roll_rad), scale * math.sin(region.roll_rad)
    x_px, y_px = region.x_px - half * (cosine - sine), region.y_px - half * (sine + cosine)
    return np.array(((cosine, -sine, x_px), (sine, cosine, y_px)), dtype=np.float32)


def _placed(points: Floats, matrices: Floats) -> Floats:
    """Return the meshes in the picture.

    Args:
        points: float32 (N, 468, 3), pixels of the network's input; changed in place.
        matrices: float32 (N, 2, 3), input -> picture.

    Returns:
        float32 (N, 478, 3), pixels; the irises in the middle of their eyes.
    """
    scales = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])
    points[..., :2] = points[..., :2] @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
    points[..., 2] *= scales[:, None]
    meshes = np.empty((len(points), LANDMARK_COUNT, 3), dtype=np.float32)
    meshes[:, :PLAIN_COUNT] = points
    eyes = points[:, _EYES]  # (N, 2, 4, 3)
    gaps = eyes[:, :, 0, :2] - eyes[:, :, 1, :2]
    radii = _IRIS_SHARE * np.hypot(gaps[..., 0], gaps[..., 1])
    irises = np.repeat(eyes.mean(axis=2)[:, :, None], len(_RING), axis=2)  # (N, 2, 5, 3)
    irises[..., :2] += radii[..., None, None] * _RING
    meshes[:, PLAIN_COUNT:] = irises.reshape(len(points), -1, 3)
    return meshes
