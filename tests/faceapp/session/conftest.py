"""The session that the tests of exports write out."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceapp.session.about import About
from faceapp.session.annotations import Event, append_event
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.exported import DANGEROUS
from tests.faceapp.session.results import card, hidden, result


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 Hz: face 1 happy, from 1 s neutral, away from 1.2 to 1.8 s, abstained at 0.4 s; face 2 at last."""
    about = About("P07 / ä", "note", session="2", condition="../film")
    folder = tmp_path_factory.mktemp("exports") / "s"
    writer = SessionWriter(
        folder, source="test", cards=[card()], settings={}, wait=True, captured=True, about=about
    )
    for index in range(50):
        faces = 0 if 30 <= index < 45 else 1 + (index >= 48)
        each = result(index, faces=faces, happiness=0.9 if index < 25 else 0.05)
        each = hidden(each) if index == 10 else each
        writer.put_frame(each.frame)
        writer.put(each)
    writer.close()
    append_event(folder, Event(0.5, 1.5, label=DANGEROUS, note="loud & clear\nand long", author="A"))
    append_event(folder, Event(1.0, 1.0, label="key <1>", face=1, author="B"))
    append_event(folder, Event(1.6, 1.8, kind="exclude", author="A"))
    return folder
