"""The same faces read three ways, side by side: what a network made for half-hidden faces is good for.

The full-face network on the bare picture, the full-face network on the picture with a headset or a mask drawn on it, and
the specialised network on that picture. All three see the face in the same place, so that they differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engines.card import InputSpec
from engines.preprocess import cut_chip, face_matrix, prepare_batch
from faceapp.analysis.action_unit_reader import MovementReader
from faceapp.analysis.analyzer import load_engines
from faceapp.analysis.face_reader import FaceReader
from faceapp.labels.label_reader import LabelReader
from faceapp.predictions import head_values, make_predictions, unknown_values
from faceapp.settings.label_names import label_list
from faceapp.sources.drawn_occlusion import Hiding
from faceapp.tracking.smoothing import ProbabilitySmoother
from faceapp.types import FaceTrack, Floats, Frame, FrameResult, Image, Occlusion, Prediction, read_only

if TYPE_CHECKING:
    from engines.engine import Engine
    from faceapp.settings import Settings

PICTURE_PX = 192
"""Side of the pictures of a comparison."""
_WAYS = 3
_PICTURE = InputSpec(size=PICTURE_PX, color="rgb")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One face read three ways.

    Attributes:
        track_id: The face's `FaceTrack.id`.
        occlusion: What hides it, "headset" or "mask".
        clean_picture: uint8 (192, 192, 3) RGB, the bare face, aligned as the networks see it.
        hidden_picture: The same with what was drawn on it.
        full_on_clean: What the full-face network says of the bare face.
        full_on_hidden: What the full-face network says of the hidden face.
        specialised: What the specialised network says of the hidden face; None where there is no such model.
    """

    track_id: int
    occlusion: Occlusion
    clean_picture: Image
    hidden_picture: Image
    full_on_clean: Prediction
    full_on_hidden: Prediction
    specialised: Prediction | None


@dataclass
class SideBySide:
    """The wish for comparisons and the newest of them, shared by the window and the reading thread.

    Attributes:
        wanted: Whether faces that something is drawn on are compared; may be changed while running.
        hiding: What is drawn.
        newest: Number of a frame and its comparisons, one a face, ordered by id; None before the first. Replaced as
            a whole, so that any thread may look.
    """

    wanted: bool = False
    hiding: Hiding = field(default_factory=Hiding)
    newest: tuple[int, tuple[Comparison, ...]] | None = None


class ComparingReader(FaceReader):
    """A reader that also compares, with the same engines, on frames that something was drawn on.

    Args:
        engines: As for `FaceReader`.
        settings: Smoothing and occlusion.
        side_by_side: Asked at every frame; receives the comparisons.
    """

    def __init__(
        self, engines: Mapping[Occlusion, Engine], settings: Settings, side_by_side: SideBySide
    ) -> None:
        movements = MovementReader(settings.movements, settings.second_opinion)
        labels = LabelReader(label_list(settings.labels), settings.smoothing)
        super().__init__(engines, settings.smoothing, settings.occlusion, movements=movements, labels=labels)
        self._side_by_side = side_by_side
        self._ways = tuple(ProbabilitySmoother(settings.smoothing) for _ in range(_WAYS))

    def read(self, frame: Frame, faces: Sequence[FaceTrack], track_ms: float) -> FrameResult:
        """Return the frame's result as `FaceReader.read` does; comparisons go to `side_by_side`.

        Raises:
            EngineError: An engine failed.
        """
        result = super().read(frame, faces, track_ms)
        wish = self._side_by_side
        if wish.wanted and frame.clean is not None:
            values = compared_values(self.engines, frame, result.faces, wish.hiding.what)
            wish.newest = frame.index, self._comparisons(frame, result.faces, values, wish.hiding.what)
        return result

    def reset(self) -> None:
        """Forget the past of all faces."""
        super().reset()
        for smoother in self._ways:
            smoother.forget(float("inf"))

    def _comparisons(
        self, frame: Frame, faces: Sequence[FaceTrack], values: Sequence[Floats], drawn: Occlusion
    ) -> tuple[Comparison, ...]:
        names = [_name(self.engines, "none")] * len(faces)
        special = [_name(self.engines, hidden_by(face, drawn)) for face in faces]
        ids = [face.id for face in faces]
        ways = []
        for smoother, raw, models in zip(self._ways, values, (names, names, special), strict=True):
            smoother.strength = self.smoothing
            smoother.forget(frame.time_s - 1)
            rows = [
                smoother.update(track_id, frame.time_s, row, model)
                for track_id, row, model in zip(ids, raw, models, strict=True)
            ]
            ways.append(make_predictions(ids, np.stack(rows), models) if rows else ())
        return tuple(
            _comparison(frame, face, hidden_by(face, drawn), readings)
            for face, *readings in zip(faces, *ways, strict=True)
        )


