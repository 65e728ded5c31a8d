"""The video with boxes, emotions and marks burnt in, for people who have no faceapp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.card import EMOTIONS
from faceapp.session.annotation_faces import load_face_edits
from faceapp.session.drawn_labels import UNREAD_COLOUR, draw_face, draw_text, emotion_colour
from faceapp.session.face_rows import analysed_times, emotion_columns, face_names
from faceapp.session.reader import Session
from faceapp.session.video_encoder import VideoEncoder, fitted_rectangle
from faceapp.sources.media_name import media_name
from faceapp.types import Image

ABOUT = "the video with boxes, emotions and marks drawn in"
_HOLD_S = 0.35
"""A box stays over the frames in between that were not analysed; the analysis rarely takes longer for one."""
_MOMENT_S = 1.5
_NAME_LETTERS = 24
Doubles = npt.NDArray[np.float64]


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `overlay.mkv`, every frame at its own time; nothing where the session has no video."""
    if session.video is None:
        return []
    path = folder / "overlay.mkv"
    encoder = VideoEncoder(path)
    labels = _Labels(session)
    try:
        for image, time_s in _frames(session.video):
            labels.draw(image, time_s)
            encoder.add(image, time_s)
    finally:
        encoder.close()
    return [path]


def _frames(video: Path) -> Iterator[tuple[Image, float]]:
    import av

    with av.open(media_name(video)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None:
                yield np.ascontiguousarray(frame.to_ndarray(format="rgb24")), float(frame.time)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    times_s: Doubles
    faces: npt.NDArray[np.int64]
    boxes: Doubles
    emotions: Doubles


class _Labels:
    """Knows what stands over the picture at any moment."""

    def __init__(self, session: Session) -> None:
        order = np.argsort(session.column("time_s"), kind="stable")
        boxes = np.stack([session.column(name) for name in ("x0_px", "y0_px", "x1_px", "y1_px")], axis=1)
        self._rows = _Rows(
            session.column("time_s")[order],
            session.column("face_id")[order].astype(np.int64),
            boxes[order],
            emotion_columns(session)[order],
        )
        self._analysed_s = analysed_times(session)
        self._events = session.events
        self._edits = load_face_edits(session.folder)
        self._names = face_names(session)
        self._sizes = (session.metadata.get("video") or {}).get("frame_sizes") or []

    def draw(self, image: Image, time_s: float) -> None:
        """Draw on a picture in place."""
        position = int(np.searchsorted(self._analysed_s, time_s + 0.0015, side="right"))
        if position and time_s - (shown_s := self._analysed_s[position - 1]) <= _HOLD_S:
            first, end = np.searchsorted(self._rows.times_s, (shown_s - 1e-6, shown_s + 1e-6))
            for row in range(first, end):
                self._draw_face(image, row, time_s)
        _draw_marks(image, time_s, self._marks(time_s))

    def _draw_face(self, image: Image, row: int, time_s: float) -> None:
        emotions = self._rows.emotions[row]
        name = shortened(self._names[int(self._rows.faces[row])])
        if np.isfinite(emotions).all():
            strongest = int(emotions.argmax())
            colour = emotion_colour(EMOTIONS[strongest])
            text = f"{name}: {EMOTIONS[strongest]} {emotions[strongest]:.2f}"
        else:
            colour, text = UNREAD_COLOUR, f"{name}: not enough of the face visible"
        draw_face(image, self._in_video(self._rows.boxes[row], time_s), text, colour)

    def _in_video(self, box: Doubles, time_s: float) -> tuple[int, int, int, int]:
        """Return a box in the pixels of the video, into which frames of another size were fitted."""
        size = next((size for size in reversed(self._sizes) if size["time_s"] <= time_s + 0.002), None)
        if size is None or size == self._sizes[0]:
            x0, y0, x1, y1 = (round(float(value)) for value in box)
            return x0, y0, x1, y1
        first = (self._sizes[0]["width_px"], self._sizes[0]["height_px"])
        left, top, width, _height = fitted_rectangle((size["width_px"], size["height_px"]), first)
        scale = width / size["width_px"]
        x0, y0, x1, y1 = (round(float(value) * scale) for value in box)
        return x0 + left, y0 + top, x1 + left, y1 + top

    def _marks(self, time_s: float) -> list[str]:
        return [
            f"{event.label or event.kind}{f' ({self._edits.name_of(self._edits.person_of(event.face))})' if event.face else ''}"
            for event in self._events
            if event.start <= time_s < max(event.end, event.start + (_MOMENT_S if event.is_point else 0))
        ]


def _draw_marks(image: Image, time_s: float, marks: list[str]) -> None:
    clock = f"{int(time_s) // 60:02d}:{time_s % 60:06.3f}"
    height = image.shape[0]
    draw_text(image, "   ".join([clock, *marks]), (8, height - 10), (235, 235, 235))


def shortened(name: str) -> str:
    """Return a name that leaves room for the emotion."""
    return name if len(name) <= _NAME_LETTERS else f"{name[: _NAME_LETTERS - 3]}..."
