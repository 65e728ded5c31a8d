"""The menu behind the three dots."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from faceapp.settings import Explained
from faceapp.ui.label_menu import add_label_switches

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_THEMES = (("dark", "Dark"), ("light", "Light"), ("system", "As the system"))


def fill_menu(window: MainWindow) -> None:
    """Build the menu; panels that were closed come back from here."""
    controls, button = window.controls, window.toolbar.menu_button
    menu = QMenu(button)
    opened = menu.addAction("Open video or picture…", controls.ask_file)
    opened.setShortcut(QKeySequence.StandardKey.Open)
    window.addAction(opened)
    menu.addAction("Open web address…", controls.ask_address)
    menu.addAction("Look again for cameras", controls.look_again)
    menu.addSeparator()
    menu.addAction("Record with participant and consent…", window.recording.toggle_with_details)
    menu.addAction("Analyse files…", window.queue.toggle)
    menu.addAction("Open session…", window.annotation.ask_session)
    menu.addAction("Annotation scheme…", window.annotation.show_scheme)
    menu.addSeparator()
    menu.addAction("Draw a fixed region…", window.fixed_region.begin)
    cleared = menu.addAction("Clear the fixed region", window.fixed_region.clear)
    menu.aboutToShow.connect(lambda: cleared.setEnabled(window.settings.region is not None))
    menu.addSeparator()
    for dock, name in (
        (window.faces_dock, "Faces"),
        (window.timeline_dock, "Timeline"),
        (window.movements_dock, "Movements"),
        (window.form_dock, "Settings"),
    ):
        shown = dock.toggleViewAction()
        shown.setText(f"Panel: {name}")
        menu.addAction(shown)
    menu.addAction("Compare side by side", window.comparing.toggle)
    asked = _add_switch(menu, "Second opinion from movements")
    asked.triggered.connect(lambda on: controls.change("second_opinion", on))
    menu.aboutToShow.connect(lambda: asked.setChecked(window.settings.second_opinion))
    _add_explained(window, menu)
    add_label_switches(window, menu)
    wrinkles = _add_switch(menu, "Enhance wrinkles (Gabor)")
    wrinkles.toggled.connect(window.centre.video.show_wrinkles)
    wrinkles.setShortcut("Ctrl+G")
    window.addAction(wrinkles)
    menu.addAction("Full screen for an audience", window.audience.toggle)
    themes = menu.addMenu("Colours")
    group = QActionGroup(themes)
    for value, text in _THEMES:
        entry = themes.addAction(text, partial(controls.change, "theme", value))
        entry.setCheckable(True)
        entry.setChecked(value == window.settings.theme)
        group.addAction(entry)
    menu.addSeparator()
    menu.addAction("Keys", controls.show_keys)
    menu.addAction("About", controls.show_about)
    button.setMenu(menu)


def _add_explained(window: MainWindow, menu: QMenu) -> None:
    """Add the choice of what is explained on the picture."""
    tasks = menu.addMenu("Show what the answer rests on")
    group = QActionGroup(tasks)
    entries = {}
    for task in get_args(Explained):
        entries[task] = tasks.addAction(task.capitalize(), partial(window.controls.change, "explain", task))
        entries[task].setCheckable(True)
        group.addAction(entries[task])
    tasks.aboutToShow.connect(lambda: entries[window.settings.explain].setChecked(True))


def _add_switch(menu: QMenu, text: str) -> QAction:
    """Add an entry that is on or off."""
    action = QAction(text, menu)
    action.setCheckable(True)
    menu.addAction(action)
    return action
