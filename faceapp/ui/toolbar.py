"""The row of controls at the top: source, occlusion mode, what is drawn, and the buttons of a recording."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from faceapp.ui.choices import HIDINGS, LOOK_AGAIN, MODES, OPEN_ADDRESS, OPEN_FILE, Choice
from faceapp.ui.chooser import Chooser
from faceapp.ui.icons import icon, icon_pixmap
from faceapp.ui.seek_bar import clock_text
from faceapp.ui.theme import RECORD_RED, Theme

_HEIGHT_PX = 44
_GAP_PX = 6
_ICON = QSize(18, 18)


class Toolbar(QToolBar):
    """Tells what is wanted; the window does it.

    Signals:
        source_chosen: A source, or one of `choices.OPEN_FILE`, `OPEN_ADDRESS`, `LOOK_AGAIN`.
        occlusion_chosen: An occlusion mode.
        hiding_chosen: What to draw on faces.
        compare_clicked: The comparison side by side is wanted, or no more.
        run_clicked, pause_clicked, record_clicked, snapshot_clicked, queue_clicked: The buttons.
    """

    source_chosen = Signal(str)
    occlusion_chosen = Signal(str)
    hiding_chosen = Signal(str)
    compare_clicked = Signal()
    run_clicked = Signal()
    pause_clicked = Signal()
    record_clicked = Signal()
    snapshot_clicked = Signal()
    queue_clicked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Controls", parent)
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setFloatable(False)
        self.toggleViewAction().setEnabled(False)
        self._source = Chooser()
        self._source.setAccessibleName("Source")
        self._source.setSizeAdjustPolicy(Chooser.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._source.setMinimumContentsLength(14)
        self._source.setMinimumWidth(110)  # narrow windows take the room here, where a tooltip helps
        self._source.setMaximumWidth(170)
        self._source.activated.connect(self._choose_source)
        self._current = ""
        self._modes = QButtonGroup(self)
        self._hide = Chooser()
        self._hide.setAccessibleName("Draw a headset or mask")
        self._hide.setToolTip("Draw something on every face, to try what the program makes of it (H)")
        for value, text in HIDINGS:
            self._hide.addItem(text, value)
        self._hide.activated.connect(lambda index: self.hiding_chosen.emit(self._hide.itemData(index)))
        self._compare = self._button(
            "Read the hidden face three ways, side by side (V)", self.compare_clicked
        )
        self._compare.setCheckable(True)
        self._run = self._button("Start", self.run_clicked)
        self._pause = self._button("Pause (Space)", self.pause_clicked)
        self._record = QPushButton("Record")
        self._record.setIconSize(_ICON)
        self._record.setToolTip("Record a session (R)")
        self._record.setAccessibleName("Record")
        self._record.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._record.clicked.connect(self.record_clicked)
        self._snapshot = self._button("Save the picture as you see it (S)", self.snapshot_clicked)
        self._queue = self._button("Analyse files: the queue (Ctrl L)", self.queue_clicked)
        self._queue_percent: int | None = None
        self.settings_button = self._button("Settings")
        self.menu_button = self._button("More")
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        left = (self._source, self._segments(), self._hide, self._compare)
        right = (
            *(self._run, self._pause, self._record, self._snapshot),
            *(self._queue, self.settings_button, self.menu_button),
        )
        self.addWidget(_row(left, right))
        self._state = (False, False, False, False, False)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self._snapshot.setIcon(icon("snapshot", theme))
        self._compare.setIcon(icon("compare", theme))
        self._queue.setIcon(_queue_icon(self._queue_percent, theme))
        self.settings_button.setIcon(icon("settings", theme))
        self.menu_button.setIcon(icon("more", theme))
        self._draw_state()

    def set_sources(self, sources: Sequence[Choice], current: str) -> None:
        """Fill the chooser of sources.

        Args:
            sources: What is there; greyed out with the reason in the tooltip where it can't be chosen.
            current: The one in use.
        """
        model = QStandardItemModel(self._source)
        for choice in sources:
            model.appendRow(_item(choice))
        for value, text in (
            (OPEN_FILE, "Video or picture…"),
            (OPEN_ADDRESS, "Web address…"),
            (LOOK_AGAIN, "Look again"),
        ):
            model.appendRow(_item(Choice(value, text)))
        self._source.setModel(model)
        self._source.view().setMinimumWidth(240)
        self._current = current
        self._show_current()

    def set_occlusion(self, mode: str) -> None:
        """Show the occlusion mode in use."""
        for button in self._modes.buttons():
            button.setChecked(button.property("mode") == mode)

    def set_hiding(self, what: str) -> None:
        """Show what is drawn on faces."""
        self._hide.setCurrentIndex(self._hide.findData(what))

    def set_comparing(self, comparing: bool) -> None:
        """Show whether faces are shown side by side."""
        self._compare.setChecked(comparing)

    def set_state(
        self, *, running: bool, paused: bool, ready: bool, recording: bool, begun: bool = False
    ) -> None:
        """Show what is going on.

        Args:
            running: A source is open.
            paused: It is held.
            ready: Pictures have come, so that they can be recorded.
            recording: A session is wanted.
            begun: Its first frame has been written; until then it is starting.
        """
        state = (running, paused, ready, recording, recording and begun)
        if state != self._state:
            self._state = state
            self._draw_state()

    def set_recorded(self, elapsed_s: float, dropped: int) -> None:
        """Show how long the recording is, and what the disk was too slow for."""
        if self._state[4]:
            lost = f", {dropped} dropped" if dropped else ""
            self._record.setText(f" {clock_text(elapsed_s)}{lost}")

    def set_queue(self, share: float | None, failed: int) -> None:
        """Show how far the queue is.

        Args:
            share: How much is done, 0 to 1; None while it is not worked off.
            failed: Inputs that failed.
        """
        percent = None if share is None else round(share * 100)
        if percent != self._queue_percent:
            self._queue_percent = percent
            self._queue.setIcon(_queue_icon(percent, self._theme))
        state = "" if share is None else f", {share:.0%} done" + (f", {failed} failed" if failed else "")
        _name(self._queue, f"Analyse files: the queue{state} (Ctrl L)")

    def _draw_state(self) -> None:
        running, paused, ready, recording, begun = self._state
        theme = self._theme
        self._run.setIcon(icon("stop" if running else "play", theme))
        _name(self._run, "Stop and release the source" if running else "Start")
        self._pause.setIcon(icon("play" if paused else "pause", theme))
        _name(self._pause, "Go on (Space)" if paused else "Pause (Space)")
        self._pause.setEnabled(running)
        self._record.setIcon(_dot(RECORD_RED if begun else "", theme))
        self._record.setText(" 0:00" if begun else " Starting…" if recording else " Record")
        _name(self._record, "Stop recording (R)" if recording else "Record a session (R)")
        self._record.setEnabled(recording or ready)
        self._snapshot.setEnabled(ready)

    def _button(self, what: str, clicked: object = None) -> QToolButton:
        button = QToolButton()
        button.setProperty("compact", True)
        button.setIconSize(_ICON)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        _name(button, what)
        if clicked is not None:
            button.clicked.connect(clicked)
        return button

    def _segments(self) -> QWidget:
        body = QWidget()
        body.setObjectName("Segments")
        body.setAccessibleName("Occlusion mode")
        row = QHBoxLayout(body)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        body.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for mode, text, tip in MODES:
            button = QToolButton()
            button.setText(text)
            button.setToolTip(f"{tip} (O)")
            button.setAccessibleName(f"Occlusion mode {text}")
            button.setCheckable(True)
            button.setProperty("segment", True)
            button.setProperty("mode", mode)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, mode=mode: self.occlusion_chosen.emit(mode))
            self._modes.addButton(button)
            row.addWidget(button)
        return body

    def _choose_source(self, index: int) -> None:
        value = self._source.itemData(index)
        if value in (OPEN_FILE, OPEN_ADDRESS, LOOK_AGAIN):
            self._show_current()
        self.source_chosen.emit(value)

    def _show_current(self) -> None:
        self._source.setCurrentIndex(self._source.findData(self._current))
        self._source.setToolTip(f"Where pictures come from: {self._source.currentText()}")


def _row(left: Sequence[QWidget], right: Sequence[QWidget]) -> QWidget:
    """Return all controls in one line; Qt's own toolbar layout would put higher ones out of line."""
    body = QWidget()
    body.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    body.setFixedHeight(_HEIGHT_PX - 1)  # and the line below
    row = QHBoxLayout(body)
    row.setContentsMargins(10, 0, 10, 0)
    row.setSpacing(_GAP_PX)
    for part in left:
        row.addWidget(part)
    row.addStretch(1)
    for part in right:
        row.addWidget(part)
    return body


