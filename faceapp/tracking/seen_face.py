"""A face as one frame shows it, before it has an id."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from engines.card import Occlusion
from faceapp.tracking.mesh_graph import FaceMesh
from faceapp.tracking.regions import Box
from faceapp.types import Floats


class Look(NamedTuple):
    """What the visibility network says of one face; see `engines.visibility.Visibility`.

    Attributes:
        probabilities: float32 (4,), in the order of `engines.card.OCCLUSIONS`.
        points: float32 (10, 2), the alignment points in picture pixels.
    """

    probabilities: Floats
    points: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A face of one frame.

    Attributes:
        mesh: Its mesh, around which the mesh network looks for it in the next frame.
        box: The mesh's bounds.
        confidence: The face detector's confidence on a crop around the face, when it last looked.
        track_id: Its id, once it has one.
        look: What the visibility network said of it in this frame; None where it was not asked.
        held: Whether the mesh network has lost it, and the mesh is the last one moved onto what is seen.
        occlusion: What was decided in the end hides it.
        placed: float32 (478, 3), where the mesh of a half-hidden face belongs; None: where it is.
        look_at_s: When the network should look again, in the frames' time.
    """

    mesh: FaceMesh
    box: Box
    confidence: float
    track_id: int = 0
    look: Look | None = None
    held: bool = False
    occlusion: Occlusion = "none"
    placed: Floats | None = None
    look_at_s: float = -math.inf

    @property
    def landmarks(self) -> Floats:
        """Where the face is, float32 (478, 3) in pixels."""
        return self.mesh.landmarks if self.placed is None else self.placed
