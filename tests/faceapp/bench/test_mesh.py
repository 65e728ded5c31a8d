"""The comparison of both mesh networks: on a real picture, and on inputs that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("openvino")

from faceapp.bench.mesh import main


def test_compares_the_faces_of_a_picture(media_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", str(media_dir / "multi_face.jpg")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["faces"] >= 1
    assert figures["missed_by_one"] == 0
    assert 0 < figures["points_mean"] < 0.05
    assert 0 <= figures["same_emotion"] <= 1
    assert figures["presence_plain"] > 0.9


def test_refuses_what_is_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.jpg"
    path.write_text("no picture")
    assert main([str(path)]) == 2
    assert "expected a picture, found none that can be read" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["--json", str(tmp_path / "empty")]) == 0
    assert json.loads(capsys.readouterr().out) == {"faces": 0, "missed_by_one": 0}
