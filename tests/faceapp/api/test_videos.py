"""Videos and live sources as an iteration over faces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import faceapp
from faceapp.errors import SourceError


def test_every_frame_of_a_video_comes_in_order(film: Path) -> None:
    with faceapp.open(film) as faces:
        read = list(faces)

    assert [each.frame for each in read] == list(range(10))
    assert {each[0].id for each in read} == {1}
    assert read[0].image.shape == (512, 512, 3) and read[3][0].landmarks is not None


def test_a_whole_video_is_results_without_pictures(film: Path) -> None:
    results = faceapp.analyze_video(film, every=2)

    assert len(results) == 5 and all(len(each) == 1 for each in results)
    assert results[1].image is None and results[1][0].landmarks is None
    table = results.to_pandas()
    assert list(table["frame"]) == [0, 2, 4, 6, 8] and (table["emotion"] == "happiness").all()
    assert json.loads(json.dumps(results.to_dict(), allow_nan=False))[0]["faces"][0]["emotion"] == "happiness"
    assert len(results[:2]) == 2
    with pytest.raises(ValueError, match="found none kept"):
        results[0].draw()


def test_a_live_source_ends_after_the_time_given() -> None:
    with faceapp.open("demo", for_s=0.5) as faces:
        times_s = [each.time_s for each in faces]

    assert len(times_s) > 1 and times_s == sorted(times_s)


def test_leaving_early_stops_it() -> None:
    with faceapp.open("demo") as faces:
        for each in faces:
            assert each.image is not None
            break
    faces.close()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: faceapp.open("missing.mp4"), SourceError, "missing.mp4"),
        (lambda: faceapp.open(None), TypeError, "found NoneType"),
        (lambda: faceapp.open("demo", for_s=0), ValueError, "for_s"),
        (lambda: faceapp.open("demo", modle="x"), TypeError, "found 'modle'"),
        (lambda: faceapp.open("demo", smoothing=3), ValueError, "smoothing"),
        (lambda: faceapp.analyze_video("0"), SourceError, "faceapp.open"),
        (lambda: faceapp.analyze_video("missing.mp4"), SourceError, "missing.mp4"),
    ],
)
def test_what_is_wrong_is_told_at_once(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_video_that_is_none_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(np.zeros(1000, np.uint8).tobytes())

    with pytest.raises(SourceError, match=r"broken\.mp4"):
        faceapp.analyze_video(broken)
