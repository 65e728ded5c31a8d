"""From rows of the table back to the records the overlay draws, as they were live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from faceapp.session.table import PREDICTION_COLUMNS
from faceapp.session.video_encoder import fitted_rectangle
from faceapp.types import FaceTrack, Frame, FrameResult, Image, Prediction
from faceapp.ui.player.review import Review, stored_name

SAME_S = 0.0011
_HOLD_FRAMES, _HOLD_LONGEST_S = 1.5, 0.5
_NO_LANDMARKS = np.zeros((478, 3), dtype=np.float32)
_NO_LANDMARKS.setflags(write=False)
_BOX = ("x0_px", "y0_px", "x1_px", "y1_px")
_POSE = ("yaw_deg", "pitch_deg", "roll_deg")


class StoredFaces:
    """Finds the faces of a frame.

    Args:
        review: The session.
    """

    def __init__(self, review: Review) -> None:
        self._review = review
        usual_s = max(_HOLD_FRAMES * review.table.step_s(), 0.04)
        self._hold_s = usual_s if review.analysed_s is None else _HOLD_LONGEST_S
        entry = review.metadata.get("video")
        sizes = entry.get("frame_sizes") if isinstance(entry, dict) else None
        self._sizes = [(s["time_s"], (s["width_px"], s["height_px"])) for s in sizes or []]

    @property
    def names(self) -> Mapping[int, str]:
        """Names that people have given to faces, by id."""
        return self._review.faces.names

    def result(self, time_s: float, image: Image, *, raw: bool, faces: bool = True) -> FrameResult:
        """Return a frame with what is stored about it.

        Args:
            time_s: The frame's own time in seconds.
            image: Its picture, uint8 (H, W, 3) RGB.
            raw: Take the values before smoothing.
            faces: False leaves the faces away.

        Returns:
            Faces of the frame; of a frame that was not analysed those of the last one before, unless it is long ago.
            Excluded faces are left away, merged ones have the id they count as.
        """
        number = self._review.frames.number_at(time_s)
        frame = Frame(number, time_s, image, self._review.folder.name, 0.0)
        found = [self._face(row, raw, time_s) for row in self._rows(time_s)] if faces else []
        persons = {track.id: (track, prediction) for track, prediction in reversed(found)}
        shown = [persons[face] for face in sorted(persons) if face not in self._review.faces.excluded]
        tracks, predictions = tuple(t for t, _ in shown), tuple(p for _, p in shown)
        return FrameResult(frame, tracks, predictions, predictions)

    def _rows(self, time_s: float) -> range:
        """Return the rows of the analysed frame that is shown at a time."""
        times_s, analysed_s = self._review.table.times_s, self._review.analysed_s
        end = int(np.searchsorted(times_s, time_s + SAME_S, side="right"))
        if not end or time_s - times_s[end - 1] > self._hold_s:
            return range(0)
        if analysed_s is not None:  # a frame analysed since without a face ends what is held
            last = int(np.searchsorted(analysed_s, time_s + SAME_S, side="right")) - 1
            if last >= 0 and analysed_s[last] > times_s[end - 1] + SAME_S:
                return range(0)
        start = int(np.searchsorted(times_s, times_s[end - 1] - SAME_S / 2))
        return range(start, end)

    def _face(self, row: int, raw: bool, time_s: float) -> tuple[FaceTrack, Prediction]:
        table, faces = self._review.table, self._review.faces
        person = faces.person_of(int(table.faces[row]))
        values = [float(table.numbers(stored_name(name, raw))[row]) for name in PREDICTION_COLUMNS]
        box = np.array([table.numbers(name)[row] for name in _BOX], dtype=np.float32)
        pose = tuple(float(table.numbers(name)[row]) for name in _POSE)
        track = FaceTrack(
            id=person,
            box=self._in_video(box, time_s),
            landmarks=_NO_LANDMARKS,
            score=float(table.numbers("score")[row]),
            occlusion=table.texts("occlusion")[row] or "none",
            head_pose_deg=pose,  # type: ignore[arg-type]
        )
        emotion = np.array(values[:-4], dtype=np.float32)
        age, age_std, female, smile = values[-4:]
        model = table.texts("model")[row] or ""
        return track, Prediction(person, emotion, age, age_std, female, smile, model)

    def _in_video(self, box: np.ndarray[Any, Any], time_s: float) -> np.ndarray[Any, Any]:
        """Return a box in the video's pixels, also after the source changed its size."""
        if len(self._sizes) < 2:
            return box
        size = next((size for start_s, size in reversed(self._sizes) if start_s <= time_s + SAME_S), None)
        if size is None or size == self._sizes[0][1]:
            return box
        x, y, width, height = fitted_rectangle(size, self._sizes[0][1])
        scale = np.array([width / size[0], height / size[1]] * 2, dtype=np.float32)
        return box * scale + np.array([x, y, x, y], dtype=np.float32)

    def blank_picture(self) -> Image:
        """Return a dark picture as large as the source's, for sessions without a video."""
        if self._sizes:
            width, height = self._sizes[0][1]
        else:
            extents = [self._review.table.numbers(name) for name in ("x1_px", "y1_px")]
            width, height = (_extent(extent) for extent in extents)
        return np.full((height, width, 3), 30, dtype=np.uint8)


def _extent(values: np.ndarray[Any, Any]) -> int:
    """Return a size in pixels that holds all values with some air."""
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 480.0
    return int(min(max(largest * 1.1, 240.0), 8192.0))
