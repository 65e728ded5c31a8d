"""ELAN annotation files (.eaf): a tier of emotions per face and a tier per kind of mark, beside the video."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

from faceapp.session.annotations import Event
from faceapp.session.clean_text import clean_line, clean_text
from faceapp.session.face_rows import face_names
from faceapp.session.reader import Session
from faceapp.session.segments import Segment, emotion_segments

ABOUT = "ELAN .eaf: a tier of emotions a face, a tier for each kind and author of marks"

Spans = list[tuple[int, int, str]]
"""Start and end in milliseconds, and the text."""


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `annotations.eaf`, which names the video beside the export folder."""
    path = folder / "annotations.eaf"
    media = None
    if session.video is not None:  # the file is moved one folder up when it is whole
        media = Path(os.path.relpath(session.video.resolve(), folder.resolve().parent)).as_posix()
    write_elan(path, emotion_segments(session), session.events, media, face_names(session))
    return [path]


def write_elan(
    path: Path,
    segments: Iterable[Segment],
    events: Sequence[Event],
    media: str | None,
    names: Mapping[int, str] | None = None,
) -> None:
    """Write an .eaf file of format 3.0.

    Args:
        path: File to make.
        segments: Stretches of emotions, a tier each face.
        events: Marks, a tier for each kind and author, and a further one where two overlap (ELAN forbids it).
        media: Path of the video relative to the file, or None.
        names: Face -> name of its tier; None takes "face N".

    Raises:
        OSError: The file can't be written.
    """
    root = ElementTree.Element("ANNOTATION_DOCUMENT", AUTHOR="faceapp", FORMAT="3.0", VERSION="3.0")
    root.set("DATE", datetime.now(timezone.utc).isoformat(timespec="seconds"))
    root.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root.set("xsi:noNamespaceSchemaLocation", "http://www.mpi.nl/tools/elan/EAFv3.0.xsd")
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None:
        place = {"MEDIA_URL": clean_text(media), "MIME_TYPE": "video/x-matroska"}
        place["RELATIVE_MEDIA_URL"] = place["MEDIA_URL"]
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", place)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    for name, spans in _tiers(segments, events, names or {}).items():
        _add_tier(root, order, name, spans)
    kind = {"LINGUISTIC_TYPE_ID": "default-lt", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _tiers(
    segments: Iterable[Segment], events: Sequence[Event], names: Mapping[int, str]
) -> dict[str, Spans]:
    tiers: dict[str, Spans] = {}
    for segment in segments:
        start, end = _milliseconds(segment.start_s, segment.end_s)
        tiers.setdefault(_tier_of(segment.face_id, names), []).append((start, end, segment.emotion))
    for event in sorted(events, key=lambda event: event.start):
        start, end = _milliseconds(event.start, event.end)
        name, number = " ".join(part for part in (event.kind or "mark", event.author) if part), 1
        while tiers.get(_numbered(name, number)) and tiers[_numbered(name, number)][-1][1] > start:
            number += 1
        text = " · ".join(part for part in (event.label, event.note) if part)
        tiers.setdefault(_numbered(name, number), []).append((start, end, text))
    return tiers


def _tier_of(face: int, names: Mapping[int, str]) -> str:
    """Return the name of a face's tier; faces that people gave the same name have tiers of their own."""
    name = names.get(face, f"face {face}")
    return name if list(names.values()).count(name) < 2 else f"{name} (face {face})"


def _add_tier(root: ElementTree.Element, order: ElementTree.Element, name: str, spans: Spans) -> None:
    tier = ElementTree.SubElement(root, "TIER", TIER_ID=clean_line(name), LINGUISTIC_TYPE_REF="default-lt")
    for start, end, text in spans:
        number = len(order) // 2 + 1
        slots = [f"ts{2 * number - 1}", f"ts{2 * number}"]
        for slot, value in zip(slots, (start, end), strict=True):
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(value))
        place = {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
        annotation = ElementTree.SubElement(
            ElementTree.SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", place
        )
        ElementTree.SubElement(annotation, "ANNOTATION_VALUE").text = clean_text(text)


def _milliseconds(start_s: float, end_s: float) -> tuple[int, int]:
    """Return a span that ELAN accepts: not before 0, at least one millisecond long."""
    start = max(0, round(start_s * 1000))
    return start, max(start + 1, round(end_s * 1000))


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} {number}"
