"""The queue: what inputs mean, what a later run skips and redoes, processes, and a cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from faceapp.__main__ import main
from faceapp.batch.inputs import expand_inputs, expected_frames
from faceapp.batch.jobs import earlier_sessions, make_jobs
from faceapp.batch.processes import share_processor
from faceapp.session.about import About
from faceapp.session.check import check_session
from faceapp.session.reader import read_session
from faceapp.settings import Settings
from faceapp.sources.options import Clip
from tests.faceapp.films import FRAMES, write_film
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A folder of three short films of the portrait and a text file."""
    folder = tmp_path_factory.mktemp("videos")
    for name in ("film10.mkv", "film2.mkv", "film1.mkv"):
        write_film(folder / name, astronaut)
    (folder / "notes.txt").write_text("no video")
    return folder


def analyze(tiny_model: Path, out: Path, *arguments: object) -> int:
    return main(["analyze", "--model", str(tiny_model), "--out", str(out), *map(str, arguments)])


def test_a_folder_means_its_videos_in_natural_order(videos: Path, tmp_path: Path):
    assert [Path(text).name for text in expand_inputs([str(videos), "demo"])] == [
        *("film1.mkv", "film2.mkv", "film10.mkv", "demo"),
    ]
    (tmp_path / "a.png").touch()
    assert expand_inputs([str(tmp_path)]) == [str(tmp_path)], "a folder of pictures is one input"
    assert expand_inputs([str(tmp_path / "missing")]) == [str(tmp_path / "missing")]


def test_frames_are_expected_from_the_header_and_the_clip(videos: Path):
    film = str(videos / "film1.mkv")
    assert expected_frames(film, Clip()) == pytest.approx(FRAMES, rel=0.25), "the header names 30 Hz for 25"
    assert expected_frames(film, Clip(every=3)) == pytest.approx(FRAMES / 3, abs=1)
    assert expected_frames(str(videos / "notes.txt"), Clip()) is None
    assert expected_frames("rtsp://somewhere", Clip()) is None


def test_keys_tell_inputs_and_ways_apart_and_stay_the_same(videos: Path, tmp_path: Path):
    film = str(videos / "film1.mkv")

    def keys(texts: list[str], settings: Settings = Settings(), clip: Clip = Clip(), about: About = About()):  # noqa: B008
        return [job.key for job in make_jobs(texts, tmp_path, settings, clip, about)]

    (key,) = keys([film])
    assert keys([film]) == [key]
    twice = keys([film, film])
    assert twice[0] == key != twice[1]
    others = [
        *keys([str(videos / "film2.mkv")]),
        *keys([film], Settings(smoothing=0.9)),
        *keys([film], clip=Clip(every=2)),
        *keys([film], about=About("P1")),
    ]
    assert len({key, *others}) == 5
    copy = shutil.copy(film, tmp_path / "film1.mkv")
    assert keys([str(copy)]) != [key]


