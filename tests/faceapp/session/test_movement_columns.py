from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from engines.second_opinion import Opinion
from faceapp.errors import SessionError
from faceapp.session.column_meanings import column_meanings
from faceapp.session.exports.openface import write as write_openface
from faceapp.session.exports.xdf import write as write_xdf
from faceapp.session.reader import read_session
from faceapp.session.sealing import read_csv_table, seal
from faceapp.session.table import COLUMNS, CSV_FILE, MOVEMENT_COLUMNS, PARQUET_FILE, arrow_schema, face_rows
from faceapp.session.writer import SessionWriter
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.types import FrameResult
from tests.faceapp.session.results import card, result

STARTED = datetime(2026, 3, 1, tzinfo=timezone.utc)
OLD_COLUMNS = [name for name in COLUMNS if name not in MOVEMENT_COLUMNS]
AU12 = [unit.column for unit in MEASURED_UNITS].index("au12")


def moving(index: int) -> FrameResult:
    """A frame whose face smiles more and more, with hidden brows; the second opinion speaks on every other one."""
    plain = result(index)
    values = np.full(len(MEASURED_UNITS), 0.5, dtype=np.float32)
    values[0], values[AU12] = np.nan, index
    opinion = Opinion("fear", "surprise", (1, 5)) if index % 2 else None
    told = tuple(replace(each, movements=values, second_opinion=opinion) for each in plain.predictions)
    return replace(plain, predictions=told)


def record(folder: Path, results: list[FrameResult]) -> Path:
    writer = SessionWriter(folder, source="test", cards=[card()], settings={}, video=False, wait=True)
    for each in results:
        writer.put(each)
    writer.close()
    assert writer.error is None
    return folder


def test_a_row_holds_movements_and_opinion() -> None:
    row = dict(zip(COLUMNS, face_rows(moving(3), 0.0, STARTED)[0], strict=True))
    assert (row["au01"], row["au02"], row["au12"], row["second_opinion"]) == ("", "0.500", "3.000", "fear")
    quiet = dict(zip(COLUMNS, face_rows(result(3), 0.0, STARTED)[0], strict=True))
    assert {quiet[name] for name in MOVEMENT_COLUMNS} == {""}


def test_a_recording_is_read_back_with_movements(tmp_path: Path) -> None:
    session = read_session(record(tmp_path / "session", [moving(index) for index in range(4)]))
    np.testing.assert_array_equal(session.column("au12"), [0, 1, 2, 3])
    assert np.isnan(session.column("au01")).all()
    assert session.table["second_opinion"].to_pylist() == [None, "fear", None, "fear"]


def test_every_column_has_a_meaning() -> None:
    told = {name for table, name, _unit, _meaning in column_meanings() if table == "faces"}
    assert told == set(COLUMNS)


def test_sessions_of_older_versions_are_read_with_empty_columns(tmp_path: Path) -> None:
    from pyarrow import parquet

    folder = record(tmp_path / "session", [moving(index) for index in range(3)])
    old = parquet.read_table(folder / PARQUET_FILE).select(OLD_COLUMNS)
    parquet.write_table(old, folder / PARQUET_FILE)
    session = read_session(folder)
    assert session.table.column_names == list(COLUMNS)
    assert session.table["second_opinion"].null_count == session.table["au12"].null_count == 3
    np.testing.assert_allclose(session.column("p_happiness"), 0.65)


def test_a_killed_recording_of_an_older_version_is_read_and_sealed(tmp_path: Path) -> None:
    path = tmp_path / CSV_FILE
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(OLD_COLUMNS)
        writer.writerows(face_rows(result(0), 0.0, STARTED)[0][: len(OLD_COLUMNS)] for _ in range(2))
    assert read_csv_table(path, arrow_schema())["au43"].null_count == 2
    assert seal(path, tmp_path / PARQUET_FILE, arrow_schema()) == (2, 0)


def test_another_column_that_is_missing_is_still_an_error(tmp_path: Path) -> None:
    path = tmp_path / CSV_FILE
    path.write_text(
        ",".join(name for name in COLUMNS if name != "p_fear") + "\n" + "," * (len(COLUMNS) - 2) + "\n"
    )
    with pytest.raises(SessionError, match="expected the columns of a session, found no column p_fear"):
        read_csv_table(path, arrow_schema())


def test_openface_keeps_its_own_units_empty_and_ours_behind(tmp_path: Path) -> None:
    session = read_session(record(tmp_path / "session", [moving(index) for index in range(3)]))
    (path,) = write_openface(session, tmp_path)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["faceapp_au12"] for row in rows] == ["0.000000", "1.000000", "2.000000"]
    assert {row["faceapp_au01"] for row in rows} == {""}
    assert {cell for row in rows for name, cell in row.items() if name.startswith("AU")} == {""}


@pytest.mark.parametrize(("make", "channels"), [(moving, True), (result, False)])
def test_xdf_has_channels_of_movements_where_they_were_measured(
    make: object, channels: bool, tmp_path: Path
) -> None:
    pyxdf = pytest.importorskip("pyxdf")
    results = [make(index) for index in range(3)]  # type: ignore[operator]
    results[0] = result(0)  # the first frame may lie before it was switched on
    # AU1 is hidden throughout: the others still tell that movements were measured.
    session = read_session(record(tmp_path / "session", results))
    (path,) = write_xdf(session, tmp_path)
    streams, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    face = next(stream for stream in streams if stream["info"]["type"] == ["Expression"])
    labels = [channel["label"][0] for channel in face["info"]["desc"][0]["channels"][0]["channel"]]
    assert ("au12" in labels) is channels
    assert "second_opinion" not in labels
    if channels:
        np.testing.assert_array_equal(face["time_series"][1:, labels.index("au12")], [1, 2])
