from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from faceapp.errors import SessionError
from faceapp.session.about import About
from faceapp.session.new_folder import new_session_folder
from faceapp.session.reader import read_session
from faceapp.session.recording import Recording
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, picture, result
from tests.waiting import PATIENCE_S, wait_until

SETTINGS = {"smoothing": 0.5, "landmark_smoothing": 0.25, "model": "auto"}


def make_writer(folder: Path, **options) -> SessionWriter:
    return SessionWriter(folder, source="test", cards=[card()], settings=SETTINGS, **options)


def decoded(path: Path) -> list[tuple[float, np.ndarray]]:
    import av

    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_a_session_holds_every_frame_with_its_own_time(tmp_path: Path):
    times_s = np.cumsum([0.0, 0.033, 0.2, 0.011, 0.5, 0.04]) + 17.25
    writer = make_writer(tmp_path / "s", about=About(participant="P07", notes="first try"), wait=True)
    for index, time_s in enumerate(times_s):
        assert writer.put(result(index, float(time_s), faces=index % 3))
    folder = writer.close()
    assert writer.error is None
    assert (writer.written, writer.dropped) == (6, 0)

    session = read_session(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("events.jsonl", "faces.parquet", "frames.parquet", "session.json", "video.mkv"),
    ]
    assert session.table["frame"].to_pylist() == [1, 2, 2, 4, 5, 5]
    np.testing.assert_allclose(session.column("time_s"), times_s[[1, 2, 2, 4, 5, 5]] - 17.25, atol=1e-6)
    frames = decoded(session.video)
    np.testing.assert_allclose([time_s for time_s, _ in frames], times_s - 17.25, atol=0.0006)
    for index, (_, image) in enumerate(frames):
        assert np.abs(image.astype(int) - picture(index)).mean() < 4


def test_the_metadata_says_what_when_and_with_what(tmp_path: Path):
    writer = make_writer(tmp_path / "s", about=About(participant="P07", notes="first try"), wait=True)
    started = json.loads((tmp_path / "s" / "session.json").read_text())
    for index in range(4):
        writer.put(result(index, faces=index % 2))
    writer.put(result(3, time_s=0.05))
    metadata = read_session(writer.close()).metadata
    assert (started["state"], started["ended_utc"]) == ("recording", None)
    assert (metadata["state"], metadata["schema_version"], metadata["source"]) == ("closed", 1, "test")
    assert (metadata["participant"], metadata["notes"]) == ("P07", "first try")
    assert metadata["models"][0]["sha256"] == "ab" * 32
    assert metadata["smoothing"] == {"smoothing": 0.5, "landmark_smoothing": 0.25}
    assert metadata["settings"] == SETTINGS
    assert metadata["frames"] == {
        **{"captured": 4, "analysed": 4, "with_faces": 2, "faces": 2, "in_video": 4},
        **{"dropped": 0, "dropped_pictures": 0, "out_of_order": 1, "not_analysed": {}},
    }
    assert metadata["started_utc"] <= metadata["ended_utc"]
    assert metadata["video"]["frame_sizes"] == [{"time_s": 0.0, "width_px": 64, "height_px": 48}]


def test_utc_of_a_row_is_the_start_plus_its_time(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True, video=False)
    before = time.time()
    writer.put(result(0, 100.0))
    writer.put(result(1, 100.5))
    session = read_session(writer.close())
    first, second = (moment.timestamp() for moment in session.table["utc"].to_pylist())
    assert before - 0.002 <= first <= time.time()
    assert second - first == pytest.approx(0.5, abs=0.0011)
    assert (
        session.metadata["started_utc"][:23]
        == f"{session.table['utc'].to_pylist()[0]:%Y-%m-%dT%H:%M:%S.%f}"[:23]
    )


def test_a_file_keeps_its_own_times(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True, time_origin_s=0.0)
    for index in range(3):
        writer.put(result(index, 60 + index / 25))
    session = read_session(writer.close())
    np.testing.assert_allclose(session.column("time_s"), [60, 60.04, 60.08])
    np.testing.assert_allclose(
        [time_s for time_s, _ in decoded(session.video)], [60, 60.04, 60.08], atol=0.0006
    )


@pytest.mark.parametrize(("width_px", "height_px"), [(65, 48), (64, 49), (33, 17)])
def test_odd_sizes_lose_no_pixel(tmp_path: Path, width_px: int, height_px: int):
    image = picture(3, width_px, height_px)
    writer = make_writer(tmp_path / "s", wait=True)
    for index in range(3):
        writer.put(result(index, image=image))
    (_, first), *_ = decoded(read_session(writer.close()).video)
    assert first.shape == (height_px + height_px % 2, width_px + width_px % 2, 3)
    assert np.abs(first[:height_px, :width_px].astype(int) - image).mean() < 4


