"""The headless demo: ten seconds analysed, a session folder, a summary, a picture of the window."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceapp.settings import Settings

if TYPE_CHECKING:
    from faceapp.pipeline import PipelineStatistics
    from faceapp.types import FrameResult

DURATION_S = 10.0
PICTURE_FILE = "window.png"
_TIMELINE_RESULTS = 600

SavePicture = Callable[["Sequence[FrameResult]", Path, "PipelineStatistics"], None]


def run_demo(settings: Settings, source_text: str, save_picture: SavePicture) -> int:
    """Analyse ten seconds of a source into a session folder and draw the window with what was found.

    Args:
        settings: Model, back end, smoothing, and where sessions go.
        source_text: What to analyse.
        save_picture: Draws the window into a file.

    Returns:
        0 when all went well, 2 when the session ended early, 130 after Ctrl-C.

    Raises:
        SourceError: The source can't be opened.
        SessionError: The folder can't be written.
        CardError: The model is missing or damaged.
        EngineError: The back end refuses the model.
    """
    from faceapp.batch.headless import analyze, new_folder_for
    from faceapp.session.reader import read_session
    from faceapp.session.summary import format_summary, summarise
    from faceapp.sources import make_source
    from faceapp.sources.options import Clip

    source = make_source(source_text, for_s=DURATION_S)
    folder = new_folder_for(settings.sessions_dir, source_text, settings.shared_recordings)
    print(f"no display: analysing {DURATION_S:g} s of {source.name} instead of opening the window")
    shown = _Shown()
    outcome = analyze(source, folder, settings, Clip(for_s=DURATION_S), each=shown.add)
    if outcome.folder is not None:
        for line in format_summary(summarise(read_session(outcome.folder))):
            print(line)
        print(f"session: {outcome.folder}")
    if outcome.folder is not None and not outcome.interrupted:
        save_picture(list(shown.results), outcome.folder / PICTURE_FILE, outcome.statistics)
        print(f"picture of the window: {outcome.folder / PICTURE_FILE}")
    if outcome.error is not None:
        print(f"faceapp: {outcome.error}", file=sys.stderr)
        return 2
    return 130 if outcome.interrupted else 0


class _Shown:
    """Keeps results for the window's timeline; only the newest keeps its picture (2.8 MB at 1280x720)."""

    def __init__(self) -> None:
        self.results: deque[FrameResult] = deque(maxlen=_TIMELINE_RESULTS)
        self._black = np.zeros((0, 0, 3), dtype=np.uint8)

    def add(self, result: FrameResult) -> None:
        """Add one result."""
        if self.results:
            before = self.results.pop()
            if self._black.shape != before.frame.image.shape:
                self._black = np.zeros_like(before.frame.image)
            self.results.append(replace(before, frame=replace(before.frame, image=self._black, clean=None)))
        self.results.append(result)
