"""Style of what the live window lacks: lists, tabs and splitters; laid over the program's style sheet."""

from __future__ import annotations

from string import Template

from faceapp.ui.theme import Theme, base_size_px

_RULES = Template("""
QTreeWidget, QTableView {
    background: $surface; color: $text; border: 1px solid $line; border-radius: 7px; outline: none;
    alternate-background-color: $surface; selection-background-color: $raised; selection-color: $text;
}
QTreeWidget:focus, QTableView:focus { border-color: $muted; }
QTreeWidget::item { min-height: 26px; padding: 0 4px; }
QTreeWidget::item:selected, QTableView::item:selected { background: $raised; color: $text; }
QTableView::item { padding: 0 4px; }
QTreeWidget QLineEdit {
    min-height: 22px; max-height: 22px; padding: 0 4px; border-radius: 4px; background: $background;
}
QHeaderView { background: $surface; }
QHeaderView::section {
    background: $surface; color: $muted; border: none; border-bottom: 1px solid $line; padding: 5px 6px;
}
QTableCornerButton::section { background: $surface; border: none; }
QTabWidget::pane { border: none; }
QTabBar { background: $background; }
QTabBar::tab {
    background: transparent; color: $muted; padding: 6px 12px; border-bottom: 2px solid transparent;
}
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $text; }
QTabBar::tab:focus { color: $text; border-bottom: 2px solid $muted; }
QSplitter::handle { background: $background; }
QSplitter::handle:hover { background: $line; }
QComboBox QLineEdit { padding: 0; border: none; background: transparent; }
QComboBox[small="true"] { min-height: ${small}px; max-height: ${small}px; padding: 0 6px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle:horizontal { background: $line; border-radius: 3px; min-width: 30px; }
QScrollBar::add-line:horizontal, QScrollBar::sub-line:horizontal { width: 0; }
QPushButton::menu-indicator { image: none; }
""")


def player_style(theme: Theme) -> str:
    """Return the style sheet of the player's window."""
    colours = {name: getattr(theme, name) for name in theme.__slots__}
    return _RULES.substitute(colours, small=round(base_size_px()) + 8)
