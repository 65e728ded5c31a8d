"""A stretch in which a live source gave nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceapp.types import Source


@dataclass(frozen=True, slots=True)
class Outage:
    """When a camera or stream was lost.

    Attributes:
        from_s: Time of the last picture before, as `Frame.time_s`.
        to_s: Time of the first picture after it; None while it lasts.
        why: What was wrong, in one line.
    """

    from_s: float
    to_s: float | None
    why: str

    def as_json(self, origin_s: float) -> dict[str, Any]:
        """Return it on the clock of a session.

        Args:
            origin_s: `Frame.time_s` of the session's first picture.
        """
        to_s = None if self.to_s is None else round(self.to_s - origin_s, 6)
        return {"from_s": round(self.from_s - origin_s, 6), "to_s": to_s, "why": self.why}


def during(outages: tuple[Outage, ...], origin_s: float | None) -> list[dict[str, Any]]:
    """Return the outages that reach into a session, on its clock.

    Args:
        outages: Of the source, in order.
        origin_s: `Frame.time_s` of the session's first picture; None: there is none yet.
    """
    if origin_s is None:
        return []
    return [each.as_json(origin_s) for each in outages if each.to_s is None or each.to_s > origin_s]


def outages_of(source: Source) -> tuple[Outage, ...]:
    """Return when a source was lost since it was opened; none of one that can't be lost."""
    return tuple(getattr(source, "outages", ()))