def _item(choice: Choice) -> QStandardItem:
    item = QStandardItem(choice.text)
    item.setData(choice.value, Qt.ItemDataRole.UserRole)
    item.setToolTip(choice.reason or choice.text)
    item.setEnabled(not choice.reason)
    return item


def _name(button: QWidget, what: str) -> None:
    button.setToolTip(what)
    button.setAccessibleName(what)


def _dot(fill: str, theme: Theme) -> QIcon:
    """Return the dot of the record button: red while recording, else an empty ring."""
    pixmap = QPixmap(54, 54)
    pixmap.fill(QColor(Qt.GlobalColor.transparent))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen if fill else QPen(theme.colour("muted"), 5))
    painter.setBrush(QColor(fill) if fill else Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(27, 27), 16, 16)
    painter.end()
    pixmap.setDevicePixelRatio(3)
    return QIcon(pixmap)


def _queue_icon(percent: int | None, theme: Theme) -> QIcon:
    """Return the icon of the queue, with a bar below it while it is worked off."""
    if percent is None:
        return icon("queue", theme)
    pixmap = icon_pixmap("queue", theme.text, 18, 3.0).copy()
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    for colour, width in (("line", 18.0), ("text", 18.0 * percent / 100)):
        painter.fillRect(QRectF(0, 15.5, width, 2.5), theme.colour(colour))
    painter.end()
    return QIcon(pixmap)
