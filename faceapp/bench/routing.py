"""What looking at faces and choosing among engines costs: `python -m faceapp.bench.routing VIDEO [--json]`.

Every frame is analysed twice, side by side and in turns: by the tracker without the visibility network and one engine for
all faces, and by the tracker with it and the engines of every occlusion.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice

import numpy as np

from engines.errors import CardError, EngineError
from faceapp.analysis.analyzer import AUTO_MODELS, Analyzer, make_reader, open_visibility_reader
from faceapp.errors import SourceError
from faceapp.settings import Settings
from faceapp.sources import make_source
from faceapp.tracking.mediapipe_mesh import MediaPipeTracker
from faceapp.types import Frame

_WARM_UP_FRAMES = 30


def measure_cost(text: str, settings: Settings, frames: int) -> dict[str, float]:
    """Analyse a video, repeated as often as needed, with and without routing.

    Args:
        text: A video, or "demo:headset" and the like.
        settings: Back end, threads and smoothing.
        frames: Timed frames.

    Returns:
        Median milliseconds a frame `plain_ms` and `routed_ms`, and `ratio`, the median of the frames' sums of ten.

    Raises:
        SourceError: The source can't be read.
        CardError: A model is missing or damaged.
        EngineError: A back end refuses a model.
    """
    pictures = _pictures(text)
    plain = Analyzer(
        MediaPipeTracker(1, settings.landmark_smoothing),
        make_reader(replace(settings, model=AUTO_MODELS["none"])),
    )
    open_visibility = partial(open_visibility_reader, settings)
    routed = Analyzer(
        MediaPipeTracker(1, settings.landmark_smoothing, open_visibility),
        make_reader(replace(settings, model="auto")),
    )
    times_ms = np.zeros((frames, 2))
    try:
        for index, frame in enumerate(islice(cycle(pictures), frames + _WARM_UP_FRAMES)):
            # The clock of a repeated video runs on.
            shown = replace(frame, index=index, time_s=index / 30, captured_s=time.perf_counter())
            for which in (0, 1) if index % 2 else (1, 0):
                started_s = time.perf_counter()
                (plain, routed)[which].step(shown)
                if index >= _WARM_UP_FRAMES:
                    times_ms[index - _WARM_UP_FRAMES, which] = (time.perf_counter() - started_s) * 1e3
    finally:
        plain.close()
        routed.close()
    tens = times_ms[: frames // 10 * 10].reshape(-1, 10, 2).sum(axis=1)
    plain_ms, routed_ms = np.median(times_ms, axis=0).tolist()
    return {
        "frames": frames,
        "plain_ms": plain_ms,
        "routed_ms": routed_ms,
        "ratio": float(np.median(tens[:, 1] / tens[:, 0])),
        "ratio_of_means": float(times_ms[:, 1].mean() / times_ms[:, 0].mean()),
    }


def _pictures(text: str) -> list[Frame]:
    source = make_source(text, end_s=4.0 if text.startswith("demo") else None)
    source.open()
    frames: list[Frame] = []
    try:
        while not source.ended:
            frame = source.read()
            if frame is not None:
                frames.append(frame)
    finally:
        source.close()
    # There and back again, so that the face doesn't leap where the video starts anew.
    return frames + frames[-2:0:-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 for a clear error."""
    parser = argparse.ArgumentParser(prog="python -m faceapp.bench.routing", description=__doc__)
    parser.add_argument(
        "input", metavar="VIDEO", help="a short video with one face, or demo:headset and the like"
    )
    parser.add_argument("--frames", type=int, default=600, metavar="N", help="timed frames (default 600)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parsed = parser.parse_args(arguments)
    try:
        figures = measure_cost(parsed.input, Settings(), max(parsed.frames, 10))
    except (SourceError, CardError, EngineError) as error:
        print(f"faceapp: {error}", file=sys.stderr)
        return 2
    if parsed.json:
        print(json.dumps(figures, indent=1))
    else:
        print(
            f"{parsed.input}: {figures['plain_ms']:.2f} ms a frame without, {figures['routed_ms']:.2f} ms with "
            f"routing; ratio {figures['ratio']:.3f} (of means {figures['ratio_of_means']:.3f})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
