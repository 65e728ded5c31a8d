from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from faceapp.errors import SessionError
from faceapp.session.annotation_faces import FaceEdits
from faceapp.session.video_reader import VideoReader, read_frame_times
from faceapp.ui.player.frame_times import FrameTimes
from faceapp.ui.player.review import load_review, stored_name
from faceapp.ui.player.stored_faces import StoredFaces
from faceapp.ui.player.stored_table import StoredTable
from tests.faceapp.session.results import picture
from tests.faceapp.ui.player.conftest import AWAY, FRAMES, RATE_HZ

BLANK = np.zeros((120, 160, 3), dtype=np.uint8)


def level(image: np.ndarray) -> float:
    return float(image.mean())


def expected_level(index: int) -> float:
    return level(picture(index, 160, 120))


def test_a_column_is_read_when_it_is_asked_for(recorded: Path) -> None:
    table = StoredTable(recorded)
    assert len(table) == FRAMES - len(AWAY) + 50
    assert set(table._columns) == {"time_s", "face_id"}
    np.testing.assert_allclose(table.numbers("p_happiness")[[0, -1]], [0.9, 0.05], atol=1e-6)
    assert np.isnan(table.numbers("roll_deg")).all()
    assert set(table.texts("occlusion")) == {"none"}
    assert np.isnan(table.numbers("of_a_later_version")).all()
    assert set(table.texts("of_a_later_version")) == {None}
    assert table.step_s() == pytest.approx(1 / RATE_HZ)


def test_a_session_that_was_not_sealed_reads_the_same(recorded: Path, killed: Path) -> None:
    sealed, running = StoredTable(recorded), StoredTable(killed)
    count = len(running)
    assert count > 100
    for name in ("time_s", "face_id", "p_happiness", "age_years_raw"):
        np.testing.assert_allclose(running.numbers(name), sealed.numbers(name)[:count], atol=1e-5)


def test_rows_out_of_order_are_put_in_order(session: Path) -> None:
    path = session / "faces.parquet"
    table = parquet.read_table(path)
    parquet.write_table(table.take(np.arange(len(table))[::-1]), path)
    turned = StoredTable(session)
    assert (np.diff(turned.times_s) >= 0).all()
    assert turned.numbers("p_happiness")[0] == pytest.approx(0.9, abs=1e-6)


