"""No folder of the computer, and so no name of its user, travels with a session."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from faceapp.errors import SessionError
from faceapp.session.metadata import load_metadata, save_metadata
from faceapp.session.report import write_report
from faceapp.session.stored_settings import stored_error, stored_settings
from faceapp.session.writer import SessionWriter
from faceapp.settings import Settings
from tests.faceapp.session.results import card, result


def recorded(folder: Path, settings: Settings) -> Path:
    writer = SessionWriter(
        folder, source="film.mp4", cards=[card()], settings=settings.as_json(), video=False, wait=True
    )
    writer.put(result(0))
    return writer.close()


def test_folders_are_in_no_file_of_a_session(tmp_path: Path):
    home = tmp_path / "home" / "maria"
    settings = replace(
        Settings(),
        sessions_dir=home / "sessions",
        model=str(home / "my-model"),
        source=str(home / "film.mp4"),
    )
    folder = recorded(tmp_path / "s", settings)
    write_report(folder)
    for path in folder.iterdir():
        assert b"maria" not in path.read_bytes(), path.name
    stored = load_metadata(folder)["settings"]
    assert (stored["model"], stored["source"]) == ("my-model", "film.mp4")
    assert set(settings.as_json()) - set(stored) == {"sessions_dir"}, "what explains the analysis is kept"


def test_the_report_of_an_older_session_leaves_folders_out(tmp_path: Path):
    folder = recorded(tmp_path / "s", Settings())
    metadata = load_metadata(folder)
    metadata["settings"] |= {"sessions_dir": "/srv/maria/sessions", "model": "/srv/maria/my-model"}
    save_metadata(folder, metadata)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "maria" not in page and "my-model" in page


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("auto", "auto"),
        ("assets/models/multitask", "assets/models/multitask"),
        ("/srv/maria/my-model/", "my-model"),
        ("~maria/my-model", "my-model"),
        (r"C:\Users\maria\my-model", "my-model"),
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5/live"),
    ],
)
def test_only_whole_paths_are_shortened(model: str, kept: str):
    assert json.loads(json.dumps(stored_settings({"model": model}))) == {"model": kept}


def test_an_error_names_the_session_and_not_where_it_lies():
    error = SessionError("/srv/maria/sessions/first: expected at least 200 MB free, found 100 MB")
    told = stored_error(error, Path("/srv/maria/sessions/first"))
    assert told == "first: expected at least 200 MB free, found 100 MB"
    assert stored_error(error, Path()) == str(error)
