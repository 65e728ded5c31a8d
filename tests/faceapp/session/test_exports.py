"""Every export read back by a reader that we did not write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engines.card import EMOTIONS
from faceapp.errors import SessionError
from faceapp.session import exports
from faceapp.session.about import About
from faceapp.session.annotation_faces import FaceEdits, save_face_edits
from faceapp.session.annotations import Event, append_event
from faceapp.session.column_meanings import column_meanings
from faceapp.session.export import export_session, missing_formats
from faceapp.session.exports.openface import openface_angles
from faceapp.session.face_rows import safe_name, safe_text
from faceapp.session.reader import read_session
from faceapp.session.regular import regular_columns, usual_rate_hz
from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, hidden, result

DANGEROUS = '=HYPERLINK("http://x","y")'


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 Hz: face 1 happy, from 1 s neutral, away from 1.2 to 1.8 s, abstained at 0.4 s; face 2 at last."""
    about = About("P07 / ä", "note", session="2", condition="../film")
    folder = tmp_path_factory.mktemp("exports") / "s"
    writer = SessionWriter(
        folder, source="test", cards=[card()], settings={}, wait=True, captured=True, about=about
    )
    for index in range(50):
        faces = 0 if 30 <= index < 45 else 1 + (index >= 48)
        each = result(index, faces=faces, happiness=0.9 if index < 25 else 0.05)
        each = hidden(each) if index == 10 else each
        writer.put_frame(each.frame)
        writer.put(each)
    writer.close()
    append_event(folder, Event(0.5, 1.5, label=DANGEROUS, note="loud & clear\nand long", author="A"))
    append_event(folder, Event(1.0, 1.0, label="key <1>", face=1, author="B"))
    append_event(folder, Event(1.6, 1.8, kind="exclude", author="A"))
    return folder


def written(session: Path, name: str, out: Path) -> list[Path]:
    paths = export_session(session, [name], out)
    assert paths and all(path.is_relative_to(out) and path.is_file() for path in paths)
    assert not list(out.glob(".*")), "nothing half-made is left"
    return paths


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


def test_csv_read_by_pandas_has_units_gaps_and_no_formulas(session: Path, tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    faces, frames, events, columns = (pandas.read_csv(path) for path in written(session, "csv", tmp_path))
    assert len(faces) == 37
    assert faces["p_happiness"].isna().sum() == 1 and faces["model"].isna().sum() == 1
    assert faces["p_happiness"].dropna().max() == pytest.approx(0.9, abs=1e-5)
    assert pandas.to_datetime(faces["utc"]).diff().dropna().min().total_seconds() >= 0
    assert len(frames) == 50 and frames["analysed"].all()
    assert events["label"][0] == "'" + DANGEROUS
    assert events["note"][0] == "loud & clear and long"
    described = set(columns["column"][columns["table"] == "faces"])
    assert described == set(faces.columns)
    assert set(columns["column"][columns["table"] == "frames"]) == set(frames.columns)
    assert columns.set_index("column")["unit"]["age_years"] == "years"


def test_formulas_in_recorded_texts_are_defused(session: Path, tmp_path: Path):
    import shutil

    import pyarrow as pa
    from pyarrow import parquet

    pandas = pytest.importorskip("pandas")
    evil = shutil.copytree(session, tmp_path / "evil")
    table = parquet.read_table(evil / "faces.parquet")
    texts = pa.array(["=1+1", "+1", "-1", "@x", "\t=1", "plain", " =1", *["tiny"] * (table.num_rows - 7)])
    table = table.set_column(table.column_names.index("model"), "model", texts)
    parquet.write_table(table, evil / "faces.parquet")
    models = pandas.read_csv(written(evil, "csv", tmp_path / "out")[0])["model"]
    assert models[:7].tolist() == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "plain", "' =1"]


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


def test_parquet_keeps_what_was_recorded(session: Path, tmp_path: Path):
    from pyarrow import parquet

    faces, frames = (parquet.read_table(path) for path in written(session, "parquet", tmp_path))
    assert faces.equals(read_session(session).table)
    metadata = json.loads(faces.schema.metadata[b"faceapp"])
    assert metadata["models"][0]["name"] == "tiny" and metadata["participant"] == "P07 / ä"
    assert frames.num_rows == 50