def test_a_change_of_size_is_fitted_and_noted(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True)
    writer.put(result(0, image=picture(0, 64, 48)))
    writer.put(result(1, image=np.full((64, 32, 3), 200, dtype=np.uint8)))
    writer.put(result(2, image=picture(0, 64, 48)))
    session = read_session(writer.close())
    assert writer.error is None
    sizes = [(entry["width_px"], entry["height_px"]) for entry in session.metadata["video"]["frame_sizes"]]
    assert sizes == [(64, 48), (32, 64), (64, 48)]
    frames = [image for _, image in decoded(session.video)]
    assert {image.shape for image in frames} == {(48, 64, 3)}
    assert frames[1][:, :18].mean() < 20 and frames[1][:, -18:].mean() < 20, (
        "bars beside a picture that is not stretched"
    )
    assert frames[1][4:-4, 24:40].mean() == pytest.approx(200, abs=6)


def test_without_video_there_is_no_video(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True, video=False)
    writer.put(result(0))
    session = read_session(writer.close())
    assert session.video is None
    assert session.metadata["video"] is None
    assert not (session.folder / "video.mkv").exists()


def test_a_full_queue_drops_and_counts_without_blocking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gate = threading.Event()
    add = Recording.add

    def slow_add(recording: Recording, item) -> None:
        gate.wait(PATIENCE_S)
        add(recording, item)

    monkeypatch.setattr(Recording, "add", slow_add)
    writer = make_writer(tmp_path / "s", queue_size=4, video=False)
    accepted = [writer.put(result(index)) for index in range(20)]
    gate.set()
    session = read_session(writer.close())
    assert accepted.count(True) in (4, 5), "four wait, one may be in the writer's hands"
    assert accepted[:4] == [True] * 4
    assert writer.dropped == accepted.count(False) == session.metadata["frames"]["dropped"]
    assert writer.written == accepted.count(True) == session.table.num_rows


def test_waiting_loses_no_frame(tmp_path: Path):
    writer = make_writer(tmp_path / "s", queue_size=1, wait=True)
    assert all(writer.put(result(index)) for index in range(50))
    assert read_session(writer.close()).table["frame"].to_pylist() == list(range(50))


def test_rows_and_counts_reach_the_disk_within_a_second_also_when_no_frame_follows(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True)
    for index in range(3):
        writer.put(result(index))
    wait_until(lambda: read_session(writer.folder).table.num_rows == 3)
    wait_until(lambda: read_session(writer.folder).metadata["frames"]["analysed"] == 3)
    assert read_session(writer.folder).metadata["state"] == "recording"
    writer.close()


def test_close_may_be_called_twice_and_put_afterwards_is_refused(tmp_path: Path):
    writer = make_writer(tmp_path / "s", wait=True)
    assert writer.close() == writer.close() == tmp_path / "s"
    assert writer.put(result(0)) is False
    assert writer.stopped
    assert read_session(writer.folder).table.num_rows == 0


def test_an_existing_session_is_never_overwritten(tmp_path: Path):
    make_writer(tmp_path / "s").close()
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    with pytest.raises(SessionError, match="of another session"):
        make_writer(tmp_path / "s")
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before


def test_new_folders_never_repeat_and_never_leave_the_parent(tmp_path: Path):
    names = [
        new_session_folder(tmp_path / "all", name)
        for name in ("a", "a", "../../x", "rtsp://h:1/a?b", "", "..")
    ]
    assert len(set(names)) == 6
    assert {path.parent for path in names} == {tmp_path / "all"}
    assert [path.name for path in names[:2]] == ["a", "a-2"]
    assert all(path.is_dir() for path in names)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path):
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    for parent in (blocker, blocker / "below"):
        with pytest.raises(SessionError, match="expected a folder") as caught:
            new_session_folder(parent, "s")
        assert "\n" not in str(caught.value)
    with pytest.raises(SessionError, match="expected a folder"):
        make_writer(blocker / "s")


def test_a_folder_that_vanishes_is_an_error_and_not_the_end_of_the_caller(tmp_path: Path):
    import shutil

    writer = make_writer(tmp_path / "s", video=False)
    writer.put(result(0))
    shutil.rmtree(tmp_path / "s")
    wait_until(lambda: writer.stopped)
    assert isinstance(writer.error, SessionError)
    assert writer.put(result(1)) is False
    assert writer.dropped >= 1
    writer.close()