def make_comparing_reader(settings: Settings, side_by_side: SideBySide) -> ComparingReader:
    """Load the engines the settings ask for; see `faceapp.analysis.analyzer.make_reader`.

    Raises:
        CardError: A model is missing or damaged.
        EngineError: The back end refuses a model.
        SessionError: A label of one's own is missing, damaged or of another network.
    """
    return ComparingReader(load_engines(settings), settings, side_by_side)


def hidden_by(face: FaceTrack, drawn: Occlusion) -> Occlusion:
    """Return what hides a face: what the switch says, and what is drawn while it still says "none"."""
    return face.occlusion if face.occlusion in ("headset", "mask") else drawn


def compared_values(
    engines: Mapping[Occlusion, Engine], frame: Frame, faces: Sequence[FaceTrack], drawn: Occlusion
) -> tuple[Floats, Floats, Floats]:
    """Read faces three ways, one batch per engine.

    Args:
        engines: Occlusion -> engine; "none" must be there.
        frame: A frame with its `clean` picture.
        faces: Its faces.
        drawn: What was drawn on them.

    Returns:
        Full on clean, full on hidden, specialised on hidden, float32 (N, VALUE_COUNT) each; NaN where there is no
        specialised engine.

    Raises:
        EngineError: An engine failed.
        ValueError: The frame has no clean picture.
    """
    if frame.clean is None:
        raise ValueError("frame: expected one with its clean picture, found none; draw something on it")
    full, count = engines["none"], len(faces)
    both = _read(full, [(frame.clean, faces), (frame.image, faces)])
    special = unknown_values(count)
    for kind, engine in engines.items():
        positions = [at for at, face in enumerate(faces) if hidden_by(face, drawn) == kind != "none"]
        if positions:
            special[positions] = _read(engine, [(frame.image, [faces[at] for at in positions])])
    return both[:count].copy(), both[count:].copy(), special


def _read(engine: Engine, pictures: Sequence[tuple[Image, Sequence[FaceTrack]]]) -> Floats:
    spec = engine.card.input
    batches = [
        prepare_batch(image, [face_matrix(spec, face.landmarks, face.box) for face in faces], spec)
        for image, faces in pictures
    ]
    batch = np.concatenate(batches)
    return head_values(engine.infer(batch), len(batch))


def _name(engines: Mapping[Occlusion, Engine], kind: Occlusion) -> str:
    return engines[kind].card.name if kind in engines else ""


def _comparison(frame: Frame, face: FaceTrack, kind: Occlusion, readings: Sequence[Prediction]) -> Comparison:
    assert frame.clean is not None
    matrix = face_matrix(_PICTURE, face.landmarks, face.box)
    clean, hidden = (read_only(cut_chip(image, matrix, _PICTURE)) for image in (frame.clean, frame.image))
    full_on_clean, full_on_hidden, specialised = readings
    known = specialised if specialised.model and kind != "none" else None
    return Comparison(face.id, kind, clean, hidden, full_on_clean, full_on_hidden, known)
