from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.card import EMOTIONS
from faceapp.session.column_meanings import column_meanings
from faceapp.streams.values import NAMES, channels, value_rows
from tests.faceapp.session.results import hidden, result


def named(row: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, row.tolist(), strict=True))


def test_a_frame_gives_a_row_a_face_with_the_values_of_the_table() -> None:
    each = result(7, faces=2)
    rows = value_rows(each)
    assert rows.shape == (2, len(NAMES)) and rows.dtype == np.float32
    first, second = named(rows[0]), named(rows[1])
    assert (first["frame"], first["face_id"], first["faces"]) == (7, 1, 2)
    assert second["face_id"] == 2
    assert [first[f"p_{name}"] for name in EMOTIONS] == pytest.approx(each.predictions[0].emotion.tolist())
    assert (first["age_years"], first["age_std_years"], first["p_female"], first["p_smile"]) == (
        31.5,
        4.25,
        0.75,
        0.5,
    )
    assert (first["x0_px"], first["y1_px"], first["yaw_deg"]) == (10.5, 40, 1.5)
    assert np.isnan(first["roll_deg"]), "a missing value is NaN, never 0"
    assert first["capture_to_result_ms"] == pytest.approx(12.3456)
    assert first["occlusion"] == 0


def test_an_abstention_is_nan_and_its_reason_is_in_the_occlusion() -> None:
    (row,) = value_rows(hidden(result(0)))
    values = named(row)
    assert values["occlusion"] == 3 and values["face_id"] == 1
    said = [values[name] for name in NAMES if name.startswith(("p_", "age_"))]
    assert len(said) == 12 and np.isnan(said).all()


@pytest.mark.parametrize(("occlusion", "code"), [("headset", 1), ("mask", 2)])
def test_what_hides_the_face_is_a_code(occlusion: str, code: int) -> None:
    each = result(0)
    covered = replace(each, faces=tuple(replace(face, occlusion=occlusion) for face in each.faces))
    assert named(value_rows(covered)[0])["occlusion"] == code


def test_a_frame_without_a_face_gives_one_row_that_says_so() -> None:
    (row,) = value_rows(result(9, faces=0))
    values = named(row)
    assert (values["frame"], values["faces"], values["face_id"]) == (9, 0, 0)
    assert values["capture_to_result_ms"] == pytest.approx(12.3456)
    assert sum(np.isnan(row)) == len(NAMES) - 4


def test_channels_have_the_units_of_the_data_dictionary() -> None:
    known = {name: unit for table, name, unit, _ in column_meanings() if table == "faces"}
    for channel in channels():
        assert channel.meaning
        if channel.label not in ("faces", "occlusion"):
            assert channel.unit == known[channel.label]
    assert [channel.label for channel in channels()] == list(NAMES)
    (occlusion,) = (channel for channel in channels() if channel.label == "occlusion")
    assert "0 none, 1 headset, 2 mask, 3 hidden" in occlusion.meaning
