"""The line at the foot: speed, delay, drops, model and back end with their choosers, and where data stay."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QLabel, QMenu, QStatusBar, QToolButton, QWidget

from faceapp.pipeline import PipelineStatistics
from faceapp.streams.feed import StreamState
from faceapp.ui.choices import OPEN_MODEL, Choice
from faceapp.ui.elided_label import ElidedLabel
from faceapp.ui.icons import icon_pixmap
from faceapp.ui.theme import Theme, text_font

_HEIGHT_PX = 26
LOCAL_ONLY = "local only, nothing leaves this computer"
LOCAL_STREAMS = "local only"
LEAVES = "values leave this computer"
_STAGES = {
    "decode": "decoding",
    "track": "tracking",
    "crop": "cropping",
    "infer": "network",
    "smooth": "smoothing",
}


class StatusBar(QStatusBar):
    """Numbers of the pipeline at the left, choosers in the middle, the promise at the right.

    Signals:
        model_chosen: A model's name or folder, "auto", or `choices.OPEN_MODEL`.
        backend_chosen: A back end's name, or "auto".
    """

    model_chosen = Signal(str)
    backend_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setFixedHeight(_HEIGHT_PX)
        self.setContentsMargins(10, 0, 12, 0)
        self._rate, self._delay, self._dropped = (QLabel() for _ in range(3))
        for label, name in ((self._rate, "Rate"), (self._delay, "Delay"), (self._dropped, "Dropped frames")):
            label.setFont(text_font(0.92))
            label.setAccessibleName(name)
            label.setContentsMargins(2, 0, 12, 0)
            self.addWidget(label)
        self._model = _Chooser("Model", self.model_chosen)
        self._backend = _Chooser("Back end", self.backend_chosen)
        self.addWidget(self._model)
        self.addWidget(self._backend)
        self._streams = ElidedLabel()
        self._streams.setFont(text_font(0.92))
        self._streams.setAccessibleName("Streams")
        self._streams.setContentsMargins(8, 0, 8, 0)
        self.addWidget(self._streams, 1)
        self._lock = QLabel()
        self._local = QLabel(LOCAL_ONLY)
        self._local.setFont(text_font(0.92))
        self._local.setProperty("muted", True)
        self._local.setToolTip("Pictures are read on this computer; they are stored only while you record")
        self.addPermanentWidget(self._lock)
        self.addPermanentWidget(self._local)
        self.show_statistics(None)
        self.show_engines("", "")
        self.show_streams(())
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._lock.setPixmap(icon_pixmap("lock", theme.muted, 14, self.devicePixelRatioF()))

    def show_statistics(self, statistics: PipelineStatistics | None) -> None:
        """Show the pipeline's numbers over the last 5 s, or that there are none."""
        if statistics is None or math.isnan(statistics.capture_to_result_p50_ms):
            for label, text in ((self._rate, "– fps"), (self._delay, "– ms"), (self._dropped, "0 dropped")):
                label.setText(text)
            return
        p50_ms, p95_ms = statistics.capture_to_result_p50_ms, statistics.capture_to_result_p95_ms
        self._rate.setText(f"{statistics.frames_per_second:.0f} fps")
        self._rate.setToolTip(f"{statistics.captured} captured, {statistics.analysed} read")
        self._delay.setText(f"{p50_ms:.0f} ms (p95 {p95_ms:.0f})")
        stages = [
            f"{name} {statistics.stage_p50_ms[stage]:.1f} ms"
            for stage, name in _STAGES.items()
            if stage in statistics.stage_p50_ms
        ]
        self._delay.setToolTip("\n".join(["From capture to result: median (95th percentile)", *stages]))
        self._dropped.setText(f"{statistics.dropped} dropped")
        self._dropped.setToolTip("Pictures passed over because a newer one was there")

    def show_streams(self, states: Sequence[StreamState]) -> None:
        """Show what goes out to other programs and comes in; nothing while all streams are off."""
        self._streams.setVisible(bool(states))
        self._streams.setText("   ".join(state.text for state in states))
        self._streams.setToolTip(
            "\n".join(f"{state.text}: {state.problem or state.detail}" for state in states)
        )
        leaves = any(state.leaves for state in states)
        self._local.setText(LEAVES if leaves else LOCAL_STREAMS if states else LOCAL_ONLY)
        self._lock.setVisible(not leaves)

    def show_engines(self, model: str, backend: str) -> None:
        """Show the model and the back end in use; empty while they are not known."""
        self._model.setText(f"{model or 'Model'} ▾")
        self._backend.setText(f"{backend or 'Back end'} ▾")

    def set_models(self, models: Sequence[Choice], current: str) -> None:
        """Fill the chooser of models, and of a folder of one's own."""
        self._model.set_choices(models, current)
        self._model.add_action(
            OPEN_MODEL, "Model folder…", "A model that was trained with python -m training"
        )

    def set_backends(self, backends: Sequence[Choice], current: str) -> None:
        """Fill the chooser of back ends."""
        self._backend.set_choices(backends, current)


class _Chooser(QToolButton):
    """Flat text that opens a menu; what is absent is greyed out with the reason in its tooltip."""

    def __init__(self, what: str, chosen: SignalInstance) -> None:
        super().__init__()
        self._what, self._chosen = what, chosen
        self.setProperty("flat", True)
        self.setFont(text_font(0.92))
        self.setToolTip(what)
        self.setAccessibleName(what)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)
        self._group: QActionGroup | None = None

    def set_choices(self, choices: Sequence[Choice], current: str) -> None:
        self._menu.clear()
        self._group = QActionGroup(self._menu)
        for choice in choices:
            entry = QAction(choice.text, self._menu)
            entry.setCheckable(True)
            entry.setChecked(choice.value == current)
            entry.setEnabled(not choice.reason)
            entry.setToolTip(choice.reason or choice.text)
            entry.triggered.connect(lambda _=False, value=choice.value: self._chosen.emit(value))
            self._group.addAction(entry)
            self._menu.addAction(entry)
            if entry.isChecked():
                self.setToolTip(f"{self._what}: {choice.text}")

    def add_action(self, value: str, text: str, explained: str) -> None:
        """Add an entry, behind a line, that asks for more before anything is chosen."""
        self._menu.addSeparator()
        entry = QAction(text, self._menu)
        entry.setToolTip(explained)
        entry.triggered.connect(lambda: self._chosen.emit(value))
        self._menu.addAction(entry)
