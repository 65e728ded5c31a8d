"""A session's exports, and a text that a spreadsheet would run."""

from __future__ import annotations

from pathlib import Path

from faceapp.session.export import export_session

DANGEROUS = '=HYPERLINK("http://x","y")'


def written(session: Path, name: str, out: Path) -> list[Path]:
    paths = export_session(session, [name], out)
    assert paths and all(path.is_relative_to(out) and path.is_file() for path in paths)
    assert not list(out.glob(".*")), "nothing half-made is left"
    return paths
