"""The reading thread: makes, swaps, uses and closes the reader with its engines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from engines.errors import CardError, EngineError
from faceapp.analysis.face_reader import FaceReader
from faceapp.errors import SessionError

if TYPE_CHECKING:
    from faceapp.pipeline.controls import Controls, Ticket
    from faceapp.pipeline.run import Run

logger = logging.getLogger(__name__)

_IDLE_S = 0.25


def read(run: Run) -> None:
    """Read tracked frames until the run stops; start afresh after a seek.

    Raises:
        CardError: The first reader can't be made.
        EngineError: The first reader can't be made, or an engine failed.
        SourceError: The source broke off; raised after its last frame was read.
    """
    factory = run.controls.make_reader
    reader = factory()
    generation = 0
    try:
        _introduce(run, reader)
        while not run.stopping:
            if run.controls.make_reader is not factory:
                reader, factory = _swap(run, reader, factory)
            ticket = run.to_read.take(_IDLE_S)
            if ticket is None:
                continue
            if ticket.generation != generation:
                reader.reset()
                generation = ticket.generation
            _read_one(run, reader, ticket)
    finally:
        reader.close()


def _read_one(run: Run, reader: FaceReader, ticket: Ticket) -> None:
    if ticket.frame is None:
        if ticket.error is not None:
            raise ticket.error
        run.ended_generation = ticket.generation
        return
    if ticket.generation != run.generation:
        run.statistics.dropped()
        return
    controls = run.controls
    if controls.smoothing is not None and controls.smoothing != reader.smoothing:
        reader.smoothing = controls.smoothing
    reader.occlusion = controls.occlusion or reader.occlusion
    if controls.movements is not None:
        reader.movements.measures = controls.movements
    if controls.second_opinion is not None and controls.second_opinion != reader.movements.asks:
        _switch_opinion(controls, reader)
    if controls.explain is not None:
        reader.explainer.task = controls.explain
    reader.explainer.chosen_id = controls.explained_id
    result = reader.read(ticket.frame, ticket.faces, ticket.track_ms)
    if reader.problem != run.problem:  # an engine changed its back end
        _introduce(run, reader)
    if not run.source.live:  # a live source's reading is mostly waiting
        result.timing_ms["decode"] = ticket.decode_ms
    run.statistics.analysed(result.timing_ms)
    with controls.lock:
        if controls.recorder is not None:
            controls.recorder.put(result)
        if controls.listener is not None:
            controls.listener.put(result)
    run.results.put(result)


def _switch_opinion(controls: Controls, reader: FaceReader) -> None:
    """Ask for a second opinion or no more; where its files are damaged nobody is asked, and the window is told."""
    try:
        reader.movements.set_asks(bool(controls.second_opinion))
    except CardError as error:
        logger.warning("no second opinion: %s", error)
        with controls.lock:
            controls.second_opinion, controls.swap_error = False, error


def _swap(
    run: Run, reader: FaceReader, factory: Callable[[], FaceReader]
) -> tuple[FaceReader, Callable[[], FaceReader]]:
    """Return the reader now wanted and its factory; the present ones where it can't be made."""
    controls = run.controls
    wanted = controls.make_reader
    try:
        fresh = wanted()
    except (CardError, EngineError, SessionError) as error:
        logger.warning("model and back end stay as they are: %s", error)
        with controls.lock:
            if controls.make_reader is wanted:  # else a newer wish came meanwhile
                controls.make_reader, controls.swap_error = factory, error
        return reader, factory
    reader.close()
    _introduce(run, fresh)
    note_change = getattr(controls.recorder, "note_change", None)
    if note_change is not None:
        note_change("models", fresh.cards)
        note_change("backend", fresh.description)
    return fresh, wanted


def _introduce(run: Run, reader: FaceReader) -> None:
    run.cards, run.description, run.problem = reader.cards, reader.description, reader.problem
