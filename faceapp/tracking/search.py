"""Looks for faces on a thread of its own, so that what is rare delays no frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from faceapp.tracking.face_finder import FaceFinder, Find, distinct
from faceapp.tracking.regions import Box, same_face
from faceapp.tracking.seen_face import SeenFace
from faceapp.types import Image


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave.

    Attributes:
        finds: Finds on faces that nobody followed when it began; they hold up from close by and are placed exactly.
        track_id: The face whose confidence was asked for; 0: none was.
        confidence: The detector's confidence in that face, 0 where it saw none.
    """

    finds: tuple[Find, ...]
    track_id: int = 0
    confidence: float = 0.0


Look = Callable[[FaceFinder, Image], list[Find]]
"""A method of the finder that looks into a picture."""
Search = Future[Found]
"""A search that goes on; its result waits for its end."""


class Searcher:
    """A `FaceFinder` on one thread of its own, to which MediaPipe's detectors belong; one search after the other.

    Used and closed by one thread.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search")
        try:
            self._finder = self._thread.submit(FaceFinder).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def begin(
        self, image: Image, look: Look | None, known: Sequence[Box] = (), renewed: SeenFace | None = None
    ) -> Search:
        """Begin a search that goes on while the caller does something else.

        Args:
            image: uint8 (H, W, 3), RGB, contiguous and read-only; must stay as it is until the search has ended.
            look: How to look for newcomers; None looks for none.
            known: Boxes of the faces that are followed.
            renewed: A face whose confidence is asked for.
        """
        return self._thread.submit(self._search, image, look, known, renewed)

    def look_around(self, image: Image, box: Box) -> list[Find]:
        """Return the finds around a place at once, see `FaceFinder.look_around`."""
        return self._thread.submit(self._finder.look_around, image, box).result()

    def restart(self) -> None:
        """Begin the round of windows anew, so that the same frames give the same finds."""
        self._thread.submit(self._finder.restart)

    def close(self) -> None:
        """Wait for a search that goes on, then release the detectors."""
        self._thread.submit(self._finder.close).result()
        self._thread.shutdown()

    def _search(
        self, image: Image, look: Look | None, known: Sequence[Box], renewed: SeenFace | None
    ) -> Found:
        finds = () if look is None else tuple(self._confirmed(image, look(self._finder, image), known))
        if renewed is None:
            return Found(finds)
        closer = self._finder.look_closely(image, renewed.box)
        return Found(finds, renewed.track_id, 0.0 if closer is None else closer.score)

    def _confirmed(self, image: Image, finds: Sequence[Find], known: Sequence[Box]) -> list[Find]:
        confirmed = []
        for find in distinct(finds):
            if any(same_face(find.box, box) for box in known):
                continue
            closer = self._finder.look_closely(image, find.box)
            if find.certain or (closer is not None and closer.certain):
                confirmed.append(closer or find)
        return confirmed
