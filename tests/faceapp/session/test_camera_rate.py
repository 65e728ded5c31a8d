"""Every captured frame goes into the video, the analysed ones into the table, and the rest is accounted for."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from faceapp.analysis.face_reader import FaceReader
from faceapp.pipeline import Pipeline
from faceapp.session.check import check_session
from faceapp.session.reader import read_frames, read_session
from faceapp.session.recording import Recording
from faceapp.session.writer import SessionWriter
from tests.faceapp.fakes import FakeEngine, FakeSource, FakeTracker, face
from tests.faceapp.session.results import card, result
from tests.waiting import PATIENCE_S, wait_until

SETTINGS = {"smoothing": 0.5, "landmark_smoothing": 0.25}


def make_writer(folder: Path, **options) -> SessionWriter:
    return SessionWriter(folder, source="test", cards=[card()], settings=SETTINGS, captured=True, **options)


def video_times(path: Path) -> list[float]:
    import av

    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def test_frames_that_were_never_analysed_are_in_the_video_and_accounted_for(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True)
    made = [result(index, 5 + index / 30) for index in range(12)]
    for each in made:
        assert writer.put_frame(each.frame)
        if each.frame.index in (3, 7):
            assert writer.put(each)
    folder = writer.close()
    session, frames = read_session(folder), read_frames(folder)
    assert session.column("frame").tolist() == [3, 7]
    np.testing.assert_allclose(video_times(session.video), np.arange(12) / 30, atol=0.0006)
    assert frames["frame"].to_pylist() == list(range(12))
    assert frames["analysed"].to_pylist() == [index in (3, 7) for index in range(12)]
    reasons = frames["not_analysed"].to_pylist()
    assert (
        reasons
        == [*["newer frame taken"] * 3, None, *["newer frame taken"] * 3, None] + ["recording stopped"] * 4
    )
    counts = session.metadata["frames"]
    assert (counts["captured"], counts["analysed"], counts["in_video"]) == (12, 2, 12)
    assert counts["not_analysed"] == {"newer frame taken": 6, "recording stopped": 4}
    assert session.metadata["unexplained_frames"] == 0
    assert check_session(folder).problems == []


def test_the_times_of_every_stage_are_kept_per_frame(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True)
    each = result(0, 5.0)
    each.timing_ms.update({"track": 4.5, "infer": 2.25})
    writer.put_frame(each.frame)
    writer.put(each)
    (row,) = read_frames(writer.close()).to_pylist()
    assert (row["track_ms"], row["infer_ms"], row["crop_ms"]) == (4.5, 2.25, None)
    assert row["capture_to_result_ms"] == pytest.approx(12.346, abs=1e-3)
    assert row["captured_s"] == pytest.approx(each.frame.captured_s, abs=1e-5)
    assert row["faces"] == 1


def test_results_from_before_the_start_are_left_out(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True)
    early, late = result(4, 1.0), result(5, 2.0)
    writer.put(early)
    writer.put_frame(late.frame)
    writer.put(early)
    writer.put(late)
    session = read_session(writer.close())
    assert writer.origin_s == 2.0
    assert session.column("frame").tolist() == [5]
    assert session.metadata["frames"]["captured"] == 1


def test_a_full_queue_loses_pictures_and_results_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gate = threading.Event()
    add_frame = Recording.add_frame

    def slow(recording: Recording, frame) -> None:
        gate.wait(PATIENCE_S)
        add_frame(recording, frame)

    monkeypatch.setattr(Recording, "add_frame", slow)
    writer = make_writer(tmp_path / "s", queue_size=3)
    pictures, results = [], []
    for index in range(30):
        each = result(index, index / 30)
        pictures.append(writer.put_frame(each.frame))
        results.append(writer.put(each))
    gate.set()
    folder = writer.close()
    counts = read_session(folder).metadata["frames"]
    assert pictures.count(False) == counts["dropped_pictures"] > 20
    assert results.count(False) == counts["dropped"] > 20
    frames = read_frames(folder)
    assert frames["frame"].to_pylist() == list(range(30))
    assert frames["in_video"].to_pylist() == pictures
    assert frames["not_in_video"].to_pylist().count("disk behind") == pictures.count(False)
    assert counts["captured"] == 30 == counts["analysed"] + sum(counts["not_analysed"].values())
    assert counts["not_analysed"]["disk behind"] == results.count(False)
    assert read_session(folder).metadata["unexplained_frames"] == 0


def test_the_result_of_a_frame_whose_picture_was_refused_is_kept(tmp_path: Path):
    recording = Recording(tmp_path / "s", source="test", cards=[card()], settings={}, captured=True)
    recording.add_frame(result(0).frame)
    recording.add(result(0))
    recording.lost_frame(result(1).frame)
    recording.add(result(1))
    recording.close()
    session = read_session(tmp_path / "s")
    assert session.column("frame").tolist() == [0, 1]
    frames = read_frames(tmp_path / "s")
    assert frames["not_in_video"].to_pylist() == [None, "disk behind"]
    assert frames["analysed"].to_pylist() == [True, True]
    assert session.metadata["unexplained_frames"] == 0


def test_a_live_pipeline_records_at_the_camera_rate_while_reading_is_slow(tmp_path: Path):
    source = FakeSource(live=True, period_s=0.01)
    enough = threading.Event()

    def slow(_call: int) -> None:
        """Read one face while the camera gives five frames."""
        before = source._next
        wait_until(lambda: source._next >= before + 5 or enough.is_set())

    engine = FakeEngine(infer=slow)
    make_tracker = partial(FakeTracker, [face()])
    writer = make_writer(tmp_path / "s")
    with Pipeline(source, make_tracker, lambda: FaceReader({"none": engine}, 0.5)) as pipeline:
        pipeline.set_recorder(writer)
        pipeline.start()
        wait_until(lambda: writer.written >= 6)
        pipeline.set_smoothing(0.9)
        wait_until(lambda: writer.written >= 14)
        pipeline.set_recorder(None)
        enough.set()
    session = read_session(writer.close())
    counts = session.metadata["frames"]
    assert writer.error is None
    assert counts["captured"] > 2.5 * counts["analysed"] >= 30, (
        "the camera is five times as fast as the reading"
    )
    assert counts["in_video"] == counts["captured"] == read_frames(session.folder).num_rows
    assert counts["captured"] == counts["analysed"] + sum(counts["not_analysed"].values())
    assert session.metadata["unexplained_frames"] == 0
    assert np.diff(read_frames(session.folder)["time_s"].to_numpy()).min() > 0
    (change,) = session.metadata["changes"]
    assert (change["setting"], change["value"]) == ("smoothing", 0.9)
    assert 0 < change["time_s"] < session.metadata["last_time_s"]


def test_the_filters_are_described_with_their_parameters(tmp_path: Path):
    filters = read_session(make_writer(tmp_path / "s").close()).metadata["filters"]
    assert filters["predictions"]["time_constant_s"] == pytest.approx(2 * 0.5**2)
    assert filters["landmarks"]["rest_cutoff_hz"] == pytest.approx(12 * (0.25 / 12) ** 0.25, rel=1e-3)
