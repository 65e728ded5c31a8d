"""The tracker: MediaPipe's face detectors and Face Mesh, stable ids, smoothing and head pose."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from faceapp.tracking.head_pose import head_pose_deg
from faceapp.tracking.identity import HOLD_S, LONGEST_STEP_S, IdentityKeeper
from faceapp.tracking.occlusion_watch import OcclusionWatch
from faceapp.tracking.regions import mesh_box
from faceapp.tracking.scene_cuts import SceneCuts
from faceapp.tracking.seen_face import SeenFace
from faceapp.tracking.sight import FaceSight
from faceapp.tracking.smoothing import LandmarkSmoother
from faceapp.types import FaceTrack, Frame

if TYPE_CHECKING:
    from engines.visibility import VisibilityReader
    from faceapp.settings import OcclusionMode

BOX_MARGIN = 0.05
"""Share of the mesh's width and height by which the box is larger on each side."""
HIDDEN_STEADIER = 0.6
"""A mesh over a hidden half trembles more: it is smoothed this share of the way to the strongest more."""
_LEAST_PICTURE_PX = 16


class MediaPipeTracker:
    """Follows up to `max_faces` faces from frame to frame.

    A face of the last frame costs one run of the mesh network where its motion carries it; the detectors run
    now and then (see `FaceSight`), on every frame while no face is in sight, and everywhere in the first
    frame. A lost face is looked for at its expected place until it has been gone for 0.5 s; until then it
    keeps its id, but is not reported. The result depends on the frames and their times only: the same file
    gives the same tracks, however fast it is read.

    `FaceTrack.score` is the mesh network's probability that it sees a face, times the confidence of the face
    detector on a crop around the mesh (from when the face was found, then renewed for one face every second).
    Plain faces have about 0.9, faces under a headset about 0.6. `FaceTrack.box` is the bounds of the mesh,
    5% larger on each side.

    With a visibility network, `FaceTrack.occlusion` says what hides a face, and the mesh of a half-hidden one
    stays where the face is (see `OcclusionWatch`). Without it, every face is "none".

    The models are loaded by the first `update` and belong to its thread, which must also call `close`.

    Args:
        max_faces: Faces to follow at once, at least 1; of more, the most confident and largest are taken.
        landmark_smoothing: Strength from 0 (off) to 1 of the landmarks' smoothing over time.
        open_visibility: Loads the visibility network, on the thread of the first `update`; None: there is none.
        occlusion: What hides every face, or "auto" for what the network sees. With "none" it is not asked.
        small_faces: Look into the parts of a first or single picture too, see `FaceFinder`; else small faces are found
            over the next frames.
        plain_mesh: See the meshes with the plain network where no detail is asked for, see `MeshFinder`.

    Attributes:
        detailed: Whether irises, lids and lips matter, as to action units; may be set from any thread.

    Raises:
        ValueError: `max_faces` is below 1.
    """

    def __init__(
        self,
        max_faces: int = 8,
        landmark_smoothing: float = 0.5,
        open_visibility: Callable[[], VisibilityReader | None] | None = None,
        occlusion: OcclusionMode = "auto",
        *,
        small_faces: bool = True,
        plain_mesh: bool = False,
    ) -> None:
        if max_faces < 1:
            raise ValueError(f"max_faces: expected at least 1, found {max_faces}")
        self._max_faces = max_faces
        self._keeper = IdentityKeeper()
        self._smoother = LandmarkSmoother(landmark_smoothing)
        self._open_visibility = open_visibility
        self._occlusion: OcclusionMode = occlusion
        self._small_faces, self._plain_mesh = small_faces, plain_mesh
        self.detailed = False
        self._watch: OcclusionWatch | None = None
        self._sight: FaceSight | None = None
        self._seen: dict[int, SeenFace] = {}
        self._time_s = -math.inf
        self._shape: tuple[int, ...] = ()
        self._cuts = SceneCuts()
        self._steps_s: deque[float] = deque(maxlen=9)

    @property
    def landmark_smoothing(self) -> float:
        """Strength of the landmarks' smoothing, 0 (off) to 1; may be set from any thread."""
        return self._smoother.strength

    @landmark_smoothing.setter
    def landmark_smoothing(self, strength: float) -> None:
        self._smoother.strength = strength

    @property
    def occlusion(self) -> OcclusionMode:
        """What hides every face, or "auto"; may be set from any thread."""
        return self._occlusion

    @occlusion.setter
    def occlusion(self, occlusion: OcclusionMode) -> None:
        self._occlusion = occlusion

    def update(self, frame: Frame) -> tuple[FaceTrack, ...]:
        """Return the faces of this frame ordered by id.

        A frame from before the last one's time, long after it, or of another scene starts anew. Long is more than 5 s and
        than three of the usual steps: a film with a frame every ten seconds shows the same people all the time.

        Args:
            frame: The picture, uint8 (H, W, 3) RGB; one below 16 pixels high or wide has no faces.
        """
        if min(frame.image.shape[:2]) < _LEAST_PICTURE_PX:
            self.reset()
            return ()
        image = np.ascontiguousarray(frame.image).view()
        image.flags.writeable = False  # MediaPipe copies what may be written to
        step_s = frame.time_s - self._time_s
        cut = self._cuts.cut_before(image)
        if cut or not 0 <= step_s <= self._longest_step_s():
            self._start_anew()
            step_s = math.inf
        elif image.shape != self._shape:
            self._resize(image.shape)
            step_s = math.inf
        else:
            self._steps_s.append(step_s)
        self._time_s, self._shape = frame.time_s, image.shape
        sight, watch = self._opened()
        sight.meshes.detailed = self.detailed
        watch.mode = self._occlusion
        self._keeper.longest_step_s = self._longest_step_s()
        expected = self._keeper.expected(frame.time_s)
        last = [(face, expected.pop(track_id)) for track_id, face in self._seen.items()]
        everywhere = step_s > HOLD_S  # the scene may be another
        faces = sight.see(image, frame.time_s, last, expected.values(), everywhere=everywhere)
        ids = self._keeper.match(frame.time_s, [face.mesh.landmarks for face in faces])
        faces = [
            watch.settled(track_id, frame.time_s, face) for track_id, face in zip(ids, faces, strict=True)
        ]
        self._keeper.see(frame.time_s, ids, [face.mesh.landmarks for face in faces])
        watch.forget(frame.time_s - HOLD_S)
        self._seen = dict(sorted(zip(ids, faces, strict=True), key=lambda seen: seen[0]))
        self._smoother.forget(frame.time_s - HOLD_S)
        return tuple(self._track(track_id, face) for track_id, face in self._seen.items())

    def reset(self) -> None:
        """Forget all faces and the film, as at the start of another video; ids go on counting."""
        self._start_anew()
        self._cuts.forget()
        self._steps_s.clear()

    def _start_anew(self) -> None:
        """Forget all faces."""
        self._keeper.reset()
        self._smoother.forget(math.inf)
        self._seen = {}
        self._time_s, self._shape = -math.inf, ()
        if self._watch is not None:
            self._watch.forget(math.inf)
        if self._sight is not None:
            self._sight.restart()

    def _longest_step_s(self) -> float:
        """Return how far apart two frames may be for a face in both to keep its id; any distance at a film's beginning."""
        if not self._steps_s:
            return math.inf if self._shape else LONGEST_STEP_S
        return max(LONGEST_STEP_S, 3 * float(np.median(self._steps_s)))

    def _resize(self, shape: tuple[int, ...]) -> None:
        """Go on in pictures of another size, as a stream that adapts to its line sends them: the same people, elsewhere."""
        self._keeper.scale(shape[1] / self._shape[1], shape[0] / self._shape[0])
        self._smoother.forget(math.inf)
        self._seen = {}
        if self._sight is not None:
            self._sight.restart()

    def close(self) -> None:
        """Release the models; the next `update` loads them again."""
        self.reset()
        for opened in (self._sight, self._watch):
            if opened is not None:
                opened.close()
        self._sight = self._watch = None

    def _opened(self) -> tuple[FaceSight, OcclusionWatch]:
        if self._watch is None:
            self._watch = OcclusionWatch(self._open_visibility() if self._open_visibility else None)
        if self._sight is None:
            self._sight = FaceSight(
                self._max_faces, self._watch, small_faces=self._small_faces, plain_mesh=self._plain_mesh
            )
        return self._sight, self._watch

    def _track(self, track_id: int, face: SeenFace) -> FaceTrack:
        steadier = 0.0 if face.occlusion == "none" else HIDDEN_STEADIER
        landmarks = self._smoother.update(track_id, self._time_s, face.landmarks, steadier)
        box = mesh_box(landmarks)
        margin_x, margin_y = BOX_MARGIN * box.width, BOX_MARGIN * box.height
        bounds = (box.x0 - margin_x, box.y0 - margin_y, box.x1 + margin_x, box.y1 + margin_y)
        bounds_array = np.array(bounds, dtype=np.float32)
        for array in (bounds_array, landmarks):
            array.setflags(write=False)
        return FaceTrack(
            id=track_id,
            box=bounds_array,
            landmarks=landmarks,
            score=min(max(face.mesh.presence * face.confidence, 0.0), 1.0),
            occlusion=face.occlusion,
            head_pose_deg=head_pose_deg(landmarks),
        )
