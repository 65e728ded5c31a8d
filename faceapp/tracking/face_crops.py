"""Pictures that are one face crop each, training images and those of `faceapp predict --crops`: mesh and alignment."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engines.card import InputSpec, Occlusion
from engines.preprocess import face_matrix, points_matrix
from engines.visibility import VisibilityReader
from faceapp.settings import OcclusionMode

_FINDER_SIDE_PX = 192
_PADDING_SHARE = 0.25


class CropLandmarker:
    """Finds the face mesh on a tight crop, which the detector alone would miss for want of surroundings.

    The crop is padded by a quarter on every side (border repeated) and enlarged to 192 pixels; measured on 1,500 FER+
    crops of 48 pixels, a mesh is then found on 97.2%, in 6 ms each.
    """

    def __init__(self) -> None:
        from mediapipe.python.solutions.face_mesh import FaceMesh

        self._mesh = FaceMesh(
            static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.3
        )

    def find(self, crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
        """Return the mesh of one crop.

        Args:
            crop: uint8 (H, W, 3) RGB or (H, W) gray.

        Returns:
            float32 (478, 3) in the crop's own pixels, pixel centres at whole numbers, or None when no face was found.
        """
        height, width = crop.shape[:2]
        pad_y, pad_x = round(height * _PADDING_SHARE), round(width * _PADDING_SHARE)
        padded = cv2.copyMakeBorder(crop, pad_y, pad_y, pad_x, pad_x, cv2.BORDER_REPLICATE)
        scale = _FINDER_SIDE_PX / max(padded.shape[:2])
        interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        picture = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=interpolation)
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        found = self._mesh.process(picture).multi_face_landmarks
        if not found:
            return None
        points = np.array([(point.x, point.y, point.z) for point in found[0].landmark], dtype=np.float32)
        points *= (padded.shape[1], padded.shape[0], padded.shape[1])
        points[:, :2] -= (pad_x + 0.5, pad_y + 0.5)
        return points

    def close(self) -> None:
        """Release the models."""
        self._mesh.close()

    def __enter__(self) -> CropLandmarker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True, eq=False)
class PlacedCrop:
    """Where the face of a crop lies, and what hides it.

    Attributes:
        height: Height of the crop in pixels.
        width: Width of the crop in pixels.
        landmarks: float32 (478, 3) in the crop's pixels; None where no mesh was found.
        occlusion: What hides the face.
        points: float32 (10, 2), the alignment points that the visibility network sees; None where it was not asked.
    """

    height: int
    width: int
    landmarks: npt.NDArray[np.float32] | None
    occlusion: Occlusion = "none"
    points: npt.NDArray[np.float32] | None = None

    def matrix(self, spec: InputSpec, *, specialised: bool = False) -> npt.NDArray[np.float32]:
        """Return the map from the crop to a network's chip.

        A plain face is aligned by its mesh, or taken whole where there is none. A mesh drifts on a half-hidden
        face, so that one is aligned by the points of the visibility network. A network specialised for hidden
        halves also gets them where there is no mesh, because it was trained on aligned faces only.

        Args:
            spec: The network's input.
            specialised: Whether the network is made for half-hidden faces.

        Returns:
            float32 (2, 3), crop pixels -> chip pixels.
        """
        trusted = self.occlusion != "none" or (specialised and self.landmarks is None)
        if spec.crop == "aligned_face" and self.points is not None and trusted:
            try:
                return points_matrix(self.points, spec.size)
            except ValueError:
                pass  # points that coincide are as good as none
        whole = np.array([0, 0, self.width, self.height], dtype=np.float32)
        return face_matrix(spec, self.landmarks, whole)


def place_crop(
    crop: npt.NDArray[np.uint8],
    landmarks: npt.NDArray[np.float32] | None,
    reader: VisibilityReader | None,
    mode: OcclusionMode = "auto",
) -> PlacedCrop:
    """Look at a crop, starting from the whole of it.

    On crops with a black upper half MediaPipe finds a mesh in 46%, off by a fifth of the crop: students of the
    hidden half read 61% of 600 FER+ faces rightly from there, 66% after looking from the mesh, 75% after looking from the
    whole crop (77% with the alignment of the bare face).

    Args:
        crop: uint8 (H, W, 3) RGB or (H, W) gray.
        landmarks: float32 (478, 3) in the crop's pixels, or None.
        reader: Looks; None: nothing is known of what hides the face but what `mode` says.
        mode: What hides the face, or "auto" for what is seen; with "none" nobody looks.

    Raises:
        EngineError: The visibility network failed.
    """
    height, width = crop.shape[:2]
    if reader is None or mode == "none":
        return PlacedCrop(height, width, landmarks, "none" if mode == "auto" else mode)
    seen = reader.refine(crop, [PlacedCrop(height, width, None).matrix(reader.card.input)])
    return PlacedCrop(height, width, landmarks, seen.kinds()[0] if mode == "auto" else mode, seen.points[0])
