"""Draws a headset or a mask on live faces before they are read, for demonstrations.

What is drawn is what the engines read, what is shown and what is recorded. It is drawn where the tracker has
found the mesh, so the tracker itself sees the bare face; a source such as `demo:headset` hides it from both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engines.card import ModelCard
from engines.occlusion import draw_headset, draw_mask
from faceapp.analyzer import FaceReader
from faceapp.settings import OcclusionMode
from faceapp.types import FaceTrack, Frame, FrameResult, read_only

Hidden = Literal["none", "headset", "mask"]
_DRAW = {"headset": draw_headset, "mask": draw_mask}


@dataclass
class Hiding:
    """The wish shared by the window and the reading thread.

    Attributes:
        what: What is drawn on every face; may be changed while running.
    """

    what: Hidden = "none"


class HidingReader:
    """A `FaceReader` that first draws what `hiding` asks for; stands wherever a reader is used.

    Args:
        reader: Does the reading.
        hiding: Asked at every frame.
    """

    def __init__(self, reader: FaceReader, hiding: Hiding) -> None:
        self._reader = reader
        self._hiding = hiding

    @property
    def smoothing(self) -> float:
        """Strength of the smoothing over time, 0 to 1."""
        return self._reader.smoothing

    @smoothing.setter
    def smoothing(self, strength: float) -> None:
        self._reader.smoothing = strength

    @property
    def occlusion(self) -> OcclusionMode:
        """Occlusion taken for every face, or "auto"."""
        return self._reader.occlusion

    @occlusion.setter
    def occlusion(self, occlusion: OcclusionMode) -> None:
        self._reader.occlusion = occlusion

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of the engines in use."""
        return self._reader.cards

    @property
    def description(self) -> str:
        """Models and back ends in use."""
        return self._reader.description

    def read(self, frame: Frame, faces: Sequence[FaceTrack], track_ms: float) -> FrameResult:
        """Return the frame's result; its picture holds what was drawn, its faces say what hides them."""
        return self._reader.read(*hide_faces(frame, faces, self._hiding.what), track_ms)

    def reset(self) -> None:
        """Forget the past of all faces."""
        self._reader.reset()

    def close(self) -> None:
        """Release the engines."""
        self._reader.close()


def hide_faces(frame: Frame, faces: Sequence[FaceTrack], what: Hidden) -> tuple[Frame, Sequence[FaceTrack]]:
    """Draw a headset or a mask on every face.

    Args:
        frame: The picture; stays as it is.
        faces: Its faces with their landmarks.
        what: "none" returns frame and faces as they came.

    Returns:
        The new frame, and the faces with their occlusion.
    """
    if what == "none" or not faces:
        return frame, faces
    image = frame.image
    for face in faces:
        image = _DRAW[what](image, face.landmarks)
    read_only(image)
    return replace(frame, image=image), [replace(face, occlusion=what) for face in faces]
