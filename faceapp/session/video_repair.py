"""Counts the frames of a recorded video and rebuilds the index that a killed program never wrote."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from engines.whole_file import part_of, put_in_place
from faceapp.errors import SessionError
from faceapp.sources.media_name import media_name


def video_frames(path: Path) -> int:
    """Return how many frames a video holds, without decoding them.

    Raises:
        SessionError: It is no video.
    """
    import av

    try:
        with av.open(media_name(path)) as container:
            return sum(1 for _packet in _packets(container))
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise _error(path, error) from error


def rewrite_video(path: Path) -> int:
    """Copy every whole packet into a new file with an index and a duration that takes the old one's place.

    Returns:
        Frames copied.

    Raises:
        SessionError: The video can't be read or the new file can't be written; the old one then stays.
    """
    import av

    partial = part_of(path)
    frames = 0
    try:
        with av.open(media_name(path)) as old, av.open(media_name(partial), "w", format="matroska") as new:
            stream = new.add_stream_from_template(old.streams.video[0])
            for packet in _packets(old):
                packet.stream = stream
                new.mux(packet)
                frames += 1
        put_in_place(partial, path)
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise _error(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return frames


def _packets(container: Any) -> Iterator[Any]:
    """Yield the packets of the first video stream up to the damaged end."""
    import av

    packets = container.demux(container.streams.video[0])
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.InvalidDataError):
            return
        if packet.dts is not None and packet.size:
            yield packet


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


def _error(path: Path, error: Exception) -> SessionError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    if getattr(error, "errno", None) in _DISK_ERRORS:
        return SessionError(
            f"{path.name}: expected room to write it anew with its index, found: {reason}; "
            "it stays as it is, free some space and run `faceapp session check`"
        )
    return SessionError(
        f"{path.name}: expected a video that plays, found: {reason}; the table does not need it"
    )
