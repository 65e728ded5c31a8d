"""Cuts the faces of moments out of the sessions' videos, found anew and cropped by the very code of the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.features import FeatureNet
from engines.preprocess import face_matrix, prepare_batch
from faceapp.errors import SessionError
from faceapp.labels.features import face_features
from faceapp.labels.moments import Moment, blocks_of
from faceapp.session.face_rows import with_face_edits
from faceapp.session.reader import Session
from faceapp.session.video_reader import VideoReader
from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.types import FaceTrack, Floats, Frame, Occlusion

_LEAST_OVERLAP = 0.3
_HALF_FOUND = 0.5
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What there is to learn from.

    Attributes:
        features: float32 (N, F), a row a face.
        moments: int64 (N,), the moment of each row, from 0.
        labels: bool (M,), of each moment.
        blocks: int64 (M,), of each moment; see `blocks_of`.
        sessions: int64 (M,).
        times_s: float64 (M,).
        model: Name of the network whose features they are.
        left_out: What was not used and why, one line each.
    """

    features: Floats
    moments: npt.NDArray[np.int64]
    labels: npt.NDArray[np.bool_]
    blocks: npt.NDArray[np.int64]
    sessions: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64]
    model: str
    left_out: tuple[str, ...]


def gather_examples(
    sessions: Sequence[Session], moments: Sequence[Moment], progress: Progress = lambda _done, _all: None
) -> Examples:
    """Return the features of all moments, read from the videos.

    Args:
        sessions: The sessions.
        moments: Their moments.
        progress: Called with rows read and rows in all; may raise to stop.

    Raises:
        SessionError: A session has no video or shows covered faces, or most faces are not found again.
        EngineError: The network failed.
        CardError: The network is missing.
    """
    edited = [with_face_edits(session) for session in sessions]
    taught_from = {moment.session for moment in moments}
    videos = {number: _clear_video(edited[number]) for number in sorted(taught_from)}
    model = _usual_model(edited, moments)
    net = FeatureNet(model)
    tracker = MediaPipeTracker(landmark_smoothing=0.0)
    found: dict[int, list[Floats]] = {}
    total, done = sum(len(moment.rows) for moment in moments), 0
    other, lost = 0, 0
    try:
        for number, session in enumerate(edited):
            if number not in videos:
                continue
            pictures = _Pictures(session, videos[number], tracker)
            try:
                for place, row in _in_order(moments, number):
                    progress(done, total)
                    done += 1
                    if pictures.model(row) != model:
                        other += 1
                        continue
                    features = pictures.features(net, row)
                    if features is None:
                        lost += 1
                    else:
                        found.setdefault(place, []).append(features)
            finally:
                pictures.close()
    finally:
        tracker.close()
    if lost > _HALF_FOUND * (total - other):
        raise SessionError(
            f"{sessions[0].folder}: expected the stored faces in the video, found {total - other - lost} of "
            f"{total - other}; take sessions whose video shows the faces"
        )
    return _examples(moments, found, model, _reasons(other, lost, model))


def _examples(
    moments: Sequence[Moment], found: dict[int, list[Floats]], model: str, left_out: tuple[str, ...]
) -> Examples:
    kept = sorted(found)
    chosen = [moments[place] for place in kept]
    rows = [row for place in kept for row in found[place]]
    return Examples(
        features=np.stack(rows) if rows else np.empty((0, 0), np.float32),
        moments=np.repeat(np.arange(len(kept)), [len(found[place]) for place in kept]),
        labels=np.array([moment.shows for moment in chosen], bool),
        blocks=blocks_of(chosen),
        sessions=np.array([moment.session for moment in chosen], np.int64),
        times_s=np.array([moment.time_s for moment in chosen]),
        model=model,
        left_out=left_out,
    )


def _in_order(moments: Sequence[Moment], session: int) -> list[tuple[int, int]]:
    """Return (position of the moment, row) of a session in the order of time: the video is read forwards."""
    pairs = [
        (row, place)
        for place, moment in enumerate(moments)
        if moment.session == session
        for row in moment.rows
    ]
    return [(place, row) for row, place in sorted(pairs)]


def _usual_model(sessions: Sequence[Session], moments: Sequence[Moment]) -> str:
    """Return the network that read most of the label's rows: a label is read from one network's features."""
    models = [session.table.column("model").to_pylist() for session in sessions]
    counts = Counter(models[moment.session][row] for moment in moments if moment.shows for row in moment.rows)
    return str(counts.most_common(1)[0][0])


def _reasons(other: int, lost: int, model: str) -> tuple[str, ...]:
    reasons = []
    if other:
        reasons.append(f"{other} faces read by another network than {model}")
    if lost:
        reasons.append(f"{lost} faces not found again in the video")
    return tuple(reasons)


def _clear_video(session: Session) -> Path:
    """Return the video of a session, which shows clear faces.

    Raises:
        SessionError: There is none, or it doesn't.
    """
    entry = session.metadata.get("video")
    if session.video is None or not isinstance(entry, dict):
        raise SessionError(
            f"{session.folder}: expected a video to learn from, found none; take sessions recorded with the picture"
        )
    if entry.get("faces", "clear") != "clear":
        raise SessionError(
            f"{session.folder}: expected clear faces in the video, found them {entry['faces']}; "
            "take sessions recorded with clear faces"
        )
    return session.video


class _Pictures:
    """Finds the faces of a session's rows in its video."""

    def __init__(self, session: Session, video: Path, tracker: MediaPipeTracker) -> None:
        self._tracker = tracker
        self._reader = VideoReader(video)
        self._times_s = session.column("time_s")
        names = ("x0_px", "y0_px", "x1_px", "y1_px")
        self._boxes = np.stack([session.column(name) for name in names], axis=1)
        self._models = session.table.column("model").to_pylist()
        self._occlusions = session.table.column("occlusion").to_pylist()

    def model(self, row: int) -> str:
        return str(self._models[row])

    def features(self, net: FeatureNet, row: int) -> Floats | None:
        """Return one face's features, float32 (F,); None where it isn't found."""
        occlusion: Occlusion = self._occlusions[row]
        time_s, image = self._reader.picture_at(float(self._times_s[row]))
        self._tracker.reset()
        self._tracker.occlusion = "none" if occlusion == "hidden" else occlusion
        face = _nearest(self._tracker.update(Frame(row, time_s, image, "", 0.0)), self._boxes[row])
        if face is None:
            return None
        matrix = face_matrix(net.card.input, face.landmarks, face.box)
        features: Floats = face_features(net, prepare_batch(image, [matrix], net.card.input), [face])[0]
        return features

    def close(self) -> None:
        self._reader.close()


def _nearest(faces: Sequence[FaceTrack], box: npt.NDArray[np.float64]) -> FaceTrack | None:
    """Return the face that overlaps most with a stored box."""
    overlaps = [_overlap(face.box, box) for face in faces]
    best = int(np.argmax(overlaps)) if overlaps else -1
    return faces[best] if overlaps and overlaps[best] >= _LEAST_OVERLAP else None


def _overlap(first: Floats, second: npt.NDArray[np.float64]) -> float:
    """Return the share of two boxes' union in which both lie."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    both = float(np.prod(np.maximum(sides, 0)))
    areas = [float(np.prod(each[2:] - each[:2])) for each in (first, second)]
    return both / max(sum(areas) - both, 1e-9)
