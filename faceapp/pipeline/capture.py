"""The capture thread: frames out of the source into the first slot."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from faceapp.errors import SourceError
from faceapp.pipeline.controls import FrameRecorder, Ticket

if TYPE_CHECKING:
    from faceapp.pipeline.run import Run


def capture(run: Run) -> None:
    """Read the source until the run stops; after its end, wait for a seek.

    Raises:
        SourceError: The source can't be opened or read.
    """
    source, playback = run.source, run.playback
    shown = False  # whether a frame has come since the start or the last seek; paused, one frame still comes
    try:
        source.open()
        while not run.stopping:
            sought_s = playback.take_seek()
            if sought_s is not None:
                _jump(run, sought_s)
                shown = False
            elif source.ended or (playback.paused and shown and not source.live):
                playback.hold(ended=source.ended)
                continue
            shown = _capture_one(run) or shown
    except SourceError as error:
        if source.live or not run.statistics.captured_count:
            raise
        # A file breaks off: what came before the break is analysed first, then the reading thread raises.
        run.to_track.put_last(Ticket(run.generation, None, error=error))
    finally:
        source.close()


def _capture_one(run: Run) -> bool:
    """Pass one frame on, or the mark of the end; return whether it was a frame."""
    source = run.source
    started_s = time.perf_counter()
    frame = source.read()
    run.silent = frame is None
    if frame is None:
        if source.ended:
            run.to_track.put_last(Ticket(run.generation, None))
        return False
    if source.live and run.playback.paused:
        return False  # read on while paused, so that the driver holds no old pictures at the resume
    decode_ms = (time.perf_counter() - started_s) * 1e3
    if run.paced:
        run.playback.wait_until_due(frame.time_s)
        frame = replace(frame, captured_s=time.perf_counter())
    run.statistics.captured()
    with run.controls.lock:
        recorder = run.controls.recorder
        if isinstance(recorder, FrameRecorder):
            recorder.put_frame(frame)
    run.statistics.dropped(run.to_track.put(Ticket(run.generation, frame, decode_ms)))
    return True


def _jump(run: Run, time_s: float) -> None:
    """Seek the source and give up every frame from before."""
    run.source.seek(time_s)  # type: ignore[attr-defined]  # Pipeline.seek has asked whether it can
    run.generation += 1
    run.discard(run.to_track)
    run.discard(run.to_read)
    run.results.clear()
    run.playback.restart_pace()
