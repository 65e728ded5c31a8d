"""A chart: one or several columns of one face over time, in step with the picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QResizeEvent
from PySide6.QtWidgets import QComboBox, QToolButton, QWidget

from faceapp.session.annotations import Event
from faceapp.session.segments import gap_of
from faceapp.session.table import COLUMNS
from faceapp.tracking.action_units import MEASURED_UNITS
from faceapp.ui.icons import icon
from faceapp.ui.player.curves import thin, value_range
from faceapp.ui.player.review import EMOTION_COLUMNS, Review
from faceapp.ui.player.strip import GUTTER_PX, Strip
from faceapp.ui.player.time_view import TimeView
from faceapp.ui.theme import EMOTION_QCOLOURS, Theme, blend

Doubles = npt.NDArray[np.float64]
EMOTIONS_TOGETHER = "emotions"
CHOSEN_FACE = -1
_FRACTION_BITS = 4
_LABEL_PX = 40
_NOT_SHOWN = ("frame", "face_id", "time_s", "utc", "occlusion", "model", "second_opinion")
_UNITS = {unit.column: f"{unit.title} {unit.name}" for unit in MEASURED_UNITS}


def chart_columns() -> tuple[tuple[str, str], ...]:
    """Return what a chart can show, as (name, text): the emotions together, then every column of numbers."""
    single = [name for name in COLUMNS if name not in _NOT_SHOWN and not name.endswith("_raw")]
    return ((EMOTIONS_TOGETHER, "all emotions"), *((name, column_text(name)) for name in single))


def column_text(name: str) -> str:
    """Return a column's name for people, with its unit: "age (years)"."""
    if name in _UNITS:
        return _UNITS[name]
    stem, _, unit = name.rpartition("_")
    if unit in ("px", "deg", "years", "ms"):
        return f"{stem.replace('_', ' ')} ({unit})"
    return name.removeprefix("p_").replace("_", " ")


@dataclass(slots=True)
class _Curves:
    """What a chart draws."""

    times_s: Doubles = field(default_factory=lambda: np.empty(0))
    values: Doubles = field(default_factory=lambda: np.empty((0, 1)))
    colours: tuple[QColor, ...] = ()
    limits: tuple[float, float] = (0.0, 1.0)


