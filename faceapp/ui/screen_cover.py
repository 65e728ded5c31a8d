"""Covers faces in the live picture, as they are covered in the recording."""

from __future__ import annotations

from dataclasses import replace

from faceapp.session.face_cover import HOLD_S, cover
from faceapp.settings import Settings
from faceapp.types import FaceTrack, Floats, FrameResult


class ScreenCover:
    """Covers each face from the moment it is found until it was lost for a while.

    Unlike the recording, the screen can't wait for what comes after: a face is seen until the tracker finds it.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[float, Floats]] = {}

    def covered(self, result: FrameResult, settings: Settings) -> FrameResult:
        """Return the result with its faces covered where the settings say so.

        Args:
            result: One result.
            settings: Whether, and how.
        """
        if not covers(settings):
            self._last.clear()
            return result
        image = cover(
            result.frame.image, self._boxes(result.frame.time_s, result.faces), settings.record_faces
        )
        image.setflags(write=False)
        return replace(result, frame=replace(result.frame, image=image, clean=None))

    def _boxes(self, time_s: float, faces: tuple[FaceTrack, ...]) -> list[Floats]:
        for face in faces:
            self._last[face.id] = (time_s, face.box)
        self._last = {
            face_id: (seen_s, box)
            for face_id, (seen_s, box) in self._last.items()
            if 0 <= time_s - seen_s <= HOLD_S
        }
        return [box for _, box in self._last.values()]


def covers(settings: Settings) -> bool:
    """Whether faces are covered on the screen."""
    return settings.cover_on_screen and settings.record_faces != "clear"
