"""The form of settings, built from the fields of a dataclass and what their metadata say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QWidget,
)

from faceapp.ui.chooser import Chooser
from faceapp.ui.open_dialog import ask_path
from faceapp.ui.switch import Switch
from faceapp.ui.theme import Theme, text_font

_SLIDER_STEPS = 20
_AUTOMATIC = "automatic"
Control = tuple[QWidget, Callable[[Any], None]]
"""A control, and how a value is put into it."""


class Form(QScrollArea):
    """One row a setting, under headlines.

    A field's metadata hold `kind` and `label`, and by kind `choices`, `minimum`, `maximum` and `optional`.

    Signals:
        changed: Name and new value of a setting that a person changed.

    Args:
        record: The dataclass instance whose fields are shown.
        groups: Headlines, each with the names of its fields; fields named nowhere are left out.
        theme: The colours.
        choices: Name of a field -> its choices, where only the program that runs knows them.
    """

    changed = Signal(str, object)

    def __init__(
        self,
        record: Any,
        groups: Sequence[tuple[str, Sequence[str]]],
        theme: Theme,
        choices: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self._theme = theme
        self._choices = dict(choices or {})
        self._switches: list[Switch] = []
        self._setters: dict[str, Callable[[Any], None]] = {}
        self._filling = False
        entries: dict[str, Field[Any]] = {entry.name: entry for entry in fields(record)}
        body = QWidget()
        body.setObjectName("DockBody")
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(14, 0, 16, 12)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(9)
        self._grid.setColumnStretch(0, 1)
        for headline, names in groups:
            self._add_headline(headline)
            for name in names:
                self._add_row(entries[name])
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumWidth(body.minimumSizeHint().width() + 12)
        self.fill(record)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        for switch in self._switches:
            switch.set_theme(theme)

    def fill(self, record: Any) -> None:
        """Show the values of a record, without telling anyone."""
        self._filling = True
        for name, put in self._setters.items():
            put(getattr(record, name))
        self._filling = False

    def _tell(self, name: str, value: Any) -> None:
        if not self._filling:
            self.changed.emit(name, value)

    def _add_headline(self, text: str) -> None:
        label = QLabel(text)
        label.setFont(text_font(1.05, bold=True))
        label.setContentsMargins(0, 8 if self._grid.count() else 0, 0, 0)
        self._grid.addWidget(label, self._grid.rowCount(), 0, 1, 2)

    def _add_row(self, entry: Field[Any]) -> None:
        limits, row = entry.metadata, self._grid.rowCount()
        label = QLabel(limits["label"])
        is_share = limits["kind"] is float and (limits["minimum"], limits["maximum"]) == (0, 1)
        control, put = self._control(entry.name, limits, is_share)
        control.setAccessibleName(limits["label"])
        label.setBuddy(control)
        self._setters[entry.name] = put
        self._grid.addWidget(label, row, 0)
        if is_share or limits["kind"] is Path or isinstance(control, QLineEdit):
            self._grid.addWidget(control, row + 1, 0, 1, 2)
        else:
            self._grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignRight)

    def _control(self, name: str, limits: Any, is_share: bool) -> Control:
        if limits["kind"] is bool:
            return self._switch(name)
        if is_share:
            return self._slider(name)
        if limits["kind"] is Path:
            return self._folder(name)
        if limits["kind"] is str:
            choices = self._choices.get(name) or limits.get("choices")
            return self._chooser(name, choices) if choices else self._text(name, limits)
        return self._number(name, limits)

    def _switch(self, name: str) -> Control:
        switch = Switch(self._theme)
        switch.toggled.connect(lambda on: self._tell(name, on))
        self._switches.append(switch)
        return switch, switch.setChecked

    def _slider(self, name: str) -> Control:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _SLIDER_STEPS)
        slider.setPageStep(2)
        value_label = QLabel()
        value_label.setProperty("muted", True)
        value_label.setFont(text_font(0.95))
        self._grid.addWidget(value_label, self._grid.rowCount(), 1, Qt.AlignmentFlag.AlignRight)

        def show(position: int) -> None:
            value_label.setText("off" if position == 0 else f"{position / _SLIDER_STEPS:.2f}")

        slider.valueChanged.connect(show)
        slider.valueChanged.connect(lambda position: self._tell(name, position / _SLIDER_STEPS))
        show(0)
        return slider, lambda value: slider.setValue(round(value * _SLIDER_STEPS))

    def _chooser(self, name: str, choices: Sequence[str]) -> Control:
        chooser = Chooser()
        for choice in choices:
            chooser.addItem(choice, choice)
        chooser.setMinimumWidth(96)
        chooser.activated.connect(lambda index: self._tell(name, chooser.itemData(index)))
        return chooser, lambda value: chooser.setCurrentIndex(chooser.findData(value))

    def _text(self, name: str, limits: Any) -> Control:
        """A field for a text, told once it is finished; where it is optional, an empty one stands for nothing."""
        line = QLineEdit()
        optional = bool(limits.get("optional"))
        line.setPlaceholderText(limits.get("nothing", "") if optional else "")
        shown = [""]

        def show(value: str | None) -> None:
            shown[0] = value or ""
            line.setText(shown[0])

        def tell() -> None:
            text = line.text().strip()
            if text != shown[0]:
                shown[0] = text
                self._tell(name, None if optional and not text else text)

        line.editingFinished.connect(tell)
        return line, show

    def _number(self, name: str, limits: Any) -> Control:
        """A field for a number; where it is optional, one step below the minimum stands for automatic."""
        box = QSpinBox() if limits["kind"] is int else QDoubleSpinBox()
        optional = bool(limits.get("optional"))
        lowest = limits["minimum"] - 1 if optional else limits["minimum"]
        box.setRange(lowest, limits["maximum"])
        box.setSpecialValueText(limits.get("nothing", _AUTOMATIC) if optional else "")
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFixedWidth(96)
        box.setKeyboardTracking(False)
        if isinstance(box, QDoubleSpinBox):
            box.setDecimals(1)

        def tell(value: float) -> None:
            self._tell(name, None if optional and value == lowest else value)

        box.valueChanged.connect(tell)
        return box, lambda value: box.setValue(lowest if value is None else value)

    def _folder(self, name: str) -> Control:
        button = QPushButton()
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setStyleSheet("text-align: left;")

        def show(folder: Path) -> None:
            button.setProperty("folder", str(folder))
            button.setToolTip(str(folder))
            button.setText(folder.name or str(folder))

        def chosen(folder: str) -> None:
            show(Path(folder))
            self._tell(name, Path(folder))

        def ask() -> None:
            ask_path(
                self.window(),
                button.accessibleName(),
                QFileDialog.FileMode.Directory,
                lambda paths: chosen(paths[0]),
                folder=button.property("folder"),
            )

        button.clicked.connect(ask)
        return button, show