class Chart(Strip):
    """Lines over the time view, with choosers in the gutter.

    Signals:
        closed: Its cross was clicked.
    """

    closed = Signal()

    def __init__(self, view: TimeView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(view, theme, parent)
        self._review: Review | None = None
        self._chosen: int | None = None
        self._raw = False
        self._curves = _Curves()
        self._excluded: list[tuple[float, float]] = []
        self._picture: QImage | None = None
        self._column = self._chooser("Column of the chart")
        for name, text in chart_columns():
            self._column.addItem(text, name)
        self._face = self._chooser("Face of the chart")
        self._cross = QToolButton(self)
        self._cross.setProperty("flat", True)
        self._cross.setToolTip("Take this chart away")
        self._cross.setAccessibleName("Take this chart away")
        self._cross.clicked.connect(self.closed)
        for chooser in (self._column, self._face):
            chooser.currentIndexChanged.connect(self.refresh)
        self.setMinimumHeight(68)
        self.setAccessibleName("Chart")
        self.set_theme(theme)

    @property
    def column(self) -> str:
        """Name of the column shown, or `EMOTIONS_TOGETHER`."""
        return str(self._column.currentData())

    @property
    def face(self) -> int | None:
        """The face shown; None when there is none."""
        data = self._face.currentData()
        return self._chosen if data in (None, CHOSEN_FACE) else int(data)

    @property
    def points(self) -> tuple[Doubles, Doubles]:
        """Times (N,) and values (N, K) of the whole session that are drawn from."""
        return self._curves.times_s, self._curves.values

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._cross.setIcon(icon("close", theme, 12))
        super().set_theme(theme)

    def show_column(self, name: str) -> None:
        """Show another column."""
        self._column.setCurrentIndex(self._column.findData(name))

    def show_face(self, face: int) -> None:
        """Show one face whatever is chosen elsewhere; `CHOSEN_FACE` follows the choice again."""
        self._face.setCurrentIndex(max(self._face.findData(face), 0))

    def set_closable(self, closable: bool) -> None:
        """Show or hide the cross."""
        self._cross.setVisible(closable)

    def show_review(self, review: Review, chosen: int | None, raw: bool) -> None:
        """Show a session.

        Args:
            review: The session.
            chosen: The face that is chosen in the list of faces; None while that one is left out.
            raw: Take the values before smoothing.
        """
        self._review, self._chosen, self._raw = review, chosen, raw
        kept = self._face.currentData()
        with QSignalBlocker(self._face):
            self._face.clear()
            self._face.addItem("chosen face", CHOSEN_FACE)
            for name in review.table.label_names():
                if self._column.findData(name) < 0:
                    self._column.addItem(column_text(name), name)
            for person in review.persons():
                if person not in review.faces.excluded:
                    self._face.addItem(review.faces.name_of(person), person)
            self._face.setCurrentIndex(max(self._face.findData(kept), 0))
        self.refresh()

    def show_excluded(self, events: tuple[Event, ...]) -> None:
        """Shade the stretches that are left out."""
        self._excluded = [(event.start, event.end) for event in events if event.kind == "exclude"]
        self.content_changed()

    def refresh(self) -> None:
        """Read the chosen column and draw it."""
        self._curves = self._read()
        name, face = self._column.currentText(), self._face.currentText()
        self.setAccessibleName(f"Chart of {name}, {face}")
        self._range_changed()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(640, 110)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the choosers into the gutter."""
        width = GUTTER_PX - _LABEL_PX - 18
        self._column.setGeometry(10, 6, width, 26)
        self._face.setGeometry(10, 36, width, 26)
        self._cross.setGeometry(width + 14, 8, 22, 22)
        super().resizeEvent(event)

    def paint_content(self, painter: QPainter) -> None:
        """Paint the lines, the scale and what is left out."""
        area = self.area
        ratio = self.devicePixelRatioF()
        if self._picture is None:
            self._picture = self._draw(round(area.width() * ratio), round(area.height() * ratio), ratio)
        painter.drawImage(area, self._picture)
        for start_s, end_s in self._excluded:
            left, right = max(self.x_of(start_s), area.left()), min(self.x_of(end_s), area.right())
            if right > left:
                place = QRectF(left, 0, right - left, area.height())
                painter.fillRect(place, QColor(128, 128, 128, 60))
                painter.fillRect(place, _hatching(self._theme))
        painter.setPen(self._theme.colour("muted"))
        low, high = self._curves.limits
        for value in _scale(low, high):
            y = self._y_of(value, area.height())
            place = QRectF(GUTTER_PX - _LABEL_PX - 6, min(max(y - 8, 0), area.height() - 16), _LABEL_PX, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        if not len(self._curves.times_s):
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "no values")

    def _chooser(self, name: str) -> QComboBox:
        chooser = QComboBox(self)
        chooser.setAccessibleName(name)
        chooser.setProperty("small", True)
        chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        chooser.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return chooser

    def _read(self) -> _Curves:
        review, face = self._review, self.face
        if review is None or face is None:
            return _Curves()
        together = self.column == EMOTIONS_TOGETHER
        columns = EMOTION_COLUMNS if together else (self.column,)
        times_s, values = review.curve(face, columns, self._raw)
        chance = self.column.startswith("p_") or together or self.column == "score"
        colours = EMOTION_QCOLOURS if together else (self._colour_of(self.column),)
        return _Curves(times_s, values, colours, (-0.04, 1.04) if chance else value_range(values))

    def _colour_of(self, column: str) -> QColor:
        places = dict(zip(EMOTION_COLUMNS, EMOTION_QCOLOURS, strict=True))
        return places.get(column, self._theme.colour("text"))

    def _range_changed(self) -> None:
        self._picture = None
        self.content_changed()

    def _y_of(self, value: float, height: float) -> float:
        low, high = self._curves.limits
        return (high - value) / (high - low) * height

    def _draw(self, width: int, height: int, ratio: float) -> QImage:
        """Draw the lines with OpenCV, which is several times faster than Qt at it."""
        ground = self._theme.colour("surface")
        picture = np.empty((max(height, 1), max(width, 1), 3), dtype=np.uint8)
        picture[:] = _rgb(ground)
        grid = _rgb(blend(ground, self._theme.colour("line"), 0.7))
        for value in _scale(*self._curves.limits):
            picture[min(max(round(self._y_of(value, height)), 0), height - 1)] = grid
        if len(self._curves.times_s):
            self._draw_lines(picture, ratio)
        drawn: QImage = QImage(picture.data, width, height, width * 3, QImage.Format.Format_RGB888).copy()
        return drawn

    def _draw_lines(self, picture: npt.NDArray[np.uint8], ratio: float) -> None:
        height, width = picture.shape[:2]
        curves = self._curves
        times_s, values = thin(
            curves.times_s, curves.values, self._view.range_s, width, gap_of(curves.times_s)
        )
        scale = 1 << _FRACTION_BITS
        x = np.rint((times_s - self._view.range_s[0]) / self._view.length_s * width * scale)
        y = np.rint(np.clip(self._y_of(values, height), -height, 2 * height) * scale)  # type: ignore[arg-type]
        x = np.clip(x, -(1 << 28), 1 << 28)
        draw = partial(cv2.polylines, picture, isClosed=False, lineType=cv2.LINE_AA, shift=_FRACTION_BITS)
        colours = self._curves.colours
        if len(colours) == 1:
            colours = (self._colour_of(self.column),)
        for column, colour in enumerate(colours):
            for start, stop in _runs(values[:, column]):
                points = np.stack([x[start:stop], y[start:stop, column]], axis=1).astype(np.int32)
                if len(points) == 1:  # a single row between two gaps still shows
                    points = np.repeat(points, 2, axis=0) + np.array([[0, 0], [scale, 0]], dtype=np.int32)
                draw(pts=[points], color=_rgb(colour), thickness=max(1, round(1.4 * ratio)))


def _runs(values: Doubles) -> list[tuple[int, int]]:
    """Return start and stop of every stretch without a gap."""
    edges = np.flatnonzero(np.diff(np.isfinite(values), prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _scale(low: float, high: float) -> tuple[float, ...]:
    """Return the values to write beside a chart: 0, 0.5 and 1 for probabilities, else three round ones."""
    if (low, high) == (-0.04, 1.04):
        return (0.0, 0.5, 1.0)
    span = high - low
    step = 10 ** np.floor(np.log10(span / 2)) if span > 0 else 1.0
    step *= next((factor for factor in (5, 2.5, 2, 1) if span / (factor * step) >= 2), 1)
    first = np.ceil(low / step)
    return tuple(
        round(float((first + number) * step), 10) + 0.0
        for number in range(5)
        if (first + number) * step <= high
    )


def _hatching(theme: Theme) -> object:
    from PySide6.QtGui import QBrush

    colour = theme.colour("muted")
    colour.setAlpha(90)
    return QBrush(colour, Qt.BrushStyle.BDiagPattern)


def _rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()
