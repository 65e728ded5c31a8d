"""The live window's switches of people's own labels, each beside its cross-validated figure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from faceapp.errors import SessionError
from faceapp.labels.label_file import label_names, load_label
from faceapp.settings.label_names import column_name, label_list

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow


def add_label_switches(window: MainWindow, menu: QMenu) -> None:
    """Add the submenu, which lists the labels anew whenever it is shown."""
    labels = menu.addMenu("Own labels")
    labels.setToolTipsVisible(True)
    labels.aboutToShow.connect(partial(fill_labels, window, labels))


def fill_labels(window: MainWindow, menu: QMenu) -> None:
    """List the labels; a damaged one can't be switched on."""
    menu.clear()
    on = {column_name(name) for name in label_list(window.settings.labels)}
    names = label_names()
    for name in names:
        _add_label(window, menu, name, on)
    if not names:
        _entry(menu, "None yet: teach one in the player, from marks").setEnabled(False)


def _add_label(window: MainWindow, menu: QMenu, file_name: str, on: set[str]) -> None:
    try:
        label = load_label(file_name)
    except SessionError as error:
        damaged = _entry(menu, f"{file_name}: can't be read")
        damaged.setToolTip(str(error))
        damaged.setEnabled(False)
        return
    first = label.judgements[0]
    verdict = f"{first.accuracy:.0%} ({first.low:.0%} to {first.high:.0%}), guessing 50%"
    entry = _entry(menu, f"{label.name}: {verdict}")
    entry.setToolTip("\n".join(judgement.text() for judgement in label.judgements))
    entry.setCheckable(True)
    entry.setChecked(label.column in on)
    entry.triggered.connect(
        lambda wanted: window.controls.change("labels", _switched(window, label.name, wanted))
    )


def _entry(menu: QMenu, text: str) -> QAction:
    entry = QAction(text, menu)
    menu.addAction(entry)
    return entry


def _switched(window: MainWindow, name: str, wanted: bool) -> str | None:
    """Return the setting with one label switched on or off."""
    others = [each for each in label_list(window.settings.labels) if column_name(each) != column_name(name)]
    return ", ".join([*others, name] if wanted else others) or None
