"""What the program says in awkward scenes: `python -m faceapp.bench.awkward [VIDEO] [--length S] [--json]`.

A video with one bare face is shown again and again, each time spoiled in another way, to the tracker, the switch and the
engines as they run live; what each frame was taken for is counted. The scene with two people is the demo's own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import cv2
import numpy as np

from engines.errors import CardError, EngineError
from engines.occlusion import occlude
from faceapp.analysis.analyzer import Analyzer, make_reader, make_tracker
from faceapp.bench.occlusion import frames_of
from faceapp.errors import SourceError
from faceapp.settings import Settings
from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.types import Floats, FrameResult, Image, read_only

Spoil = Callable[[Image, Sequence[Floats], float], Image]
"""Picture, meshes of its bare faces from left to right and seconds since the start -> the spoiled picture."""

_TWO_PEOPLE = "two people, the right one with a headset"
_PUT_ON_S, _TAKEN_OFF_S = 0.7, 1.7
_SEEDS = {"hand": 3}


def _drawn(kind: str) -> Spoil:
    return lambda image, meshes, time_s: occlude(image, meshes[-1], kind, seed=_SEEDS.get(kind, 0))


def _covered(image: Image, meshes: Sequence[Floats], time_s: float) -> Image:
    """Paint over the whole face: an ellipse in the face's median colour."""
    points = meshes[-1][:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    colour = [int(value) for value in np.median(image[_inside(image, low, high)].reshape(-1, 3), axis=0)]
    spoiled = np.array(image)
    centre, axes = (low + high) / 2, (high - low) * 0.6
    cv2.ellipse(spoiled, centre.astype(int).tolist(), axes.astype(int).tolist(), 0, 0, 360, colour, -1)
    return spoiled


def _inside(image: Image, low: Floats, high: Floats) -> tuple[slice, slice]:
    corners = np.clip([low, high], 0, [image.shape[1], image.shape[0]]).astype(int)
    return slice(corners[0][1], corners[1][1]), slice(corners[0][0], corners[1][0])


def _half_out(image: Image, meshes: Sequence[Floats], time_s: float) -> Image:
    """Cut the picture through the middle of the face."""
    middle = int(np.clip(meshes[-1][:, 0].mean(), 1, image.shape[1] - 1))
    return image[:, :middle] if middle > image.shape[1] / 2 else image[:, middle:]


def _put_on(image: Image, meshes: Sequence[Floats], time_s: float) -> Image:
    return occlude(image, meshes[-1], "headset") if _PUT_ON_S <= time_s < _TAKEN_OFF_S else image


SCENES: dict[str, Spoil] = {
    "nothing": lambda image, meshes, time_s: image,
    "half out of the picture": _half_out,
    "a hand over everything": _covered,
    "a hand over a part": _drawn("hand"),
    "a mask under the chin": _drawn("chin_mask"),
    "a mask under the nose": _drawn("nose_mask"),
    "glasses": _drawn("glasses"),
    "sunglasses": _drawn("sunglasses"),
    "headset and mask at once": _drawn("both"),
    f"a headset from {_PUT_ON_S:g} to {_TAKEN_OFF_S:g} s": _put_on,
    _TWO_PEOPLE: _drawn("headset"),
}
"""Name -> how a frame is spoiled."""


@dataclass(slots=True)
class Said:
    """What was said of the faces of one scene.

    Attributes:
        frames: Frames shown.
        faces: Frames by how many faces were found.
        kinds: Face id -> what hides it, a time and a kind a frame in which it was found.
        read: Frames of faces that an engine answered for.
    """

    frames: int = 0
    faces: Counter[int] = field(default_factory=Counter)
    kinds: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    read: int = 0

    def add(self, time_s: float, result: FrameResult) -> None:
        """Add what was found in a frame, `time_s` after the start."""
        self.frames += 1
        self.faces[len(result.faces)] += 1
        for face in result.faces:
            self.kinds.setdefault(face.id, []).append((time_s, face.occlusion))
        self.read += sum(prediction.model != "" for prediction in result.predictions)

    def as_dict(self) -> dict[str, object]:
        """Return the counts, and for each face its kinds in the order they were said, with the time of each change."""
        return {
            "frames": self.frames,
            "frames_by_faces_found": dict(sorted(self.faces.items())),
            "faces_read": self.read,
            "said": {
                face: {"share": _shares(said), "changes": _changes(said)} for face, said in self.kinds.items()
            },
        }


def _shares(said: list[tuple[float, str]]) -> dict[str, float]:
    counts = Counter(kind for _, kind in said)
    return {kind: round(count / len(said), 3) for kind, count in counts.most_common()}


def _changes(said: list[tuple[float, str]]) -> list[tuple[float, str]]:
    first = [(round(said[0][0], 2), said[0][1])]
    return first + [
        (round(after[0], 2), after[1]) for before, after in pairwise(said) if before[1] != after[1]
    ]


def run_scene(name: str, text: str, settings: Settings, length_s: float) -> Said:
    """Show one scene to the program and return what it said.

    Args:
        name: A key of `SCENES`.
        text: A video with one bare face, or "demo".
        settings: Back end, smoothing, occlusion.
        length_s: How much of it.

    Raises:
        SourceError: The source can't be read.
        CardError: A model is damaged.
        EngineError: A back end refuses it.
    """
    spoil, two = SCENES[name], name == _TWO_PEOPLE
    said = Said()
    bare = MediaPipeTracker(max_faces=2 if two else 1, landmark_smoothing=0)
    analyzer = Analyzer(make_tracker(settings), make_reader(settings))
    try:
        for frame in frames_of("demo:two" if two else text, length_s):
            meshes = sorted(
                (face.landmarks for face in bare.update(frame)), key=lambda mesh: float(mesh[0, 0])
            )
            if len(meshes) == (2 if two else 1):
                image = np.ascontiguousarray(spoil(frame.image, meshes, frame.time_s))
                said.add(frame.time_s, analyzer.step(replace(frame, image=read_only(image))))
    finally:
        bare.close()
        analyzer.close()
    return said


def format_said(name: str, said: Said) -> str:
    """Return one scene as a line, and a line a face."""
    none, found = said.faces.get(0, 0), said.frames - said.faces.get(0, 0)
    lines = [f"{name}: {said.frames} frames, a face in {found}, none in {none}; {said.read} faces read"]
    for face, kinds in said.kinds.items():
        shares = ", ".join(f"{kind} {100 * share:.0f}%" for kind, share in _shares(kinds).items())
        changes = ", ".join(f"{kind} at {time_s:.2f} s" for time_s, kind in _changes(kinds))
        lines.append(f"  face {face}, {len(kinds)} frames: {shares} ({changes})")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show every scene and print what was said; 2 for a clear error."""
    parser = argparse.ArgumentParser(prog="python -m faceapp.bench.awkward", description=__doc__)
    parser.add_argument(
        "video", nargs="?", default="demo", help="a video with one bare face; the demo without"
    )
    parser.add_argument("--length", type=float, default=5.0, metavar="S", help="seconds of a scene")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parsed = parser.parse_args(arguments)
    try:
        settings = Settings(engine_threads=1)
        scenes = {name: run_scene(name, parsed.video, settings, parsed.length) for name in SCENES}
    except (SourceError, CardError, EngineError, ValueError) as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return 2
    if parsed.json:
        print(json.dumps({name: said.as_dict() for name, said in scenes.items()}, indent=1))
    else:
        print("\n".join(format_said(name, said) for name, said in scenes.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
