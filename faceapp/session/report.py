"""One HTML page about a session that opens offline: summary, emotion timelines, marks, provenance, limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from engines.card import EMOTIONS
from faceapp.session.face_rows import with_face_edits
from faceapp.session.metadata import folder_error
from faceapp.session.reader import Session, read_session
from faceapp.session.recorded_files import write_named_file
from faceapp.session.report_figures import figures_section, frames_section, table_row
from faceapp.session.stored_settings import stored_settings
from faceapp.session.summary import format_summary, summarise
from faceapp.session.timeline import COLOURS, timeline_svg

REPORT_FILE = "report.html"
_FACES = 12
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1060px;margin:2em auto;padding:0 1em}
body{color:#15171A;background:#F7F7F5} pre{overflow:auto;font-size:.8em}
h1{font-size:1.5em} h2{font-size:1.15em;margin-top:1.8em} table{border-collapse:collapse}
td,th{padding:.2em .9em .2em 0;text-align:left;vertical-align:top;font-weight:normal} th{color:#555}
svg{width:100%;background:#fff;border:1px solid #ddd} .key span{margin-right:1.1em;white-space:nowrap}
.key i{display:inline-block;width:.9em;height:.9em;margin-right:.3em;vertical-align:-.1em}
svg .tick{font-size:12px;fill:#555}
"""
_LIMITS = (
    "These are estimates of appearance by a network, not of what a person feels, is, or how old they are. "
    "They must not be the ground for decisions about a person."
)
_COUNTS = {
    "analysed": "frames analysed",
    "with_faces": "frames with a face",
    "faces": "rows of the table",
    "in_video": "frames in the video",
    "dropped": "results dropped",
    "dropped_pictures": "pictures dropped",
    "out_of_order": "frames out of order",
}
_FACTS = (
    "source",
    "participant",
    "session",
    "condition",
    "notes",
    "started_utc",
    "ended_utc",
    "state",
    "program_version",
    "platform",
)


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a session, replacing an older one atomically.

    Args:
        folder: A session folder.
        path: File to make; None takes `report.html` in the session folder.

    Returns:
        The file.

    Raises:
        SessionError: No session, the file is one of a recorded session, or it can't be written.
    """
    session = with_face_edits(read_session(folder))
    path = folder / REPORT_FILE if path is None else path
    try:
        write_named_file(path, report_html(session))
    except OSError as error:
        raise folder_error(path.parent, error) from error
    return path


def report_html(session: Session) -> str:
    """Return the page; nothing in it is loaded from elsewhere."""
    title = f"Session {escape(session.folder.resolve().name)}"
    settings = escape(json.dumps(stored_settings(session.metadata.get("settings", {})), indent=1))
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
        f"<h1>{title}</h1>",
        *(f"<p>{escape(line)}</p>" for line in format_summary(summarise(session))),
        f"<p>{_LIMITS}</p><h2>Emotions over time</h2>{_key()}{_timelines(session)}",
        figures_section(session),
        _marks(session),
        frames_section(session),
        f"<h2>Provenance</h2>{_provenance(session.metadata)}",
        f"<details><summary>Settings</summary><pre>{settings}</pre></details></html>",
    ]
    return "\n".join(parts) + "\n"


def _key() -> str:
    spans = (
        f'<span><i style="background:{colour}"></i>{name}</span>'
        for name, colour in zip(EMOTIONS, COLOURS, strict=True)
    )
    return f'<p class="key">{"".join(spans)}</p>'


def _timelines(session: Session) -> str:
    faces, counts = np.unique(session.column("face_id"), return_counts=True)
    if not len(faces):
        return "<p>No face was found.</p>"
    shown = sorted(int(face) for face in faces[np.argsort(-counts, kind="stable")][:_FACES])
    pages = [f"<h3>Face {face}</h3>{timeline_svg(session, face)}" for face in shown]
    if len(faces) > _FACES:
        pages.append(f"<p>The {_FACES} faces seen longest of {len(faces)} are shown.</p>")
    return "".join(pages)


def _marks(session: Session) -> str:
    told = "".join(f"<p>{escape(problem)}</p>" for problem in session.problems)
    if not session.events:
        return f"<h2>Marks</h2>{told}" if told else ""
    names = ("start", "end", "kind", "label", "face", "note", "author")
    rows = [table_row((getattr(event, name) for name in names), "td") for event in session.events]
    return f"<h2>Marks</h2>{told}<table>{table_row(names, 'th')}{''.join(rows)}</table>"


def _provenance(metadata: Mapping[str, Any]) -> str:
    facts = [(name.replace("_", " "), metadata.get(name)) for name in _FACTS]
    facts += [
        ("model", f"{model.get('name')} {model.get('version')}, SHA-256 {model.get('sha256')}")
        for model in metadata.get("models", [])
    ]
    facts += [(name.replace("_", " "), value) for name, value in metadata.get("smoothing", {}).items()]
    facts += [(_COUNTS.get(name, name), value) for name, value in metadata["frames"].items()]
    consent = metadata.get("consent")
    if isinstance(consent, Mapping):
        facts += [("consent accepted", consent.get("accepted_utc")), ("notice", consent.get("text"))]
    facts += [("error", error) for error in metadata.get("errors", [])]
    rows = (
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in facts
        if value not in (None, "", {})
    )
    return f"<table>{''.join(rows)}</table>"
