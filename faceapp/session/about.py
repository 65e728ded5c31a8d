"""What people say about a session: who, which, under what condition, and that they agreed to it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from faceapp.errors import SessionError
from faceapp.session.clock import now_utc, utc_text


@dataclass(frozen=True, slots=True)
class Consent:
    """That a person was told and agreed.

    Attributes:
        text: The notice as it was shown, word for word.
        accepted_utc: When it was accepted, UTC, ISO 8601 with milliseconds.
    """

    text: str
    accepted_utc: str = field(default_factory=lambda: utc_text(now_utc()))

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise SessionError("consent: expected the text of the notice, found none; give the text shown")
        try:
            moment = datetime.fromisoformat(self.accepted_utc.replace("Z", "+00:00"))
        except ValueError as error:
            raise SessionError(
                f"consent: expected a moment like 2026-01-31T09:15:02Z, found {self.accepted_utc!r}"
            ) from error
        if moment.tzinfo is None:
            raise SessionError(
                f"consent: expected a moment with its time zone, found {self.accepted_utc!r}; add Z for UTC"
            )


@dataclass(frozen=True, slots=True)
class About:
    """What people say about a session.

    Attributes:
        participant: Participant's code.
        notes: Free text.
        session: Name or number of the session among those of the participant.
        condition: Condition of the experiment.
        consent: The notice and when it was accepted; None where nobody was asked.
    """

    participant: str = ""
    notes: str = ""
    session: str = ""
    condition: str = ""
    consent: Consent | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entries of `session.json`."""
        entries: dict[str, Any] = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        if self.consent is not None:
            entries["consent"] = {"text": self.consent.text, "accepted_utc": self.consent.accepted_utc}
        return entries
