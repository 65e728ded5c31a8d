"""Which face of this frame is which face of the frames before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceapp.tracking.assignment import optimal_assignment
from faceapp.tracking.regions import Box, mesh_box, overlap
from faceapp.types import Floats

HOLD_S = 0.5
"""How long a face may be lost and keep its id."""
LONGEST_STEP_S = 5.0
"""How far apart two frames may be, unless all are, for a face in both to keep its id: slow sampling, or models that load."""

_Doubles = npt.NDArray[np.float64]
_ANCHORS = (33, 263, 1, 61, 291)  # outer eye corners, nose tip, mouth corners
_VELOCITY_TIME_S = 0.05
# A mesh that another face begins to hide slides towards what is still seen: hardly believe its motion then.
_CROWDED_VELOCITY_TIME_S = 1.0
_CROWDED_OVERLAP = 0.05
_COASTING_TIME_S = 0.5
_LEAST_GATE = 1.5
_GATE_PER_S = 1.0
_TIME_TOLERANCE_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Sighting:
    """What of a mesh tells where a face is."""

    box: Box
    anchors: _Doubles

    def sort_key(self) -> tuple[Box, list[list[float]]]:
        """Return an order of a frame's faces that doesn't depend on the order in which they came."""
        return self.box, self.anchors.tolist()


@dataclass(slots=True)
class _Known:
    """A face as last seen."""

    id: int
    seen_s: float
    sighting: _Sighting
    velocity: _Doubles
    sightings: int


class IdentityKeeper:
    """Gives each face an id and keeps it while the face moves, turns, or is lost for up to half a second.

    Every known face is expected where its motion would carry it (constant velocity that dies away over half
    a second). Faces and expectations are matched so that the sum of costs is smallest. The cost is the
    distance between expected and found eye corners, nose tip and mouth corners in face sizes, plus half of
    what the boxes fail to overlap, plus half the logarithm of the sizes' ratio; a pair dearer than the
    gate, which widens while a face is lost, is never matched. So two faces that cross keep their ids as
    long as the front one does not hide the other for longer than the hold.

    Ids count from 1 and are never given twice, also after `reset`. The order of the meshes does not matter.

    Attributes:
        longest_step_s: How far apart two frames in a row may be for a face in both to keep its id.
    """

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._last_id = 0
        self._updated_s = -math.inf
        self.longest_step_s = LONGEST_STEP_S

    def update(self, time_s: float, meshes: Sequence[Floats]) -> tuple[int, ...]:
        """Return the id of each face of one frame: `match`, then `see`."""
        ids = self.match(time_s, meshes)
        self.see(time_s, ids, meshes)
        return ids

    def match(self, time_s: float, meshes: Sequence[Floats]) -> tuple[int, ...]:
        """Return the id of each face of one frame; nothing is remembered of where they are.

        Args:
            time_s: Time of the frame in seconds, not before the last one's (`reset` comes before that).
            meshes: float32 (478, 3) each, pixels; two meshes on one face get two ids.

        Returns:
            Ids in the order of the meshes, all different.
        """
        self.expire(time_s)
        sightings = [_sighting(mesh) for mesh in meshes]
        order = sorted(range(len(meshes)), key=lambda index: sightings[index].sort_key())
        columns = [sightings[index] for index in order]
        costs = [[_cost(known, time_s, sighting) for sighting in columns] for known in self._known]
        given = optimal_assignment(costs, [_gate(time_s - known.seen_s) for known in self._known])
        ids = [0] * len(meshes)
        for known, column in zip(self._known, given, strict=True):
            if column is not None:
                ids[order[column]] = known.id
        for index in order:
            if not ids[index]:
                self._last_id += 1
                ids[index] = self._last_id
        return tuple(ids)

    def see(self, time_s: float, ids: Sequence[int], meshes: Sequence[Floats]) -> None:
        """Remember where the faces of a frame are.

        Args:
            time_s: Time of the frame in seconds.
            ids: Their ids, from `match`.
            meshes: float32 (478, 3) each, pixels: those that were matched, or what became of them since.
        """
        sightings = [_sighting(mesh) for mesh in meshes]
        by_id = {known.id: known for known in self._known}
        for index, (track_id, sighting) in enumerate(zip(ids, sightings, strict=True)):
            if track_id in by_id:
                _see(by_id[track_id], time_s, sighting, crowded=_crowded(sightings, index))
        met = sorted((track_id, index) for index, track_id in enumerate(ids) if track_id not in by_id)
        self._known += [_Known(track_id, time_s, sightings[index], np.zeros(2), 1) for track_id, index in met]
        self._updated_s = time_s

    def expected(self, time_s: float) -> dict[int, Box]:
        """Return where each known face's box should be at a time, by id."""
        self.expire(time_s)
        return {known.id: _moved(known.sighting.box, _shift(known, time_s)) for known in self._known}

    def expire(self, time_s: float) -> None:
        """Give up the faces that have been lost too long."""
        self._known = [known for known in self._known if time_s <= self._keep_until_s(known)]

    def scale(self, across: float, down: float) -> None:
        """Go on in pictures that are so many times as wide and as high."""
        factors = np.array([across, down])
        for known in self._known:
            box, anchors = known.sighting.box, known.sighting.anchors
            scaled = Box(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down)
            known.sighting = _Sighting(scaled, anchors * factors)
            known.velocity = known.velocity * factors

    def reset(self) -> None:
        """Forget all faces; ids go on counting."""
        self._known, self._updated_s = [], -math.inf

    def _keep_until_s(self, known: _Known) -> float:
        """Return when to give a face up: sooner when it was missing from a frame since it was last seen."""
        present = known.seen_s == self._updated_s
        return known.seen_s + (self.longest_step_s if present else HOLD_S) + _TIME_TOLERANCE_S