def test_openface_csv_has_its_columns_radians_and_failures(session: Path, tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    (path,) = written(session, "openface", tmp_path)
    table = pandas.read_csv(path)
    assert list(table.columns[:5]) == ["frame", "face_id", "timestamp", "confidence", "success"]
    assert {"gaze_0_x", "gaze_angle_y", "pose_Tx", "pose_Rz", "AU01_r", "AU45_c", "AU28_c"} <= set(
        table.columns
    )
    assert table["success"].value_counts().to_dict() == {1: 37, 0: 15}
    assert table["timestamp"].is_monotonic_increasing and table["frame"].min() == 1
    seen = table[table["success"] == 1]
    assert seen["confidence"].iloc[0] == pytest.approx(0.9)
    assert seen["pose_Rz"].isna().all(), "the roll was not measured"
    assert table["AU12_r"].isna().all() and table["gaze_0_x"].isna().all()


@pytest.mark.parametrize("angles", [(20.0, -10.0, 5.0), (-35.0, 20.0, -15.0), (0.0, 0.0, 30.0)])
def test_openface_angles_are_the_same_rotation(angles: tuple[float, float, float]):
    def about_x(a: float) -> np.ndarray:
        return np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])

    def about_y(a: float) -> np.ndarray:
        return np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])

    def about_z(a: float) -> np.ndarray:
        return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])

    from faceapp.tracking.head_pose import rotation_angles_deg

    x, y, z = openface_angles(*angles)
    np.testing.assert_allclose(rotation_angles_deg(about_x(x) @ about_y(y) @ about_z(z)), angles, atol=1e-9)


