"""Sees the faces of one frame: follows those of the last frame and looks for others when it is time to."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from faceapp.tracking.face_finder import FaceFinder, Find, distinct
from faceapp.tracking.mesh_choice import MeshFinder
from faceapp.tracking.occlusion_watch import OcclusionWatch
from faceapp.tracking.regions import Box, mesh_box, mesh_region, overlap, same_face, same_mesh
from faceapp.tracking.search import Found, Look, Search, Searcher
from faceapp.tracking.seen_face import SeenFace
from faceapp.types import Image

SEARCH_PERIOD_S = 0.25
"""How often newcomers are looked for while faces are followed."""
COLLECT_AFTER_S = 0.1
"""How long after a search for newcomers was begun its finds are taken. They wait for the frame at this time, whenever
they are ready, so that the same frames give the same faces; ten times what a search takes alone, so that nobody waits."""
_MOST_LANES = 4
_CONFIDENCE_SHARE = 0.5
_TIME_TOLERANCE_S = 1e-6


class FaceSight:
    """MediaPipe's detectors and mesh network, and when to use which.

    A followed face costs one run of the mesh network and no detector. Every 0.25 s of the frames' time
    newcomers are looked for in another part of the picture (so that they are found within 1 s when large,
    1.5 s when 6% of the height, 8 s when smaller), and every second the confidence of one followed face is
    renewed. Both go on beside the frames that follow, and what was found is handed over 0.1 s later. While fewer
    faces are seen than there were, each frame is searched around where they should be, and while none is in sight
    everywhere by turns. All depends on the frames and their times only.

    The watch looks at the faces once their meshes are known, and may hold on to one whose mesh is lost.

    Must be made, used and closed on one thread.

    Args:
        max_faces: Most faces to see in a frame.
        watch: Looks at what hides the faces.
        small_faces: Whether looking everywhere at once looks into the parts of the picture too.
        plain_mesh: Whether the plain network is wanted, see `MeshFinder`.

    Attributes:
        meshes: Sees the meshes.
    """

    def __init__(
        self, max_faces: int, watch: OcclusionWatch, *, small_faces: bool = True, plain_mesh: bool = False
    ) -> None:
        self._max_faces = max_faces
        self._small_faces = small_faces
        self._watch = watch
        self._searcher = Searcher()
        self.meshes = MeshFinder(min(_MOST_LANES, os.cpu_count() or 1), plain=plain_mesh)
        self.restart()

    def restart(self) -> None:
        """Begin the round of searches anew, so that the same frames give the same faces."""
        self._searcher.restart()
        self._search: Search | None = None
        self._search_at_s = self._collect_at_s = -math.inf
        self._searches = 0

    def see(
        self,
        image: Image,
        time_s: float,
        last: Sequence[tuple[SeenFace, Box]],
        lost: Iterable[Box],
        *,
        everywhere: bool,
    ) -> list[SeenFace]:
        """Return the faces of a frame, looked at where that is due.

        Args:
            image: uint8 (H, W, 3), RGB, contiguous and read-only.
            time_s: Time of the frame in seconds.
            last: The faces of the last frame and where each should be now.
            lost: Where faces that have been lost since should be now.
            everywhere: Look in all places at once (50 ms), as in a first or a single picture.
        """
        faces = self._all_seen(image, time_s, last, lost, everywhere=everywhere)
        return self._watch.look_at_new(image, time_s, faces)

    def _all_seen(
        self,
        image: Image,
        time_s: float,
        last: Sequence[tuple[SeenFace, Box]],
        lost: Iterable[Box],
        *,
        everywhere: bool,
    ) -> list[SeenFace]:
        if everywhere:
            self._search, self._search_at_s = None, time_s + SEARCH_PERIOD_S
            look: Look = FaceFinder.look_everywhere if self._small_faces else FaceFinder.look_over
            return self._adopt(image, [], iter(self._searcher.begin(image, look).result().finds))
        faces = self._follow(image, time_s, last)
        faces = self._regain(image, faces, [*(expected for _, expected in last), *lost])
        if not faces:
            self._search = None
            self._searches += 1
            look = _look_over_and_further if self._searches % 3 == 1 else FaceFinder.look_over
            return self._adopt(image, faces, iter(self._searcher.begin(image, look).result().finds))
        if self._search is not None and time_s >= self._collect_at_s:
            faces = self._collect(image, faces, self._search)
        if self._search is None and time_s >= self._search_at_s:
            self._search_at_s = time_s + SEARCH_PERIOD_S
            self._collect_at_s = time_s + COLLECT_AFTER_S - _TIME_TOLERANCE_S
            self._search = self._begin_search(image, faces)
        return faces

    def close(self) -> None:
        """Release the models."""
        self._searcher.close()
        self.meshes.close()

    def _follow(self, image: Image, time_s: float, last: Sequence[tuple[SeenFace, Box]]) -> list[SeenFace]:
        regions = []
        for face, expected in last:
            (x_px, y_px), (before_x_px, before_y_px) = expected.centre, face.box.centre
            region = mesh_region(face.mesh.landmarks)
            regions.append(region.shifted(x_px - before_x_px, y_px - before_y_px))
        found = self.meshes.find(image, regions)
        meshes, looks = self._watch.follow(image, time_s, last, found)
        faces: list[SeenFace] = []
        for (face, _), own, mesh, look in zip(last, found, meshes, looks, strict=True):
            if mesh is not None:
                box = mesh_box(mesh.landmarks)
                _join(faces, replace(face, mesh=mesh, box=box, look=look, held=own is None), image)
        return faces

    def _regain(self, image: Image, faces: list[SeenFace], places: Sequence[Box]) -> list[SeenFace]:
        """Look around where faces should be when fewer were seen, furthest from those seen first."""
        missing = min(len(places), self._max_faces) - len(faces)
        if missing <= 0:
            return faces
        places = sorted(
            places, key=lambda place: max((overlap(place, face.box) for face in faces), default=0.0)
        )
        finds = [find for place in places[:missing] for find in self._searcher.look_around(image, place)]
        new = (find for find in distinct(finds) if not any(same_face(find.box, face.box) for face in faces))
        return self._adopt(image, faces, new)

    def _begin_search(self, image: Image, faces: Sequence[SeenFace]) -> Search:
        """Begin to look for newcomers, and every fourth time at one of the faces, each in its turn."""
        self._searches += 1
        due = self._searches % 4 == 0
        known = faces[self._searches // 4 % len(faces)] if due else None
        look: Look | None = FaceFinder.look_over if due else FaceFinder.look_further
        if len(faces) == self._max_faces:
            look = None
        return self._searcher.begin(image, look, [face.box for face in faces], known)

    def _collect(self, image: Image, faces: list[SeenFace], search: Search) -> list[SeenFace]:
        """Return the faces with those that the search found, and the confidence that it renewed."""
        self._search = None
        found = search.result()
        if found.track_id:
            faces = [_renewed(face, found) for face in faces]
        finds = (find for find in found.finds if not any(same_face(find.box, face.box) for face in faces))
        return self._adopt(image, faces, finds)

    def _adopt(self, image: Image, faces: Sequence[SeenFace], finds: Iterator[Find]) -> list[SeenFace]:
        """Return the faces with those added, while there is room, on whose finds the network sees a mesh."""
        faces = list(faces)
        while wanted := list(islice(finds, self._max_faces - len(faces))):
            meshes = self.meshes.find(image, [find.region for find in wanted])
            for find, mesh in zip(wanted, meshes, strict=True):
                if mesh is not None:
                    _join(faces, SeenFace(mesh, mesh_box(mesh.landmarks), find.score), image)
        return faces


def _look_over_and_further(finder: FaceFinder, image: Image) -> list[Find]:
    return finder.look_over(image) + finder.look_further(image)


def _renewed(face: SeenFace, found: Found) -> SeenFace:
    if face.track_id != found.track_id:
        return face
    gain = found.confidence - face.confidence
    return replace(face, confidence=face.confidence + _CONFIDENCE_SHARE * gain)


def _join(faces: list[SeenFace], new: SeenFace, image: Image) -> None:
    """Add a face to the others if its middle lies in the picture and its mesh is no other face's."""
    (x_px, y_px), (height, width) = new.box.centre, image.shape[:2]
    if not (0 <= x_px < width and 0 <= y_px < height):
        return
    if not any(same_mesh(new.mesh.landmarks, face.mesh.landmarks) for face in faces):
        faces.append(new)
