"""The cards of up to four faces; further faces are a list below."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from faceapp.ui.face_card import FaceCard
from faceapp.ui.overlay import face_colour
from faceapp.ui.readout import Readout, Readouts
from faceapp.ui.theme import Theme, blend, text_font

MAX_CARDS = 4
ESTIMATES = "Estimates of appearance, not of feelings or identity."
_GAP_PX = 8
_ROW_PX = 28
_NOTE_PX = 34
_CARD_PX = 310
"""A card's width at scale 1."""
_SCALES = (1.8, 1.6, 1.4, 1.25, 1.12, 1.0)


class FaceCards(QScrollArea):
    """Shows a card per face, as large as the height allows; scrolls when even small cards don't fit.

    Signals:
        chosen: Id of a face chosen by its card or its row.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cards: dict[int, FaceCard] = {}
        self._rows: dict[int, _FaceRow] = {}
        self._note = QLabel(ESTIMATES)
        self._note.setWordWrap(True)
        self._note.setProperty("muted", True)
        self._note.setFont(text_font(0.85))
        self._none = QLabel("Each face gets a card here.")
        self._none.setProperty("muted", True)
        self._none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        body = QWidget()
        body.setObjectName("DockBody")
        self._layout = QVBoxLayout(body)
        self._layout.setContentsMargins(8, 4, 10, 6)
        self._layout.setSpacing(_GAP_PX)
        self._layout.addWidget(self._none, 1)
        self._layout.addWidget(self._note)
        self._layout.addStretch(0)
        self._note.hide()
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(_CARD_PX, 150)
        self.setAccessibleName("Faces")

    def sizeHint(self) -> QSize:
        """A little wider than a card at scale 1."""
        return QSize(390, 500)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        for part in (*self._cards.values(), *self._rows.values()):
            part.set_theme(theme)

    def show_readouts(self, readouts: Readouts, chosen_id: int | None) -> None:
        """Show the faces' newest state.

        Args:
            readouts: All faces, ordered by id.
            chosen_id: The face the timeline shows.
        """
        shown = list(readouts)
        ids = [readout.track_id for readout in shown]
        if ids[:MAX_CARDS] != list(self._cards) or ids[MAX_CARDS:] != list(self._rows):
            self._match(shown)
        for readout in shown:
            part = self._cards.get(readout.track_id) or self._rows[readout.track_id]
            part.show_readout(readout, chosen=len(shown) > 1 and readout.track_id == chosen_id)

    def animate(self) -> None:
        """Repaint the cards whose bars still move."""
        for card in self._cards.values():
            card.animate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the cards' size anew."""
        super().resizeEvent(event)
        self._arrange()

    def _match(self, shown: list[Readout]) -> None:
        """Make, keep and remove cards and rows so that they are those of the faces, in order."""
        cards = {each.track_id: self._card(each) for each in shown[:MAX_CARDS]}
        rows = {each.track_id: self._row(each) for each in shown[MAX_CARDS:]}
        kept = {*cards.values(), *rows.values()}
        for part in (*self._cards.values(), *self._rows.values()):
            self._layout.removeWidget(part)
            if part not in kept:
                part.hide()
                part.deleteLater()
        self._layout.removeWidget(self._note)
        self._cards, self._rows = cards, rows
        self._none.setVisible(not cards)
        self._note.setVisible(bool(cards))
        for index, part in enumerate((*cards.values(), *rows.values())):
            self._layout.insertWidget(1 + index + (index > 0), part)
            if index == 0:
                self._layout.insertWidget(2, self._note)
            part.show()
        self._layout.setStretch(self._layout.count() - 1, 1 if cards else 0)
        self._arrange()

    def _card(self, readout: Readout) -> FaceCard:
        card = self._cards.get(readout.track_id)
        if card is None:
            card = FaceCard(readout, self._theme)
            card.chosen.connect(self.chosen)
        return card

    def _row(self, readout: Readout) -> _FaceRow:
        row = self._rows.get(readout.track_id)
        if row is None:
            row = _FaceRow(readout, self._theme)
            row.chosen.connect(self.chosen)
        return row

    def _arrange(self) -> None:
        """Give the cards the largest text that fits, in one column of bars if possible, else in two."""
        count = len(self._cards)
        room = self.viewport().height() - _NOTE_PX - len(self._rows) * (_ROW_PX + _GAP_PX)
        widest = max(1.0, (self.viewport().width() - 18) / (_CARD_PX - 18))
        shapes = [(scale, compact) for compact in (False, True) for scale in _SCALES if scale <= widest]
        fitting = (shape for shape in shapes if count * (FaceCard.height_for(*shape) + _GAP_PX) <= room)
        scale, compact = next(fitting, (1.0, count > 1))
        self._note.setFont(text_font(0.85 * scale))
        for card in self._cards.values():
            card.set_shape(scale, compact=compact)


class _FaceRow(QWidget):
    """One line for a face beyond the fourth."""

    chosen = Signal(int)

    def __init__(self, readout: Readout, theme: Theme) -> None:
        super().__init__()
        self._readout = readout
        self._theme = theme
        self._is_chosen = False
        self.setFixedHeight(_ROW_PX)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Face {readout.track_id}")

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_readout(self, readout: Readout, *, chosen: bool) -> None:
        self._readout, self._is_chosen = readout, chosen
        self.setAccessibleDescription(readout.spoken())
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.chosen.emit(self._readout.track_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._readout.track_id)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, readout = self._theme, self._readout
        edge = "text" if self.hasFocus() else "muted" if self._is_chosen else "line"
        painter.setPen(QPen(theme.colour(edge), 1))
        painter.setBrush(theme.colour("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)
        inner = QRectF(self.rect()).adjusted(10, 0, -10, 0)
        painter.setFont(text_font(0.95))
        painter.setPen(theme.colour("muted"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, str(readout.track_id))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, readout.age_text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(face_colour(readout))
        painter.drawEllipse(QRectF(inner.left() + 26, inner.center().y() - 4.5, 9, 9))
        painter.setPen(blend(theme.colour("muted"), theme.colour("text"), readout.confidence))
        number = "" if readout.label is None else f"  {readout.numbers[readout.label]:.2f}"
        words = inner.adjusted(44, 0, -70, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, readout.emotion_word + number)
