"""In which order engines are asked about the faces of one frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from faceapp.analysis.face_reader import FaceReader
from tests.faceapp.fakes import FakeEngine, face, frame


def test_all_engines_begin_before_the_first_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def begin(self: FakeEngine, batch: np.ndarray) -> Callable[[], dict[str, np.ndarray]]:
        order.append(f"{self.card.name} begins")

        def finish() -> dict[str, np.ndarray]:
            order.append(f"{self.card.name} ends")
            return self.infer(batch)

        return finish

    monkeypatch.setattr(FakeEngine, "begin", begin)
    engines = {"none": FakeEngine("plain", value=0.1), "headset": FakeEngine("headset", value=0.9)}
    reader = FaceReader(engines, 0.0)  # type: ignore[arg-type]
    result = reader.read(frame(), [face(1), face(2, "headset")], 0.0)
    assert order == ["plain begins", "headset begins", "plain ends", "headset ends"]
    assert [round(prediction.female, 1) for prediction in result.predictions] == [0.1, 0.9]
