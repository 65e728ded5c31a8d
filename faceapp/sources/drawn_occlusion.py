"""Draws a headset or a mask on the faces of a source before they are tracked, for demonstrations.

What is drawn is what is tracked, read, shown and recorded: the tracker, the switch between networks and the networks
themselves meet half a face, as they would behind a real headset. Only the drawing itself knows the bare face, through
a tracker of its own on the bare picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engines.occlusion import occlude
from faceapp.settings import Hidden as Hidden
from faceapp.settings import Settings
from faceapp.types import FaceTrack, Frame, Image, Source, Tracker, read_only


@dataclass
class Hiding:
    """The wish shared by the window and the thread that reads the source.

    Attributes:
        what: What is drawn on every face; may be changed while running.
    """

    what: Hidden = "none"


class HidingSource:
    """A source on whose faces `hiding.what` is drawn; stands wherever a source is used.

    A frame that was drawn on keeps its bare picture in `Frame.clean`. What else the source inside offers (`seek`,
    `frame_count`, `duration_s`, `scene`) is offered too.

    Args:
        source: Gives the bare pictures.
        hiding: Asked at every frame.
        make_tracker: Makes the tracker of the bare faces, on the thread that reads, at the first frame drawn on.
    """

    def __init__(
        self, source: Source, hiding: Hiding, make_tracker: Callable[[], Tracker] | None = None
    ) -> None:
        self._source = source
        self._hiding = hiding
        self._make_tracker = make_tracker or _bare_tracker
        self._tracker: Tracker | None = None

    @property
    def name(self) -> str:
        """Name of the source inside."""
        return self._source.name

    @property
    def live(self) -> bool:
        """As for the source inside."""
        return self._source.live

    @property
    def ended(self) -> bool:
        """As for the source inside."""
        return self._source.ended

    @property
    def status(self) -> str:
        """As for the source inside."""
        return self._source.status

    def __getattr__(self, name: str) -> Any:
        """Return what only some sources have."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._source, name)

    def open(self) -> None:
        """Open the source inside.

        Raises:
            SourceError: It can't be opened.
        """
        self._source.open()

    def read(self) -> Frame | None:
        """Return the next frame with what is drawn on it.

        Raises:
            SourceError: The source inside broke off.
        """
        frame, what = self._source.read(), self._hiding.what
        if frame is None or what == "none":
            return frame
        if self._tracker is None:
            self._tracker = self._make_tracker()
        image = drawn_on(frame.image, self._tracker.update(frame), what)
        return frame if image is frame.image else replace(frame, image=image, clean=frame.image, drawn=what)

    def close(self) -> None:
        """Close the source inside and release the tracker; may be called twice."""
        self._source.close()
        if self._tracker is not None:
            self._tracker.close()
            self._tracker = None


def with_drawings(source: Source, settings: Settings) -> Source:
    """Return the source with what the settings want drawn on its faces."""
    return source if settings.simulate == "none" else HidingSource(source, Hiding(settings.simulate))


def drawn_on(image: Image, faces: Sequence[FaceTrack], what: Hidden) -> Image:
    """Return the picture with a headset or a mask on every face.

    Args:
        image: uint8 (H, W, 3) RGB; stays as it is.
        faces: Its faces with their landmarks.
        what: "none" returns the picture itself, as an empty `faces` does.

    Returns:
        uint8 (H, W, 3), read-only where something was drawn.
    """
    if what == "none" or not faces:
        return image
    drawn = np.array(image)
    for face in faces:
        occlude(drawn, face.landmarks, what, out=drawn)
    return read_only(drawn)


def _bare_tracker() -> Tracker:
    from faceapp.tracking.mediapipe_mesh import MediaPipeTracker

    return MediaPipeTracker()
