"""The tracker for cameras that move with the head: one face, always in the same place of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engines.preprocess import box_matrix
from faceapp.settings import OcclusionMode
from faceapp.settings.region import Region
from faceapp.tracking.identity import LONGEST_STEP_S
from faceapp.tracking.occlusion_switch import OcclusionSwitch
from faceapp.types import LANDMARK_COUNT, FaceTrack, Floats, Frame, Occlusion, Tracker, read_only

if TYPE_CHECKING:
    from engines.visibility import VisibilityReader

_NO_MESH: Floats = read_only(np.full((LANDMARK_COUNT, 3), np.nan, dtype=np.float32))
_LOOK_PERIOD_S = 0.1


class RegionTracker:
    """Gives one face in a fixed region while there is a region, else what another tracker finds.

    The face has the region's box, landmarks that are NaN (the engines cut the box then) and score 1, since a person
    says that it is there. A new region is a new face; ids go on counting. What hides the face
    is what `occlusion` says, or what the visibility network says of the box.

    Args:
        tracker: Finds faces while there is no region. It is closed with this one.
        region: The region; None: there is none.
        open_visibility: Loads the visibility network, on the thread of `update`; None: there is none.
        occlusion: What hides the face, or "auto".

    Attributes:
        region: As above; may be set from any thread.
    """

    def __init__(
        self,
        tracker: Tracker,
        region: Region | None = None,
        open_visibility: Callable[[], VisibilityReader | None] | None = None,
        occlusion: OcclusionMode = "auto",
    ) -> None:
        self.region = region
        self._tracker = tracker
        self._open_visibility = open_visibility
        self._occlusion: OcclusionMode = occlusion
        self._reader: VisibilityReader | None = None
        self._opened = False
        self._switch = OcclusionSwitch()
        self._shown: Region | None = None
        self._id = self._last_id = self._regions = 0
        self._time_s = self._look_at_s = -np.inf

    @property
    def landmark_smoothing(self) -> float:
        """Strength of the landmarks' smoothing of the other tracker; may be set from any thread."""
        return float(getattr(self._tracker, "landmark_smoothing", 0.0))

    @landmark_smoothing.setter
    def landmark_smoothing(self, strength: float) -> None:
        self._tracker.landmark_smoothing = strength  # type: ignore[attr-defined]

    @property
    def detailed(self) -> bool:
        """Whether the other tracker's meshes need their detail, see `MediaPipeTracker`; may be set from any thread."""
        return bool(getattr(self._tracker, "detailed", True))

    @detailed.setter
    def detailed(self, detailed: bool) -> None:
        self._tracker.detailed = detailed  # type: ignore[attr-defined]

    @property
    def occlusion(self) -> OcclusionMode:
        """What hides every face, or "auto"; may be set from any thread."""
        return self._occlusion

    @occlusion.setter
    def occlusion(self, occlusion: OcclusionMode) -> None:
        self._occlusion = occlusion
        if hasattr(self._tracker, "occlusion"):
            self._tracker.occlusion = occlusion

    def update(self, frame: Frame) -> tuple[FaceTrack, ...]:
        """Return the face of the region, or the faces of this frame ordered by id.

        Args:
            frame: The picture, uint8 (H, W, 3) RGB.

        Raises:
            EngineError: The visibility network failed.
        """
        region = self.region
        if region is None:
            self._shown = None
            return self._numbered(self._tracker.update(frame))
        if region != self._shown or not 0 <= frame.time_s - self._time_s <= LONGEST_STEP_S:
            self._start_anew(region)
        self._time_s = frame.time_s
        height, width = frame.image.shape[:2]
        box = read_only(np.array(region.box_px(width, height), dtype=np.float32))
        return (FaceTrack(self._id, box, _NO_MESH, 1.0, self._what_hides(frame, box)),)

    def reset(self) -> None:
        """Forget all faces, as at the start of another video."""
        self._tracker.reset()
        self._shown = None

    def close(self) -> None:
        """Release the models; the next `update` loads them again."""
        self._tracker.close()
        if self._reader is not None:
            self._reader.close()
        self._reader, self._opened, self._shown = None, False, None

    def _start_anew(self, region: Region) -> None:
        self._tracker.reset()
        self._regions += 1
        self._last_id += 1
        self._shown, self._id, self._look_at_s = region, self._last_id, -np.inf

    def _numbered(self, faces: tuple[FaceTrack, ...]) -> tuple[FaceTrack, ...]:
        """Return the other tracker's faces with ids that leave out those given to regions."""
        if self._regions:
            faces = tuple(replace(face, id=face.id + self._regions) for face in faces)
        self._last_id = max([self._last_id, *(face.id for face in faces)])
        return faces

    def _what_hides(self, frame: Frame, box: Floats) -> Occlusion:
        if self._occlusion != "auto":
            return self._occlusion
        if not self._opened:
            self._reader, self._opened = self._open_visibility and self._open_visibility(), True
        if self._reader is None:
            return "none"
        if frame.time_s < self._look_at_s:
            return self._switch.kind(self._id)
        self._look_at_s = frame.time_s + _LOOK_PERIOD_S
        seen = self._reader.refine(frame.image, [box_matrix(box, self._reader.card.input.size)])
        return self._switch.update(self._id, frame.time_s, seen.occlusion[0])
