"""Builds the window's parts, puts them in place and joins them to what they control."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from faceapp.ui.centre import Centre
from faceapp.ui.charts import Timeline
from faceapp.ui.dock import Dock
from faceapp.ui.face_cards import FaceCards
from faceapp.ui.form import Form
from faceapp.ui.menu import fill_menu
from faceapp.ui.model_folder import choose_model
from faceapp.ui.movement_strips import MovementStrips
from faceapp.ui.recording_step import KEPT
from faceapp.ui.sheet import Sheet
from faceapp.ui.status_bar import StatusBar
from faceapp.ui.theme import Theme
from faceapp.ui.toolbar import Toolbar

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_FACES_WIDTH_PX = 390
_TIMELINE_HEIGHT_PX = 180
FORM_GROUPS = (
    ("Reading", ("smoothing", "show_raw", "landmark_smoothing", "max_faces", "mesh", "engine_threads")),
    ("Movements", ("movements", "second_opinion")),
    ("Own labels", ("labels",)),
    ("Picture", ("show_mesh", "explain", "theme")),
    ("Camera", ("camera_width_px", "camera_height_px", "camera_rate_hz")),
    ("Recording", (*KEPT, "sessions_dir", "shared_recordings")),
    ("Other programs", ("lsl", "lsl_network", "lsl_markers", "osc", "osc_target", "osc_avatar")),
)
"""Headlines of the form with the settings below each; the other settings have choosers of their own."""


def build_parts(window: MainWindow, theme: Theme) -> None:
    """Make the parts and put them where they belong."""
    window.toolbar = Toolbar(theme, window)
    window.addToolBar(window.toolbar)
    window.centre = Centre(theme, window.controls.open_source)
    window.setCentralWidget(window.centre)
    window.cards, window.timeline = FaceCards(theme), Timeline(theme)
    window.movements = MovementStrips(theme)
    window.form = Form(window.settings, FORM_GROUPS, theme)
    window.faces_dock = Dock("faces", "Faces", window.cards, theme, window)
    window.timeline_dock = Dock("timeline", "Timeline", window.timeline, theme, window)
    window.movements_dock = Dock("movements", "Movements", window.movements, theme, window)
    window.form_dock = Dock("settings", "Settings", window.form, theme, window)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, window.faces_dock)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, window.timeline_dock)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, window.form_dock)
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, window.movements_dock)
    window.tabifyDockWidget(window.timeline_dock, window.movements_dock)
    window.movements_dock.hide()
    window.form_dock.hide()
    window.resizeDocks([window.faces_dock], [_FACES_WIDTH_PX], Qt.Orientation.Horizontal)
    window.resizeDocks([window.timeline_dock], [_TIMELINE_HEIGHT_PX], Qt.Orientation.Vertical)
    window.status = StatusBar(theme, window)
    window.setStatusBar(window.status)
    window.sheet = Sheet(theme, window)
    fill_menu(window)


def connect_parts(window: MainWindow) -> None:
    """Join every part's signals to what they ask for."""
    controls, toolbar, recorder = window.controls, window.toolbar, window.recorder
    toolbar.source_chosen.connect(controls.choose_source)
    toolbar.occlusion_chosen.connect(partial(controls.change, "occlusion"))
    toolbar.hiding_chosen.connect(controls.hide)
    toolbar.compare_clicked.connect(window.comparing.toggle)
    toolbar.run_clicked.connect(controls.toggle_run)
    toolbar.pause_clicked.connect(controls.toggle_pause)
    toolbar.record_clicked.connect(controls.toggle_record)
    toolbar.snapshot_clicked.connect(controls.snapshot)
    toolbar.queue_clicked.connect(window.queue.toggle)
    toolbar.settings_button.clicked.connect(controls.toggle_form)
    window.status.model_chosen.connect(partial(choose_model, window))
    window.centre.build.cancelled.connect(window.live.builds.cancel)
    window.status.backend_chosen.connect(partial(controls.change, "backend"))
    window.form.changed.connect(controls.change)
    window.cards.chosen.connect(window.choose_face)
    window.centre.video.face_chosen.connect(window.choose_face)
    window.centre.video.region_drawn.connect(window.fixed_region.take)
    window.centre.seek_bar.sought.connect(controls.seek)
    window.live.refused.connect(controls.complain)
    recorder.started.connect(window.refresh)
    recorder.saved.connect(controls.tell_saved)
    recorder.refused.connect(controls.complain)
    recorder.disk_low.connect(controls.warn_disk)