def test_the_detailed_log_reads_as_facereader_users_read_it(session: Path, tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    paths = written(session, "facereader", tmp_path)
    assert len(paths) == 2
    assert paths[0].name.startswith("Participant P07---ä_face-1_Analysis 1_video_")
    assert paths[0].name.endswith("_detailed.txt")
    lines = paths[0].read_text(encoding="utf-8").splitlines()
    assert lines[0] == "Video analysis detailed log"
    head = next(number for number, line in enumerate(lines) if line.startswith("Video Time"))
    assert "Frame rate\t25.000000000" in lines[:head]
    table = pandas.read_csv(paths[0], sep="\t", skiprows=head)
    assert len(table) == 50
    happy = pandas.to_numeric(table["Happy"], errors="coerce")
    assert happy.isna().sum() == 16, "15 frames without a face, one abstained"
    assert (table["Happy"] == "FIND_FAILED").sum() == 15 and (table["Happy"] == "FIT_FAILED").sum() == 1
    valence = pandas.to_numeric(table["Valence"], errors="coerce")
    assert valence[0] == pytest.approx(0.9 - 0.1 / 7, abs=1e-4)
    assert pandas.to_timedelta(table["Video Time"]).diff().dropna().unique().tolist() == [
        pandas.Timedelta("40ms")
    ]
    assert (table["Stimulus"].fillna("") != "").sum() == 25 + 5
    assert table["Event Marker"].fillna("")[25] == "key <1>"


def test_elan_read_by_pympi(session: Path, tmp_path: Path):
    elan = pytest.importorskip("pympi.Elan")
    (path,) = written(session, "elan", tmp_path)
    file = elan.Eaf(str(path))
    assert set(file.get_tier_names()) == {"face 1", "face 2", "marker A", "marker B", "exclude A"}
    assert file.get_annotation_data_for_tier("face 1")[0] == (0, 1000, "happiness")
    assert file.get_annotation_data_for_tier("marker B") == [(1000, 1001, "key <1>")]
    media = file.get_linked_files()[0]["RELATIVE_MEDIA_URL"]
    assert (path.parent / media).resolve() == (session / "video.mkv").resolve()


def test_webvtt_read_by_a_parser(session: Path, tmp_path: Path):
    webvtt = pytest.importorskip("webvtt")
    (path,) = written(session, "webvtt", tmp_path)
    captions = list(webvtt.read(str(path)))
    assert captions[0].text == "face 1: happiness 0.90"
    assert (captions[0].start_in_seconds, captions[0].end_in_seconds) == (0, 1)
    assert any("[marker] key &lt;1&gt;" in caption.raw_text for caption in captions)
    assert [c.start for c in captions] == sorted(c.start for c in captions)


def test_bids_names_are_valid_and_tables_fit_their_sidecars(session: Path, tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    validator = pytest.importorskip("bids_validator").BIDSValidator()
    paths = written(session, "bids", tmp_path)
    root = tmp_path / "bids"
    assert all(validator.is_bids("/" + path.relative_to(root).as_posix()) for path in paths), paths
    events = pandas.read_csv(next(root.rglob("*_events.tsv")), sep="\t")
    assert list(events.columns[:2]) == ["onset", "duration"]
    assert events["onset"].tolist() == [0.5, 1.0, 1.6] and events["duration"][1] == 0
    assert events["trial_type"][0] == "'" + DANGEROUS.replace('"', "'")
    sidecar = json.loads(next(root.rglob("*recording-face1_physio.json")).read_text())
    physio = pandas.read_csv(next(root.rglob("*recording-face1_physio.tsv.gz")), sep="\t", header=None)
    assert physio.shape == (50, len(sidecar["Columns"]))
    assert (sidecar["SamplingFrequency"], sidecar["StartTime"]) == (25.0, 0.0)
    assert "linear interpolation" in sidecar["Resampling"]
    happy = physio[sidecar["Columns"].index("p_happiness")]
    assert happy.notna().tolist() == [not 30 <= index < 45 for index in range(50)], "the gap stays a gap"
    assert happy[10] == pytest.approx(0.9, abs=1e-5), "one abstained frame is bridged"


def test_xdf_read_by_pyxdf(session: Path, tmp_path: Path):
    pyxdf = pytest.importorskip("pyxdf")
    (path,) = written(session, "xdf", tmp_path)
    streams, header = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    assert header["info"]["version"] == ["1.0"]
    by_name = {stream["info"]["name"][0]: stream for stream in streams}
    face = by_name["faceapp face 1"]
    labels = [c["label"][0] for c in face["info"]["desc"][0]["channels"][0]["channel"]]
    happy = face["time_series"][:, labels.index("p_happiness")]
    rows = read_session(session)
    mine = rows.column("face_id") == 1
    np.testing.assert_allclose(face["time_stamps"], rows.column("time_s")[mine])
    np.testing.assert_array_equal(happy, rows.column("p_happiness")[mine])
    marks = by_name["faceapp marks"]
    assert [text for (text,) in marks["time_series"]] == [
        *(f"{DANGEROUS}_start", "key <1>", f"{DANGEROUS}_end", "exclude_start", "exclude_end"),
    ]
    np.testing.assert_allclose(marks["time_stamps"], [0.5, 1.0, 1.5, 1.6, 1.8])


def test_edf_read_back(session: Path, tmp_path: Path):
    edfio = pytest.importorskip("edfio")
    (path,) = written(session, "edf", tmp_path)
    file = edfio.read_edf(path)
    assert file.patient.code == "P07_/__"
    signal = next(each for each in file.signals if each.label == "f1 p_happiness")
    assert (signal.sampling_frequency, signal.physical_min) == (25, -1)
    assert signal.data[0] == pytest.approx(0.9, abs=1e-3)
    missing = signal.data <= signal.physical_min + 1e-4
    assert missing.tolist() == [30 <= index < 45 for index in range(50)]
    ages = next(each for each in file.signals if each.label == "f1 age_years")
    assert (ages.physical_dimension, ages.data[0]) == ("years", pytest.approx(31.5, abs=0.01))
    marks = [(mark.onset, mark.duration, mark.text) for mark in file.annotations]
    assert (1.0, None, "key <1> | face 1 | B") in marks
    assert len(marks) == 3


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

    from faceapp.session.annotation_faces import FaceEdits, save_face_edits
    from faceapp.session.exports import overlay

    copy = shutil.copytree(session, tmp_path / "s")
    save_face_edits(copy, FaceEdits(names={1: "Zoë 李 with a very long family name"}, merged={2: 1}))
    texts: set[str] = set()
    draw = overlay.cv2.putText
    monkeypatch.setattr(
        overlay.cv2, "putText", lambda image, text, *others: (texts.add(text), draw(image, text, *others))
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
