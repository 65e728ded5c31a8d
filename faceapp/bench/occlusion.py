"""How well half-hidden faces are followed: `python -m faceapp.bench.occlusion VIDEO... [--json]`.

Every frame is tracked bare, which gives the truth, and again with a headset or a mask drawn on it, by the tracker with
and, where it is there, without the visibility network.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np

from engines.errors import CardError, EngineError
from engines.models import model_names
from engines.occlusion import hide_half, occlude
from engines.preprocess import ALIGNMENT_POINTS, points_matrix
from engines.visibility import MODEL_NAME
from faceapp.analysis.analyzer import open_visibility_reader
from faceapp.errors import SourceError
from faceapp.settings import Settings
from faceapp.sources import make_source
from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.types import FaceTrack, Floats, Frame, Image, Occlusion, read_only

KINDS: tuple[Occlusion, ...] = ("headset", "mask")
_POINTS = list(ALIGNMENT_POINTS)
_OUTER_EYES = 0, 3
_VISIBLE = {"none": slice(0, 10), "headset": slice(5, 10), "mask": slice(0, 5)}
"""Alignment points that are seen: nose and mouth under a headset, eyes and nose bridge above a mask."""
_CORNERS = np.array([[0, 0, 1], [48, 0, 1], [0, 48, 1], [48, 48, 1]], dtype=np.float64)
_FIRST_SIGHT_S = 1.0


@dataclass(slots=True)
class Following:
    """How one tracker followed one face; distances in shares of the distance between the outer eye corners.

    Attributes:
        frames: Frames in which the bare face was found.
        found: Of these, frames in which the hidden one was.
        errors: Mean distance of the visible alignment points from those of the bare mesh, a value a frame.
        offsets: float64 (4, 2) a frame found: the crop's corners less those of the bare crop.
        kinds: What was said to hide the face, with the frames' times.
    """

    frames: int = 0
    found: int = 0
    errors: list[float] = field(default_factory=list)
    offsets: list[Floats | None] = field(default_factory=list)
    kinds: list[tuple[float, Occlusion]] = field(default_factory=list)

    def add(self, time_s: float, truth: Floats, faces: Sequence[FaceTrack], kind: Occlusion) -> None:
        """Add one frame.

        Args:
            time_s: Time of the frame.
            truth: float32 (478, 3), mesh of the bare face.
            faces: What the tracker found.
            kind: What hides the face.
        """
        self.frames += 1
        wanted = truth[_POINTS, :2]
        eye_distance = float(np.hypot(*(wanted[_OUTER_EYES[0]] - wanted[_OUTER_EYES[1]])))
        nearest = _nearest(faces, wanted, eye_distance)
        if nearest is None:
            self.offsets.append(None)
            return
        self.found += 1
        points = nearest.landmarks[_POINTS, :2]
        gaps = (points - wanted)[_VISIBLE[kind]]
        self.errors.append(float(np.hypot(gaps[:, 0], gaps[:, 1]).mean()) / eye_distance)
        self.offsets.append((_corners(points) - _corners(wanted)) / eye_distance)
        self.kinds.append((time_s, nearest.occlusion))

    def figures(self, kind: Occlusion) -> dict[str, float]:
        """Return what was measured: shares, and switches a minute after the first second."""
        steps = [
            after - before
            for before, after in pairwise(self.offsets)
            if before is not None and after is not None
        ]
        known = [offset for offset in self.offsets if offset is not None]
        settled = [(time_s, said) for time_s, said in self.kinds if time_s >= _FIRST_SIGHT_S]
        switches = sum(before[1] != after[1] for before, after in pairwise(settled))
        minutes = (settled[-1][0] - settled[0][0]) / 60 if len(settled) > 1 else float("nan")
        return {
            "frames": self.frames,
            "found": self.found / max(self.frames, 1),
            "error_mean": float(np.mean(self.errors)) if self.errors else float("nan"),
            "error_p95": float(np.percentile(self.errors, 95)) if self.errors else float("nan"),
            "crop_error": float(np.sqrt(np.mean([np.square(one).sum(axis=1) for one in known])))
            if known
            else float("nan"),
            "jitter": float(np.sqrt(np.mean(np.square(steps)))) if steps else float("nan"),
            "switches_a_minute": switches / minutes if minutes else float("nan"),
            "right_kind": float(np.mean([said == kind for _, said in self.kinds])) if self.kinds else 0.0,
        }


def measure(text: str, settings: Settings, length_s: float | None = None) -> dict[str, dict[str, float]]:
    """Follow the face of a video bare, under a headset, under a mask, and with a half painted black.

    Args:
        text: A video, or "demo".
        settings: Back end of the visibility network, smoothing.
        length_s: How much of it; None: all of a video, 20 s of the demo.

    Returns:
        "none", "headset without network", "headset", "black upper half" ... -> the figures of `Following.figures`.

    Raises:
        SourceError: The source can't be read.
        CardError: The visibility network is damaged.
        EngineError: The back end refuses it.
    """
    open_visibility = partial(open_visibility_reader, settings)
    bare = MediaPipeTracker(max_faces=1, landmark_smoothing=0)
    trackers = {
        (what, with_network): MediaPipeTracker(
            1, settings.landmark_smoothing, open_visibility if with_network else None
        )
        for what in _WAYS
        for with_network in ((False, True) if MODEL_NAME in model_names() else (False,))
    }
    following = {key: Following() for key in trackers}
    try:
        for frame in frames_of(text, length_s):
            truths = bare.update(frame)
            truth = truths[0].landmarks if truths else None
            for (what, with_network), tracker in trackers.items():
                image = frame.image if truth is None else _hidden(frame.image, truth, what)
                faces = tracker.update(
                    Frame(frame.index, frame.time_s, image, frame.source, frame.captured_s)
                )
                if truth is not None:
                    following[what, with_network].add(frame.time_s, truth, faces, _WAYS[what])
    finally:
        for opened in (bare, *trackers.values()):
            opened.close()
    return {
        f"{what}{'' if with_network else ' without network'}": record.figures(_WAYS[what])
        for (what, with_network), record in following.items()
    }


_WAYS: dict[str, Occlusion] = {
    "none": "none",
    "headset": "headset",
    "mask": "mask",
    "black upper half": "headset",
    "black lower half": "mask",
}


def _hidden(image: Image, truth: Floats, what: str) -> Image:
    """Return the picture with the face hidden; halves are those of the mesh's bounds."""
    if what in KINDS:
        return read_only(occlude(image, truth, what))
    if what == "none":
        return image
    low, high = (np.clip(edge, 0, None).astype(int) for edge in (truth.min(axis=0), truth.max(axis=0)))
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    blackened = np.array(image)
    blackened[part] = hide_half(image[part], "upper" if "upper" in what else "lower")
    return read_only(blackened)


