"""The window: lays out its parts and shows results; `controls` does what people ask for."""

from __future__ import annotations

import gc
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QIcon, QKeyEvent
from PySide6.QtWidgets import QMainWindow

from faceapp.settings import Settings
from faceapp.types import FrameResult
from faceapp.ui.annotation_live import LiveAnnotation
from faceapp.ui.audience import Audience
from faceapp.ui.background import Background
from faceapp.ui.centre import FIRST_START
from faceapp.ui.choices import Choices, find_choices
from faceapp.ui.comparing import Comparing
from faceapp.ui.controls import LIVE_SETTINGS, Controls
from faceapp.ui.fixed_region import FixedRegion
from faceapp.ui.history import History
from faceapp.ui.keys import action_of
from faceapp.ui.layout import build_parts, connect_parts
from faceapp.ui.live import Live, MakePipeline, make_live_pipeline
from faceapp.ui.memory import WindowMemory
from faceapp.ui.part_settings import paint_parts, show_in_parts
from faceapp.ui.queue.controls import QueueControls
from faceapp.ui.readout import Readout, Readouts
from faceapp.ui.recorder import Recorder
from faceapp.ui.recording_controls import RecordingControls
from faceapp.ui.screen_cover import ScreenCover
from faceapp.ui.situation import Situation
from faceapp.ui.streaming import Streaming
from faceapp.ui.theme import ICONS_DIR, apply_theme, theme_named

if TYPE_CHECKING:
    from faceapp.ui.centre import Centre
    from faceapp.ui.charts import Timeline
    from faceapp.ui.dock import Dock
    from faceapp.ui.face_cards import FaceCards
    from faceapp.ui.form import Form
    from faceapp.ui.movement_strips import MovementStrips
    from faceapp.ui.sheet import Sheet
    from faceapp.ui.status_bar import StatusBar
    from faceapp.ui.toolbar import Toolbar

TITLE = "faceapp"
SMALLEST = QSize(960, 600)
_USUAL = QSize(1320, 860)
_TICK_MS = 15
_REFRESH_MS = 250
_TIMELINE_EVERY_S, _TIMELINE_LATEST_S = 0.066, 0.1
_CLOSE_S = 30.0
"""A recording is closed within half a second as a rule; a slow disk gets this long."""


