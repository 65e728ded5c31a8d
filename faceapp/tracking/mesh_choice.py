"""Which of two networks sees the meshes: MediaPipe's graph with its second look at eyes and lips, or the plain one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from engines.errors import EngineError
from faceapp.tracking.mesh_graph import FaceMesh, FaceMeshGraph
from faceapp.tracking.mesh_network import FaceMeshNetwork
from faceapp.tracking.regions import FaceRegion
from faceapp.types import Image

logger = logging.getLogger(__name__)


class MeshFinder:
    """Sees meshes with MediaPipe's graph, or with OpenVINO where that is wanted, possible, and no detail is asked for.

    The graph is loaded at once where it is wanted, else either when first needed. Made, used and closed on one thread.

    Args:
        lanes: Copies of the graph's network at most.
        plain: Whether the plain network is wanted. Where OpenVINO is missing or can't read it, the log says so once and the
            graph goes on.

    Attributes:
        detailed: Whether irises, lids and lips matter, as to action units: the graph sees them then.
    """

    def __init__(self, lanes: int, *, plain: bool = False) -> None:
        self.detailed = False
        self._lanes, self._plain = lanes, plain
        self._graph = None if plain else FaceMeshGraph(lanes)
        self._network: FaceMeshNetwork | None = None

    def find(self, image: Image, regions: Sequence[FaceRegion]) -> list[FaceMesh | None]:
        """Return the mesh of each region, None where no face was seen.

        Args:
            image: uint8 (H, W, 3), RGB, contiguous and read-only.
            regions: Where to look.
        """
        return self._opened().find(image, regions) if regions else []

    def close(self) -> None:
        """Release the networks."""
        for network in (self._graph, self._network):
            if network is not None:
                network.close()
        self._graph = self._network = None

    def _opened(self) -> FaceMeshGraph | FaceMeshNetwork:
        if self._plain and not self.detailed:
            try:
                self._network = self._network or FaceMeshNetwork()
            except EngineError as error:
                self._plain = False
                logger.warning("mesh: %s; MediaPipe's own, slower one is used", error)
            else:
                return self._network
        self._graph = self._graph or FaceMeshGraph(self._lanes)
        return self._graph
