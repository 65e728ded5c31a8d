"""What this program is, what it must not be used for, and the cards of its models."""

from __future__ import annotations

from collections.abc import Sequence

from engines.card import ModelCard

TITLE = "About faceapp"
_USE = (
    (
        "",
        "Reads faces live, also when a headset or a mask hides half of them, and records annotated sessions.",
    ),
    (
        "Meant for",
        "Research, teaching and demonstrations with people who know about it and agree.",
    ),
    (
        "Not meant for",
        "Deciding about people: hiring, policing, exams, medicine, access. Nor for watching people who "
        "don't know.",
    ),
    (
        "Limits",
        "What is shown are estimates of how a face looks, not of what someone feels or who they are. They "
        "are less sure from the side, in poor light, for small faces, and for groups of people rare in the "
        "training pictures.",
    ),
    (
        "Your data",
        "Pictures are read on this computer. They are stored only while you record, in the folder you chose.",
    ),
)
_SHOWN_FIGURES = 6


def about_page(cards: Sequence[ModelCard]) -> list[tuple[str, str]]:
    """Return the rows of the page.

    Args:
        cards: The installed models.
    """
    return [*_USE, *((f"{card.name} {card.version}", card_text(card)) for card in cards)]


def card_text(card: ModelCard) -> str:
    """Return what matters of a model card in a few lines."""
    heads = ", ".join(head.task for head in card.heads)
    hidden = {
        "none": "fully visible faces",
        "headset": "faces under a headset",
        "mask": "faces behind a mask",
    }
    lines = [f"Reads {heads} from {hidden[card.occlusion]}, {card.input.size} px {card.input.color}."]
    figures = [f"{name} {_figure(value)}" for name, value in card.metrics.items() if _figure(value)]
    if figures:
        lines.append("Measured: " + ", ".join(figures[:_SHOWN_FIGURES]) + ".")
    if card.data:
        lines.append("Made from " + ", ".join(card.data) + ".")
    lines += card.limits
    if card.license:
        lines.append(f"Licence: {card.license}")
    return "\n".join(lines)


def _figure(value: object) -> str:
    """Return a figure's number; cards hold it bare or as an object with "value"."""
    if isinstance(value, dict):
        value = value.get("value")
    return f"{value:.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