class MainWindow(QMainWindow):
    """The program's one window; its parts are made in `layout`.

    Args:
        settings: What the window starts with.
        settings_path: Where changed settings are saved; None remembers nothing.
        stored: What is saved there, where the window starts with other settings for once.
        make_pipeline: Makes the pipeline of a source.
    """

    toolbar: Toolbar
    centre: Centre
    cards: FaceCards
    timeline: Timeline
    movements: MovementStrips
    form: Form
    status: StatusBar
    sheet: Sheet
    faces_dock: Dock
    timeline_dock: Dock
    movements_dock: Dock
    form_dock: Dock

    def __init__(
        self,
        settings: Settings,
        *,
        settings_path: Path | None = None,
        stored: Settings | None = None,
        make_pipeline: MakePipeline = make_live_pipeline,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._settings_path = settings_path
        self._start, self._stored = settings, stored or settings
        self.memory = WindowMemory(None if settings_path is None else settings_path.with_name("window.ini"))
        self.background = Background(self)
        self.live = Live(self.background, make_pipeline, self)
        self.recorder = Recorder(self.background, self)
        self.readouts, self.history = Readouts(), History()
        self.audience, self.comparing, self.streaming = Audience(self), Comparing(self), Streaming(self)
        self.annotation = LiveAnnotation(self, None if settings_path is None else settings_path.parent)
        self.queue = QueueControls(self, None if settings_path is None else settings_path.parent)
        self.recording, self._cover = RecordingControls(self), ScreenCover()
        self.controls, self.fixed_region = Controls(self), FixedRegion(self)
        self._situation = Situation(self)
        self._chosen_id: int | None = None
        self._timeline_due_s = 0.0
        self.choices = Choices((), (), ())
        theme = theme_named(settings.theme)
        apply_theme(theme)
        build_parts(self, theme)
        connect_parts(self)
        self.live.opened.connect(self._opened)
        self.setWindowTitle(TITLE)
        self.setWindowIcon(QIcon(str(ICONS_DIR / "faceapp.svg")))
        self.setMinimumSize(SMALLEST)
        self.resize(_USUAL)
        self.setAcceptDrops(True)
        self.memory.restore(self)
        self.show_settings()
        self.refresh()
        self._tick = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._tick.timeout.connect(self._take)
        self._refresh = QTimer(self, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self.refresh)

    def start(self) -> None:
        """Open the source, look for what else there is, and go live."""
        if not self.memory.welcomed:
            self.centre.welcome.show_notice(FIRST_START, ("Understood", self.memory.set_welcomed), stays=True)
        self.annotation.load()
        self.controls.hide(self.settings.simulate)
        self.start_source()
        self.centre.take_focus()
        self.background.run(find_choices, self.set_choices, self.controls.complain)
        self._tick.start()
        self._refresh.start()

    def start_source(self) -> None:
        """Open the source of the settings; what ran before stops."""
        self.forget()
        self.live.open(self.settings)
        self.show_settings()
        self.refresh()

    def stop_source(self) -> None:
        """Stop and release the source."""
        self.recorder.stop()
        self.live.stop()
        self.forget()
        self.refresh()

    def forget(self) -> None:
        """Start without faces, lines and picture."""
        self.readouts.clear()
        self.history.clear()
        self.movements.history.clear()
        self._chosen_id = None
        self.centre.clear()
        self.cards.show_readouts(self.readouts, None)
        self.show_timeline()
        self.status.show_statistics(None)

    def show_result(self, result: FrameResult) -> None:
        """Show one result everywhere."""
        forced = self.settings.occlusion != "auto"
        result = self._cover.covered(result, self.settings)
        self.readouts.update(result, raw=self.settings.show_raw, forced=forced)
        self.history.add(result, raw=self.settings.show_raw)
        self.movements.history.add(result)
        self.centre.video.overlay.chosen_id = self.chosen_id if len(self.readouts) > 1 else None
        self.centre.show_result(result, self.readouts)
        self.comparing.show_newest(result.frame.time_s)
        self.cards.show_readouts(self.readouts, self.chosen_id)
        if time.perf_counter() >= self._timeline_due_s + _TIMELINE_LATEST_S:
            self.show_timeline()

    def show_timeline(self) -> None:
        """Draw the chosen face's lines."""
        self._timeline_due_s = time.perf_counter() + _TIMELINE_EVERY_S
        chosen = self.chosen_id
        of_face = "" if chosen is None else f" of face {chosen}"
        self.timeline_dock.set_title(f"Emotions{of_face}, last 30 seconds")
        if self.timeline_dock.isVisible():
            self.timeline.show_history(self.history, chosen)
        if self.movements_dock.isVisible():
            self.movements_dock.set_title(f"Movements{of_face}, last 30 seconds")
            self.movements.show_history(chosen)

    @property
    def chosen(self) -> Readout | None:
        """The face in the timeline: the one that was clicked, else the first; None while there is none."""
        clicked = None if self._chosen_id is None else self.readouts.get(self._chosen_id)
        return clicked or next(iter(self.readouts), None)

    @property
    def chosen_id(self) -> int | None:
        """Id of the face in the timeline."""
        return None if self.chosen is None else self.chosen.track_id

    def choose_face(self, track_id: int) -> None:
        """Show this face in the timeline, and explain it if anything is explained."""
        self._chosen_id = track_id
        if self.live.pipeline is not None:
            self.live.pipeline.explain_face(track_id)
        self.cards.show_readouts(self.readouts, track_id)
        self.show_timeline()

    def refresh(self) -> None:
        """Show what is going on: state, numbers, recording."""
        self._situation.refresh()

    def show_settings(self) -> None:
        """Show the settings in every control that has one."""
        show_in_parts(self)

    def set_choices(self, choices: Choices) -> None:
        """Show what can be chosen on this machine."""
        self.choices = choices
        self.show_settings()

    def set_theme(self, name: str) -> None:
        """Change the colours: "dark", "light" or "system"."""
        paint_parts(self, name)

    def remember(self) -> None:
        """Save the settings, off this thread."""
        if self._settings_path is not None:
            kept = self.settings.changed_since(self._start, self._stored)
            self.background.run(partial(kept.save, self._settings_path), failed=self.controls.complain)

    # Qt's events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key asks for."""
        if not self.controls.act(*action_of(event)):
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a file."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped file; several go into the queue."""
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if len(files) > 1:
            self.queue.add(files)
        else:
            self.controls.open_source(files[0])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop everything: the recording is closed, the threads end."""
        for mode in (self.audience, self.comparing):
            if mode.on:
                mode.toggle()
        self._tick.stop()
        self._refresh.stop()
        self.memory.save(self)
        self.recorder.stop()
        self.annotation.close()
        self.queue.worker.stop()
        self.live.stop()
        self.streaming.close()
        self.hide()
        self.queue.close()
        self.background.close(_CLOSE_S)
        super().closeEvent(event)

    def _take(self) -> None:
        result = self.live.take_result()
        if result is None:
            self.cards.animate()
            self.comparing.animate()
            if time.perf_counter() >= self._timeline_due_s and self.centre.shows_picture:
                self.show_timeline()  # between two results, so that no single turn paints everything
            return
        first = not self.centre.shows_picture
        self.show_result(result)
        if first:
            gc.freeze()  # else Python's full collection looks through all libraries and holds the window for 118 ms
            self.centre.take_focus()
            self.refresh()

    def _opened(self) -> None:
        pipeline = self.live.pipeline
        if pipeline is None:
            return
        for name in LIVE_SETTINGS:
            getattr(pipeline, f"set_{name}")(getattr(self.settings, name))
        self.controls.catch_up()
        self.streaming.follow(pipeline)
        self.refresh()
