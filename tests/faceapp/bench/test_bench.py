from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engines.features import FeatureNet
from faceapp.bench import format_bench, passes, run_bench
from faceapp.bench.inputs import PacedCamera, RepeatedPicture, endless, read_picture
from faceapp.bench.plain_loop import plain_loop
from faceapp.errors import SessionError, SourceError
from faceapp.labels.label_file import label_path, save_label
from faceapp.labels.label_reader import LabelReader
from faceapp.pipeline import PipelineStatistics
from faceapp.settings import Settings
from tests.faceapp.fakes import FakeSource
from tests.faceapp.labels.test_label_reader import taught


@pytest.fixture
def portrait(astronaut: np.ndarray, tmp_path: Path) -> str:
    path = tmp_path / "portrait.png"
    cv2.imwrite(str(path), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    return str(path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """A clock that only moves when somebody sleeps; the value moves it by hand."""
    now_s = [100.0]

    def advance(seconds: float) -> None:
        now_s[0] += seconds

    monkeypatch.setattr("faceapp.bench.inputs.time.perf_counter", lambda: now_s[0])
    monkeypatch.setattr("faceapp.bench.inputs.time.sleep", advance)
    return advance


def test_a_picture_becomes_an_endless_video(portrait: str, astronaut: np.ndarray) -> None:
    source = endless(portrait)
    assert isinstance(source, RepeatedPicture)
    source.open()
    frames = [source.read() for _ in range(3)]
    source.close()
    assert [frame.index for frame in frames if frame] == [0, 1, 2]
    times_s = [frame.time_s for frame in frames if frame]
    assert all(later > earlier for earlier, later in itertools.pairwise(times_s))
    np.testing.assert_array_equal(frames[2].image, astronaut)  # type: ignore[union-attr]
    with pytest.raises(SourceError, match="open"):
        source.read()


def test_bad_pictures_and_live_inputs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    with pytest.raises(SourceError, match=r"bad\.jpg"):
        read_picture(str(tmp_path / "bad.jpg"))
    with pytest.raises(SourceError, match="live"):
        endless("demo")


def test_a_paced_camera_stamps_frames_when_they_are_due(clock: Callable[[float], None]) -> None:
    camera = PacedCamera(FakeSource(10), rate_hz=20.0)
    camera.open()
    frames = [camera.read() for _ in range(3)]
    assert [frame.index for frame in frames if frame] == [0, 1, 2]
    assert [frame.captured_s for frame in frames if frame] == pytest.approx([100.0, 100.05, 100.1])
    assert [frame.time_s for frame in frames if frame] == pytest.approx([0.0, 0.05, 0.1])
    assert camera.missed == 0


def test_frames_nobody_fetched_are_missed(clock: Callable[[float], None]) -> None:
    camera = PacedCamera(FakeSource(10), rate_hz=20.0)
    camera.open()
    camera.read()
    clock(0.21)  # four periods and a bit: frames 1 to 3 have passed, frame 4 is late by less than a period
    late = camera.read()
    assert late is not None
    assert (late.index, camera.missed) == (4, 3)
    next_one = camera.read()
    assert next_one is not None
    assert (next_one.index, camera.missed) == (5, 3)


def test_a_paced_camera_ends_with_its_file() -> None:
    camera = PacedCamera(FakeSource(2), rate_hz=1000.0)
    camera.open()
    while (frame := camera.read()) is not None:
        assert not camera.ended
        assert frame.index >= 0
    assert camera.ended
    camera.close()


def test_the_plain_loop_reads_pictures_and_videos_again_and_again(
    portrait: str, astronaut: np.ndarray, tiny_model: Path, tmp_path: Path
) -> None:
    assert plain_loop(portrait, tiny_model, faces=1, frames=3, warm_up=1) > 0
    video = tmp_path / "short.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25, (512, 512))
    for _ in range(2):
        writer.write(cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    writer.release()
    assert plain_loop(str(video), tiny_model, faces=1, frames=5, warm_up=0) > 0
    with pytest.raises(SourceError, match=r"none\.avi"):
        plain_loop(str(tmp_path / "none.avi"), tiny_model, faces=1, frames=1, warm_up=0)


class CountedPipeline:
    """A pipeline that gives as many results as asked, and looks at its counts one after the other."""

    def __init__(self, *counts: tuple[int, int, int]) -> None:
        self._looks = iter(counts)

    def set_recorder(self, recorder: object) -> None:
        """Record nothing."""

    def results(self) -> Iterator[None]:
        yield from itertools.repeat(None)

    def statistics(self) -> PipelineStatistics:
        return PipelineStatistics(*next(self._looks), 30.0, 10.0, 10.0)


def test_frames_on_their_way_are_not_counted_as_captured(
    portrait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The 31st frame was captured while the 30th result was taken; at the end none was on its way.
    pipeline = CountedPipeline((31, 30, 0), (332, 330, 1))
    monkeypatch.setattr(passes, "_pipeline", lambda *_: pipeline)
    live = passes.live_pass(portrait, Settings(), 300, 30.0)
    assert (live["captured"], live["analysed"], live["dropped"]) == (301, 300, 1)


def test_all_figures_are_there_and_agree(
    portrait: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "WARM_UP_FRAMES", 2)
    monkeypatch.setattr(passes, "MEMORY_WARM_UP_FRAMES", 10)
    monkeypatch.setattr(passes, "MEMORY_SAMPLE_FRAMES", 5)
    settings = replace(Settings(), model=str(tiny_model), backend="onnxruntime")
    figures = run_bench([portrait], settings, frames=6, live_rate_hz=30.0, memory_frames=10, rounds=2)
    assert json.loads(json.dumps(figures)) == figures
    (entry,) = figures["inputs"]
    assert entry["faces_mean"] == 1.0
    assert entry["plain_loop"]["max_faces"] == 1
    assert len(entry["pipeline"]["passes"]) == len(entry["plain_loop"]["passes"]) == len(entry["ratios"]) == 2
    stages_ms = entry["pipeline"]["stages_ms"]
    assert set(stages_ms) == {"decode", "track", "crop", "infer", "smooth", "total", "capture_to_result"}
    assert all(times["p50"] <= times["p95"] <= times["p99"] for times in stages_ms.values())
    live = entry["live"]
    assert live["analysed"] >= 4  # six results came after the warm-up; up to two were ready at its end
    assert live["captured"] == live["analysed"] + live["dropped"]
    assert entry["memory"]["growth_mib"] == entry["memory"]["peak_mib"] - entry["memory"]["warm_mib"] >= 0
    text = format_bench(figures)
    for word in ("portrait.png", "plain loop", "capture_to_result", "live at 30", "memory over 10 frames"):
        assert word in text


def test_what_labels_of_one_s_own_add_is_measured_apart(
    portrait: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "WARM_UP_FRAMES", 2)
    monkeypatch.setattr("faceapp.labels.label_file.labels_folder", lambda: tmp_path / "labels")
    save_label(taught(FeatureNet("multitask", threads=1)), label_path("bored"))
    settings = replace(Settings(), model="multitask", backend="onnxruntime", engine_threads=1, labels="bored")
    read: list[int] = []
    answered = LabelReader.read

    def counted(reader: LabelReader, *faces: Any) -> Any:
        read.append(len(reader.labels))
        return answered(reader, *faces)

    monkeypatch.setattr(LabelReader, "read", counted)
    figures = run_bench([portrait], settings, frames=4, live_rate_hz=None, rounds=3)
    labels = figures["inputs"][0]["labels"]
    assert labels["names"] == ["bored"] and labels["frames_a_round"] == 4
    assert len(labels["rounds_ms"]) == len(labels["rounds_processor_ms"]) == 3
    assert min(labels["without_ms"], labels["with_ms"]) > 0
    assert read.count(1) == 2 + 3 * 4, (
        "once a frame, warm-up included, and never in the pipeline's own passes"
    )
    (line,) = (line for line in format_bench(figures).splitlines() if "labels bored: " in line)
    assert "ms of the processor more a frame (rounds: " in line
    with pytest.raises(SessionError, match="there are: bored"):
        run_bench([portrait], replace(settings, labels="keen"), frames=4, live_rate_hz=None, rounds=1)
