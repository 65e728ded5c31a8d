"""What a recording was made with, true at every row: what changes meanwhile is noted with its time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

MODELS = "models"
"""Key in the metadata, and name under which the cards of other models are noted while recording."""


class Provenance:
    """Keeps `models`, `changes` and what is drawn on faces in a session's metadata.

    Args:
        metadata: Content of `session.json`; changed in place.
    """

    def __init__(self, metadata: dict[str, Any]) -> None:
        self._metadata = metadata
        self._drawn: str | None = None

    def changed(self, time_s: float, name: str, value: Any) -> None:
        """Note a changed setting.

        Args:
            time_s: From when on, on the session's clock.
            name: The setting; with `MODELS` the value is the cards that read from then on.
            value: What it is now.
        """
        if name == MODELS:
            cards = [asdict(card) for card in value]
            known = self._metadata[MODELS]
            known += [card for card in cards if card not in known]
            value = [f"{card['name']} {card['version']}" for card in cards]
        entry = {"time_s": round(time_s, 6), "setting": name, "value": value}
        self._metadata["changes"].append(entry)

    def drawn(self, time_s: float, what: str) -> None:
        """Note what is drawn on faces from a frame on; what is on the first frame stands among the settings.

        Args:
            time_s: Of the frame, on the session's clock.
            what: `Frame.drawn`.
        """
        before, self._drawn = self._drawn, what
        if before is None:
            if what != "none" or "simulate" in self._metadata["settings"]:
                self._metadata["settings"]["simulate"] = what
        elif what != before:
            self.changed(time_s, "simulate", what)
