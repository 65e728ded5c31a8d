"""What the tracking thread asks of its tracker: the mesh's detail, once somebody needs it."""

from __future__ import annotations

import pytest

from faceapp.analysis.analyzer import make_tracker
from faceapp.pipeline.controls import Controls
from faceapp.pipeline.track import obey
from faceapp.settings import Settings


@pytest.mark.parametrize("choice", [{"movements": True}, {"second_opinion": True}, {"explain": "emotion"}])
def test_whatever_looks_at_the_mesh_closely_asks_for_its_detail(choice: dict[str, object]) -> None:
    settings = Settings(mesh="openvino", **choice)  # type: ignore[arg-type]
    assert getattr(make_tracker(settings), "detailed") is True  # noqa: B009
    tracker = make_tracker(Settings(mesh="openvino"))
    controls = Controls(lambda: tracker, lambda: pytest.fail("no reader is wanted"))
    obey(controls, tracker)
    assert getattr(tracker, "detailed") is False  # noqa: B009
    for name, wish in choice.items():
        setattr(controls, name, wish)
    obey(controls, tracker)
    assert getattr(tracker, "detailed") is True  # noqa: B009
