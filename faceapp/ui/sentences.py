"""Errors in one line, made sentences that another one may follow."""

from __future__ import annotations


def as_sentences(error: object, after: str) -> str:
    """Return an error's line and a sentence behind it; such lines end without a full stop as a rule.

    Args:
        error: The error, or its text.
        after: The sentence.
    """
    text = str(error).rstrip()
    return f"{text}{'' if text.endswith(('.', '!', '?')) else '.'} {after}"