def frames_of(text: str, length_s: float | None) -> Iterator[Frame]:
    """Yield the frames of a video or of the demo; None: all of a video, 20 s of the demo."""
    demo = text.startswith("demo")
    source = make_source(text, end_s=length_s or (20.0 if demo else None))
    source.open()
    try:
        while not source.ended:
            frame = source.read()
            if frame is not None:
                yield frame
    finally:
        source.close()


def _nearest(faces: Sequence[FaceTrack], wanted: Floats, eye_distance: float) -> FaceTrack | None:
    """Return the face at the truth's place; one further off than the eyes are apart is another one."""
    centre = wanted.mean(axis=0)
    gaps = {face.id: np.hypot(*(face.landmarks[_POINTS, :2].mean(axis=0) - centre)) for face in faces}
    near = [face for face in faces if gaps[face.id] < eye_distance]
    return min(near, key=lambda face: gaps[face.id], default=None)


def _corners(points: Floats) -> Floats:
    """Return where the corners of the aligned crop lie in the picture, float64 (4, 2)."""
    square = np.vstack([points_matrix(points, 48).astype(np.float64), [0, 0, 1]])
    corners: Floats = (_CORNERS @ np.linalg.inv(square).T)[:, :2]
    return corners


def format_figures(text: str, figures: dict[str, dict[str, float]]) -> str:
    """Return the figures of one source as a table."""
    lines = [
        text,
        f"  {'what hides it':<34}{'found':>8}{'error':>8}{'p95':>8}{'crop':>8}{'jitter':>8}{'right':>8}{'switches/min':>14}",
    ]
    for name, row in figures.items():
        shares = "".join(
            f"{100 * row[key]:7.2f}%"
            for key in ("found", "error_mean", "error_p95", "crop_error", "jitter", "right_kind")
        )
        lines.append(f"  {name:<34}{shares}{row['switches_a_minute']:14.2f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 for a clear error."""
    parser = argparse.ArgumentParser(prog="python -m faceapp.bench.occlusion", description=__doc__)
    parser.add_argument("inputs", nargs="+", metavar="VIDEO", help="a video with one face, or demo")
    parser.add_argument("--length", type=float, metavar="S", help="only the first seconds")
    parser.add_argument("--smoothing", type=float, default=Settings().landmark_smoothing, metavar="0..1")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parsed = parser.parse_args(arguments)
    try:
        settings = Settings(landmark_smoothing=parsed.smoothing, engine_threads=1)
        figures = {text: measure(text, settings, parsed.length) for text in parsed.inputs}
    except (SourceError, CardError, EngineError, ValueError) as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return 2
    if parsed.json:
        print(json.dumps(figures, indent=1))
    else:
        print("\n\n".join(format_figures(text, rows) for text, rows in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
