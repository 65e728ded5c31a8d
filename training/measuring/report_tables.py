"""The tables of a report: one content, as aligned text for the terminal and as Markdown for a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.measuring.metrics import Figure

GROUPED = ("age_error", "age_within_5_years", "gender_accuracy")
"""Figures that `training.measuring.evaluation.group_figures` gives by group."""

_GROUP = re.compile(rf"({'|'.join(GROUPED)})_(\d+_to_\d+|race_\d+)")
_NAMES = {
    "emotion_top2": "emotion top-2 accuracy",
    "emotion_top3": "emotion top-3 accuracy",
    "emotion_weighted_accuracy": "emotion weighted accuracy (mean recall)",
    "emotion_macro_f1": "emotion macro F1",
    "age_error": "age mean absolute error",
    "age_within_5_years": "age within 5 years",
    "age_coverage_68": "age inside predicted 68% interval",
    "age_coverage_95": "age inside predicted 95% interval",
    "age_group_one_off": "age group accuracy, one off allowed",
    "gender_accuracy_16_and_over": "gender accuracy, 16 and over",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column is names and whose others are numbers.

    Attributes:
        header: Column headings; the first one names the table.
        rows: As many cells each.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """Return aligned columns: names to the left, numbers to the right."""
        table = [self.header, *(("  " + row[0], *row[1:]) for row in self.rows)]
        first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
        lines = [
            "  ".join([name.ljust(first), *map(str.rjust, cells, others)]).rstrip() for name, *cells in table
        ]
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """Return a Markdown table with the same cells."""
        rule = ("---", *("---:" for _ in self.header[1:]))
        return "\n".join("| " + " | ".join(cells) + " |" for cells in (self.header, rule, *self.rows))


def figure_table(name: str, measured: Mapping[str, Figure]) -> Table:
    """Return the figures over all pictures of a set, one a row."""
    rows = [
        (figure_name(key), figure.value_text(), figure.interval_text(), f"{figure.count:,}")
        for key, figure in measured.items()
        if not _GROUP.fullmatch(key)
    ]
    return Table((name, "value", "95% interval", "pictures"), tuple(rows))


def group_table(name: str, measured: Mapping[str, Figure]) -> Table | None:
    """Return the figures by group, one group a row, or None where there are none."""
    groups = grouped(measured)
    kinds = [kind for kind in GROUPED if any(kind in row for row in groups.values())]
    if not kinds:
        return None
    rows = [
        (
            group,
            *(_cell(row.get(kind)) for kind in kinds),
            f"{max(figure.count for figure in row.values()):,}",
        )
        for group, row in groups.items()
    ]
    return Table((f"{name} by group", *(figure_name(kind) for kind in kinds), "pictures"), tuple(rows))


def grouped(measured: Mapping[str, Figure]) -> dict[str, dict[str, Figure]]:
    """Return group name -> kind of figure -> figure, for example "20 to 29 years" -> "age_error"."""
    found: dict[str, dict[str, Figure]] = {}
    for key, figure in measured.items():
        if match := _GROUP.fullmatch(key):
            found.setdefault(_group_name(match[2]), {})[match[1]] = figure
    return found


def figure_name(key: str) -> str:
    """Return a figure's name in words."""
    return _NAMES.get(key, key.replace("_", " "))


def joined(tables: Sequence[Table]) -> str:
    """Return tables as text, an empty line between them."""
    return "\n\n".join(table.as_text() for table in tables)


def _group_name(key: str) -> str:
    if key.startswith("race"):
        return f"race group {key.removeprefix('race_')} of the set"
    low, high = key.split("_to_")
    return f"{low} to {high} years" if int(high) < 100 else f"{low} years and over"


def _cell(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value_text()} {figure.interval_text()}".strip()
