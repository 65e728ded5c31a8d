"""What a recording was made with is true at every row."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from faceapp.session.reader import read_session
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


def test_what_is_drawn_is_noted_at_the_frame_from_which_on_it_is(tmp_path: Path) -> None:
    settings = {"simulate": "none", "smoothing": 0.5}
    writer = SessionWriter(
        tmp_path / "s", source="t", cards=[card()], settings=settings, wait=True, captured=True
    )
    for index, drawn in enumerate(("headset", "headset", "none", "none", "mask")):
        taken = result(index)
        taken = replace(taken, frame=replace(taken.frame, drawn=drawn))
        writer.put_frame(taken.frame)
        writer.put(taken)
    session = read_session(writer.close())
    times_s = session.column("time_s")
    assert session.metadata["settings"]["simulate"] == "headset"
    assert [(change["setting"], change["value"]) for change in session.metadata["changes"]] == [
        ("simulate", "none"),
        ("simulate", "mask"),
    ]
    assert [change["time_s"] for change in session.metadata["changes"]] == [times_s[2], times_s[4]]


def test_a_model_that_takes_over_stands_among_the_models(tmp_path: Path) -> None:
    other = replace(card(), name="other", sha256="cd" * 32)
    writer = SessionWriter(tmp_path / "s", source="t", cards=[card()], settings={}, wait=True)
    writer.put(result(0))
    writer.note_change("models", (other,))
    writer.put(result(1))
    writer.note_change("models", (card(),))
    folder = writer.close()
    metadata = read_session(folder).metadata
    assert [model["sha256"] for model in metadata["models"]] == ["ab" * 32, "cd" * 32]
    assert [change["value"] for change in metadata["changes"]] == [["other 1.0"], ["tiny 1.0"]]
    stored = json.loads(read_session(folder).table.schema.metadata[b"faceapp"])
    assert [model["name"] for model in stored["models"]] == ["tiny", "other"]
