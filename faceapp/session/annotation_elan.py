"""Reads the marks of an ELAN file (.eaf): every aligned annotation and those that refer to one."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from faceapp.errors import SessionError
from faceapp.session.annotations import KINDS, Event

_POINT_MS = 1.0
"""ELAN has no moments: what lasts a millisecond at most is one."""
_Spans = dict[str, tuple[float, float]]


def read_elan(data: bytes, name: str) -> list[Event]:
    """Read an .eaf file; a tier's annotator, else the tier's name, is the author.

    A tier named after a kind of mark ("marker", "exclude", "note") gives that kind and no author; a tier
    "face 2" gives marks about this face. Annotations without times of their own take those they refer to.

    Args:
        data: Content of the file.
        name: Its name, for errors.

    Raises:
        SessionError: It is no ELAN document, or damaged; the text says where.
    """
    root = _parse(data, name)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise SessionError(f"{name}: expected an ELAN document, found <{root.tag[:40]}>; choose another file")
    _check_unit(root, name)
    times_ms = _slot_times_ms(root, name)
    spans: _Spans = {}
    for node in root.iter("ALIGNABLE_ANNOTATION"):
        start, end = (times_ms.get(node.get(f"TIME_SLOT_REF{number}", "")) for number in (1, 2))
        if start is None or end is None:
            raise _damaged(name, f"annotation {node.get('ANNOTATION_ID')!r} without its time slots")
        spans[node.get("ANNOTATION_ID", "")] = (start, end)
    _refer(root, name, spans)
    for node in root.iterfind("TIER/ANNOTATION/*"):
        if node.get("ANNOTATION_ID", "") not in spans:
            raise _damaged(name, f"<{node.tag[:40]}> where an annotation belongs")
    return [
        _event(node, tier, spans[node.get("ANNOTATION_ID", "")], name)
        for tier in root.iterfind("TIER")
        for node in tier.iterfind("ANNOTATION/*")
    ]


def _parse(data: bytes, name: str) -> ElementTree.Element:
    """Parse the XML; document types are refused, because entities in them can grow without bounds."""

    def refuse(*_: Any) -> None:
        raise SessionError(f"{name}: expected an ELAN document, found a document type; choose another file")

    scan = expat.ParserCreate()
    scan.StartDoctypeDeclHandler = refuse
    try:
        scan.Parse(data, True)
        return ElementTree.fromstring(data)
    except (expat.ExpatError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise SessionError(
            f"{name}: expected an ELAN document, found damaged XML ({error}); save it again in ELAN"
        ) from error


def _check_unit(root: ElementTree.Element, name: str) -> None:
    header = root.find("HEADER")
    unit = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if unit != "milliseconds":
        raise _damaged(name, f"times in {unit[:40]}, not in milliseconds")


def _slot_times_ms(root: ElementTree.Element, name: str) -> dict[str, float]:
    """Return the time of every slot; slots without one lie evenly between their neighbours, as in ELAN."""
    slots = [(node.get("TIME_SLOT_ID", ""), node.get("TIME_VALUE")) for node in root.iter("TIME_SLOT")]
    try:
        times = [None if value is None else float(int(value)) for _, value in slots]
    except ValueError as error:
        raise _damaged(name, f"a time slot without a number ({error})") from error
    known = [place for place, value in enumerate(times) if value is not None]
    for before, after in pairwise(known):
        first, last = times[before] or 0.0, times[after] or 0.0
        for place in range(before + 1, after):
            times[place] = first + (last - first) * (place - before) / (after - before)
    return {key: time for (key, _), time in zip(slots, times, strict=True) if time is not None}


def _refer(root: ElementTree.Element, name: str, spans: _Spans) -> None:
    """Give annotations that refer to others the times of those, over as many steps as it takes."""
    waiting = {
        node.get("ANNOTATION_ID", ""): node.get("ANNOTATION_REF", "") for node in root.iter("REF_ANNOTATION")
    }
    while waiting:
        found = {key: spans[parent] for key, parent in waiting.items() if parent in spans}
        if not found:
            raise _damaged(name, f"annotation {next(iter(waiting))!r} that refers to none")
        spans |= found
        waiting = {key: parent for key, parent in waiting.items() if key not in found}


def _event(
    node: ElementTree.Element, tier: ElementTree.Element, span_ms: tuple[float, float], name: str
) -> Event:
    tier_name = tier.get("TIER_ID", "").strip()
    kind = re.sub(r" \d+$", "", tier_name)
    face = re.fullmatch(r"face (\d{1,9})", tier_name)
    author = tier.get("ANNOTATOR", "").strip()
    if not author and kind not in KINDS and face is None:
        author = tier_name
    start_ms, end_ms = span_ms
    if 0 < end_ms - start_ms <= _POINT_MS:
        end_ms = start_ms
    try:
        return Event(
            start_ms / 1000,
            end_ms / 1000,
            kind=kind if kind in KINDS else "marker",
            label=(node.findtext("ANNOTATION_VALUE") or "").strip(),
            face=None if face is None else int(face[1]),
            author=author,
        )
    except SessionError as error:
        raise SessionError(f"{name}, annotation {node.get('ANNOTATION_ID')!r}: {error}") from error


def _damaged(name: str, what: str) -> SessionError:
    return SessionError(f"{name}: expected a whole ELAN document, found {what}; save it again in ELAN")
