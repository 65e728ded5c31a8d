"""Wall-clock moments as sessions write them."""

from __future__ import annotations

from datetime import datetime, timezone

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now_utc() -> datetime:
    """Return UTC to the millisecond, the resolution that the files keep."""
    now = datetime.now(timezone.utc)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def utc_text(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601 with milliseconds, for example 2026-01-31T09:15:02.040Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def moment_of(text: str) -> datetime:
    """Return the moment in UTC that a text of `utc_text` tells, without a time zone.

    Raises:
        ValueError: It is written in another way.
    """
    return datetime.strptime(text, _FORMAT)
