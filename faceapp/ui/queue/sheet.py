"""The page of the queue: inputs, how they are analysed, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from faceapp.batch.options import QueueOptions
from faceapp.batch.queue_items import Item, Look
from faceapp.ui.banner import Banner
from faceapp.ui.form import Form
from faceapp.ui.icons import icon, icon_pixmap
from faceapp.ui.player.style import player_style
from faceapp.ui.queue.bar import QueueBar
from faceapp.ui.queue.table import NAME, PROGRESS, WORDS, ProgressPainter, QueueTable
from faceapp.ui.queue.words import look_words
from faceapp.ui.sheet_frame import SheetFrame
from faceapp.ui.theme import Theme

TITLE = "Analyse files"
_SIZE = QSize(1040, 620)
_FORM_PX = 268
_COLUMNS_PX = {NAME: 210, PROGRESS: 150}
_FORM_GROUPS = (
    ("Frames", ("every", "start_s", "end_s")),
    ("Reading", ("model", "processes")),
    ("Sessions", ("record_video", "record_faces", "out")),
)
_EMPTY = "Drop videos, pictures or folders here.\nEvery frame is analysed into a session of its own."
_AS_IN_WINDOW = "Smoothing, back end and number of faces are as in the window's settings."


class QueueSheet(SheetFrame):
    """Shows a queue and tells what is wanted; `controls` does it.

    Signals:
        dropped: Files and folders that were dropped on it, as texts.
        option_changed: Name and new value of an option.
        selected: Other inputs are chosen.
    """

    dropped = Signal(list)
    option_changed = Signal(str, object)
    selected = Signal()

    def __init__(self, options: QueueOptions, models: Sequence[str], theme: Theme, parent: QWidget) -> None:
        self._parts_made = False
        super().__init__(theme, parent, _SIZE)
        self.title.setText(TITLE)
        self.setAccessibleName(TITLE)
        self.setAcceptDrops(True)
        self._theme = theme
        self.add_files, self.add_folder = _button("Add files…"), _button("Add folder…")
        self.review, self.again = _button("Review"), _button("Again")
        self.cancel, self.remove = _button("Cancel"), _button("Take out")
        self.study, self.run = _button("Study table"), _button("Start", primary=True)
        self.table = QueueTable()
        self.view = QTableView()
        self.form = Form(options, _FORM_GROUPS, theme, choices={"model": models})
        self.form.changed.connect(self.option_changed)
        self.words, self.problem, self.bar = QLabel(), QLabel(), QueueBar(theme)
        self.message = Banner(theme)
        self._painter = ProgressPainter(theme, self.view)
        self._build()
        self._parts_made = True
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        super().set_theme(theme)
        self._theme = theme
        if self._parts_made:
            self.setStyleSheet(player_style(theme))
            self.add_files.setIcon(icon("file", theme))
            self.add_folder.setIcon(icon("folder", theme))
            self._painter.theme = theme
            self.bar.set_theme(theme)
            self.message.set_theme(theme)
            self.form.set_theme(theme)
            self._show_run(self.run.text() == "Stop")

    def show_look(self, look: Look, stopping: bool) -> None:
        """Show the queue as it is now."""
        chosen = {item.number for item in self.chosen()}
        self.table.show_items(look.items)
        if {item.number for item in self.chosen()} != chosen:
            self._choose(chosen)
        self._stack.setCurrentIndex(1 if look.items else 0)
        self.words.setText(look_words(look, stopping))
        self.bar.set_share(look.share)
        self.bar.setVisible(bool(look.items))
        self._show_run(look.working)
        self.run.setEnabled(not stopping and (look.working or look.count("waiting") > 0))
        self.form.setEnabled(not look.working)
        self.study.setEnabled(look.count("done") > 0)
        self.show_chosen()

    def show_chosen(self) -> None:
        """Enable what can be done with the chosen inputs, and say why one failed."""
        items = self.chosen()
        states = {item.state for item in items}
        self.review.setEnabled(len(items) == 1 and items[0].folder is not None)
        self.again.setEnabled(bool(states & {"failed", "cancelled"}))
        self.cancel.setEnabled(bool(states & {"waiting", "running"}))
        self.remove.setEnabled(bool(items) and not states & {"running", "stopping"})
        problem = items[0].problem if len(items) == 1 else ""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def chosen(self) -> list[Item]:
        """Return the chosen inputs."""
        rows = self.view.selectionModel().selectedRows() if self.view.selectionModel() else []
        return [self.table.items[row.row()] for row in rows if row.row() < len(self.table.items)]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take out or open the chosen inputs; leave other keys to the window."""
        wished = {
            Qt.Key.Key_Delete: self.remove,
            Qt.Key.Key_Backspace: self.remove,
            Qt.Key.Key_Return: self.review,
            Qt.Key.Key_Enter: self.review,
        }.get(Qt.Key(event.key()))
        if wished is not None and self.window().focusWidget() is self.view:
            wished.click()
        else:
            event.ignore()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell what was dropped."""
        event.acceptProposedAction()
        self.dropped.emit([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])

    def _choose(self, numbers: set[int]) -> None:
        rows = [row for row, item in enumerate(self.table.items) if item.number in numbers]
        flags = QItemSelectionModel.SelectionFlag
        for row in rows:
            self.view.selectionModel().select(self.table.index(row, 0), flags.Select | flags.Rows)

    def _show_run(self, working: bool) -> None:
        self.run.setText("Stop" if working else "Start")
        self.run.setAccessibleName("Stop the queue" if working else "Start the queue")
        self.run.setToolTip(
            "Close what runs; Start goes on later, also after the program was closed"
            if working
            else "Analyse all inputs that wait"
        )
        self.run.setIcon(icon_pixmap("stop" if working else "play", self._theme.background, 16, 2.0))

    def _build(self) -> None:
        self._build_table()
        empty = QLabel(_EMPTY, alignment=Qt.AlignmentFlag.AlignCenter)
        empty.setProperty("muted", True)
        self._stack = QStackedWidget()
        self._stack.addWidget(empty)
        self._stack.addWidget(self.view)
        self.problem.setWordWrap(True)
        self.problem.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        note = QLabel(_AS_IN_WINDOW)
        note.setWordWrap(True)
        note.setProperty("muted", True)
        note.setContentsMargins(14, 0, 0, 0)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.setSpacing(10)
        left.addLayout(
            _row((self.add_files, self.add_folder), (self.review, self.again, self.cancel, self.remove))
        )
        left.addWidget(self._stack, 1)
        left.addWidget(self.problem)
        self.form.setFixedWidth(_FORM_PX)
        note.setFixedWidth(_FORM_PX)
        right.addWidget(self.form, 1)
        right.addWidget(note)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addLayout(left, 1)
        middle.addLayout(right)
        self.page.addWidget(self.message)
        self.page.addLayout(middle, 1)
        self.page.addWidget(self.bar)
        self.words.setProperty("muted", True)
        self.page.addLayout(_row((self.words,), (self.study, self.run)))
        for button, tip in (
            (self.review, "See the session in the player (Enter)"),
            (self.again, "Analyse again what failed or was cancelled"),
            (self.cancel, "Cancel the chosen inputs; what was analysed stays"),
            (self.remove, "Take the chosen inputs out of the list (Delete); sessions stay"),
            (self.study, "Write study.csv and conditions.csv over all sessions in the folder"),
        ):
            button.setToolTip(tip)

    def _build_table(self) -> None:
        view = self.view
        view.setModel(self.table)
        view.setItemDelegateForColumn(PROGRESS, self._painter)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setAccessibleName("Inputs of the queue")
        view.setShowGrid(False)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(30)
        header = view.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        for column, width in _COLUMNS_PX.items():
            view.setColumnWidth(column, width)
        header.setSectionResizeMode(WORDS, QHeaderView.ResizeMode.Stretch)
        view.selectionModel().selectionChanged.connect(lambda *_: self.selected.emit())
        view.doubleClicked.connect(lambda _: self.review.click())


def _button(text: str, primary: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setProperty("primary", primary)
    return button


def _row(left: Sequence[QWidget], right: Sequence[QWidget]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for part in left:
        row.addWidget(part)
    row.addStretch(1)
    for part in right:
        row.addWidget(part)
    return row
