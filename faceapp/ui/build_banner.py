"""Above the picture while an engine is compiled for the GPU: which, how far, and a way to do without it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QPushButton, QWidget

from faceapp.pipeline.engine_builds import EngineBuild
from faceapp.ui.banner_frame import BannerFrame
from faceapp.ui.theme import Theme

_BAR_SIZE_PX = (160, 8)


class BuildBanner(BannerFrame):
    """One sentence, a bar and a button; hidden while nothing is built.

    Signals:
        cancelled: The person does not want to wait.
    """

    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._bar = QProgressBar()
        self._bar.setRange(0, 100)
        self._bar.setFixedSize(*_BAR_SIZE_PX)
        self._bar.setTextVisible(False)  # half of the number would lie on the bar's own colour
        self._bar.setAccessibleName("How much of the engine is compiled")
        self._button = QPushButton("Cancel")
        self._button.setToolTip("Read faces on the processor instead")
        self._button.clicked.connect(self._cancel)
        self._layout.addWidget(self._bar)
        self._layout.addWidget(self._button)
        self.set_theme(theme)
        self.hide()

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
