from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceapp.__main__ import main
from faceapp.batch.jobs import Done, Job
from faceapp.session.check import check_session
from faceapp.session.disk_watch import DiskWatch
from faceapp.session.reader import Session, read_session
from faceapp.session.video_encoder import VideoEncoder
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
FRAMES = 40


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """Forty frames of the portrait drifting to the right, at times that are not even."""
    path = tmp_path_factory.mktemp("video") / "portrait.mkv"
    encoder = VideoEncoder(path)
    face = cv2.resize(astronaut[:320, 60:380], (256, 256), interpolation=cv2.INTER_AREA)
    for index in range(FRAMES):
        canvas = np.full((288, 384, 3), 60, dtype=np.uint8)
        canvas[16:272, 40 + index : 296 + index] = face
        encoder.add(canvas, time_of(index))
    encoder.close()
    return path


def time_of(index: int) -> float:
    return index * 0.04 + (index % 3) * 0.01


def analyze(tiny_model: Path, out: Path, *arguments: object) -> int:
    return main(["analyze", "--model", str(tiny_model), "--out", str(out), *map(str, arguments)])


def only_session(out: Path) -> Session:
    (folder,) = out.iterdir()
    assert check_session(folder).problems == []
    return read_session(folder)


def project_lines(text: str) -> list[str]:
    assert "Traceback" not in text
    return [line for line in text.splitlines() if line.startswith("faceapp:")]


def test_every_frame_is_analysed_at_its_own_time(tiny_model: Path, video: Path, tmp_path: Path, capfd):
    assert analyze(tiny_model, tmp_path / "out", video) == 0
    session = only_session(tmp_path / "out")
    assert session.folder.name == "portrait"
    frames = session.metadata["frames"]
    assert (frames["analysed"], frames["in_video"], frames["dropped"]) == (FRAMES, FRAMES, 0)
    assert frames["with_faces"] == FRAMES
    np.testing.assert_allclose(
        session.column("time_s"), [time_of(index) for index in range(FRAMES)], atol=0.0011
    )
    assert set(session.column("face_id")) == {1}
    np.testing.assert_allclose(np.diff(session.column("x0_px"))[5:].mean(), 1, atol=0.3)
    assert session.metadata["models"][0]["name"] == "tiny"
    assert session.metadata["smoothing"] == {"smoothing": 0.5, "landmark_smoothing": 0.5}
    text = capfd.readouterr().out
    assert f"{FRAMES} frames" in text and "frames a second" in text and "(100%), 1 face" in text


def test_smoothing_changes_predictions_and_raw_values_stay(tiny_model: Path, video: Path, tmp_path: Path):
    tables = []
    for strength in ("0", "0.9"):
        out = tmp_path / strength
        assert analyze(tiny_model, out, video, "--smoothing", strength, "--no-video") == 0
        tables.append(only_session(out))
    off, on = tables
    np.testing.assert_array_equal(off.column("p_happiness"), off.column("p_happiness_raw"))
    np.testing.assert_array_equal(off.column("p_happiness_raw"), on.column("p_happiness_raw"))
    assert np.diff(on.column("p_happiness")).std() < np.diff(on.column("p_happiness_raw")).std()
    assert on.video is None


def test_a_clip_and_every_nth_frame(tiny_model: Path, video: Path, tmp_path: Path):
    code = analyze(tiny_model, tmp_path / "out", video, "--start", "0.4", "--end", "1.2", "--every", "5")
    session = only_session(tmp_path / "out")
    assert code == 0
    times_s = [time_of(index) for index in range(FRAMES) if 0.4 <= time_of(index) < 1.2][::5]
    np.testing.assert_allclose(session.column("time_s"), times_s, atol=0.0011)
    assert session.metadata["settings"]["every"] == 5


def test_one_input_that_fails_does_not_stop_the_others(tiny_model: Path, video: Path, tmp_path: Path, capfd):
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("this is no video\n" * 50)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG no picture")
    inputs = (empty, video, tmp_path / "missing.mp4", text, picture, video)
    assert analyze(tiny_model, tmp_path / "out", *inputs) == 2
    lines = project_lines(capfd.readouterr().err)
    assert len(lines) == 4
    for line, path in zip(lines, (empty, tmp_path / "missing.mp4", text, picture), strict=True):
        assert path.name in line and "expected" in line
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["portrait", "portrait-2"]


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_video_that_breaks_off_keeps_what_came_before(
    tiny_model: Path, video: Path, tmp_path: Path, share, capfd
):
    cut = tmp_path / "cut.mkv"
    content = video.read_bytes()
    cut.write_bytes(content[: int(len(content) * share)])
    code = analyze(tiny_model, tmp_path / "out", cut)
    lines = project_lines(capfd.readouterr().err)
    assert (code, len(lines)) in ((2, 1), (0, 0)), "an error is one line; a clean end of whole frames is none"
    session = only_session(tmp_path / "out")
    assert session.metadata["state"] == "closed"
    assert 0 < session.metadata["frames"]["analysed"] < FRAMES


