from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.card import EMOTIONS
from faceapp.errors import SessionError
from faceapp.session.clock import utc_text
from faceapp.session.numbers import number_text
from faceapp.session.sealing import cut_incomplete_row, read_csv_table, seal
from faceapp.session.table import COLUMNS, arrow_schema, face_rows
from faceapp.types import FrameResult, Prediction
from tests.faceapp.session.results import result

STARTED = datetime(2026, 3, 1, 23, 59, 59, 500_000, tzinfo=timezone.utc)


def write_csv(path: Path, rows: list[list[str]], tail: str = "") -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        stream.write(tail)
    return path


def test_columns_are_those_of_the_session_format():
    names = ",".join(f"p_{name}" for name in EMOTIONS)
    assert ",".join(COLUMNS) == (
        "frame,face_id,time_s,utc,score,occlusion,model,x0_px,y0_px,x1_px,y1_px,yaw_deg,pitch_deg,roll_deg,"
        f"{names},age_years,age_std_years,p_female,p_smile,"
        + ",".join(f"{name}_raw" for name in f"{names},age_years,age_std_years,p_female,p_smile".split(","))
        + ",capture_to_result_ms,au01,au02,au04,au05,au06,au07,au09,au10,au12,au14,au15,au16,au17,au18,au20,au23,"
        "au24,au25,au26,au27,au28,au29,au38,au39,au43,second_opinion"
    )


def test_a_row_holds_every_value_of_its_face():
    row = dict(zip(COLUMNS, face_rows(result(7, faces=2), 0.75, STARTED)[1], strict=True))
    assert (row["frame"], row["face_id"], row["time_s"]) == ("7", "2", "0.750000")
    assert row["utc"] == "2026-03-02T00:00:00.250Z"
    assert (row["x0_px"], row["y1_px"], row["yaw_deg"], row["pitch_deg"]) == (
        "10.50",
        "40.00",
        "1.50",
        "-2.50",
    )
    assert (row["p_happiness"], row["age_years"], row["age_years_raw"]) == ("0.650000", "31.500", "35.000")
    assert (row["p_female"], row["p_smile"], row["capture_to_result_ms"]) == (
        "0.750000",
        "0.500000",
        "12.346",
    )
    assert (row["occlusion"], row["model"]) == ("none", "tiny")


def test_missing_values_are_empty_and_never_zero():
    nothing = Prediction(1, np.full(8, np.nan, np.float32), *[float("nan")] * 4, model="tiny")
    full = result(0)
    (row,) = face_rows(FrameResult(full.frame, full.faces, (nothing,), (nothing,)), 0.0, STARTED)
    cells = dict(zip(COLUMNS, row, strict=True))
    assert cells["roll_deg"] == cells["capture_to_result_ms"] == ""
    assert {cells[name] for name in COLUMNS if name.startswith(("p_", "age_"))} == {""}


def test_a_frame_without_a_face_gives_no_row():
    assert face_rows(result(0, faces=0), 0.0, STARTED) == []


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 6))
def test_number_text_is_a_plain_number_or_nothing(value: float, digits: int):
    text = number_text(value, digits)
    assert (text == "") == (not np.isfinite(value))
    if text:
        assert float(text) == pytest.approx(value, abs=0.500001 * 10**-digits, rel=1e-12)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))
def test_utc_text_reads_back_to_the_millisecond(moment: datetime):
    text = utc_text(moment)
    back = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


def test_seal_keeps_types_units_and_gaps(tmp_path: Path):
    from pyarrow import parquet

    rows = face_rows(result(0, faces=2), 0.0, STARTED) + face_rows(result(1), 0.04, STARTED)
    path = write_csv(tmp_path / "faces.csv", rows)
    assert seal(path, tmp_path / "faces.parquet", arrow_schema({"source": "test"})) == (3, 0)
    table = parquet.read_table(tmp_path / "faces.parquet")
    assert table.column_names == list(COLUMNS)
    assert table["frame"].to_pylist() == [0, 0, 1]
    assert table["utc"].to_pylist()[0] == STARTED
    assert table["roll_deg"].null_count == 3
    assert table["age_years_raw"].to_pylist() == [35.0] * 3
    assert b'"source": "test"' in table.schema.metadata[b"faceapp"]
    assert [file.name for file in tmp_path.iterdir()] == ["faces.parquet"]


def test_seal_of_a_session_without_faces_gives_an_empty_table(tmp_path: Path):
    from pyarrow import parquet

    assert seal(write_csv(tmp_path / "faces.csv", []), tmp_path / "faces.parquet", arrow_schema()) == (0, 0)
    assert parquet.read_table(tmp_path / "faces.parquet").column_names == list(COLUMNS)


def test_seal_counts_damaged_rows_and_keeps_the_others(tmp_path: Path):
    rows = face_rows(result(0), 0.0, STARTED)
    path = write_csv(tmp_path / "faces.csv", [rows[0], ["1", "1", "0.04"], rows[0]])
    assert seal(path, tmp_path / "faces.parquet", arrow_schema()) == (2, 1)
    assert (tmp_path / "faces.csv.damaged").exists(), "nothing recorded is thrown away"


def test_a_csv_of_something_else_is_refused_and_kept(tmp_path: Path):
    path = tmp_path / "faces.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SessionError, match="expected the columns of a session") as caught:
        seal(path, tmp_path / "faces.parquet", arrow_schema())
    assert "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == ["faces.csv"]


def test_an_unsealed_table_is_read_without_its_half_row(tmp_path: Path):
    rows = face_rows(result(0), 0.0, STARTED)
    assert (
        read_csv_table(write_csv(tmp_path / "faces.csv", rows, tail="1,1,0.0"), arrow_schema()).num_rows == 1
    )


@given(st.lists(st.text(alphabet="abc,", max_size=5), max_size=20), st.text(alphabet="xyz", max_size=9))
def test_only_what_follows_the_last_line_end_is_cut(tmp_path_factory: pytest.TempPathFactory, lines, tail):
    path = tmp_path_factory.mktemp("cut") / "file"
    whole = "".join(f"{line}\n" for line in lines)
    path.write_text(whole + tail)
    assert cut_incomplete_row(path, cut=False) == len(tail)
    assert path.read_text() == whole + tail
    assert cut_incomplete_row(path) == len(tail)
    assert path.read_text() == whole


def test_a_long_half_row_is_found_across_blocks(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("head\n" + "x" * 200_000)
    assert cut_incomplete_row(path) == 200_000
    assert path.read_text() == "head\n"
