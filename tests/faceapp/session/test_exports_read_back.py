"""Every export read back by a reader that we did not write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from faceapp.session.exports.openface import openface_angles
from faceapp.session.reader import read_session
from tests.faceapp.session.exported import DANGEROUS, written


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
    assert any("[marker] key &lt;1&gt; (face 1, B)" in caption.raw_text for caption in captions)
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
    marks, other = by_name["faceapp marks A"], by_name["faceapp marks B"]
    note = "loud & clear and long"
    assert [text for (text,) in marks["time_series"]] == [
        *(f"{DANGEROUS}_start: {note}", f"{DANGEROUS}_end: {note}", "exclude_start", "exclude_end"),
    ]
    np.testing.assert_allclose(marks["time_stamps"], [0.5, 1.5, 1.6, 1.8])
    assert [text for (text,) in other["time_series"]] == ["key <1> [face 1]"]
    assert other["info"]["desc"][0]["author"] == ["B"]


def test_edf_read_back(session: Path, tmp_path: Path):
    edfio = pytest.importorskip("edfio")
    whole = shutil.copytree(session, tmp_path / "whole")
    metadata = json.loads((whole / "session.json").read_text())
    (whole / "session.json").write_text(
        json.dumps({**metadata, "started_utc": "2026-12-01T10:00:00.000000Z"})
    )
    (path,) = written(whole, "edf", tmp_path / "out")
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
