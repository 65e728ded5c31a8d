"""The times of all frames of a video file, read from its packets without decoding them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from pathlib import Path

import av

from faceapp.sources.media_name import media_name

# A file of this size is walked through in a tenth of a second; larger ones would hold up the start.
LARGEST_BYTES = 64 << 20


def read_packet_times(path: Path, stream_index: int) -> array[int] | None:
    """Return the presentation times of all frames that will be shown, rising, in the stream's time base.

    Args:
        path: A video file that opens.
        stream_index: Which stream of the file.

    Returns:
        The times; None when the file is larger than `LARGEST_BYTES`, damaged, has frames without a time, or times that begin
        anew.
    """
    if path.stat().st_size > LARGEST_BYTES:
        return None
    times = array("q")
    last_dts = -(2**63)
    try:
        with av.open(media_name(path)) as container:
            for packet in container.demux(container.streams[stream_index]):
                if (
                    packet.size == 0 or packet.is_discard
                ):  # the closing packet; frames cut off by an edit list
                    continue
                if packet.pts is None:
                    return None
                if packet.dts is not None and packet.dts < last_dts:  # files put together
                    return None
                last_dts = packet.dts if packet.dts is not None else last_dts
                times.append(packet.pts)
    except av.FFmpegError:
        return None
    return array("q", sorted(times))


def count_between(times: array[int], first: int, last: int | None) -> int:
    """Return how many of rising times are at or after `first` and before `last` (None: no end)."""
    end = len(times) if last is None else bisect_left(times, last)
    return max(0, end - bisect_left(times, first))
