"""The name by which FFmpeg opens a local file."""

from __future__ import annotations

import os
from pathlib import Path


def media_name(path: Path) -> str:
    """Return the file's absolute path: FFmpeg takes what stands before a colon in a relative one for a protocol."""
    return os.path.abspath(path)
