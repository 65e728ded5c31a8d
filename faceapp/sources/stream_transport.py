"""How a stream is reached: which protocols the installed PyAV speaks, and what is tried in which order."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import av

ALWAYS = frozenset({"http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "mmsh"})
"""Protocols of every build of FFmpeg that PyAV's wheels carry."""
SOMETIMES = ("srt", "mmst")
"""Protocols that need a library which many builds lack, PyAV's wheels among them."""
# Enough to know a camera's stream; FFmpeg's own 5 s and 5 MB hold up the first picture. What is read for it is
# kept ("nobuffer" would drop it, key frame and all): it is decoded at once, and the newest frame wins.
_COMMON = {"analyzeduration": "1000000", "probesize": "1000000"}
_PACED = frozenset({"hls", "applehttp", "dash"})
"""Formats that come in pieces of several seconds, whose pictures would all be there at once."""


@cache
def protocols() -> tuple[str, ...]:
    """Return the protocols that the installed PyAV speaks, sorted."""
    return tuple(sorted(ALWAYS | {name for name in SOMETIMES if _speaks(name)}))


FORMAT = "format"
"""Among the options of an attempt: not FFmpeg's, but how it shall read what comes."""


def _speaks(name: str) -> bool:
    try:
        av.open(f"{name}://", timeout=(0.1, 0.1)).close()
    except av.error.ProtocolNotFoundError:
        return False
    except (av.FFmpegError, ValueError):
        pass  # it is spoken, there is only no address
    return True


def attempts(address: str) -> tuple[dict[str, str], ...]:
    """Return FFmpeg's options for each attempt to open an address.

    Over RTSP the pictures are asked for on the connection itself, which firewalls let through and which loses nothing; a
    camera that refuses that is asked to send them over UDP. Over HTTP some cameras send JPEGs without the boundary that should
    stand before the first one; FFmpeg finds the pictures where it is told to look for nothing else.

    Args:
        address: A URL, or the path of an SDP file.
    """
    scheme = urlsplit(address).scheme
    if scheme in ("rtsp", "rtsps"):
        return tuple({**_COMMON, "rtsp_transport": way} for way in ("tcp", "udp"))
    if is_session_description(address):
        return ({**_COMMON, "protocol_whitelist": "file,crypto,data,rtp,udp"},)
    if scheme in ("http", "https"):
        return (_COMMON, {**_COMMON, FORMAT: "mjpeg"})
    return (_COMMON,)


def is_session_description(text: str) -> bool:
    """Say whether a text is the path of an SDP file, which names where the pictures of an RTP stream arrive."""
    return text.lower().endswith(".sdp") and "://" not in text and Path(text).is_file()


def comes_in_pieces(formats: str) -> bool:
    """Say whether a format, as FFmpeg names it ("hls"), brings seconds of pictures at once.

    Args:
        formats: Names with commas between them.
    """
    return not _PACED.isdisjoint(formats.split(","))
