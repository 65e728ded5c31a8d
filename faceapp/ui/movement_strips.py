"""The panel of movements: a strip for every action unit of the chosen face over the last 30 seconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.types import Floats, FrameResult
from faceapp.ui.history import SPAN_S
from faceapp.ui.theme import Theme, blend, text_font

STEP_S = 0.25
STRONGEST = 4.0
"""Intensity of a full strip: beyond four standard deviations a movement is simply strong."""
NOT_MEASURED = "Movements are not measured. Switch them on in Settings, or with Second opinion in the menu."
_BINS = int(SPAN_S / STEP_S)
_FACES = 8
_WIDE_PX, _WIDEST_PX = 760, 1100
_LABELS = tuple(f"{unit.title} {unit.name}" for unit in MEASURED_UNITS)


class MovementHistory:
    """The newest movements of every face in each quarter of a second, in buffers of fixed size."""

    def __init__(self) -> None:
        self.now_s = -float("inf")
        self._faces: dict[int, tuple[Floats, npt.NDArray[np.int64]]] = {}

    def add(self, result: FrameResult) -> None:
        """Take over one result; an earlier time than before starts afresh."""
        time_s = result.frame.time_s
        if time_s < self.now_s:
            self._faces.clear()
        self.now_s = time_s
        number = int(time_s / STEP_S)
        for prediction in result.predictions:
            if prediction.movements is not None:
                values, numbers = self._buffers(prediction.track_id)
                values[number % _BINS], numbers[number % _BINS] = prediction.movements, number

    def strips(self, track_id: int | None) -> Floats | None:
        """Return one face's movements, float32 (units, bins) from the oldest to now; NaN where nothing is known.

        None for a face whose movements were never measured.
        """
        found = None if track_id is None else self._faces.get(track_id)
        if found is None:
            return None
        values, numbers = found
        wanted = int(self.now_s / STEP_S) + np.arange(1 - _BINS, 1)
        places = wanted % _BINS
        return np.where((numbers[places] == wanted)[:, None], values[places], np.float32(np.nan)).T

    def clear(self) -> None:
        """Forget everything."""
        self._faces.clear()
        self.now_s = -float("inf")

    def _buffers(self, track_id: int) -> tuple[Floats, npt.NDArray[np.int64]]:
        if track_id not in self._faces:
            if len(self._faces) >= _FACES:  # the one that was seen longest ago gives way
                del self._faces[min(self._faces, key=lambda each: int(self._faces[each][1].max()))]
            values = np.full((_BINS, len(MEASURED_UNITS)), np.nan, dtype=np.float32)
            self._faces[track_id] = values, np.full(_BINS, -1)
        return self._faces[track_id]


class MovementStrips(QWidget):
    """Paints name, strip and newest number of every unit; in two or three columns where there is room.

    A strip is as bright as the movement is strong; the opposite movement leaves it empty and stands in the number.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.history = MovementHistory()
        self._theme = theme
        self._strips: Floats | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(300, 120)
        self.setAccessibleName("Movements of the face, last 30 seconds")

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """High enough for all units in two columns."""
        return QSize(900, 240)

    def show_history(self, track_id: int | None) -> None:
        """Draw one face's strips."""
        self._strips = self.history.strips(track_id)
        self.setAccessibleDescription(self.spoken())
        self.update()

    def spoken(self) -> str:
        """Return the strongest movements of now in words, for screen readers."""
        if self._strips is None:
            return NOT_MEASURED
        now = np.nan_to_num(self._strips[:, -1])
        strongest = [int(row) for row in np.argsort(-now)[:3] if now[row] >= 1]
        return ", ".join(f"{_LABELS[row]} {now[row]:.1f}" for row in strongest) or "no strong movement"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint all rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(12, 2, -12, -6)
        if self._strips is None:
            painter.setPen(self._theme.colour("muted"))
            painter.setFont(text_font(0.95))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, NOT_MEASURED)
            return
        columns = 1 + (area.width() >= _WIDE_PX) + (area.width() >= _WIDEST_PX)
        rows = -(-len(_LABELS) // columns)
        width, height = (area.width() - 28 * (columns - 1)) / columns, area.height() / rows
        scale = min(0.9, max(0.6, 0.88 * height / QFontMetricsF(text_font(0.9)).height()))
        picture = self._picture(self._strips)
        for number, label in enumerate(_LABELS):
            column, row = divmod(number, rows)
            cell = QRectF(area.left() + column * (width + 28), area.top() + row * height, width, height)
            self._paint_row(painter, cell, number, label, picture, scale)

    def _paint_row(
        self, painter: QPainter, cell: QRectF, number: int, label: str, picture: QImage, scale: float
    ) -> None:
        assert self._strips is not None
        font = text_font(scale)
        metrics = QFontMetricsF(font)
        names, numbers = (
            max(map(metrics.horizontalAdvance, _LABELS)) + 8,
            metrics.horizontalAdvance("+00.0") + 6,
        )
        painter.setFont(font)
        value = float(self._strips[number, -1])
        painter.setPen(self._theme.colour("text" if value >= 1 else "muted"))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(cell, middle | Qt.AlignmentFlag.AlignLeft, label)
        text = (
            "hidden"
            if value != value and np.isnan(self._strips[number]).all()
            else f"{round(value, 1) + 0.0:+.1f}"
        )
        painter.drawText(cell, middle | Qt.AlignmentFlag.AlignRight, "" if text == "+nan" else text)
        strip = cell.adjusted(names, cell.height() * 0.16, -numbers, -cell.height() * 0.16)
        painter.drawImage(strip, picture, QRectF(0, number, _BINS, 1))

    def _picture(self, strips: Floats) -> QImage:
        """Return all strips as one picture, a row a unit, a pixel a quarter of a second."""
        shares = np.clip(np.nan_to_num(strips) / STRONGEST, 0, 1)[:, :, None]
        ends = [
            blend(self._theme.colour("background"), self._theme.colour(name), 1.0)
            for name in ("track", "text")
        ]
        low, high = (np.array([end.red(), end.green(), end.blue()], dtype=np.float32) for end in ends)
        self._pixels = np.ascontiguousarray(np.rint(low + shares * (high - low)).astype(np.uint8))
        height, width = self._pixels.shape[:2]
        return QImage(self._pixels.data, width, height, width * 3, QImage.Format.Format_RGB888)
