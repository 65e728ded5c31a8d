"""XDF, the container of Lab Streaming Layer recordings: a stream of numbers a face, and one of marks an author.

Chunks as the specification lists them: 1 file header, 2 stream header, 3 samples, 6 stream footer; times are seconds
from the start of the session, at the frames' own irregular times, in double precision.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from faceapp.session.annotations import mark_text
from faceapp.session.column_meanings import column_meanings
from faceapp.session.face_rows import face_names
from faceapp.session.reader import Session
from faceapp.session.table import COLUMNS, MOVEMENT_COLUMNS

ABOUT = "XDF: a stream a face at the frames' own times, and one of marks an author"
_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _STREAM_FOOTER = 1, 2, 3, 6
_TEXTS = ("face_id", "time_s", "utc", "occlusion", "model", "second_opinion")
_NUMBERS = tuple(name for name in COLUMNS if name not in _TEXTS)
_BLOCK = 512
Doubles = npt.NDArray[np.float64]


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `session.xdf`."""
    path = folder / "session.xdf"
    with path.open("wb") as stream:
        stream.write(b"XDF:")
        _chunk(stream, _FILE_HEADER, b'<?xml version="1.0"?><info><version>1.0</version></info>')
        names = face_names(session)
        for number, (face, name) in enumerate(names.items(), 1):
            _write_face(stream, number, session, face, name)
        authors = sorted({event.author for event in session.events}) or [""]
        for number, author in enumerate(authors, len(names) + 1):
            _write_marks(stream, number, session, author)
    return [path]


def _write_face(stream: BinaryIO, number: int, session: Session, face: int, name: str) -> None:
    rows = np.flatnonzero(session.column("face_id") == face)
    times_s = session.column("time_s")[rows]
    numbers = _numbers(session)
    values = np.stack([session.column(column)[rows] for column in numbers], axis=1)
    units = {column: unit for table, column, unit, _meaning in column_meanings() if table == "faces"}
    header = _header(session, f"faceapp {name}", "Expression", len(numbers), "double64", f"face-{face}")
    channels = ElementTree.SubElement(ElementTree.SubElement(header, "desc"), "channels")
    for column in numbers:
        channel = ElementTree.SubElement(channels, "channel")
        ElementTree.SubElement(channel, "label").text = column
        ElementTree.SubElement(channel, "unit").text = units[column]
    _stream_chunk(stream, _STREAM_HEADER, number, _xml(header))
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        samples = [
            struct.pack("<Bd", 8, time_s) + row.astype("<f8").tobytes()
            for time_s, row in zip(times_s[block], values[block], strict=True)
        ]
        _samples(stream, number, samples)
    _footer(stream, number, times_s)


def _numbers(session: Session) -> tuple[str, ...]:
    """Return the channels: movements only where they were measured."""
    units = [name for name in _NUMBERS if name in MOVEMENT_COLUMNS]
    measured = any(np.isfinite(session.column(name)).any() for name in units)
    return tuple(name for name in _NUMBERS if measured or name not in MOVEMENT_COLUMNS)


def _write_marks(stream: BinaryIO, number: int, session: Session, author: str) -> None:
    """Write an author's marks; a stretch becomes two, its label with `_start` and with `_end`, as LSL programs do."""
    name = f"faceapp marks {author}".rstrip()
    header = _header(session, name, "Markers", 1, "string", f"marks-{author}".rstrip("-"))
    ElementTree.SubElement(ElementTree.SubElement(header, "desc"), "author").text = _printable(author)
    _stream_chunk(stream, _STREAM_HEADER, number, _xml(header))
    marks = []
    for event in session.events:
        if event.author != author:
            continue
        if event.start == event.end:
            marks.append((event.start, mark_text(event)))
        else:
            marks += [(event.start, mark_text(event, "_start")), (event.end, mark_text(event, "_end"))]
    marks.sort()
    _samples(stream, number, [struct.pack("<Bd", 8, time_s) + _text(label) for time_s, label in marks])
    _footer(stream, number, np.array([time_s for time_s, _ in marks]))


def _header(
    session: Session, name: str, kind: str, channels: int, number_format: str, source_id: str
) -> ElementTree.Element:
    info = ElementTree.Element("info")
    entries = {
        "name": name,
        "type": kind,
        "channel_count": str(channels),
        "nominal_srate": "0",
        "channel_format": number_format,
        "source_id": f"{session.folder.resolve().name}-{source_id}",
        "created_at": "0",
        "session_started_utc": str(session.metadata["started_utc"]),
        "participant": str(session.metadata.get("participant") or ""),
    }
    for key, value in entries.items():
        ElementTree.SubElement(info, key).text = _printable(value)
    return info


def _footer(stream: BinaryIO, number: int, times_s: Doubles) -> None:
    info = ElementTree.Element("info")
    ends = (times_s[0], times_s[-1]) if len(times_s) else (0.0, 0.0)
    ElementTree.SubElement(info, "first_timestamp").text = repr(float(ends[0]))
    ElementTree.SubElement(info, "last_timestamp").text = repr(float(ends[1]))
    ElementTree.SubElement(info, "sample_count").text = str(len(times_s))
    ElementTree.SubElement(info, "clock_offsets")
    _stream_chunk(stream, _STREAM_FOOTER, number, _xml(info))


def _samples(stream: BinaryIO, number: int, samples: Sequence[bytes]) -> None:
    if samples:
        _stream_chunk(stream, _SAMPLES, number, _length(len(samples)) + b"".join(samples))


def _stream_chunk(stream: BinaryIO, tag: int, number: int, content: bytes) -> None:
    _chunk(stream, tag, struct.pack("<I", number) + content)


def _chunk(stream: BinaryIO, tag: int, content: bytes) -> None:
    stream.write(_length(len(content) + 2) + struct.pack("<H", tag) + content)


def _length(value: int) -> bytes:
    """Return a length as XDF writes it: the count of its bytes, then the number."""
    return struct.pack("<BB", 1, value) if value < 256 else struct.pack("<BI", 4, value)


def _text(text: str) -> bytes:
    content = text.encode("utf-8")
    return _length(len(content)) + content


def _xml(element: ElementTree.Element) -> bytes:
    return bytes(ElementTree.tostring(element, encoding="utf-8", xml_declaration=True))


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
