"""The form for the annotation scheme: a row a code, with label, key, colour and shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import SessionError
from faceapp.session.annotation_scheme import RESERVED_KEYS, Code, Scheme
from faceapp.ui.icons import icon
from faceapp.ui.theme import Theme

_SHAPES = (("point", "moment"), ("range", "stretch"))
_KINDS = (("marker", "marker"), ("exclude", "leave out"), ("note", "note"))
_HEADERS = ("Label", "Key", "Colour", "Marks a", "Meaning", "")


@dataclass(slots=True, eq=False)
class _Row:
    """The controls of one code."""

    label: QLineEdit
    key: QLineEdit
    colour: QToolButton
    shape: QComboBox
    kind: QComboBox
    remove: QToolButton

    @property
    def parts(self) -> tuple[QWidget, ...]:
        return self.label, self.key, self.colour, self.shape, self.kind, self.remove

    def code(self) -> Code:
        return Code(
            self.label.text().strip(),
            self.key.text().strip().upper(),
            str(self.colour.property("colour")),
            str(self.shape.currentData()),
            str(self.kind.currentData()),
        )


class SchemeForm(QDialog):
    """Changes what can be marked; nothing is taken over before Save.

    Signals:
        saved: The new scheme, and whether new recordings shall use it too.

    Args:
        scheme: What is there now.
        theme: The colours.
        of_session: A session's scheme: offers to use it for new recordings too.
    """

    saved = Signal(object, bool)

    def __init__(
        self, scheme: Scheme, theme: Theme, *, of_session: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setWindowTitle("Annotation scheme")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 460)
        self.rows: list[_Row] = []
        self.also_new = QCheckBox("Use it for new recordings too")
        self.also_new.setVisible(of_session)
        self._of_session = of_session
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self._grid = QGridLayout()
        self._build()
        for code in scheme.codes:
            self.add(code)

    def add(self, code: Code | None = None) -> None:
        """Add a row; without a code an empty one, whose label has the keyboard."""
        row = self._make_row(code or Code("new"))
        self.rows.append(row)
        place = self._grid.rowCount()
        for column, part in enumerate(row.parts):
            self._grid.addWidget(part, place, column)
        if code is None:
            row.label.clear()
            row.label.setFocus()

    def save(self) -> None:
        """Hand over the scheme and close, or say what is wrong with it."""
        try:
            scheme = Scheme(tuple(row.code() for row in self.rows))
        except SessionError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        self.saved.emit(scheme, self.also_new.isChecked() or not self._of_session)
        self.accept()

    def _build(self) -> None:
        for column, text in enumerate(_HEADERS):
            head = QLabel(text)
            head.setProperty("muted", True)
            self._grid.addWidget(head, 0, column)
        self._grid.setColumnStretch(0, 1)
        self._grid.setVerticalSpacing(6)
        page = QWidget()
        page.setObjectName("Page")
        body = QVBoxLayout(page)
        body.addLayout(self._grid)
        body.addStretch(1)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        words = QLabel(
            f"A key is a digit from 1 to 9 or a letter other than {', '.join(RESERVED_KEYS)}. A moment is set at once; "
            "a stretch begins with the first press and ends with the second."
        )
        words.setWordWrap(True)
        words.setProperty("muted", True)
        self.problem.hide()
        buttons = QHBoxLayout()
        buttons.addWidget(_push("Add", self.add))
        buttons.addWidget(self.also_new)
        buttons.addStretch(1)
        buttons.addWidget(_push("Cancel", self.reject))
        save = _push("Save", self.save)
        save.setProperty("primary", True)
        save.setDefault(True)
        buttons.addWidget(save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(words)
        layout.addWidget(area, 1)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)

    def _make_row(self, code: Code) -> _Row:
        key = QLineEdit(code.key)
        key.setMaxLength(1)
        key.setFixedWidth(44)
        row = _Row(
            QLineEdit(code.label),
            key,
            QToolButton(),
            _chooser(_SHAPES, code.shape),
            _chooser(_KINDS, code.kind),
            QToolButton(),
        )
        for part, name in zip(
            row.parts, ("Label", "Key", "Colour", "Shape", "Meaning", "Take away"), strict=True
        ):
            part.setAccessibleName(f"{name} of {code.label}")
        self._set_colour(row.colour, code.colour)
        row.colour.clicked.connect(lambda: self._ask_colour(row.colour))
        row.remove.setIcon(icon("close", self._theme, 12))
        row.remove.setToolTip("Take this code away")
        row.remove.clicked.connect(lambda: self._take_away(row))
        return row

    def _take_away(self, row: _Row) -> None:
        self.rows.remove(row)
        for part in row.parts:
            self._grid.removeWidget(part)
            part.deleteLater()

    def _ask_colour(self, button: QToolButton) -> None:
        dialog = QColorDialog(QColor(str(button.property("colour"))), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda colour: self._set_colour(button, colour.name().upper()))
        dialog.open()

    def _set_colour(self, button: QToolButton, colour: str) -> None:
        button.setProperty("colour", colour)
        button.setFixedWidth(52)
        button.setToolTip(colour)
        button.setStyleSheet(f"QToolButton {{ background: {colour}; }}")


def _chooser(choices: tuple[tuple[str, str], ...], value: str) -> QComboBox:
    chooser = QComboBox()
    for data, text in choices:
        chooser.addItem(text, data)
    chooser.setCurrentIndex(max(chooser.findData(value), 0))
    return chooser


def _push(text: str, act: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: act())
    return button
