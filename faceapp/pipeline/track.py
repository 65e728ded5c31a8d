"""The tracking thread: makes, uses and closes the tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceapp.analysis.analyzer import track_timed
from faceapp.pipeline.controls import NO_REGION
from faceapp.types import Tracker

if TYPE_CHECKING:
    from faceapp.pipeline.controls import Controls, Ticket
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


def obey(controls: Controls, tracker: Tracker) -> None:
    """Pass the window's wishes on to a tracker that knows them."""
    wishes: dict[str, object] = {
        "landmark_smoothing": controls.landmark_smoothing,
        "occlusion": controls.occlusion,
    }
    if controls.movements or controls.second_opinion or controls.explain not in (None, "off"):
        wishes["detailed"] = True  # and stays so for this run
    for name, wish in wishes.items():
        if wish is not None and getattr(tracker, name, wish) != wish:
            setattr(tracker, name, wish)
    if controls.region is not None and hasattr(tracker, "region"):
        tracker.region = None if controls.region == NO_REGION else controls.region


def _track_one(run: Run, tracker: Tracker, ticket: Ticket) -> None:
    if ticket.frame is None:
        run.to_read.put_last(ticket)
        return
    obey(run.controls, tracker)
    ticket.faces, ticket.track_ms = track_timed(tracker, ticket.frame)
    run.statistics.dropped(run.to_read.put(ticket))