def _sighting(mesh: Floats) -> _Sighting:
    return _Sighting(mesh_box(mesh), mesh[list(_ANCHORS), :2].astype(np.float64))


def _cost(known: _Known, time_s: float, sighting: _Sighting) -> float:
    shift = _shift(known, time_s)
    before, now = known.sighting, sighting
    size = max((before.box.side + now.box.side) / 2, 1e-6)
    gap = before.anchors + shift - now.anchors
    distance = float(np.hypot(gap[:, 0], gap[:, 1]).mean()) / size
    growth = abs(math.log(max(now.box.side, 1e-6) / max(before.box.side, 1e-6)))
    return distance + 0.5 * (1 - overlap(_moved(before.box, shift), now.box)) + 0.5 * growth


def _gate(lost_s: float) -> float:
    """Return the dearest match: one face size of surprise at once, one and a half after the hold."""
    return _LEAST_GATE + _GATE_PER_S * min(lost_s, HOLD_S)


def _shift(known: _Known, time_s: float) -> _Doubles:
    """Return how far a face should have moved since it was last seen, (2,) in pixels."""
    coasting_s = _COASTING_TIME_S * -math.expm1(-(time_s - known.seen_s) / _COASTING_TIME_S)
    shift: _Doubles = known.velocity * coasting_s
    return shift


def _moved(box: Box, shift: _Doubles) -> Box:
    x, y = float(shift[0]), float(shift[1])
    return Box(box.x0 + x, box.y0 + y, box.x1 + x, box.y1 + y)


def _crowded(sightings: Sequence[_Sighting], index: int) -> bool:
    box = sightings[index].box
    others = (other.box for place, other in enumerate(sightings) if place != index)
    return any(overlap(box, other) > _CROWDED_OVERLAP for other in others)


def _see(known: _Known, time_s: float, sighting: _Sighting, *, crowded: bool) -> None:
    elapsed_s = time_s - known.seen_s
    if elapsed_s > 0:
        velocity = (sighting.anchors - known.sighting.anchors).mean(axis=0) / elapsed_s
        settling_s = _CROWDED_VELOCITY_TIME_S if crowded else _VELOCITY_TIME_S
        share = max(-math.expm1(-elapsed_s / settling_s), 1 / known.sightings)
        known.velocity = known.velocity + share * (velocity - known.velocity)
        known.sightings += 1
    known.seen_s, known.sighting = time_s, sighting
