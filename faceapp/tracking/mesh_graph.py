"""MediaPipe's Face Mesh network on regions that we choose."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from faceapp.tracking.quiet_start import chatter_removed
from faceapp.tracking.regions import FaceRegion
from faceapp.types import LANDMARK_COUNT, Floats, Image

# Face Mesh without its detector and its own tracking: one turned square in, 478 points out.
_GRAPH = """
input_stream: "IMAGE:image"
input_stream: "ROI:region"
output_stream: "LANDMARKS:landmarks"
input_side_packet: "WITH_ATTENTION:with_attention"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""
# The network runs on the thread that waits for it, not on threads of its own: 2.9 ms instead of 3.3 ms on average,
# 3.6 ms instead of 5.2 ms at the 95th percentile.
_ON_CALLING_THREAD = 'executor { type: "ApplicationThreadExecutor" }'
_LANDMARKS = "landmarks"
_PRESENCE = "facelandmarkcpu__face_presence_score"
# One landmark on the wire: two bytes of message header, then three times a tag byte and four bytes of float.
_POINT_BYTES = 17
_COORDINATE_OFFSETS = (3, 8, 13)


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """One mesh.

    Attributes:
        landmarks: float32 (478, 3), pixels of the picture; z on the scale of x. Pixel centres are at whole
            numbers (measured: x and its twin on a mirrored picture add up to width - 1).
        presence: The network's own probability that a face was in the region, at least 0.5.
    """

    landmarks: Floats
    presence: float


class FaceMeshGraph:
    """Runs the mesh network on up to `lanes` regions of a picture at once.

    MediaPipe's own Face Mesh solution runs its detector on every frame in which fewer than `max_num_faces`
    faces are followed, keeps no identities and hides the presence score. This is its landmark half alone, so
    that one face costs one network whatever the number of faces allowed. Measured on a 640x360 video with
    one face, points read into an array: 2.9 ms a frame, while the solution takes 4.0 ms with max_num_faces=1
    and 5.3 ms with 8; five faces take 16.4 ms in one lane and 11.7 ms in two (two cores).

    Must be made, used and closed on one thread.

    Args:
        lanes: Copies of the network; the second and later ones are loaded when first needed.
    """

    def __init__(self, lanes: int) -> None:
        self._lane_count = lanes
        self._lanes = [_Lane(_GRAPH + _ON_CALLING_THREAD)]
        self._warm = False  # a line of chatter comes with the first mesh

    def find(self, image: Image, regions: Sequence[FaceRegion]) -> list[FaceMesh | None]:
        """Return the mesh of each region, None where the network saw no face.

        Args:
            image: uint8 (H, W, 3), RGB, contiguous and read-only (it is not copied).
            regions: Where to look.
        """
        while len(self._lanes) < min(self._lane_count, len(regions)):
            self._lanes.insert(0, _Lane(_GRAPH))
        with nullcontext() if self._warm else chatter_removed():
            meshes = [mesh for batch in self._batches(regions) for mesh in self._run(image, batch)]
        self._warm = self._warm or any(mesh is not None for mesh in meshes)
        return meshes

    def _batches(self, regions: Sequence[FaceRegion]) -> Iterator[Sequence[FaceRegion]]:
        for start in range(0, len(regions), len(self._lanes)):
            yield regions[start : start + len(self._lanes)]

    def _run(self, image: Image, regions: Sequence[FaceRegion]) -> list[FaceMesh | None]:
        # The last lane works while we wait for it, the others do from the start.
        lanes = self._lanes[-len(regions) :]
        for lane, region in zip(lanes, regions, strict=True):
            lane.start(image, region)
        meshes = [lane.finish(image) for lane in reversed(lanes)]
        return meshes[::-1]

    def close(self) -> None:
        """Release the networks."""
        for lane in self._lanes:
            lane.close()
        self._lanes = []


class _Lane:
    """One copy of the network."""

    def __init__(self, graph: str) -> None:
        import mediapipe
        from mediapipe.framework.formats.rect_pb2 import NormalizedRect
        from mediapipe.python import packet_creator, packet_getter, resource_util

        self._creator, self._getter, self._rect = packet_creator, packet_getter, NormalizedRect
        self._image_format = mediapipe.ImageFormat.SRGB
        resource_util.set_resource_dir(os.path.dirname(os.path.dirname(mediapipe.__file__)))
        self._outputs: dict[str, Any] = {}
        self._step = 0
        with chatter_removed():
            self._graph = mediapipe.CalculatorGraph(graph_config=graph)
            for stream in (_LANDMARKS, _PRESENCE):
                self._graph.observe_output_stream(stream, self._outputs.__setitem__, True)
            self._graph.start_run({"with_attention": packet_creator.create_bool(True)})
            self._graph.wait_until_idle()

    def start(self, image: Image, region: FaceRegion) -> None:
        self._outputs.clear()
        self._step += 1
        height, width = image.shape[:2]
        rect = self._rect(
            x_center=region.x_px / width,
            y_center=region.y_px / height,
            width=region.side_px / width,
            height=region.side_px / height,
            rotation=region.roll_rad,
        )
        picture = self._creator.create_image_frame(data=image, image_format=self._image_format)
        self._graph.add_packet_to_input_stream("image", picture.at(self._step))
        self._graph.add_packet_to_input_stream("region", self._creator.create_proto(rect).at(self._step))

    def finish(self, image: Image) -> FaceMesh | None:
        self._graph.wait_until_idle()
        packet = self._outputs.get(_LANDMARKS)
        if packet is None or packet.is_empty():
            return None
        height, width = image.shape[:2]
        landmarks = _points(self._getter.get_proto(packet))
        landmarks *= np.array((width, height, width), dtype=np.float32)
        if not np.isfinite(landmarks).all():
            return None
        landmarks.setflags(write=False)
        return FaceMesh(landmarks, float(self._getter.get_float(self._outputs[_PRESENCE])))

    def close(self) -> None:
        self._graph.close()


def _points(message: Any) -> Floats:
    """Return a landmark list's coordinates, float32 (478, 3).

    Read from the serialised message, whose points are all alike: 0.03 ms; a loop over them takes 0.45 ms.
    """
    wire = np.frombuffer(message.SerializeToString(), dtype=np.uint8)
    if wire.size != LANDMARK_COUNT * _POINT_BYTES:  # a point with another field, or zeros left out
        return np.array([(point.x, point.y, point.z) for point in message.landmark], dtype=np.float32)
    rows = wire.reshape(LANDMARK_COUNT, _POINT_BYTES)
    columns = [np.ascontiguousarray(rows[:, at : at + 4]).view("<f4") for at in _COORDINATE_OFFSETS]
    points: Floats = np.concatenate(columns, axis=1).astype(np.float32, copy=False)
    return points