def test_a_share_of_the_processor(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    (job,) = make_jobs(["demo"], tmp_path, Settings(), Clip(), About())
    assert share_processor(job, 2).settings.engine_threads == 4
    assert share_processor(job, 1) is job
    (chosen,) = make_jobs(["demo"], tmp_path, Settings(engine_threads=3), Clip(), About())
    assert share_processor(chosen, 2) is chosen


def test_a_second_run_skips_what_is_finished_and_redoes_what_is_half(
    tiny_model: Path, videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    assert analyze(tiny_model, out, videos, "--no-video", "--study") == 0
    assert sorted(path.name for path in out.glob("*.csv")) == ["conditions.csv", "study.csv"]
    assert len(earlier_sessions(out)) == 3
    path = out / "film2" / "session.json"
    metadata = json.loads(path.read_text())
    assert metadata["input"]["complete"] is True
    path.write_text(json.dumps({**metadata, "input": {**metadata["input"], "complete": False}}))
    kept = (out / "film1" / "faces.parquet").stat().st_mtime_ns
    capsys.readouterr()

    assert analyze(tiny_model, out, videos, "--no-video", "--resume") == 0
    text = capsys.readouterr().out
    assert text.count("(finished earlier)") == 2
    assert (out / "film1" / "faces.parquet").stat().st_mtime_ns == kept
    assert not (out / "film2").exists(), "the half session went once the new one was whole"
    assert read_session(out / "film2-2").metadata["input"]["complete"] is True
    assert analyze(tiny_model, out, videos, "--no-video", "--resume", "--every", "2") == 0
    assert len([path for path in out.iterdir() if path.is_dir()]) == 6, (
        "another way of analysis is another session"
    )


def test_without_resume_nothing_is_skipped(tiny_model: Path, videos: Path, tmp_path: Path):
    for _ in range(2):
        assert analyze(tiny_model, tmp_path / "out", videos / "film1.mkv", "--no-video") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["film1", "film1-2"]


def test_two_processes_give_what_one_gives(tiny_model: Path, videos: Path, tmp_path: Path, capsys):
    # One back end by name: "auto" is measured anew in processes with a cache of their own, and may choose another.
    inputs = (videos, tmp_path / "missing.mp4", "--backend", "onnxruntime")
    codes = [analyze(tiny_model, tmp_path / str(n), *inputs, "--no-video", "--processes", n) for n in (1, 2)]
    assert codes == [2, 2]
    assert capsys.readouterr().err.count("missing.mp4") == 2
    for name in ("film1", "film2", "film10"):
        one, two = (read_session(tmp_path / n / name) for n in ("1", "2"))
        np.testing.assert_allclose(one.column("p_happiness_raw"), two.column("p_happiness_raw"), atol=1e-5)
        np.testing.assert_array_equal(one.column("time_s"), two.column("time_s"))


def test_a_damaged_model_in_processes_is_one_line(tiny_model: Path, videos: Path, tmp_path: Path, capsys):
    model = shutil.copytree(tiny_model, tmp_path / "model")
    (model / "model.onnx").write_bytes(b"nothing")
    assert analyze(model, tmp_path / "out", videos, "--processes", "2") == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("faceapp:")]
    assert len(lines) == 1 and "expected" in lines[0]


def test_consent_condition_and_covered_faces_reach_the_session(
    tiny_model: Path, videos: Path, tmp_path: Path, capsys
):
    notice = tmp_path / "notice.txt"
    notice.write_text("Do you agree?\n")
    options = ("--consent", notice, "--consented-at", "2026-01-31T09:15:02Z", "--condition", "film")
    assert analyze(tiny_model, tmp_path / "out", videos / "film1.mkv", *options, "--faces", "silhouette") == 0
    metadata = read_session(tmp_path / "out" / "film1").metadata
    assert metadata["consent"] == {"text": "Do you agree?\n", "accepted_utc": "2026-01-31T09:15:02Z"}
    assert metadata["condition"] == "film"
    assert metadata["video"]["faces"] == "silhouette"
    assert analyze(tiny_model, tmp_path / "out", videos / "film1.mkv", "--consent", tmp_path / "no.txt") == 2
    assert "expected a text file with the notice" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C can't be sent to one process there")
def test_ctrl_c_with_processes_closes_sessions_and_resume_goes_on(
    tiny_model: Path, media_dir: Path, tmp_path: Path
):
    out = tmp_path / "out"
    arguments = [*[str(media_dir / "face_noface.mov")] * 6, "--no-video", "--processes", "2"]
    command = [
        sys.executable,
        "-m",
        "faceapp",
        "analyze",
        *arguments,
        "--model",
        str(tiny_model),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    wait_until(lambda: len(list(out.glob("*/session.json"))) == 2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr and "go on with the same command and --resume" in stderr
    for folder in out.iterdir():
        assert json.loads((folder / "session.json").read_text())["state"] == "closed"
        assert check_session(folder).problems == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Dask's own
def test_a_dask_cluster_gives_the_sessions(tiny_model: Path, videos: Path, tmp_path: Path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", memory_limit=0
    ) as cluster:
        address = cluster.scheduler_address
        assert analyze(tiny_model, tmp_path / "out", videos, "--no-video", "--cluster", address) == 0
    for name in ("film1", "film2", "film10"):
        session = read_session(tmp_path / "out" / name)
        assert session.metadata["frames"]["analysed"] == FRAMES
        assert session.metadata["input"]["complete"] is True


def test_an_address_without_a_scheduler_is_one_line(
    tiny_model: Path, videos: Path, tmp_path: Path, capsys, monkeypatch
):
    distributed = pytest.importorskip("distributed")

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    assert analyze(tiny_model, tmp_path / "out", videos, "--cluster", "tcp://127.0.0.1:1") == 2
    assert "expected a Dask scheduler, found: timed out" in capsys.readouterr().err
