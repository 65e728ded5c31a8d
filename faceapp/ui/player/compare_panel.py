"""Two annotators, or one and the network, compared: one figure, and where they differ."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from faceapp.session.annotation_compare import (
    STEP_S,
    TOLERANCE_S,
    Comparison,
    Labels,
    PointMatch,
    annotator_labels,
    compare_labels,
    leave_out,
    match_points,
    moments_of,
    network_labels,
)
from faceapp.session.segments import gap_of
from faceapp.ui.player.review import EMOTION_COLUMNS, Doubles, Review
from faceapp.ui.theme import text_font

NETWORK = "\0network"
"""Stands for the network among the annotators; no name can be it."""
_ROWS = 40


class ComparePanel(QWidget):
    """Shows how two agree.

    Signals:
        sought: A time at which the two differ.
    """

    sought = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._review: Review | None = None
        self._face: int | None = None
        self._differ_s = np.empty(0)
        self.first, self.second = QComboBox(), QComboBox()
        self.figure, self.words, self.points = QLabel(), QLabel(), QLabel()
        self.pairs = QTreeWidget()
        self.next = QPushButton("Next difference")
        self._build()

    def show_review(self, review: Review, face: int | None) -> None:
        """Compare in a session.

        Args:
            review: The session.
            face: The face that the network's answers are taken of; annotations of other faces don't count.
        """
        self._review, self._face = review, face
        authors = [(author or "no name", author) for author in review.annotations.authors]
        for place, chooser in enumerate((self.first, self.second)):
            kept = chooser.currentData()
            with QSignalBlocker(chooser):
                chooser.clear()
                for text, author in (*authors, ("network", NETWORK)):
                    chooser.addItem(text, author)
                found = chooser.findData(kept) if kept is not None else -1
                chooser.setCurrentIndex(found if found >= 0 else min(place, chooser.count() - 1))
        if self.isVisible():
            self.compare()

    def compare(self) -> None:
        """Compare the two that are chosen."""
        if self._review is None:
            return
        events, span_s = self._review.annotations.events, self._review.span_s
        moments_s = moments_of(span_s)
        names = [str(chooser.currentData()) for chooser in (self.first, self.second)]
        labels = [leave_out(self._labels(name, moments_s), events, self._face, moments_s) for name in names]
        pairs = list(zip(*labels, strict=True))
        self._differ_s = np.array(
            [
                moments_s[place]
                for place, (a, b) in enumerate(pairs)
                if a is not None and b is not None and a != b and (not place or pairs[place - 1] != (a, b))
            ]
        )
        match = None if NETWORK in names else match_points(events, names[0], names[1])
        self._show(compare_labels(*labels), match)

    def seek_next(self, after_s: float) -> None:
        """Ask for the next time at which the two begin to differ."""
        later = self._differ_s[self._differ_s > after_s + STEP_S / 2]
        if len(self._differ_s):
            self.sought.emit(float(later[0] if len(later) else self._differ_s[0]))

    def showEvent(self, event: object) -> None:
        """Compare when the panel is looked at, not before."""
        self.compare()

    def _labels(self, name: str, moments_s: Doubles) -> Labels:
        assert self._review is not None
        if name != NETWORK:
            return annotator_labels(self._review.annotations.events, name, self._face, moments_s)
        if self._face is None:
            return [None] * len(moments_s)
        times_s, emotions = self._review.curve(self._face, EMOTION_COLUMNS, raw=False)
        return network_labels(times_s, emotions, moments_s, gap_of(times_s))

    def _build(self) -> None:
        form = QFormLayout()
        form.addRow("First", self.first)
        form.addRow("Second", self.second)
        self.first.setAccessibleName("First to compare")
        self.second.setAccessibleName("Second to compare")
        for chooser in (self.first, self.second):
            chooser.currentIndexChanged.connect(self.compare)
        self.figure.setFont(text_font(1.7, bold=True))
        for label in (self.words, self.points):
            label.setWordWrap(True)
            label.setProperty("muted", True)
        self.pairs.setHeaderLabels(("First", "Second", "Time"))
        self.pairs.setAccessibleName("What the two said")
        self.pairs.setRootIsDecorated(False)
        self.pairs.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        header = self.pairs.header()
        header.setStretchLastSection(False)
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.next.setToolTip("Go to the next moment at which the two begin to differ (D)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(form)
        for widget in (self.figure, self.words, self.points):
            layout.addWidget(widget)
        layout.addWidget(self.pairs, 1)
        layout.addWidget(self.next)

    def _show(self, result: Comparison, match: PointMatch | None) -> None:
        known = np.isfinite(result.kappa)
        self.figure.setText(f"κ = {result.kappa:.2f}" if known else "κ: not defined")
        self.words.setText(_sentence(result, with_network=match is None))
        self.points.setText("" if match is None else _points_sentence(match))
        self.points.setVisible(match is not None)
        self.pairs.clear()
        for (first, second), count in result.pairs[:_ROWS]:
            item = QTreeWidgetItem([first or "–", second or "–", f"{count * STEP_S:.1f} s"])
            font = text_font(1.0, bold=first != second)
            item.setFont(0, font)
            item.setFont(1, font)
            self.pairs.addTopLevelItem(item)
        self.next.setEnabled(bool(len(self._differ_s)))


def _sentence(result: Comparison, with_network: bool) -> str:
    if not result.moments:
        return "There is no moment at which both say something."
    text = (
        f"Same label in {result.agreement:.0%} of {result.moments * STEP_S:.0f} s, every {STEP_S} s a look."
    )
    if result.left_out:
        why = "excluded, or without an answer of the network" if with_network else "excluded"
        text += f" {result.left_out * STEP_S:.0f} s left out: {why}."
    if not np.isfinite(result.kappa):
        text += " One label alone agrees by chance."
    return text


def _points_sentence(match: PointMatch) -> str:
    if not match.both + match.first_only + match.second_only:
        return "Neither set points."
    offset = "" if not match.both else f", the second {match.mean_offset_s:+.2f} s on average"
    return (
        f"Points: {match.both} set by both within {TOLERANCE_S} s{offset}; "
        f"{match.first_only} by the first alone, {match.second_only} by the second alone."
    )
