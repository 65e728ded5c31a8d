"""What this program is, what it must not be used for, and the cards of its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engines.card import LABELS, ModelCard, load_card

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
_SHOWN_FIGURES = 3
_FACES = {"none": "fully visible faces", "headset": "faces under a headset", "mask": "faces behind a mask"}


def about_page(cards: Sequence[ModelCard]) -> list[tuple[str, str]]:
    """Return the rows of the page.

    Args:
        cards: The installed models.
    """
    return [*_USE, *((f"{card.name} {card.version}", card_text(card)) for card in cards)]


def installed_cards() -> list[ModelCard]:
    """Return the cards of all installed models.

    Raises:
        CardError: A card can't be read.
    """
    from engines.models import MODELS_DIR, model_names

    return [load_card(MODELS_DIR / name) for name in model_names()]


def card_text(card: ModelCard) -> str:
    """Return what matters of a model card in a few lines."""
    heads = ", ".join(head.task for head in card.heads)
    size = f"{card.input.size} px {card.input.color}"
    reads = any(head.task in LABELS for head in card.heads)
    does = (
        f"Reads {heads} from {_FACES[card.occlusion]}"
        if reads
        else "Sees what hides a face, and where it lies"
    )
    lines = [f"{does}, {size}."]
    for data, figures in card.metrics.items():
        words = _figures(figures) if isinstance(figures, Mapping) else []
        if words:
            lines.append(f"On {_words(data)}: {', '.join(words[:_SHOWN_FIGURES])}.")
    if card.data:
        lines.append(f"Made from {', '.join(card.data)}.")
    lines += card.limits
    if card.license:
        lines.append(f"Licence: {card.license}")
    return "\n".join(lines)


def _figures(figures: Mapping[str, Any]) -> list[str]:
    """Return the figures over all faces, each with its 95% interval; those of groups stay in the card."""
    return [
        f"{_words(name)} {_figure_text(figure)}"
        for name, figure in figures.items()
        if isinstance(figure, Mapping) and "value" in figure and not any(map(str.isdigit, name))
    ]


def _figure_text(figure: Mapping[str, Any]) -> str:
    """For example "80.5% (79.1 to 81.8)" or "5.60 years (5.35 to 5.87)"."""
    share = figure.get("unit") == "share"
    scale, digits = (100, 1) if share else (1, 2)
    unit = "%" if share else f" {figure.get('unit', '')}".rstrip()
    text = f"{figure['value'] * scale:.{digits}f}{unit}"
    if "low" in figure and "high" in figure:
        text += f" ({figure['low'] * scale:.{digits}f} to {figure['high'] * scale:.{digits}f})"
    return text


def _words(name: str) -> str:
    return name.replace("_", " ")
