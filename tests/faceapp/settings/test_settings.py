from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceapp.settings import Settings, check_setting, default_path
from faceapp.settings.region import Region


def test_a_saved_file_loads_as_the_same_settings(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    settings = replace(
        Settings(), source="demo:mask", smoothing=1, camera_width_px=1280, sessions_dir=tmp_path / "runs"
    )
    settings.save(path)
    reports: list[str] = []
    assert Settings.load(path, reports.append) == settings
    assert reports == []
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_a_missing_file_gives_the_defaults_silently(tmp_path: Path) -> None:
    reports: list[str] = []
    assert Settings.load(tmp_path / "none.json", reports.append) == Settings()
    assert reports == []


@pytest.mark.parametrize("content", ["{broken", "[1]", "", "\x00\x01"])
def test_a_broken_file_is_set_aside_and_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    reports: list[str] = []
    assert Settings.load(path, reports.append) == Settings()
    assert not path.exists()
    assert (tmp_path / "settings.json.broken").read_text() == content
    assert len(reports) == 1
    assert "settings.json.broken" in reports[0]


def test_a_file_that_is_no_text_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"\xff\xfe\xfa")
    assert Settings.load(path, lambda line: None) == Settings()
    assert (tmp_path / "settings.json.broken").exists()


def test_an_unreadable_path_is_reported(tmp_path: Path) -> None:
    reports: list[str] = []
    assert Settings.load(tmp_path, reports.append) == Settings()
    assert len(reports) == 1


def test_unknown_and_wrong_entries_are_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"theme": "light", "retired_switch": 1, "smoothing": 7, "max_faces": "many"}))
    reports: list[str] = []
    assert Settings.load(path, reports.append) == replace(Settings(), theme="light")
    assert len(reports) == 2
    assert any("smoothing" in report for report in reports)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smoothing", 1.1),
        ("smoothing", float("nan")),
        ("smoothing", True),
        ("landmark_smoothing", -0.1),
        ("occlusion", "hat"),
        ("theme", "pink"),
        ("max_faces", 0),
        ("max_faces", 2.5),
        ("max_faces", None),
        ("camera_width_px", 0),
        ("camera_rate_hz", 0),
        ("engine_threads", 0),
        ("source", " "),
        ("show_raw", 1),
        ("sessions_dir", "a text"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        replace(Settings(), **{name: value})


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="retired_switch"):
        check_setting("retired_switch", 1)


@given(st.floats(0, 1), st.integers(1, 8), st.sampled_from(["auto", "none", "headset", "mask"]))
def test_what_is_inside_the_limits_survives_json(smoothing: float, faces: int, occlusion: str) -> None:
    settings = replace(Settings(), smoothing=smoothing, max_faces=faces, occlusion=occlusion)
    content = json.loads(json.dumps(settings.as_json()))
    content["sessions_dir"] = Path(content["sessions_dir"])
    assert Settings(**content) == settings


def test_every_field_says_what_a_form_needs() -> None:
    for entry in fields(Settings):
        assert entry.metadata["label"]
        assert entry.metadata["kind"] in (str, bool, int, float, Path, Region)


@pytest.mark.parametrize(
    ("platform", "tail"),
    [
        ("win32", "faceapp/settings.json"),
        ("darwin", "Library/Application Support/faceapp/settings.json"),
        ("linux", "faceapp/settings.json"),
    ],
)
def test_the_default_path_follows_the_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, tail: str, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path().as_posix().endswith(tail)


def test_a_region_survives_the_file_and_a_wrong_one_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    replace(Settings(), region=Region(0.25, 0.5, 0.5, 0.4)).save(path)
    loaded = Settings.load(path).region
    assert isinstance(loaded, Region) and loaded == Region(0.25, 0.5, 0.5, 0.4)
    path.write_text(json.dumps({"region": [0.5, 0.5, 0.9, 0.4]}))
    reports: list[str] = []
    assert Settings.load(path, reports.append).region is None
    assert len(reports) == 1 and "within the picture" in reports[0]


def test_what_was_drawn_for_a_demonstration_is_not_drawn_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    replace(Settings(), simulate="mask", theme="light").save(path)
    reports: list[str] = []
    loaded = Settings.load(path, reports.append)
    assert (loaded.simulate, loaded.theme, reports) == ("none", "light", [])
