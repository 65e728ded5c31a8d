"""What exports share, and what their readers can't tell: the overlay video, edited faces, missing libraries, empty sessions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.card import EMOTIONS
from faceapp.errors import SessionError
from faceapp.session import exports
from faceapp.session.annotation_faces import FaceEdits, save_face_edits
from faceapp.session.column_meanings import column_meanings
from faceapp.session.export import export_session, missing_formats
from faceapp.session.face_rows import safe_name, safe_text
from faceapp.session.reader import read_session
from faceapp.session.regular import regular_columns, usual_rate_hz
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.exported import written
from tests.faceapp.session.results import result


def test_every_format_says_what_it_is_and_can_be_written_here():
    assert set(exports.export_names()) == {
        *(
            "bids",
            "csv",
            "edf",
            "elan",
            "facereader",
            "openface",
            "overlay",
            "parquet",
            "report",
            "webvtt",
            "xdf",
        ),
    }
    assert all(exports.export_format(name).ABOUT for name in exports.export_names())
    assert missing_formats() == {}


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1", "'=1"),
        ("-x", "'-x"),
        ("@a", "'@a"),
        ("a=1", "a=1"),
        ("", ""),
        (None, ""),
        ("+a\nb", "'+a b"),
        (3, "3"),
    ],
)
def test_cells_of_text(text: object, safe: str):
    assert safe_text(text) == safe


@pytest.mark.parametrize("text", ["../../etc", "a/b", "..", "C:\\x", "", "é" * 200])
def test_names_of_files_never_leave_their_folder(text: str):
    name = safe_name(text, "x")
    assert name and "/" not in name and "\\" not in name and "." not in name and len(name) <= 60


def test_the_overlay_video_has_every_frame_and_the_boxes(session: Path, tmp_path: Path):
    import av

    (path,) = written(session, "overlay", tmp_path)
    with av.open(str(path)) as made, av.open(str(session / "video.mkv")) as clean:
        ours = [(f.time, f.to_ndarray(format="rgb24").astype(int)) for f in made.decode(video=0)]
        theirs = [(f.time, f.to_ndarray(format="rgb24").astype(int)) for f in clean.decode(video=0)]
    assert [time_s for time_s, _ in ours] == [time_s for time_s, _ in theirs]
    edge = slice(12, 22), slice(9, 12)  # above the clock
    changed = [np.abs(a[edge] - b[edge]).mean() > 20 for (_, a), (_, b) in zip(ours, theirs, strict=True)]
    assert changed == [not 30 <= index < 45 for index in range(50)]


def test_boxes_stay_over_frames_that_were_not_analysed_and_fit_another_size(tmp_path: Path):
    import av

    writer = SessionWriter(tmp_path / "s", source="test", cards=[], settings={}, wait=True, captured=True)
    for index in range(10):
        each = result(index, image=np.full((480 if index > 4 else 240, 160, 3), 90, np.uint8))
        writer.put_frame(each.frame)
        if index % 5 == 0:
            writer.put(each)
    (path,) = written(writer.close(), "overlay", tmp_path / "out")
    with av.open(str(path)) as made, av.open(str(tmp_path / "s" / "video.mkv")) as clean:
        ours = [f.to_ndarray(format="rgb24").astype(int) for f in made.decode(video=0)]
        theirs = [f.to_ndarray(format="rgb24").astype(int) for f in clean.decode(video=0)]
    changed = [np.abs(a - b).max(axis=2) > 30 for a, b in zip(ours, theirs, strict=True)]
    assert all(each[20:36, 9:12].mean() > 0.6 and each[20:36, 14:26].mean() < 0.05 for each in changed[:5])
    # 160x480 lies in 160x240 as 80x240 from x = 40: the box from x = 10.5 begins at 45.
    assert all(each[17:19, 44:47].mean() > 0.6 and each[17:19, 9:12].mean() < 0.05 for each in changed[5:])


def test_merged_and_excluded_faces_are_so_in_exports_but_not_in_parquet(session: Path, tmp_path: Path):
    import shutil

    pandas = pytest.importorskip("pandas")
    copy = shutil.copytree(session, tmp_path / "s")
    save_face_edits(copy, FaceEdits(names={1: "Anna"}, merged={2: 1}))
    assert set(pandas.read_csv(written(copy, "csv", tmp_path / "a")[0])["face_id"]) == {1}
    assert "Anna" in written(copy, "elan", tmp_path / "b")[0].read_text()
    assert set(pandas.read_parquet(written(copy, "parquet", tmp_path / "c")[0])["face_id"]) == {1, 2}
    save_face_edits(copy, FaceEdits(excluded=frozenset({1})))
    assert set(pandas.read_csv(written(copy, "csv", tmp_path / "d")[0])["face_id"]) == {2}


def test_a_format_whose_library_is_missing_is_one_line(session: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SessionError, match=r"format edf: expected its library.*faceapp\[exports\]"):
        export_session(session, ["edf"])
    assert not any(path.suffix == ".edf" for path in export_session(session, None, session / "some"))


def test_an_empty_session_can_be_written_in_every_format(tmp_path: Path):
    writer = SessionWriter(tmp_path / "s", source="test", cards=[], settings={}, wait=True, video=False)
    writer.put(result(0, faces=0))
    names = {path.name for path in export_session(writer.close(), None, tmp_path / "out")}
    assert {"session.edf", "session.xdf", "annotations.eaf", "openface.csv", "report.html"} <= names


def test_a_format_with_nothing_to_be_made_from_is_one_line(tmp_path: Path):
    writer = SessionWriter(tmp_path / "s", source="test", cards=[], settings={}, wait=True, video=False)
    writer.put(result(0))
    with pytest.raises(SessionError, match="what overlay is made from, found none"):
        export_session(writer.close(), ["overlay"])


def test_regular_columns_are_linear_and_never_bridge_a_gap(session: Path):
    rows = read_session(session)
    assert usual_rate_hz(rows) == 25
    made = regular_columns(rows, ["p_happiness", "time_s"], 50)
    assert made.faces[1].shape == (99, 2)
    clock = np.arange(99) / 50
    known = np.isfinite(made.faces[1][:, 1])
    np.testing.assert_allclose(made.faces[1][known, 1], clock[known], atol=1e-9)
    assert not known[(clock > 1.17) & (clock < 1.79)].any()
    assert np.isnan(made.faces[2][:96]).all() and np.isfinite(made.faces[2][96:, 0]).all()
    assert len(EMOTIONS) == 8


def test_names_given_in_the_player_stand_in_the_overlay_video(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import shutil

    from faceapp.session import drawn_labels
    from faceapp.session.annotation_faces import FaceEdits, save_face_edits

    copy = shutil.copytree(session, tmp_path / "s")
    save_face_edits(copy, FaceEdits(names={1: "Zoë 李 with a very long family name"}, merged={2: 1}))
    texts: set[str] = set()
    draw = drawn_labels.cv2.putText
    monkeypatch.setattr(
        drawn_labels.cv2,
        "putText",
        lambda image, text, *others: (texts.add(text), draw(image, text, *others)),
    )
    (path,) = written(copy, "overlay", tmp_path)
    named = {text.split(":")[0] for text in texts if ": " in text}
    assert named == {"Zoe ? with a very lon..."}, "the drawn font has plain letters only"
    assert any("(Zoe ? with a very long family name)" in text for text in texts), "marks about the face too"
    assert path.stat().st_size > 0


def test_the_data_dictionary_knows_the_labels_a_person_taught() -> None:
    rows = [row for row in column_meanings(("label_bored",)) if row[1] == "label_bored"]
    assert rows == [("faces", "label_bored", "0..1", "probability of a label that a person taught")]
    assert not [row for row in column_meanings() if row[1].startswith("label_")]
