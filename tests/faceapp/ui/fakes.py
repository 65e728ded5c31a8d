"""A pipeline that gives what a test puts in."""

from __future__ import annotations

import threading

from engines.card import load_card
from engines.models import model_folder
from faceapp.pipeline import PipelineState, PipelineStatistics
from faceapp.settings.region import Region
from faceapp.types import FrameResult


class FakeSource:
    """A source by name only."""

    def __init__(self, name: str = "demo") -> None:
        self.name = name
        self.live = True


class FakeVideo(FakeSource):
    """A source that can be jumped in."""

    duration_s = 12.0

    def seek(self, time_s: float) -> None:
        raise AssertionError("the window must go through the pipeline")


class FakePipeline:
    """Remembers what it was asked for, and on which thread it was started and stopped."""

    def __init__(self, source: FakeSource | None = None) -> None:
        self.source = source or FakeSource()
        self.state = PipelineState.RUNNING
        self.error: Exception | None = None
        self.swap_error: Exception | None = None
        self.problem = ""
        self.message = ""
        self.cards = (load_card(model_folder("multitask")),)
        self.description = "multitask, OpenVINO bf16 CPU"
        self.waiting: list[FrameResult] = []
        self.recorder: object = None
        self.listener: object = None
        self.calls: list[tuple[str, object]] = []
        self.threads: dict[str, threading.Thread] = {}

    def start(self) -> None:
        self.threads["start"] = threading.current_thread()

    def stop(self, *, wait: bool = True) -> None:
        if wait:
            self.threads["stop"] = threading.current_thread()

    def pause(self) -> None:
        self.state = PipelineState.PAUSED

    def resume(self) -> None:
        self.state = PipelineState.RUNNING

    def seek(self, time_s: float) -> None:
        self.calls.append(("seek", time_s))

    def take_result(self) -> FrameResult | None:
        return self.waiting.pop(0) if self.waiting else None

    def set_recorder(self, recorder: object) -> None:
        self.recorder = recorder

    def set_listener(self, listener: object) -> None:
        self.listener = listener

    def set_smoothing(self, strength: float) -> None:
        self.calls.append(("smoothing", strength))

    def set_movements(self, measured: bool) -> None:
        self.calls.append(("movements", measured))

    def set_explain(self, task: str) -> None:
        self.calls.append(("explain", task))

    def explain_face(self, track_id: int | None) -> None:
        self.calls.append(("explain_face", track_id))

    def set_second_opinion(self, asked: bool) -> None:
        self.calls.append(("second_opinion", asked))

    def set_landmark_smoothing(self, strength: float) -> None:
        self.calls.append(("landmark_smoothing", strength))

    def set_occlusion(self, mode: str) -> None:
        self.calls.append(("occlusion", mode))

    def set_region(self, region: Region | None) -> None:
        self.calls.append(("region", region))

    def set_reader_factory(self, factory: object) -> None:
        self.calls.append(("reader", factory))

    def statistics(self) -> PipelineStatistics:
        return PipelineStatistics(90, 88, 2, 29.7, 14.2, 18.9, {"track": 6.1, "infer": 2.0})
