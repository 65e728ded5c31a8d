"""The tracking thread: makes, uses and closes the tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceapp.analyzer import track_timed
from faceapp.types import Tracker

if TYPE_CHECKING:
    from faceapp.pipeline.controls import Ticket
    from faceapp.pipeline.run import Run

_IDLE_S = 0.25


def track(run: Run) -> None:
    """Track frame by frame until the run stops; start afresh after a seek."""
    tracker = run.controls.make_tracker()
    generation = 0
    try:
        while not run.stopping:
            ticket = run.to_track.take(_IDLE_S)
            if ticket is None:
                continue
            if ticket.generation != generation:
                tracker.reset()
                generation = ticket.generation
            _track_one(run, tracker, ticket)
    finally:
        tracker.close()


def _track_one(run: Run, tracker: Tracker, ticket: Ticket) -> None:
    if ticket.frame is None:
        run.to_read.put_last(ticket)
        return
    strength = run.controls.landmark_smoothing
    if strength is not None and getattr(tracker, "landmark_smoothing", strength) != strength:
        tracker.landmark_smoothing = strength  # type: ignore[attr-defined]
    ticket.faces, ticket.track_ms = track_timed(tracker, ticket.frame)
    run.statistics.dropped(run.to_read.put(ticket))
