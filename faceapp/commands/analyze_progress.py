"""What `faceapp analyze` shows while it works, and says of each input at its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from faceapp.errors import SessionError

if TYPE_CHECKING:
    from faceapp.batch.jobs import Done, Job


class AnalyzeProgress:
    """One bar over the frames of all inputs, with the time that is left where their lengths are known."""

    def __init__(self, jobs: Sequence[Job], quiet: bool) -> None:
        from tqdm import tqdm

        from faceapp.batch.inputs import expected_frames
        from faceapp.batch.tally import Tally

        self._tally = Tally({job.number: expected_frames(job.text, job.clip) for job in jobs})
        self._inputs, self._ended = len(jobs), 0
        self.quiet = quiet
        disable = True if quiet else None  # None: where the output is no terminal
        self._bar = tqdm(
            unit=" frames", disable=disable, leave=False, dynamic_ncols=True, total=self._tally.total
        )

    def __enter__(self) -> AnalyzeProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def step(self, number: int, frames: int | None) -> None:
        """Count one frame of a job."""
        if self._tally.step(number, frames):
            self._bar.total = self._tally.total
        self._bar.update()

    def ended(self, done: Done) -> None:
        """Take note of a job's end."""
        self._ended += 1
        self._tally.ended(done.job.number)
        self._bar.total = self._tally.total
        if self._inputs > 1:
            self._bar.set_description(f"{self._ended} of {self._inputs} inputs")

    def write(self, text: str, error: bool = False) -> None:
        """Print a line above the bar; nothing but errors where the person wants it quiet."""
        if self.quiet and not error:
            return
        self._bar.write(text, file=sys.stderr if error else sys.stdout)


def print_done(done: Done, progress: AnalyzeProgress) -> None:
    """Say what was found and where it lies; the error, if any, goes to the standard error stream."""
    from faceapp.session.reader import read_session
    from faceapp.session.summary import format_summary, summarise

    if done.folder is not None and not done.folder.is_dir():
        progress.write(
            f"faceapp: {done.job.text}: expected its session in {done.folder}, found no folder; "
            "what was recorded is gone with it",
            error=True,
        )
    elif done.folder is not None and not progress.quiet:
        progress.write(f"{done.job.text} -> {done.folder}{' (stopped)' if done.interrupted else ''}")
        try:
            lines = format_summary(summarise(read_session(done.folder)))
        except SessionError as error:
            lines = [] if done.error else [f"faceapp: {error}"]
        for line in lines:
            progress.write(f"  {line}")
        if done.elapsed_s > 0:
            progress.write(f"  {(done.frames - 1) / done.elapsed_s:.1f} frames a second")
    if done.error:
        progress.write(f"faceapp: {done.error}", error=True)
