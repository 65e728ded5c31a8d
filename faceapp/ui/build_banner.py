"""Above the picture while an engine is compiled for the GPU: which, how far, and a way to do without it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from faceapp.engine_builds import EngineBuild
from faceapp.ui.icons import icon_pixmap
from faceapp.ui.theme import Theme

_BAR_SIZE_PX = (160, 8)


class BuildBanner(QFrame):
    """One sentence, a bar and a button; hidden while nothing is built.

    Signals:
        cancelled: The person does not want to wait.
    """

    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("Banner")
        self._icon, self._text, self._bar = QLabel(), QLabel(), QProgressBar()
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._bar.setRange(0, 100)
        self._bar.setFixedSize(*_BAR_SIZE_PX)
        self._bar.setTextVisible(False)  # half of the number would lie on the bar's own colour
        self._bar.setAccessibleName("How much of the engine is compiled")
        self._button = QPushButton("Cancel")
        self._button.setToolTip("Read faces on the processor instead")
        self._button.clicked.connect(self._cancel)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 8, 10, 8)
        layout.setSpacing(12)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._bar)
        layout.addWidget(self._button)
        self.set_theme(theme)
        self.hide()

    @property
    def text(self) -> str:
        """The shown sentence; empty while hidden."""
        return "" if self.isHidden() else self._text.text()

    def set_theme(self, theme: Theme) -> None:
        """Change the colours."""
        self._icon.setPixmap(icon_pixmap("info", theme.text, 20, self.devicePixelRatioF()))

    def tell(self, build: EngineBuild | None) -> None:
        """Show a build, or hide when there is none."""
        if build is None:
            self._button.setEnabled(True)
            self.hide()
            return
        step = f"{build.step[:1].upper()}{build.step[1:]}"
        self._text.setText(f"Preparing {build.model} for this GPU, once: {build.share:.0%}. {step}.")
        self._bar.setValue(round(build.share * 100))
        self.show()

    def _cancel(self) -> None:
        self._button.setEnabled(False)  # the library stops at its next step
        self.cancelled.emit()
