"""What may be changed while a pipeline runs, from the next frame on."""

from __future__ import annotations

from collections.abc import Callable

from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline.controls import NO_REGION, Controls, FrameRecorder
from faceapp.settings import Explained, OcclusionMode, check_setting
from faceapp.settings.region import Region


class LiveSettings:
    """The part of a pipeline that takes changed settings; a recorder is told of what changes its rows.

    Args:
        controls: What the pipeline's threads look at before every frame.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def set_smoothing(self, strength: float) -> None:
        """Set the smoothing of predictions over time, 0 (off) to 1.

        Raises:
            ValueError: Outside these.
        """
        check_setting("smoothing", strength)
        self._controls.smoothing = strength
        self._note_change("smoothing", strength)

    def set_landmark_smoothing(self, strength: float) -> None:
        """Set the smoothing of landmarks over time, 0 (off) to 1.

        Raises:
            ValueError: Outside these.
        """
        check_setting("landmark_smoothing", strength)
        self._controls.landmark_smoothing = strength
        self._note_change("landmark_smoothing", strength)

    def set_occlusion(self, occlusion: OcclusionMode) -> None:
        """Set the occlusion taken for every face, or "auto".

        Raises:
            ValueError: Another word.
        """
        check_setting("occlusion", occlusion)
        self._controls.occlusion = occlusion
        self._note_change("occlusion", occlusion)

    def set_movements(self, measured: bool) -> None:
        """Measure movements of the face from the next frame on, or no more."""
        check_setting("movements", measured)
        self._controls.movements = measured
        self._note_change("movements", measured)

    def set_second_opinion(self, asked: bool) -> None:
        """Ask for a second opinion from the next frame on, or no more; `swap_error` tells when its files are damaged."""
        check_setting("second_opinion", asked)
        self._controls.second_opinion = asked
        self._note_change("second_opinion", asked)

    def set_explain(self, task: Explained) -> None:
        """Find from the next frame on what the answers to a task rest on, or no more with "off".

        Raises:
            ValueError: Another word.
        """
        check_setting("explain", task)
        self._controls.explain = task

    def explain_face(self, track_id: int | None) -> None:
        """Explain the answers for this face; None takes the largest."""
        self._controls.explained_id = track_id

    def set_region(self, region: Region | None) -> None:
        """Take one face in a fixed region from the next frame on; None looks for faces again.

        Raises:
            ValueError: The region leaves the picture.
        """
        check_setting("region", region)
        self._controls.region = NO_REGION if region is None else region
        self._note_change("region", region)

    def set_reader_factory(self, make_reader: Callable[[], FaceReader]) -> None:
        """Change model or back end between two frames; `swap_error` tells when the new one can't be made."""
        with self._controls.lock:
            self._controls.make_reader, self._controls.swap_error = make_reader, None

    def _note_change(self, name: str, value: object) -> None:
        recorder = self._controls.recorder
        if isinstance(recorder, FrameRecorder):
            recorder.note_change(name, value)
