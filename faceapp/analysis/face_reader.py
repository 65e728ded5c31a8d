"""Reads the tracked faces of a frame: one batch per engine, decoded, smoothed over time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engines.card import ModelCard
from faceapp.analysis.action_unit_reader import MovementReader
from faceapp.analysis.explaining import Explainer
from faceapp.labels.label_reader import LabelReader
from faceapp.predictions import head_values, make_predictions, unknown_values
from faceapp.tracking.smoothing import ProbabilitySmoother
from faceapp.types import FaceTrack, Floats, Frame, FrameResult, Occlusion

if TYPE_CHECKING:
    from engines.engine import Engine, Finish
    from engines.preprocess import Bytes
    from faceapp.settings import OcclusionMode

FORGET_S = 2.0
"""A face that was not seen for so long loses its smoothing state; the tracker itself gives up after 0.5 s."""


class FaceReader:
    """Reads tracked faces with the engine that suits each one's occlusion, and smooths over time.

    A face of which too little is seen ("hidden") is given to no engine: its values are NaN and its model is
    "", so that averages leave it out, and what comes after starts afresh.

    Used by one thread at a time; `smoothing` and `occlusion` may be set from any thread.

    Args:
        engines: Occlusion -> engine; "none" must be there and serves every occlusion without one of its own.
            The reader closes them.
        smoothing: Strength from 0 (off) to 1.
        occlusion: Occlusion taken for every face, or "auto" for what the tracker says of each.
        abstains: Whether hidden faces are left unread; else the engine of "none" reads them.
        movements: Measures movements of the face; by default one that is off.
        explainer: Finds what the answers for one face rest on; by default one that is off.
        labels: Reads people's own labels; by default none.

    Attributes:
        engines: As above.
        abstains: As above.
        occlusion: As above; may be changed while running.
        movements: As above.
        explainer: As above.
        labels: As above.
    """

    def __init__(
        self,
        engines: Mapping[Occlusion, Engine],
        smoothing: float,
        occlusion: OcclusionMode = "auto",
        *,
        abstains: bool = True,
        movements: MovementReader | None = None,
        explainer: Explainer | None = None,
        labels: LabelReader | None = None,
    ) -> None:
        if "none" not in engines:
            raise ValueError(f"engines: expected one for 'none', found {sorted(engines)}")
        self.engines, self.abstains = engines, abstains
        self._smoother = ProbabilitySmoother(smoothing)
        self._forget_at_s = FORGET_S
        self.occlusion: OcclusionMode = occlusion
        self.movements = movements or MovementReader()
        self.explainer = explainer or Explainer()
        self.labels = labels or LabelReader()

    @property
    def smoothing(self) -> float:
        """Strength of the smoothing, 0 to 1."""
        return float(self._smoother.strength)

    @smoothing.setter
    def smoothing(self, strength: float) -> None:
        self._smoother.strength = strength
        self.labels.set_smoothing(strength)

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of the engines in use, each once."""
        return tuple(engine.card for engine in self._distinct_engines())

    @property
    def description(self) -> str:
        """Models and back ends in use, for the status line: "multitask, OpenVINO bf16 CPU"."""
        engines = self._distinct_engines()
        back_ends = dict.fromkeys(engine.backend_description for engine in engines)
        return ", ".join([*(engine.card.name for engine in engines), *back_ends])

    @property
    def problem(self) -> str:
        """Why an engine runs on the processor though a GPU was chosen, in one line; empty while all is well."""
        return next((engine.problem for engine in self._distinct_engines() if engine.problem), "")

    def read(self, frame: Frame, faces: Sequence[FaceTrack], track_ms: float) -> FrameResult:
        """Return the frame's result: one batch per engine, decoded, then smoothed per face.

        Args:
            frame: The picture the faces were tracked in.
            faces: Its faces, ordered by id; none means that no engine is called.
            track_ms: Milliseconds the tracking took, passed into the timing.

        Raises:
            EngineError: An engine failed.
        """
        if self.occlusion != "auto":
            faces = [replace(face, occlusion=self.occlusion) for face in faces]
        values = unknown_values(len(faces))
        models = [""] * len(faces)
        own = np.full((len(faces), len(self.labels.labels)), np.nan, np.float32)
        crop_ms = infer_ms = 0.0
        explanation, explained_id = None, self.explainer.wanted(faces)
        # All begin before the first is waited for: on a GPU the next faces are cut, and read, meanwhile.
        begun = [
            (engine, positions, _begin_group(engine, frame, [faces[index] for index in positions]))
            for engine, positions in self._groups(faces)
        ]
        for engine, positions, (batch, finish, crop, begin) in begun:
            started_s = time.perf_counter()
            values[positions] = head_values(finish(), len(positions))
            infer = begin + (time.perf_counter() - started_s) * 1e3
            group = [faces[index] for index in positions]
            for row, (index, face) in enumerate(zip(positions, group, strict=True)):
                if face.id == explained_id:
                    explanation = self.explainer.read(engine, batch[row], face, values[index])
            own[positions], own_ms = self._read_labels(engine, batch, group)
            crop_ms, infer_ms = crop_ms + crop, infer_ms + infer + own_ms
            for index in positions:
                models[index] = engine.card.name
        started_s = time.perf_counter()
        smoothed = self._smooth(frame.time_s, faces, values, models)
        ids = [face.id for face in faces]
        predictions = make_predictions(ids, smoothed, models)
        raw_predictions = make_predictions(ids, values, models)
        if self.movements.on:
            predictions = self.movements.read(frame.time_s, faces, predictions)
        if self.labels.on:
            predictions = self.labels.joined(frame.time_s, predictions, own)
        finished_s = time.perf_counter()
        smooth_ms = (finished_s - started_s) * 1e3
        timing_ms = {
            "track": track_ms,
            "crop": crop_ms,
            "infer": infer_ms,
            "smooth": smooth_ms,
            "total": track_ms + crop_ms + infer_ms + smooth_ms,
            "capture_to_result": (finished_s - frame.captured_s) * 1e3,
        }
        return FrameResult(frame, tuple(faces), predictions, raw_predictions, timing_ms, explanation)

    def reset(self) -> None:
        """Forget the past of all faces, as after a jump in time."""
        self._smoother.forget(float("inf"))
        self._forget_at_s = -float("inf")
        self.movements.reset()
        self.explainer.reset()
        self.labels.reset()

    def close(self) -> None:
        """Release the engines."""
        for engine in self._distinct_engines():
            engine.close()

    def _distinct_engines(self) -> tuple[Engine, ...]:
        return tuple(dict.fromkeys(self.engines.values()))

    def _groups(self, faces: Sequence[FaceTrack]) -> list[tuple[Engine, list[int]]]:
        """Return each engine with the positions of its faces; those left unread belong to none."""
        positions: dict[Engine, list[int]] = {}
        for index, face in enumerate(faces):
            if face.occlusion != "hidden" or not self.abstains:
                engine = self.engines.get(face.occlusion, self.engines["none"])
                positions.setdefault(engine, []).append(index)
        return list(positions.items())

    def _read_labels(self, engine: Engine, chips: Bytes, faces: Sequence[FaceTrack]) -> tuple[Floats, float]:
        started_s = time.perf_counter()
        return self.labels.read(engine.card.name, chips, faces), (time.perf_counter() - started_s) * 1e3

    def _smooth(
        self, time_s: float, faces: Sequence[FaceTrack], values: Floats, models: Sequence[str]
    ) -> Floats:
        if time_s >= self._forget_at_s:
            self._smoother.forget(time_s - FORGET_S)
            self._forget_at_s = time_s + FORGET_S
        smoothed = unknown_values(len(faces))
        for row, face, raw, model in zip(smoothed, faces, values, models, strict=True):
            row[:] = self._smoother.update(face.id, time_s, raw, model)
        return smoothed


def _begin_group(
    engine: Engine, frame: Frame, faces: Sequence[FaceTrack]
) -> tuple[Bytes, Finish, float, float]:
    """Cut faces and begin to read them; return the chips, what gives the answers, and the milliseconds of both."""
    started_s = time.perf_counter()
    # NaN landmarks are no mesh: the box is cut.
    batch = engine.crop(frame.image, [face.landmarks for face in faces], [face.box for face in faces])
    cropped_s = time.perf_counter()
    finish = engine.begin(batch)
    return batch, finish, (cropped_s - started_s) * 1e3, (time.perf_counter() - cropped_s) * 1e3