def test_a_real_video_cut_short_is_one_line(tiny_model: Path, media_dir: Path, tmp_path: Path, capfd):
    for name in ("single_face.mp4", "face_noface.mov"):
        content = (media_dir / name).read_bytes()
        cut = tmp_path / f"cut_{name}"
        cut.write_bytes(content[: len(content) // 2])
        code = analyze(tiny_model, tmp_path / name, cut, "--no-video")
        lines = project_lines(capfd.readouterr().err)
        assert (code, len(lines)) == (2, 1), lines
        assert f"cut_{name}" in lines[0]
        for folder in (tmp_path / name).glob("*"):
            assert check_session(folder).problems == []


def test_an_output_that_cannot_be_written_is_one_line(tiny_model: Path, video: Path, tmp_path: Path, capfd):
    (tmp_path / "file").write_text("")
    assert analyze(tiny_model, tmp_path / "file" / "out", video) == 2
    (line,) = project_lines(capfd.readouterr().err)
    assert "expected a folder that can be written" in line


def test_little_room_is_told_once_and_a_session_that_is_gone_is_not_named_as_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
):
    def gone(job: Job, *_: object, **__: object) -> Done:
        return Done(job, folder=tmp_path / "out" / "gone", frames=3)

    monkeypatch.setattr("faceapp.batch.processes.run_job", gone)
    monkeypatch.setattr(DiskWatch, "check", lambda watch: setattr(watch, "free_bytes", 4 * 10**8))
    main(["analyze", "demo", "demo", "--out", str(tmp_path / "out")])
    told = capfd.readouterr()
    room, *others = project_lines(told.err)
    assert "expected at least 1 GB free, found 0.4 GB" in room
    assert len(others) == 2 and all(
        "found no folder; what was recorded is gone with it" in one for one in others
    )
    assert "->" not in told.out


@pytest.mark.parametrize("damage", ["model.onnx", "card.json"])
def test_a_damaged_model_is_one_line_and_leaves_no_empty_session(
    tiny_model: Path, video: Path, tmp_path: Path, damage: str, capfd
):
    import shutil

    model = shutil.copytree(tiny_model, tmp_path / "model")
    (model / damage).write_bytes((model / damage).read_bytes()[:-20])
    assert analyze(model, tmp_path / "out", video, video) == 2
    (line,) = project_lines(capfd.readouterr().err)
    assert damage.split(".")[0] in line
    assert not (tmp_path / "out").exists()


def test_an_end_before_the_start_is_one_line(tiny_model: Path, video: Path, tmp_path: Path, capfd):
    assert analyze(tiny_model, tmp_path / "out", video, "--start", "3", "--end", "2") == 2
    (line,) = project_lines(capfd.readouterr().err)
    assert "expected an end after the start" in line


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there")
def test_ctrl_c_leaves_a_valid_session_and_ends_with_130(tiny_model: Path, media_dir: Path, tmp_path: Path):
    out = tmp_path / "out"
    inputs = [str(media_dir / "face_noface.mov")] * 30
    process = subprocess.Popen(
        [sys.executable, "-m", "faceapp", "analyze", *inputs, "--model", str(tiny_model), "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    wait_until(lambda: _analysed(out))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "(stopped)" in stdout
    for folder in out.iterdir():
        assert json.loads((folder / "session.json").read_text())["state"] == "closed"
        assert check_session(folder).problems == []
    assert len(list(out.iterdir())) < 30


def _analysed(out: Path) -> int:
    """Return how many frames the first session says it has, as its heartbeat tells while it is recorded."""
    try:
        return int(json.loads((out / "face_noface" / "session.json").read_text())["frames"]["analysed"])
    except OSError:
        return 0


@pytest.mark.parametrize(
    ("name", "analysed", "with_faces"),
    [("single_face.mp4", 72, 72), ("face_noface.mov", 169, 72), ("no_face.mp4", 95, 0)],
)
def test_real_videos_have_a_prediction_where_a_face_is(
    tiny_model: Path, media_dir: Path, tmp_path: Path, name: str, analysed: int, with_faces: int
):
    assert analyze(tiny_model, tmp_path / "out", media_dir / name) == 0
    session = only_session(tmp_path / "out")
    frames = session.metadata["frames"]
    assert frames["analysed"] == frames["in_video"] == analysed
    assert abs(frames["with_faces"] - with_faces) <= 0.02 * analysed
    assert np.isfinite(session.column("p_neutral")).all()
    if name == "single_face.mp4":
        assert set(session.column("face_id")) == {1}, "no id changes"
