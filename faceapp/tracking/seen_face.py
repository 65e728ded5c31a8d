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
        mesh: Its mesh; where half the face is hidden, moved onto what is seen.
        box: The mesh's bounds.
        confidence: The face detector's confidence on a crop around the face, when it last looked.
        look: What the visibility network said of it in this frame; None where it was not asked.
        held: Whether the mesh network has lost it, and the mesh is the last one moved onto what is seen.
        occlusion: What was decided in the end hides it.
        look_at_s: When the network should look again, in the frames' time.
    """

    mesh: FaceMesh
    box: Box
    confidence: float
    look: Look | None = None
    held: bool = False
    occlusion: Occlusion = "none"
    look_at_s: float = -math.inf
