"""MTCNN instead of the app's landmarks for cutting training faces, as in the multi-source paper; optional.

Sang and Cuong 2018, section 3.5: faces are found by multi-task cascaded networks (Zhang et al. 2016) and cropped. The
network comes from the package `mtcnn`, which needs TensorFlow; neither is a dependency of this project. MTCNN gives a
box and five points, no mesh: the stored part is its box with a quarter around it, and the map lays its two eyes where
the chip has them.
"""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np

from training.data.eyes import eye_matrix
from training.data.face_cuts import UNIT_SIZE, Bytes, FaceCut, Floats, cut_box, no_map, stored
from training.errors import RecipeError


class Detector(Protocol):
    """What this module needs of the package's class `MTCNN`."""

    def detect_faces(self, picture: Bytes) -> list[dict[str, Any]]:
        """Return a dictionary a face: box (x, y, width, height), confidence, keypoints left_eye and right_eye."""


def package_detector() -> Detector:
    """Return the detector of the package `mtcnn`.

    Raises:
        RecipeError: The package or TensorFlow is not installed.
    """
    try:
        from mtcnn import MTCNN
    except ImportError as error:
        raise RecipeError(
            f"detector: expected the package mtcnn with TensorFlow, found none ({error}); pip install mtcnn"
            " tensorflow, or take --detector mediapipe"
        ) from error
    return MTCNN()


class MtcnnCutter:
    """Cuts faces around what MTCNN finds.

    Args:
        detector: Finds faces; None is the package's.

    Raises:
        RecipeError: The package is not installed.
    """

    def __init__(self, detector: Detector | None = None) -> None:
        self._detector = package_detector() if detector is None else detector

    def __call__(self, picture: Bytes, box: Floats | None) -> FaceCut:
        """Return the face of a picture; see `training.data.face_cuts.Cutter`.

        The face nearest to `box` is taken, or the surest one where the face fills the picture; where MTCNN finds
        none, the box itself without a map.
        """
        faces = [face for face in self._detector.detect_faces(picture) if _is_near(face, box)]
        if not faces:
            part, inner = (picture, np.full(4, np.nan, np.float32)) if box is None else cut_box(picture, box)
            return stored(FaceCut(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), no_map(), inner))
        face = max(faces, key=lambda found: float(found["confidence"]))
        part, inner = cut_box(picture, _xyxy(face))
        eyes = [np.asarray(face["keypoints"][name], dtype=float) for name in ("left_eye", "right_eye")]
        shift = _xyxy(face)[:2] - inner[:2]
        one, other = ((float(x), float(y)) for x, y in (eye - shift for eye in eyes))
        aligned = eye_matrix(one, other, UNIT_SIZE)
        return stored(FaceCut(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), aligned, inner))


def _xyxy(face: dict[str, Any]) -> Floats:
    x, y, width, height = (float(value) for value in face["box"])
    return np.array([x, y, x + width, y + height], dtype=np.float32)


def _is_near(face: dict[str, Any], box: Floats | None) -> bool:
    """Tell whether the middle of a found face lies in the box that the set gives."""
    if box is None:
        return True
    found = _xyxy(face)
    centre = (found[:2] + found[2:]) / 2
    return bool((centre > box[:2]).all() and (centre < box[2:]).all())
