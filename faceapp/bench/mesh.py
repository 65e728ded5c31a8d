"""What the fast mesh costs and changes: `python -m faceapp.bench.mesh [--limit N] [--json] INPUT...` (videos, pictures, folders).

Every face is found once; then MediaPipe's graph, which looks twice at eyes and lips, and the plain network in OpenVINO
see the same region in turn, and the network that reads faces sees the crop of each. Times are of one process in turns, so
their ratio holds on a busy machine too, the milliseconds only on a quiet one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engines.engine import Engine, load_engine
from engines.errors import CardError, EngineError
from faceapp.bench.inputs import is_picture, read_picture
from faceapp.bench.occlusion import frames_of
from faceapp.errors import SourceError
from faceapp.tracking.face_finder import FaceFinder
from faceapp.tracking.mesh_graph import FaceMesh, FaceMeshGraph
from faceapp.tracking.mesh_network import PLAIN_COUNT, FaceMeshNetwork
from faceapp.tracking.regions import FaceRegion, mesh_region
from faceapp.types import Floats, Image

_EYE_CORNERS = 33, 263
_SETTLING = 2
"""Meshes before the one that counts, each from the region of the last: a followed face's region comes from a mesh."""


class MeshComparison:
    """Collects what both networks say of the same regions.

    Args:
        model: The network that reads faces.
    """

    def __init__(self, model: str = "multitask") -> None:
        self._graph, self._network = FaceMeshGraph(lanes=1), FaceMeshNetwork()
        self._engine: Engine = load_engine(model, threads=1)
        self._gaps: list[Floats] = []
        self._said: list[tuple[dict[str, Floats], dict[str, Floats]]] = []
        self._presences: list[tuple[float, float]] = []
        self._times_ms: list[tuple[float, float]] = []
        self.missed = 0
        """Regions in which only one of the two saw a face."""

    def add(self, image: Image, region: FaceRegion) -> None:
        """Compare one face."""
        graph, graph_ms = self._timed(self._graph, image, region)
        plain, plain_ms = self._timed(self._network, image, region)
        if graph is None or plain is None:
            self.missed += graph is not plain
            return
        self._times_ms.append((graph_ms, plain_ms))
        eyes = graph.landmarks[_EYE_CORNERS[0], :2] - graph.landmarks[_EYE_CORNERS[1], :2]
        gaps = graph.landmarks[:PLAIN_COUNT, :2] - plain.landmarks[:PLAIN_COUNT, :2]
        self._gaps.append(np.hypot(gaps[:, 0], gaps[:, 1]) / max(float(np.hypot(*eyes)), 1e-6))
        self._presences.append((graph.presence, plain.presence))
        self._said.append((self._read(image, graph), self._read(image, plain)))

    def _timed(
        self, network: FaceMeshGraph | FaceMeshNetwork, image: Image, region: FaceRegion
    ) -> tuple[FaceMesh | None, float]:
        started_s = time.process_time()
        mesh = network.find(image, [region])[0]
        return mesh, (time.process_time() - started_s) * 1e3

    def _read(self, image: Image, mesh: FaceMesh) -> dict[str, Floats]:
        box = np.concatenate((mesh.landmarks[:, :2].min(axis=0), mesh.landmarks[:, :2].max(axis=0)))
        return self._engine.predict(image, [mesh.landmarks], [box])

    def settled(self, image: Image, region: FaceRegion) -> FaceRegion | None:
        """Return the region that the graph's own mesh gives; None where it sees no face."""
        for _ in range(_SETTLING):
            mesh = self._graph.find(image, [region])[0]
            if mesh is None:
                return None
            region = mesh_region(mesh.landmarks)
        return region

    def figures(self) -> dict[str, float]:
        """Return the comparison: shares are of faces, distances in distances between the outer eye corners."""
        if not self._said:
            return {"faces": 0, "missed_by_one": self.missed}
        gaps, times_ms = np.array(self._gaps), np.array(self._times_ms)
        graph, plain = (
            {name: np.concatenate([said[side][name] for said in self._said]) for name in self._said[0][0]}
            for side in (0, 1)
        )
        years = plain["age_years"] - graph["age_years"]
        medians_ms = np.median(times_ms, axis=0)
        return {
            "faces": len(self._said),
            "missed_by_one": self.missed,
            "points_mean": float(gaps.mean()),
            "points_p95": float(np.percentile(gaps, 95)),
            "points_max": float(gaps.mean(axis=0).max()),
            "same_emotion": float((graph["emotion"].argmax(1) == plain["emotion"].argmax(1)).mean()),
            "emotion_change": float(np.abs(graph["emotion"] - plain["emotion"]).sum(axis=1).mean() / 2),
            "same_gender": float(((graph["female"] > 0.5) == (plain["female"] > 0.5)).mean()),
            "same_smile": float(((graph["smile"] > 0.5) == (plain["smile"] > 0.5)).mean()),
            "age_bias_years": float(years.mean()),
            "age_change_years": float(np.abs(years).mean()),
            "presence_graph": float(np.mean([first for first, _ in self._presences])),
            "presence_plain": float(np.mean([second for _, second in self._presences])),
            "graph_ms": float(medians_ms[0]),
            "plain_ms": float(medians_ms[1]),
            "times_as_fast": float(medians_ms[0] / medians_ms[1]),
        }

    def close(self) -> None:
        """Release the networks."""
        for network in (self._graph, self._network, self._engine):
            network.close()


def compare(paths: Sequence[str], limit: int | None = None) -> dict[str, float]:
    """Compare both networks on the pictures of videos, files and folders.

    Args:
        paths: Videos, pictures, or folders of pictures.
        limit: Pictures of each at most, taken evenly from a folder; None takes all.

    Raises:
        SourceError: A file can't be read.
        CardError: The network that reads faces is missing.
        EngineError: OpenVINO is missing or can't read MediaPipe's file.
    """
    comparison, finder = MeshComparison(), FaceFinder()
    try:
        for path in paths:
            for image in _pictures(path, limit):
                for find in finder.look_over(image):
                    region = comparison.settled(image, find.region)
                    if region is not None:
                        comparison.add(image, region)
        return comparison.figures()
    finally:
        comparison.close()
        finder.close()


def _pictures(text: str, limit: int | None) -> Iterator[Image]:
    path = Path(text)
    if not path.is_dir() and not is_picture(text):
        for index, frame in enumerate(frames_of(text, None)):
            if limit is not None and index >= limit:
                return
            yield frame.image
        return
    files = sorted(file for file in path.rglob("*") if is_picture(file.name)) if path.is_dir() else [path]
    step = max(1, len(files) // limit) if limit else 1
    for file in files[::step][:limit]:
        yield read_picture(str(file))


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; 2 for a clear error."""
    parser = argparse.ArgumentParser(prog="python -m faceapp.bench.mesh", description=__doc__)
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="a video, a picture or a folder of pictures"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="pictures of each input at most")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parsed = parser.parse_args(arguments)
    try:
        figures = compare(parsed.inputs, parsed.limit)
    except (SourceError, CardError, EngineError) as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return 2
    rows = (f"{name:<20}{value:10.4f}" for name, value in figures.items())
    print(json.dumps(figures, indent=1) if parsed.json else "\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
