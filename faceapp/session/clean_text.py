"""Texts of people made fit for formats that can't hold every character."""

from __future__ import annotations

import re

_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, 2.2: control characters, half characters and two noncharacters; UTF-8 can't hold the second either."""


def clean_text(text: str) -> str:
    """Return a text with a space in place of every character that XML, captions or UTF-8 can't hold."""
    return _NOT_IN_XML.sub(" ", text)


def clean_line(text: str) -> str:
    """Return a clean text on one line, runs of white space as one space."""
    return " ".join(clean_text(text).split())
