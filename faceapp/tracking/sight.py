"""Sees the faces of one frame: follows those of the last frame and looks for others when it is time to."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from faceapp.tracking.face_finder import FaceFinder, Find, distinct
from faceapp.tracking.mesh_graph import FaceMesh, FaceMeshGraph
from faceapp.tracking.regions import Box, mesh_box, mesh_region, overlap, same_face, same_mesh
from faceapp.types import Image

SEARCH_PERIOD_S = 0.25
"""How often newcomers are looked for while faces are followed."""
_MOST_LANES = 4
_CONFIDENCE_SHARE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class SeenFace:
    """A face of one frame.

    Attributes:
        mesh: Its mesh.
        box: The mesh's bounds.
        confidence: The face detector's confidence on a crop around the face, when it last looked.
    """

    mesh: FaceMesh
    box: Box
    confidence: float


class FaceSight:
    """MediaPipe's detectors and mesh network, and when to use which.

    A followed face costs one run of the mesh network and no detector. Every 0.25 s of the frames' time
    newcomers are looked for in another part of the picture (so that they are found within 1 s when large,
    1.5 s when 6% of the height, 8 s when smaller), and every second the confidence of one followed face is
    renewed. While fewer faces are seen than there were, each frame is searched around where they should be,
    and while none is in sight everywhere by turns. All depends on the frames and their times only.

    Must be made, used and closed on one thread.

    Args:
        max_faces: Most faces to see in a frame.
    """

    def __init__(self, max_faces: int) -> None:
        self._max_faces = max_faces
        self._finder = FaceFinder()
        self._graph = FaceMeshGraph(lanes=min(_MOST_LANES, os.cpu_count() or 1))
        self.restart()

    def restart(self) -> None:
        """Begin the round of searches anew, so that the same frames give the same faces."""
        self._finder.restart()
        self._search_at_s = -math.inf
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
        """Return the faces of a frame.

        Args:
            image: uint8 (H, W, 3), RGB, contiguous and read-only.
            time_s: Time of the frame in seconds.
            last: The faces of the last frame and where each should be now.
            lost: Where faces that have been lost since should be now.
            everywhere: Look in all places at once (50 ms), as in a first or a single picture.
        """
        if everywhere:
            self._search_at_s = time_s + SEARCH_PERIOD_S
            return self._adopt(image, [], self._confirmed(image, self._finder.look_everywhere(image), []))
        faces = self._follow(image, last)
        faces = self._regain(image, faces, [*(expected for _, expected in last), *lost])
        if not faces:
            finds = self._look_for_any(image)
        elif time_s >= self._search_at_s:
            self._search_at_s = time_s + SEARCH_PERIOD_S
            finds = self._look_for_newcomers(image, faces)
        else:
            return faces
        return self._adopt(image, faces, self._confirmed(image, finds, faces))

    def close(self) -> None:
        """Release the models."""
        self._finder.close()
        self._graph.close()

    def _follow(self, image: Image, last: Sequence[tuple[SeenFace, Box]]) -> list[SeenFace]:
        regions = []
        for face, expected in last:
            (x_px, y_px), (before_x_px, before_y_px) = expected.centre, face.box.centre
            region = mesh_region(face.mesh.landmarks)
            regions.append(region.shifted(x_px - before_x_px, y_px - before_y_px))
        faces: list[SeenFace] = []
        for (face, _), mesh in zip(last, self._graph.find(image, regions), strict=True):
            _join(faces, mesh, face.confidence, image)
        return faces

    def _regain(self, image: Image, faces: list[SeenFace], places: Sequence[Box]) -> list[SeenFace]:
        """Look around where faces should be when fewer were seen, furthest from those seen first."""
        missing = min(len(places), self._max_faces) - len(faces)
        if missing <= 0:
            return faces
        places = sorted(
            places, key=lambda place: max((overlap(place, face.box) for face in faces), default=0.0)
        )
        finds = [find for place in places[:missing] for find in self._finder.look_around(image, place)]
        new = (find for find in distinct(finds) if not any(same_face(find.box, face.box) for face in faces))
        return self._adopt(image, faces, new)

    def _look_for_any(self, image: Image) -> list[Find]:
        self._searches += 1
        further = self._finder.look_further(image) if self._searches % 3 == 1 else []
        return self._finder.look_over(image) + further

    def _look_for_newcomers(self, image: Image, faces: list[SeenFace]) -> list[Find]:
        self._searches += 1
        if self._searches % 4 == 0:
            self._renew(image, faces)
        if len(faces) == self._max_faces:
            return []
        return self._finder.look_further(image) if self._searches % 4 else self._finder.look_over(image)

    def _confirmed(self, image: Image, finds: Iterable[Find], faces: Sequence[SeenFace]) -> Iterator[Find]:
        """Yield the finds on new faces that hold up from close by, placed more exactly."""
        for find in distinct(finds):
            if any(same_face(find.box, face.box) for face in faces):
                continue
            closer = self._finder.look_closely(image, find.box)
            if find.certain or (closer is not None and closer.certain):
                yield closer or find

    def _adopt(self, image: Image, faces: Sequence[SeenFace], finds: Iterator[Find]) -> list[SeenFace]:
        """Return the faces with those added, while there is room, on whose finds the network sees a mesh."""
        faces = list(faces)
        while wanted := list(islice(finds, self._max_faces - len(faces))):
            meshes = self._graph.find(image, [find.region for find in wanted])
            for find, mesh in zip(wanted, meshes, strict=True):
                _join(faces, mesh, find.score, image)
        return faces

    def _renew(self, image: Image, faces: list[SeenFace]) -> None:
        """Renew the confidence of one face, each in its turn."""
        index = self._searches // 4 % len(faces)
        face = faces[index]
        find = self._finder.look_closely(image, face.box)
        gain = (find.score if find is not None else 0.0) - face.confidence
        faces[index] = replace(face, confidence=face.confidence + _CONFIDENCE_SHARE * gain)


def _join(faces: list[SeenFace], mesh: FaceMesh | None, confidence: float, image: Image) -> None:
    """Add a mesh to the faces if there is one, its middle lies in the picture, and it is no other face's."""
    if mesh is None:
        return
    box = mesh_box(mesh.landmarks)
    (x_px, y_px), (height, width) = box.centre, image.shape[:2]
    if not (0 <= x_px < width and 0 <= y_px < height):
        return
    if any(same_mesh(mesh.landmarks, face.mesh.landmarks) for face in faces):
        return
    faces.append(SeenFace(mesh, box, confidence))
