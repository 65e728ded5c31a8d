"""The page before a recording: who, which, under what condition, the notice, and what is kept."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.session.about import About, Consent
from faceapp.session.clock import now_utc, utc_text
from faceapp.settings import Settings
from faceapp.settings.notice import NOTICE
from faceapp.ui.form import Form
from faceapp.ui.sheet_frame import SheetFrame
from faceapp.ui.theme import Theme, text_font

TITLE = "Record a session"
_SIZE = QSize(880, 520)
_LEFT_PX = 350
KEPT = ("record_video", "record_faces", "cover_on_screen", "ask_before_recording")
_FIELDS = (
    ("participant", "Participant", "code, not a name"),
    ("session", "Session", "such as 1"),
    ("condition", "Condition", "of the experiment"),
)


class RecordingStep(SheetFrame):
    """Asks; nothing is modal, the picture goes on.

    Signals:
        agreed: `About` of the session that shall be recorded now.
        setting_changed: Name and new value of a setting.

    Attributes:
        accepted: The box below the notice; its moment is kept when it is ticked.
        notice: The notice, editable; kept in the settings.
    """

    agreed = Signal(object)
    setting_changed = Signal(str, object)

    def __init__(self, settings: Settings, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent, _SIZE)
        self.title.setText(TITLE)
        self.setAccessibleName(TITLE)
        self.lines = {name: QLineEdit() for name, _, _ in _FIELDS}
        self.notes, self.notice = QPlainTextEdit(), QPlainTextEdit()
        self.accepted = QCheckBox("Read and accepted")
        self.original, self.record = QPushButton("Original text"), QPushButton()
        self.form = Form(settings, (("Kept", KEPT),), theme)
        self._accepted_utc = ""
        self._build()
        self.fill(settings)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        if hasattr(self, "form"):
            self.form.set_theme(theme)

    def fill(self, settings: Settings) -> None:
        """Show settings."""
        self.form.fill(settings)
        if settings.consent_notice != self.notice.toPlainText() and not self.notice.hasFocus():
            with QSignalBlocker(self.notice):
                self.notice.setPlainText(settings.consent_notice)

    def ask(self, about: dict[str, str]) -> None:
        """Show the page for a new session; nobody has accepted anything yet.

        Args:
            about: What was written the last time, by field.
        """
        for name, line in self.lines.items():
            line.setText(about.get(name, ""))
        self.notes.clear()
        self.accepted.setChecked(False)
        self.open()
        self.lines["participant"].setFocus()
        self.lines["participant"].selectAll()

    def about(self) -> About:
        """Return what was written, with the notice where it was accepted."""
        text = self.notice.toPlainText()
        accepted = self.accepted.isChecked() and bool(text.strip())
        return About(
            notes=self.notes.toPlainText().strip(),
            consent=Consent(text, self._accepted_utc) if accepted else None,
            **{name: line.text().strip() for name, line in self.lines.items()},
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Record with Ctrl Enter; keep other keys but Esc from the window's shortcuts."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.record.click()
        elif event.key() == Qt.Key.Key_Escape:
            event.ignore()

    def _tick(self, ticked: bool) -> None:
        self._accepted_utc = utc_text(now_utc()) if ticked else ""
        self.record.setText("Record" if ticked else "Record without consent")
        self.record.setAccessibleName(self.record.text())

    def _edited(self) -> None:
        """Another text was not accepted."""
        self.accepted.setChecked(False)
        text = self.notice.toPlainText()
        self.accepted.setEnabled(bool(text.strip()))
        if text.strip():
            self.setting_changed.emit("consent_notice", text)

    def _agree(self) -> None:
        about = self.about()
        self.hide()
        self.agreed.emit(about)

    def _build(self) -> None:
        columns = QHBoxLayout()
        columns.setSpacing(24)
        columns.addWidget(self._build_left())
        columns.addLayout(self._build_right(), 1)
        self.page.addLayout(columns, 1)
        hint = QLabel("Ctrl Enter records, Esc goes back.")
        hint.setProperty("muted", True)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(hint, 1)
        cancel = _button("Cancel", self.hide)
        self.record.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.record.setProperty("primary", True)
        self.record.clicked.connect(self._agree)
        buttons.addWidget(cancel)
        buttons.addWidget(self.record)
        self.page.addLayout(buttons)
        self._tick(False)

    def _build_left(self) -> QWidget:
        left = QWidget()
        left.setFixedWidth(_LEFT_PX)
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        rows.setContentsMargins(14, 0, 16, 0)  # as the form's below
        rows.setHorizontalSpacing(14)
        rows.setVerticalSpacing(9)
        for name, label, hint in _FIELDS:
            self.lines[name].setPlaceholderText(hint)
            self.lines[name].setMaxLength(120)
            self.lines[name].setAccessibleName(label)
            rows.addRow(label, self.lines[name])
        self.notes.setAccessibleName("Notes")
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(84)
        rows.addRow("Notes", self.notes)
        self.form.changed.connect(self.setting_changed)
        layout = QVBoxLayout(left)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        head = QLabel("Who and what")
        head.setFont(text_font(1.05, bold=True))
        head.setContentsMargins(14, 0, 0, 0)
        layout.addWidget(head)
        layout.addLayout(rows)
        layout.addWidget(self.form, 1)
        return left

    def _build_right(self) -> QVBoxLayout:
        head = QHBoxLayout()
        name = QLabel("Notice for the participant")
        name.setFont(text_font(1.05, bold=True))
        head.addWidget(name, 1)
        self.original.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.original.setToolTip("Put the program's own text back")
        self.original.clicked.connect(lambda: self.notice.setPlainText(NOTICE))
        head.addWidget(self.original)
        self.notice.setAccessibleName("Notice for the participant")
        self.notice.setTabChangesFocus(True)
        self.notice.setFont(text_font(1.1))
        self.notice.textChanged.connect(self._edited)
        self.accepted.toggled.connect(self._tick)
        self.accepted.setToolTip("The text and this moment are stored in the session")
        right = QVBoxLayout()
        right.setSpacing(10)
        right.addLayout(head)
        right.addWidget(self.notice, 1)
        right.addWidget(self.accepted)
        return right


def _button(text: str, act: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: act())
    return button
