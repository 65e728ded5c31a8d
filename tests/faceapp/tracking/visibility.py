"""A visibility network that knows the answers, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from engines.card import OCCLUSIONS, InputSpec, ModelCard, Occlusion
from engines.preprocess import ALIGNMENT_POINTS
from engines.visibility import Visibility
from faceapp.types import Floats, Image
from tests.tiny_models import tiny_head


class KnowingReader:
    """Says what it is told of the face nearest to each chip's middle.

    Attributes:
        meshes: float32 (478, 3) each, where the faces of the next picture truly are.
        kinds: What hides each of them.
        certainty: Probability of what is said.
        looks: Number of faces in every call so far.
    """

    def __init__(self) -> None:
        self.meshes: list[Floats] = []
        self.kinds: list[Occlusion] = []
        self.certainty = 0.97
        self.looks: list[int] = []
        self.closed = 0
        self.card = ModelCard(
            name="knowing", version="1.0", input=InputSpec(), heads=(tiny_head("smile"),), sha256="0" * 64
        )

    def tell(self, *faces: tuple[Floats, Occlusion]) -> None:
        """Set what the next pictures show."""
        self.meshes, self.kinds = [mesh for mesh, _ in faces], [kind for _, kind in faces]

    def look(self, image: Image, matrices: Sequence[Floats]) -> Visibility:
        self.looks.append(len(matrices))
        nearest = [self._nearest(matrix) for matrix in matrices]
        rest = (1 - self.certainty) / (len(OCCLUSIONS) - 1)
        occlusion = np.full((len(matrices), len(OCCLUSIONS)), rest, dtype=np.float32)
        for row, index in zip(occlusion, nearest, strict=True):
            row[OCCLUSIONS.index(self.kinds[index])] = self.certainty
        points = [self.meshes[index][list(ALIGNMENT_POINTS), :2] for index in nearest]
        return Visibility(occlusion, np.array(points, dtype=np.float32).reshape(-1, 10, 2))

    def refine(self, image: Image, matrices: Sequence[Floats], rounds: int = 2) -> Visibility:
        for _ in range(rounds - 1):
            self.look(image, matrices)
        return self.look(image, matrices)

    def close(self) -> None:
        self.closed += 1

    def _nearest(self, matrix: Floats) -> int:
        middle = np.array([self.card.input.size / 2] * 2 + [1.0])
        x_px, y_px = cv2.invertAffineTransform(matrix) @ middle
        distances = [
            float(np.hypot(*(mesh[list(ALIGNMENT_POINTS), :2].mean(axis=0) - (x_px, y_px))))
            for mesh in self.meshes
        ]
        return int(np.argmin(distances))
