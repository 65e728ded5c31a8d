"""Wall-clock moments as sessions write them."""

from __future__ import annotations

from datetime import datetime, timezone


def now_utc() -> datetime:
    """Return UTC to the millisecond, the resolution that the files keep."""
    now = datetime.now(timezone.utc)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def utc_text(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601 with milliseconds, for example 2026-01-31T09:15:02.040Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
