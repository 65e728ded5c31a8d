"""The Qt style sheet of the window, filled with a theme's colours."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceapp.ui.theme import Theme

_RULES = Template("""
QMainWindow, QDialog, #Page { background: $background; }
QMainWindow::separator { background: $background; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: $line; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 5px 7px; }
QLabel { color: $text; background: transparent; }
QLabel[muted="true"] { color: $muted; }

QToolBar { background: $background; border: none; border-bottom: 1px solid $line; spacing: 0; padding: 0; }
QStatusBar { background: $background; border-top: 1px solid $line; }
QStatusBar::item { border: none; }

QToolButton, QPushButton {
    background: $raised; color: $text; border: 1px solid transparent; border-radius: 7px;
    padding: 0 ${pad}px; min-height: ${control}px; max-height: ${control}px;
}
QToolButton:hover, QPushButton:hover { border-color: $line; }
QToolButton:pressed, QPushButton:pressed { background: $line; }
QToolButton:checked, QPushButton:checked { background: $text; color: $background; }
QToolButton:disabled, QPushButton:disabled { color: $disabled; }
QToolButton:focus, QPushButton:focus { border: 1px solid $text; }
QToolButton::menu-indicator { image: none; }
QToolButton[flat="true"] { background: transparent; padding: 0 6px; min-height: 20px; max-height: 20px; border-radius: 5px; }
QToolButton[flat="true"]:hover { background: $raised; }
QToolButton[compact="true"] { padding: 0 8px; }
QToolButton[segment="true"]:checked { background: $text; color: $background; }
QToolButton[segment="true"] {
    background: transparent; padding: 0 10px; border-radius: 6px;
    min-height: ${segment}px; max-height: ${segment}px;
}
QPushButton[primary="true"] { background: $text; color: $background; }
QPushButton[primary="true"]:hover { border-color: $muted; }
QPushButton[primary="true"]:focus { border: 2px solid $muted; }
#Segments { background: $raised; border-radius: 7px; }

QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox {
    background: $raised; color: $text; border: 1px solid transparent; border-radius: 7px;
    padding: 0 9px; min-height: ${control}px; max-height: ${control}px;
    selection-background-color: $text; selection-color: $background;
}
QPlainTextEdit {
    background: $raised; color: $text; border: 1px solid transparent; border-radius: 7px; padding: 5px 6px;
    selection-background-color: $text; selection-color: $background;
}
QPlainTextEdit:focus { border: 1px solid $text; }
QCheckBox { color: $text; spacing: 9px; }
QCheckBox:disabled { color: $disabled; }
QCheckBox::indicator {
    width: 16px; height: 16px; border: 1px solid $muted; border-radius: 4px; background: $raised;
}
QCheckBox::indicator:checked { image: url("$icons/check-$name.svg"); }
QCheckBox:focus { outline: none; }
QCheckBox::indicator:focus { border: 1px solid $text; }
QComboBox:hover, QLineEdit:hover, QSpinBox:hover { border-color: $line; }
QComboBox:focus, QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus { border: 1px solid $text; }
QComboBox:disabled, QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled { color: $disabled; }
QAbstractSpinBox QLineEdit { padding: 0 8px 0 0; border: none; background: transparent; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("$icons/chevron-$name.svg"); width: 12px; height: 12px; }
QComboBox QAbstractItemView {
    background: $surface; color: $text; border: 1px solid $line; outline: none; padding: 4px;
    selection-background-color: $raised; selection-color: $text;
}
QComboBox QAbstractItemView::item { min-height: 26px; padding: 0 6px; border-radius: 5px; }
QComboBox QAbstractItemView::item:selected { background: $raised; color: $text; }
QComboBox QAbstractItemView::item:disabled { color: $disabled; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    width: 0; border: none;
}

QMenu { background: $surface; color: $text; border: 1px solid $line; padding: 5px; }
QMenu::item { padding: 6px 22px 6px 26px; border-radius: 5px; }
QMenu::item:selected { background: $raised; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }
QMenu::indicator { width: 12px; height: 12px; left: 8px; }
QMenu::indicator:checked { image: url("$icons/check-$name.svg"); }

QSlider { min-height: 22px; }
QSlider::groove:horizontal { height: 4px; background: $track; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $muted; border-radius: 2px; }
QSlider::handle:horizontal {
    width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: $text; border: none;
}
QSlider::handle:horizontal:disabled, QSlider::sub-page:horizontal:disabled { background: $disabled; }
QSlider:focus { border: 1px solid $muted; border-radius: 7px; }

QScrollArea { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar::handle:vertical { background: $line; border-radius: 3px; min-height: 30px; }
QScrollBar::handle:vertical:hover { background: $disabled; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

#Banner { background: $raised; border-bottom: 1px solid $line; }
#Banner QPushButton { background: $background; border-color: $line; }
#Banner QPushButton:hover, #Banner QPushButton:focus { border-color: $text; }
#Sheet { background: $surface; border: 1px solid $line; border-radius: 12px; }
#DockTitle { background: $background; }
#DockBody { background: $background; }
#Sheet #DockBody { background: transparent; }
""")


def style_sheet(theme: Theme, icons_dir: Path, base_px: int) -> str:
    """Return the style sheet.

    Args:
        theme: The colours.
        icons_dir: Folder of the icons that Qt loads itself.
        base_px: Height of normal text; controls grow with it.
    """
    colours = {name: getattr(theme, name) for name in theme.__slots__}
    control = base_px + 13
    return _RULES.substitute(
        colours, icons=icons_dir.as_posix(), pad=base_px - 2, control=control, segment=control - 4
    )
