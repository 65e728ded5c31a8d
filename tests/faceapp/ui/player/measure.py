"""How long opening and scrubbing take, as medians; the session is made by `long_session`.

python -m tests.faceapp.ui.player.measure DIR --seeks 60
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from faceapp.ui.application import make_application
from faceapp.ui.player.review import load_review
from faceapp.ui.player.window import PlayerWindow

_LONGEST_S = 20.0


def opening_s(folder: Path) -> float:
    """Return the time from the wish until the first picture, charts and lanes are painted."""
    window = PlayerWindow()
    window.resize(1320, 860)
    window.show()
    QApplication.processEvents()
    begun = time.perf_counter()
    window.show_review(load_review(folder))
    _wait(lambda: window.stage.result is not None)
    window.grab()
    passed_s = time.perf_counter() - begun
    window.close()
    window.deleteLater()
    QApplication.processEvents()
    return passed_s


def scrubbing_s(folder: Path, seeks: int, reach_s: float | None = None) -> list[float]:
    """Return the times from a new position until its exact frame and everything else are painted.

    Args:
        folder: A session folder.
        seeks: How many positions.
        reach_s: How far the next position lies from the last, as in dragging; None jumps anywhere.
    """
    window = PlayerWindow()
    window.resize(1320, 860)
    window.show()
    review = load_review(folder)
    window.show_review(review)
    _wait(lambda: window.stage.result is not None)
    random, times = np.random.default_rng(0), review.frames.times_s
    passed = []
    for _ in range(seeks):
        if reach_s is None:
            target_s = float(random.choice(times))
        else:
            wish_s = window.view.position_s + random.uniform(-reach_s, reach_s)
            target_s = float(times[review.frames.number_at(min(max(wish_s, 0.0), times[-1]))])
        begun = time.perf_counter()
        window.view.move_to(target_s)
        _wait(lambda: abs(window.stage.result.frame.time_s - target_s) < 0.002)  # noqa: B023
        QApplication.processEvents()
        passed.append(time.perf_counter() - begun)
    window.close()
    window.deleteLater()
    QApplication.processEvents()
    return passed


def _wait(reached: object) -> None:
    until_s = time.perf_counter() + _LONGEST_S
    while not reached():  # type: ignore[operator]
        QApplication.processEvents()
        time.sleep(0.0005)  # else this loop takes the interpreter from the thread that decodes
        if time.perf_counter() > until_s:
            raise TimeoutError(f"expected a picture within {_LONGEST_S} s, found none")


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeks", type=int, default=60)
    arguments = parser.parse_args()
    make_application()
    opened = [opening_s(arguments.folder) for _ in range(5)]
    print(
        f"opening: first {opened[0]:.2f} s (with loading the libraries), median of 5 {np.median(opened):.2f} s"
    )
    for name, reach_s in (("jumps anywhere", None), ("drags within 30 s", 30.0), ("drags within 1 s", 1.0)):
        passed = np.array(scrubbing_s(arguments.folder, arguments.seeks, reach_s)) * 1000
        print(f"{name}: median {np.median(passed):.0f} ms, p95 {np.percentile(passed, 95):.0f} ms")


if __name__ == "__main__":
    main()
