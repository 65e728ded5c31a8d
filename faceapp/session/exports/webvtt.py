"""WebVTT captions: the emotion of every face and every mark, shown by video players beside the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from faceapp.session.annotations import Event
from faceapp.session.clean_text import clean_line
from faceapp.session.face_rows import face_names
from faceapp.session.reader import Session
from faceapp.session.segments import Segment, emotion_segments

ABOUT = "WebVTT captions for video players"

MOMENT_S = 2.0
"""How long a mark without duration is shown."""


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `captions.vtt`."""
    path = folder / "captions.vtt"
    write_webvtt(path, emotion_segments(session), session.events, face_names(session))
    return [path]


def write_webvtt(
    path: Path, segments: Iterable[Segment], events: Sequence[Event], names: Mapping[int, str] | None = None
) -> None:
    """Write captions ordered by start.

    Args:
        path: File to make.
        segments: Stretches of emotions.
        events: Marks; a moment is shown for `MOMENT_S`.
        names: Face -> name; None takes "face N".

    Raises:
        OSError: The file can't be written.
    """
    cues = [
        (
            segment.start_s,
            segment.end_s,
            f"{(names or {}).get(segment.face_id, f'face {segment.face_id}')}: {segment.emotion} {segment.probability:.2f}",
        )
        for segment in segments
    ]
    cues += [
        (
            event.start,
            event.end if event.end > event.start else event.start + MOMENT_S,
            _event_text(event, names or {}),
        )
        for event in events
    ]
    blocks = [
        f"{_clock(start_s)} --> {_clock(max(end_s, start_s + 0.001))}\n{_escape(text)}\n"
        for start_s, end_s, text in sorted(cues)
        if end_s > 0
    ]
    path.write_text("\n".join(["WEBVTT\n", *blocks]), encoding="utf-8")


def _event_text(event: Event, names: Mapping[int, str]) -> str:
    face = "" if event.face is None else names.get(event.face, f"face {event.face}")
    about = ", ".join(part for part in (face, event.author) if part)
    return " ".join(
        part for part in (f"[{event.kind}]", event.label, event.note, f"({about})" if about else "") if part
    )


def _clock(time_s: float) -> str:
    milliseconds = max(0, round(time_s * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _escape(text: str) -> str:
    """Return a text on one line without characters that end a cue or start a tag."""
    return clean_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
