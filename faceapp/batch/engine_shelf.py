"""Keeps the engines of one job for the next: loading four networks takes as long as 30 frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceapp.analysis.action_unit_reader import MovementReader
from faceapp.analysis.analyzer import load_engines
from faceapp.analysis.face_reader import FaceReader
from faceapp.labels.label_reader import LabelReader
from faceapp.settings import Settings
from faceapp.settings.label_names import label_list

if TYPE_CHECKING:
    from engines.engine import Engine
    from faceapp.types import Occlusion

_KEPT = ("onnxruntime", "openvino")
"""Back ends whose engines may change threads between jobs; those of a GPU end on the thread that made them."""


class EngineShelf:
    """Lends engines to one job after the other; used by one job at a time, on that job's reading thread."""

    def __init__(self) -> None:
        self._engines: dict[Occlusion, Engine] = {}
        self._kind: tuple[object, ...] = ()

    def reader(self, settings: Settings) -> FaceReader:
        """Return a reader with engines of the shelf, loaded anew where the last job had others.

        Raises:
            CardError: As for `faceapp.analysis.analyzer.make_reader`.
            EngineError: As there.
            SessionError: As there.
        """
        movements = MovementReader(settings.movements, settings.second_opinion)
        labels = LabelReader(label_list(settings.labels), settings.smoothing)
        kind = (settings.model, settings.backend, settings.engine_threads)
        if kind != self._kind or not self._engines:
            self.close()
            engines = load_engines(settings)
            if any(engine.backend_name not in _KEPT for engine in engines.values()):
                return FaceReader(
                    engines, settings.smoothing, settings.occlusion, movements=movements, labels=labels
                )
            self._engines, self._kind = engines, kind
        return _Borrower(
            self._engines, settings.smoothing, settings.occlusion, movements=movements, labels=labels
        )

    def close(self) -> None:
        """Release the engines."""
        for engine in dict.fromkeys(self._engines.values()):
            engine.close()
        self._engines = {}


class _Borrower(FaceReader):
    def close(self) -> None:
        """Leave the engines to the shelf."""
