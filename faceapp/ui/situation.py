"""Tells four times a second what is going on: state, numbers, models, recording, errors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from faceapp.pipeline import Pipeline, PipelineState
from faceapp.ui.centre import Offer
from faceapp.ui.choices import source_text
from faceapp.ui.sentences import as_sentences

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_IDLE = (PipelineState.STOPPED, PipelineState.STOPPING, PipelineState.FAILED)


class Situation:
    """Asks the pipeline and the recorder, and shows their answers in the window's parts."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._told_error: Exception | None = None
        self._told_problem = ""

    def refresh(self) -> None:
        """Ask and show once."""
        window = self._window
        state, pipeline, recorder = window.live.state, window.live.pipeline, window.recorder
        if state is PipelineState.FAILED and pipeline is not None:
            self._tell_failure(pipeline)
        elif state is PipelineState.ENDED:
            self._end()
        message = "" if pipeline is None else pipeline.message
        window.centre.tell(
            state, source_text(window.settings.source), message, self._offers(), _is_still(pipeline)
        )
        window.toolbar.set_state(
            running=state not in _IDLE,
            paused=state in (PipelineState.PAUSED, PipelineState.ENDED),
            ready=window.centre.shows_picture,
            recording=recorder.wanted,
            begun=recorder.begun,
        )
        window.toolbar.set_recorded(recorder.elapsed_s, recorder.dropped)
        window.centre.video.set_recording(recorder.begun and window.audience.on)
        recorder.watch()
        window.streaming.refresh()
        window.centre.build.tell(window.live.builds.newest)
        self._show_engines(pipeline)
        if pipeline is not None:
            window.centre.seek_bar.set_duration(getattr(pipeline.source, "duration_s", None))
            window.centre.seek_bar.setEnabled(not recorder.wanted)
            window.status.show_statistics(pipeline.statistics())
            self._tell_swap(pipeline.swap_error)
            self._tell_problem(pipeline.problem)

    def _tell_failure(self, pipeline: Pipeline) -> None:
        if pipeline.error is not self._told_error:
            self._told_error = pipeline.error
            self._window.recorder.stop()
            self._window.forget()
            again = ("Try again", self._window.start_source)
            self._window.centre.problem.show_error(str(pipeline.error), again)

    def _tell_swap(self, error: Exception | None) -> None:
        if error is not None and error is not self._told_error:
            self._told_error = error
            self._window.controls.complain(as_sentences(error, "The model before goes on."))

    def _tell_problem(self, problem: str) -> None:
        """Say once that the GPU is lost and the processor goes on."""
        if problem != self._told_problem:
            self._told_problem = problem
            if problem:
                self._window.controls.complain(problem)

    def _end(self) -> None:
        """A video has ended: its recording is complete, or it starts again."""
        if self._window.recorder.wanted:
            self._window.recorder.stop()
        elif self._window.centre.seek_bar.loops:
            self._window.live.restart()

    def _show_engines(self, pipeline: Pipeline | None) -> None:
        """Show the model that read the chosen face, and the back ends that run the models."""
        names = "" if pipeline is None else ", ".join(card.name for card in pipeline.cards)
        backends = "" if pipeline is None else pipeline.description.removeprefix(f"{names}, ")
        chosen = self._window.chosen
        model = "" if chosen is None else chosen.model  # "" too while too little of the face is visible
        self._window.status.show_engines(model or names, backends)

    def _offers(self) -> list[Offer]:
        controls = self._window.controls
        return [
            ("play", "Try the demo", partial(controls.open_source, "demo")),
            ("file", "Open a video…", controls.ask_file),
            ("link", "Web address…", controls.ask_address),
        ]


def _is_still(pipeline: Pipeline | None) -> bool:
    """Return whether the source is one picture."""
    return pipeline is not None and getattr(pipeline.source, "frame_count", None) == 1
