"""Reads people's own labels live, beside what the networks read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engines.features import FeatureNet
from engines.preprocess import Bytes
from faceapp.errors import SessionError
from faceapp.labels.features import face_features
from faceapp.labels.label_file import Label, load_label
from faceapp.tracking.smoothing import ProbabilitySmoother
from faceapp.types import FaceTrack, Floats, Prediction

_FORGET_S = 2.0


class LabelReader:
    """Reads labels of faces, each where its own network reads the face; used by one thread.

    Args:
        labels: Names of this user's labels.
        smoothing: Strength over time, 0 to 1, as of the networks' values.

    Raises:
        SessionError: A label is missing, damaged or of another network.
        CardError: Its network is missing.
    """

    def __init__(self, labels: Sequence[str | Label] = (), smoothing: float = 0.5) -> None:
        self.labels = tuple(each if isinstance(each, Label) else load_label(each) for each in labels)
        columns = [label.column for label in self.labels]
        if len(set(columns)) < len(columns):
            raise SessionError(
                f"labels: expected different names, found {', '.join(label.name for label in self.labels)}; rename one"
            )
        self._smoother = ProbabilitySmoother(smoothing)
        self._nets: dict[str, FeatureNet] = {}
        for label in self.labels:
            if label.model not in self._nets:
                self._nets[label.model] = FeatureNet(label.model)
            label.require_fits(self._nets[label.model])

    @property
    def on(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.labels)

    def set_smoothing(self, strength: float) -> None:
        """Change the strength of the smoothing."""
        self._smoother.strength = strength

    def read(self, model: str, chips: Bytes, faces: Sequence[FaceTrack]) -> Floats:
        """Return the labels' probabilities, float32 (N, labels); NaN for labels of another network.

        Args:
            model: Name of the network that reads these faces.
            chips: uint8 (N, ...), the faces as it takes them.
            faces: N faces.

        Raises:
            EngineError: The network failed.
            SessionError: A label is of another width than its network.
        """
        values = np.full((len(faces), len(self.labels)), np.nan, np.float32)
        net = self._nets.get(model)
        if net is None or not faces:
            return values
        features = face_features(net, chips, faces)
        for column, label in enumerate(self.labels):
            if label.model == model:
                label.require_fits(net, features.shape[1])
                values[:, column] = label.probabilities(features)
        return values

    def joined(
        self, time_s: float, predictions: Sequence[Prediction], values: Floats
    ) -> tuple[Prediction, ...]:
        """Return the predictions with the labels, smoothed over time.

        Args:
            time_s: The frame's time.
            predictions: One a face.
            values: float32 (N, labels), from `read`.
        """
        self._smoother.forget(time_s - _FORGET_S)
        return tuple(
            replace(
                prediction,
                labels=tuple(
                    zip(
                        (label.name for label in self.labels),
                        self._smoother.update(prediction.track_id, time_s, row, prediction.model).tolist(),
                        strict=True,
                    )
                ),
            )
            for prediction, row in zip(predictions, values, strict=True)
        )

    def reset(self) -> None:
        """Forget all faces, as after a jump in time."""
        self._smoother.forget(float("inf"))
