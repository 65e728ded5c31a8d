"""The plain mesh in OpenVINO: MediaPipe's own numbers, the graph where it can't be had or isn't enough."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openvino")

from engines.errors import EngineError
from engines.preprocess import ALIGNMENT_POINTS
from faceapp.tracking import mesh_choice
from faceapp.tracking.face_finder import FaceFinder
from faceapp.tracking.mesh_choice import MeshFinder
from faceapp.tracking.mesh_graph import FaceMesh, FaceMeshGraph
from faceapp.tracking.mesh_network import MODEL_FILE, PLAIN_COUNT, FaceMeshNetwork
from faceapp.tracking.regions import FaceRegion, mesh_region
from faceapp.types import LANDMARK_COUNT, Image
from tests.faceapp.tracking.portraits import scene

_IRISES = slice(PLAIN_COUNT, LANDMARK_COUNT)


@pytest.fixture(scope="module")
def picture(astronaut: Image) -> Image:
    picture = scene(astronaut, [(40, 100, 1.0), (400, 60, 1.3)])
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="module")
def seen(picture: Image) -> tuple[list[FaceRegion], list[FaceMesh]]:
    """Return the regions of both faces, settled, and the graph's meshes in them."""
    finder, graph = FaceFinder(), FaceMeshGraph(lanes=1)
    regions = [find.region for find in finder.look_over(picture)]
    for _ in range(3):
        meshes = [mesh for mesh in graph.find(picture, regions) if mesh is not None]
        regions = [mesh_region(mesh.landmarks) for mesh in meshes]
    meshes = [mesh for mesh in graph.find(picture, regions) if mesh is not None]
    finder.close()
    graph.close()
    assert len(meshes) == 2
    return regions, meshes


def test_lies_where_the_graph_puts_the_face(
    picture: Image, seen: tuple[list[FaceRegion], list[FaceMesh]]
) -> None:
    regions, exact = seen
    network = FaceMeshNetwork()
    plain = network.find(picture, regions)
    for mesh, truth in zip(plain, exact, strict=True):
        assert mesh is not None
        assert mesh.landmarks.shape == (LANDMARK_COUNT, 3)
        assert mesh.presence > 0.9
        eyes_px = float(np.hypot(*(truth.landmarks[33, :2] - truth.landmarks[263, :2])))
        gaps = np.hypot(*(mesh.landmarks - truth.landmarks)[:, :2].T) / eyes_px
        assert gaps[:PLAIN_COUNT].mean() < 0.03
        assert gaps[list(ALIGNMENT_POINTS)].max() < 0.08
        assert gaps[_IRISES].max() < 0.1
        assert (
            np.abs(mesh.landmarks[:PLAIN_COUNT, 2] - truth.landmarks[:PLAIN_COUNT, 2]).max() < 0.3 * eyes_px
        )
    network.close()


def test_faces_of_one_batch_are_those_of_single_ones(
    picture: Image, seen: tuple[list[FaceRegion], list[FaceMesh]]
) -> None:
    regions, _ = seen
    network = FaceMeshNetwork()
    lost = FaceRegion(np.inf, 0, np.nan, 0)
    together = network.find(picture, [regions[0], lost, regions[1]])
    assert together[1] is None
    for region, mesh in ((regions[0], together[0]), (regions[1], together[2])):
        alone = network.find(picture, [region])[0]
        assert mesh is not None and alone is not None
        np.testing.assert_allclose(mesh.landmarks, alone.landmarks, atol=0.02)
    assert network.find(picture, [FaceRegion(320, 440, 60, 0)]) == [None]  # plain gray
    network.close()


def test_a_package_without_the_model_or_with_a_broken_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"face_landmark\.tflite: expected MediaPipe's model, found none"):
        FaceMeshNetwork(tmp_path)
    path = tmp_path / MODEL_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"TFL3" * 100)
    with pytest.raises(EngineError, match=r"face_landmark\.tflite: OpenVINO can't read it"):
        FaceMeshNetwork(tmp_path)


def test_the_graph_sees_where_detail_is_asked_for(
    picture: Image, seen: tuple[list[FaceRegion], list[FaceMesh]]
) -> None:
    regions, exact = seen
    finder = MeshFinder(lanes=1, plain=True)
    plain = finder.find(picture, regions)[0]
    finder.detailed = True
    detailed = finder.find(picture, regions)[0]
    finder.close()
    assert plain is not None and detailed is not None
    np.testing.assert_array_equal(detailed.landmarks, exact[0].landmarks)
    assert np.abs(plain.landmarks - exact[0].landmarks).max() > 0


def test_the_graph_goes_on_where_the_plain_network_is_refused(
    picture: Image,
    seen: tuple[list[FaceRegion], list[FaceMesh]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refused() -> FaceMeshNetwork:
        raise EngineError("OpenVINO is not installed")

    monkeypatch.setattr(mesh_choice, "FaceMeshNetwork", refused)
    regions, exact = seen
    finder = MeshFinder(lanes=1, plain=True)
    with caplog.at_level(logging.WARNING):
        meshes = [finder.find(picture, regions)[0] for _ in range(2)]
    finder.close()
    for mesh in meshes:
        assert mesh is not None
        np.testing.assert_array_equal(mesh.landmarks, exact[0].landmarks)
    assert [record.getMessage() for record in caplog.records] == [
        "mesh: OpenVINO is not installed; MediaPipe's own, slower one is used"
    ]
