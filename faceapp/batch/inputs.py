"""What a command line's inputs mean: files, and the videos directly in folders; and how many frames each will give."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faceapp.sources.file_suffixes import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from faceapp.sources.media_name import media_name
from faceapp.sources.options import Clip
from faceapp.sources.picture_files import natural_order


def expand_inputs(texts: Iterable[str]) -> list[str]:
    """Return the inputs with every folder replaced by the videos directly in it, in natural order.

    A folder that also holds pictures stays an input of its own, and so does one with nothing of either, which then
    says so when it is opened.
    """
    inputs: list[str] = []
    for text in texts:
        path = Path(text).expanduser()
        if not path.is_dir():
            inputs.append(text)
            continue
        files = sorted((file for file in path.iterdir() if file.is_file()), key=natural_order)
        videos = [str(file) for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
        pictures = any(file.suffix.lower() in PICTURE_SUFFIXES for file in files)
        inputs += videos + ([text] if pictures or not videos else [])
    return inputs


def expected_frames(text: str, clip: Clip) -> int | None:
    """Return about how many frames an input will give, from its header alone; None where it does not say.

    Args:
        text: The input.
        clip: Which of its frames are wanted.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        pictures = sum(file.suffix.lower() in PICTURE_SUFFIXES for file in path.iterdir())
        return -(-pictures // clip.every)
    if not path.is_file() or path.suffix.lower() in PICTURE_SUFFIXES:
        return 1 if path.is_file() else None
    return _video_frames(path, clip)


def _video_frames(path: Path, clip: Clip) -> int | None:
    import av

    try:
        with av.open(media_name(path)) as container:
            if not container.streams.video or container.duration is None:
                return None
            rate = container.streams.video[0].average_rate
            length_s = container.duration / 1e6
    except (av.error.FFmpegError, OSError):
        return None
    if not rate:
        return None
    clip = clip.of_recording
    end_s = length_s if clip.end_s is None else min(clip.end_s, length_s)
    return max(0, -(-int((end_s - (clip.start_s or 0.0)) * float(rate)) // clip.every))
