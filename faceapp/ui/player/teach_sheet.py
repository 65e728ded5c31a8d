"""The player's page that teaches a label from marks, and shows how good it is before it is kept."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import SessionError
from faceapp.labels.label_file import Label, label_names, label_path, load_label, remove_label, save_label
from faceapp.labels.teaching import Taught, teach_label
from faceapp.session.annotations import Event, read_events
from faceapp.session.metadata import SESSION_FILE
from faceapp.ui.background import Background
from faceapp.ui.sheet_frame import SheetFrame
from faceapp.ui.theme import Theme

TITLE = "Teach a label"
EVERYTHING_ELSE = "everything else"
_SIZE = QSize(600, 460)


class TeachSheet(SheetFrame):
    """Teaches on the player's background thread; Stop, or closing the page, ends it.

    Signals:
        progressed: Faces read and faces in all.

    Args:
        theme: The colours.
        parent: The player's window.
        background: Its thread.
    """

    progressed = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget, background: Background) -> None:
        super().__init__(theme, parent, _SIZE)
        self.title.setText(TITLE)
        self.setAccessibleName(TITLE)
        self._background = background
        self._folder = Path()
        self._stop = threading.Event()
        self._taught: Label | None = None
        self.label, self.contrast = QComboBox(), QComboBox()
        self.beside = QCheckBox("Learn from the sessions beside this one too")
        self.teach, self.keep = QPushButton("Teach this label"), QPushButton("Keep it")
        self.bar, self.answer = QProgressBar(), QLabel()
        self.kept = QVBoxLayout()
        self._build()
        self.closed.connect(self.stop)

    def show_session(self, folder: Path, events: Sequence[Event]) -> None:
        """Open the page for a session and its marks."""
        self._folder = folder
        counts: dict[str, int] = {}
        for event in events:
            if event.kind == "marker" and event.label:
                counts[event.label] = counts.get(event.label, 0) + 1
        self.label.clear()
        self.contrast.clear()
        self.contrast.addItem(EVERYTHING_ELSE, None)
        for name in sorted(counts, key=lambda each: -counts[each]):
            for box in (self.label, self.contrast):
                box.addItem(f"{name} ({counts[name]} marks)", name)
        self._show_answer(
            "" if counts else "No marks yet: set some with the keys 1 to 9, about 30 of a label."
        )
        self.teach.setEnabled(bool(counts))
        self.list_kept()
        self.open()

    def press(self) -> None:
        """Teach the chosen label, or stop."""
        if self.teach.text() == "Stop":
            self._stop.set()
            return
        self._stop = threading.Event()
        self._taught = None
        self.teach.setText("Stop")
        self.keep.setEnabled(False)
        self.bar.setRange(0, 0)
        self.bar.show()
        self._show_answer("")
        job = partial(
            teach_label,
            self._folders(),
            self.label.currentData(),
            self.contrast.currentData(),
            self._tell(self._stop),
        )
        self._background.run(job, self._done, self._failed)

    def stop(self) -> None:
        """End the teaching that runs."""
        self._stop.set()

    def save(self) -> None:
        """Keep the label where the live window finds it."""
        if self._taught is None:
            return
        try:
            save_label(self._taught, label_path(self._taught.name))
        except SessionError as error:
            self._show_answer(str(error))
            return
        self.keep.setEnabled(False)
        self._show_answer(f"{self.answer.text()}\nKept. Switch it on in the live window: menu, Own labels.")
        self.list_kept()

    def list_kept(self) -> None:
        """List the kept labels, each with its figure and a button that removes it."""
        while (item := self.kept.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for name in label_names():
            self.kept.addWidget(self._row(name))

    def _folders(self) -> list[Path]:
        """Return this session, and those beside it that have marks of the label."""
        folders = [self._folder]
        if self.beside.isChecked():
            wanted = self.label.currentData()
            others = (path.parent for path in sorted(self._folder.parent.glob(f"*/{SESSION_FILE}")))
            folders += [each for each in others if each != self._folder and _has_marks(each, wanted)]
        return folders

    def _tell(self, stop: threading.Event) -> _Progress:
        return _Progress(self, stop)

    def _done(self, taught: Taught) -> None:
        self._ended()
        self._taught = taught.label
        first = taught.label.judgements[0]
        lines = [f"{first.shown} moments with {taught.label.name!r}, {first.other} without:"]
        lines += [judgement.text() for judgement in taught.label.judgements]
        lines += [f"Left out: {reason}." for reason in taught.examples.left_out]
        self._show_answer("\n".join(lines))
        self.keep.setEnabled(True)

    def _failed(self, error: Exception) -> None:
        self._ended()
        self._show_answer("" if isinstance(error, _StoppedError) else str(error))

    def _ended(self) -> None:
        self.teach.setText("Teach this label")
        self.bar.hide()

    def _show_answer(self, text: str) -> None:
        self.answer.setText(text)

    def _show_progress(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def _row(self, name: str) -> QWidget:
        try:
            label = load_label(name)
            text = f"{label.name}: {label.judgements[0].text()}"
        except SessionError as error:
            text = str(error)
        row, words, remove = QWidget(), QLabel(text), QPushButton("Remove")
        words.setWordWrap(True)
        words.setProperty("muted", True)
        remove.setAccessibleName(f"Remove {name}")
        remove.clicked.connect(partial(self._remove, name))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(words, 1)
        layout.addWidget(remove)
        return row

    def _remove(self, name: str) -> None:
        try:
            remove_label(name)
        except SessionError as error:
            self._show_answer(str(error))
        self.list_kept()

    def _build(self) -> None:
        form = QFormLayout()
        form.addRow("Label", self.label)
        form.addRow("Told from", self.contrast)
        form.addRow("", self.beside)
        self.label.setAccessibleName("Label to teach")
        self.contrast.setAccessibleName("What it is told from")
        self.answer.setWordWrap(True)
        self.bar.hide()
        self.keep.setEnabled(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.teach)
        buttons.addWidget(self.keep)
        buttons.addStretch(1)
        self.page.addLayout(form)
        self.page.addLayout(buttons)
        self.page.addWidget(self.bar)
        self.page.addWidget(self.answer)
        self.page.addStretch(1)
        self.page.addLayout(self.kept)
        self.teach.clicked.connect(self.press)
        self.keep.clicked.connect(self.save)
        self.progressed.connect(self._show_progress)


class _StoppedError(Exception):
    """A person stopped the teaching."""


class _Progress:
    """Tells the page how far the teaching is, and ends it where that is wished; called on the background thread."""

    def __init__(self, sheet: TeachSheet, stop: threading.Event) -> None:
        self._sheet, self._stop = sheet, stop

    def __call__(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self._sheet.progressed.emit(done, total)


def _has_marks(folder: Path, label: str) -> bool:
    try:
        return any(event.label == label for event in read_events(folder))
    except SessionError:
        return False
