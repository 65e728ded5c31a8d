"""Entries of `session.json` that are of another kind are named, and what every version wrote is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session.about import About, Consent
from faceapp.session.metadata import load_metadata
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result


@pytest.fixture
def session(tmp_path: Path) -> Path:
    about = About(participant="P1", notes="two\nlines", consent=Consent("yes"))
    writer = SessionWriter(
        tmp_path / "s", source="t", cards=[card()], settings={"smoothing": 0.5}, wait=True, about=about
    )
    for index in range(3):
        writer.put(result(index))
    writer.note_change("smoothing", 0.1)
    return writer.close()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("started_utc", "yesterday"),
        ("started_utc", 5),
        ("models", 7),
        ("models", ["tiny"]),
        ("models", [{"name": 1}]),
        ("smoothing", "0.5"),
        ("smoothing", {"smoothing": "much"}),
        ("frames", {"faces": "3"}),
        ("frames", {"faces": -1}),
        ("frames", {"not_analysed": 3}),
        ("last_time_s", "1.5"),
        ("last_time_s", float("inf")),
        ("last_time_s", 1e300),
        ("video", {"file": 3}),
        ("participant", ["P1"]),
        ("participant", "P\0"),
        ("errors", "none"),
        ("sealed", {"faces.parquet": 3}),
        ("consent", "yes"),
        ("changes", [3]),
    ],
)
def test_a_wrong_entry_is_named_in_one_line(session: Path, key: str, value: object) -> None:
    path = session / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(SessionError, match=f"under {key}, found") as caught:
        load_metadata(session)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_what_is_written_is_taken_and_so_are_entries_of_later_versions(session: Path) -> None:
    metadata = load_metadata(session)
    path = session / "session.json"
    path.write_text(json.dumps({**metadata, "something_new": {"a": [1]}}))
    assert load_metadata(session) == {**metadata, "something_new": {"a": [1]}}
    old = {key: metadata[key] for key in ("schema_version", "state", "frames", "started_utc", "models")}
    path.write_text(json.dumps(old))
    assert load_metadata(session) == old
