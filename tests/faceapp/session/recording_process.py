"""A program that records until it is killed or the disk is full; run by the fault tests as a process.

Arguments: folder, frames (0: until killed), largest file in bytes (0: no limit), "video" or "table".
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from faceapp.session.writer import SessionWriter
from tests.faceapp.session.results import card, result

RATE_HZ = 50
MOST_WAITING = 5
"""Frames handed over and not yet written: this machine is as fast as its camera, however busy it is."""


def main(folder: str, frames: str, limit_bytes: str, video: str) -> None:
    if int(limit_bytes):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit_bytes), int(limit_bytes)))
    writer = SessionWriter(
        Path(folder), source="test", cards=[card()], settings={}, video=video == "video", wait=True
    )
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    started_s = time.monotonic()
    index = 0
    while not int(frames) or index < int(frames):
        accepted = writer.put(result(index, index / RATE_HZ, faces=2, image=np.roll(noise, index, axis=1)))
        print(index, int(accepted), flush=True)
        index += 1
        while accepted and not writer.stopped and writer.written < index - MOST_WAITING:
            time.sleep(0.001)
        time.sleep(max(0.0, started_s + index / RATE_HZ - time.monotonic()))
    writer.close()
    print("error:", writer.error, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
