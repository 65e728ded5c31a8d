"""The report: one HTML page that opens offline."""

from __future__ import annotations

from pathlib import Path

from faceapp.session.reader import Session
from faceapp.session.report import report_html

ABOUT = "HTML report: charts, figures, provenance in one page"


def available() -> str:
    """Return why it can't be written; empty: it can."""
    return ""


def write(session: Session, folder: Path) -> list[Path]:
    """Write `report.html`."""
    path = folder / "report.html"
    path.write_text(report_html(session), encoding="utf-8")
    return [path]