def test_a_table_that_is_none_is_one_line(session: Path) -> None:
    (session / "faces.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(SessionError, match="expected a sealed table") as caught:
        load_review(session)
    assert "\n" not in str(caught.value)


def test_every_frame_of_the_video_is_found_at_its_time(recorded: Path) -> None:
    reader = VideoReader(recorded / "video.mkv")
    random = np.random.default_rng(3)
    for index in [*random.permutation(FRAMES), *range(20), *range(FRAMES - 1, FRAMES - 20, -1)]:
        time_s, image = reader.picture_at(index / RATE_HZ)
        assert time_s == pytest.approx(index / RATE_HZ, abs=0.0006)
        assert level(image) == pytest.approx(expected_level(index), abs=1.5)
    between, _ = reader.picture_at(10.9 / RATE_HZ)
    assert between == pytest.approx(10 / RATE_HZ, abs=0.0006), "a frame is shown until the next one"
    assert reader.picture_at(99.0)[0] == pytest.approx((FRAMES - 1) / RATE_HZ, abs=0.0006)
    assert reader.picture_at(-1.0)[0] == pytest.approx(0.0, abs=0.0006)
    reader.close()


def test_an_interrupted_wish_gives_the_frame_that_was_reached(recorded: Path) -> None:
    reader = VideoReader(recorded / "video.mkv")
    reader.picture_at(0.0)
    time_s, _ = reader.picture_at(2.0, interrupted=lambda: True)
    assert time_s == pytest.approx(0.0)
    assert reader.picture_at(2.0)[0] == pytest.approx(2.0, abs=0.0006)
    reader.close()


def test_the_times_of_a_video_are_read_without_decoding_it(recorded: Path, tmp_path: Path) -> None:
    np.testing.assert_allclose(
        read_frame_times(recorded / "video.mkv"), np.arange(FRAMES) / RATE_HZ, atol=0.0006
    )
    (tmp_path / "no.mkv").write_bytes(b"no video")
    assert len(read_frame_times(tmp_path / "no.mkv")) == 0
    with pytest.raises(SessionError, match="expected a video"):
        VideoReader(tmp_path / "no.mkv")


def test_frames_are_stepped_through_by_number() -> None:
    frames = FrameTimes(np.array([0.0, 0.04, 0.2, 0.24]))
    assert [frames.number_at(time_s) for time_s in (-1, 0, 0.0395, 0.1, 0.2, 9)] == [0, 0, 1, 1, 2, 3]
    assert [frames.stepped(0.1, steps) for steps in (-1, 0, 1, 2, 9, -9)] == [0.0, 0.04, 0.2, 0.24, 0.24, 0.0]
    assert FrameTimes(np.empty(0)).stepped(3.0, 1) == 3.0


def test_a_session_opens_with_all_that_belongs_to_it(recorded: Path) -> None:
    review = load_review(recorded)
    assert review.problem == "" and review.video == recorded / "video.mkv"
    assert review.span_s == pytest.approx((0.0, (FRAMES - 1) / RATE_HZ))
    assert len(review.frames) == FRAMES and review.frames_known
    assert review.annotations.authors == ("Ada", "Ben")
    assert review.persons() == (1, 2)
    times_s, values = review.curve(2, ("p_happiness", "age_years"), raw=True)
    assert len(times_s) == 50 and values[0] == pytest.approx([0.05, 35.0], abs=1e-5)
    assert review.curve(1, ("age_years",), raw=False)[1][0] == pytest.approx(31.5)
    assert stored_name("yaw_deg", raw=True) == "yaw_deg"


def test_a_killed_session_opens_and_says_so(killed: Path) -> None:
    review = load_review(killed)
    assert "was not closed" in review.problem
    assert review.video is not None and not review.frames_known
    assert review.span_s[1] > 4.0
    times_s = read_frame_times(review.video)
    reader = VideoReader(review.video)
    index = len(times_s) - 5
    assert level(reader.picture_at(times_s[index])[1]) == pytest.approx(expected_level(index), abs=1.5)
    reader.close()


def test_a_session_without_its_video_opens(session: Path, recorded_without_video: Path) -> None:
    table = load_review(recorded_without_video)
    assert (table.video, table.problem) == (None, "")
    assert len(table.frames) == FRAMES, "analysed frames without a face can be stepped through too"
    (session / "video.mkv").unlink()
    assert "video.mkv is missing" in load_review(session).problem


@pytest.mark.parametrize(
    ("key", "value", "text"), [("schema_version", 99, "schema_version"), ("video", None, "inside")]
)
def test_what_must_not_be_opened_is_one_line(session: Path, key: str, value: object, text: str) -> None:
    metadata = json.loads((session / "session.json").read_text())
    metadata[key] = value if key != "video" else {"file": "../../secret.mkv"}
    (session / "session.json").write_text(json.dumps(metadata))
    with pytest.raises(SessionError, match=text) as caught:
        load_review(session)
    assert "\n" not in str(caught.value)


def test_faces_of_a_frame_are_those_that_were_recorded(recorded: Path) -> None:
    faces = StoredFaces(load_review(recorded))
    found = faces.result(4.0, BLANK, raw=False)
    assert [face.id for face in found.faces] == [1, 2]
    np.testing.assert_allclose(found.faces[0].box, [10.5, 8.25, 30, 40])
    assert found.predictions[0].emotion[1] == pytest.approx(0.05, abs=1e-6)
    assert found.predictions[0].age_years == pytest.approx(31.5)
    assert faces.result(4.0, BLANK, raw=True).predictions[0].age_years == pytest.approx(35.0)
    assert found.frame.index == 100
    assert faces.result(4.0, BLANK, raw=False, faces=False).faces == ()


def test_a_frame_analysed_without_a_face_shows_none(recorded: Path) -> None:
    faces = StoredFaces(load_review(recorded))
    shown = [len(faces.result(index / RATE_HZ, BLANK, raw=False).faces) for index in range(48, 67)]
    assert shown == [1, 1, *[0] * len(AWAY), 1, 1]


def test_without_a_log_of_frames_faces_hold_for_a_moment_only(session: Path) -> None:
    (session / "frames.parquet").unlink()
    faces = StoredFaces(load_review(session))
    assert len(faces.result(49.5 / RATE_HZ, BLANK, raw=False).faces) == 1
    assert len(faces.result(53 / RATE_HZ, BLANK, raw=False).faces) == 0


def test_corrections_reach_the_picture(session: Path) -> None:
    review = load_review(session)
    faces = StoredFaces(review)
    review.set_faces(FaceEdits().merged_into(2, 1))
    assert [face.id for face in faces.result(4.0, BLANK, raw=False).faces] == [1]
    assert review.persons() == (1,)
    review.set_faces(FaceEdits().with_excluded(1, True))
    assert [face.id for face in faces.result(4.0, BLANK, raw=False).faces] == [2]
    assert load_review(session).faces.excluded == {1}


def test_boxes_follow_a_source_that_changed_its_size(session: Path) -> None:
    metadata = json.loads((session / "session.json").read_text())
    sizes = metadata["video"]["frame_sizes"]
    sizes.append({"time_s": 3.0, "width_px": 320, "height_px": 120})
    (session / "session.json").write_text(json.dumps(metadata))
    faces = StoredFaces(load_review(session))
    np.testing.assert_allclose(faces.result(1.0, BLANK, raw=False).faces[0].box, [10.5, 8.25, 30, 40])
    np.testing.assert_allclose(
        faces.result(3.2, BLANK, raw=False).faces[0].box, [5.25, 34.125, 15, 50], atol=1e-4
    )


def test_an_empty_table_opens(tmp_path: Path, session: Path) -> None:
    table = parquet.read_table(session / "faces.parquet")
    parquet.write_table(table.slice(0, 0), session / "faces.parquet")
    review = load_review(session)
    assert review.persons() == ()
    assert StoredFaces(review).result(1.0, BLANK, raw=False).faces == ()
    shutil.rmtree(session)
