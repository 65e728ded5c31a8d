"""What happens when a person presses something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from faceapp.pipeline import PipelineState
from faceapp.settings import STREAM_SETTINGS, for_people
from faceapp.sources.drawn_occlusion import Hidden
from faceapp.ui.about import TITLE, about_page, installed_cards
from faceapp.ui.choices import HIDINGS, LOOK_AGAIN, MODES, OPEN_ADDRESS, OPEN_FILE, find_choices
from faceapp.ui.keys import keys_page
from faceapp.ui.open_dialog import ask_path
from faceapp.ui.sentences import as_sentences
from faceapp.ui.sheet_frame import SheetFrame
from faceapp.ui.snapshot import open_folder, save_snapshot

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_FILES = (
    "Videos and pictures (*.mp4 *.mov *.avi *.mkv *.webm *.m4v *.png *.jpg *.jpeg *.bmp *.tif *.tiff *.webp)"
    ";;All files (*)"
)
LIVE_SETTINGS = (
    "smoothing",
    "landmark_smoothing",
    "occlusion",
    "region",
    "movements",
    "second_opinion",
    "explain",
)
"""What a running pipeline takes over, each by its `set_`."""
_READER_SETTINGS = ("model", "backend", "engine_threads", "labels")
_AFTER_RECORDING = "This is used when the source is opened again: a recording keeps the camera as it began."
_SOURCE_SETTINGS = ("max_faces", "mesh", "camera_width_px", "camera_height_px", "camera_rate_hz")


class Controls(QObject):
    """Turns wishes into calls of the pipeline, the recorder and the window's parts."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def act(self, action: str, text: str) -> bool:
        """Do what a key asks for.

        Args:
            action: An action of `keys.KEY_ACTIONS`.
            text: The key's own text, for the markers.

        Returns:
            False for an unknown action.
        """
        actions: dict[str, Callable[[], None]] = {
            "pause": self.toggle_pause,
            "record": self.toggle_record,
            "record_with_details": self._window.recording.toggle_with_details,
            "queue": self._window.queue.toggle,
            "snapshot": self.snapshot,
            "occlusion": self.next_occlusion,
            "hide": self.next_hiding,
            "explain": self.toggle_explain,
            "compare": self._window.comparing.toggle,
            "mesh": self.toggle_mesh,
            "marker": partial(self.mark, text),
            "note": self._window.annotation.ask_note,
            "about": self._window.annotation.toggle_about,
            "undo": self._window.annotation.undo,
            "audience": self._window.audience.toggle,
            "back": self.back,
            "keys": self.show_keys,
        }
        if action not in actions:
            return False
        actions[action]()
        return True

    # Sources

    def choose_source(self, value: str) -> None:
        """Open a source from the chooser, or ask for a file or an address."""
        if value == OPEN_FILE:
            self.ask_file()
        elif value == OPEN_ADDRESS:
            self.ask_address()
        elif value == LOOK_AGAIN:
            self.look_again()
        else:
            self.open_source(value)

    def open_source(self, source: str) -> None:
        """Open a source and remember it."""
        window = self._window
        if window.recorder.wanted:
            window.recorder.stop()
        window.settings = replace(window.settings, source=source)
        window.remember()
        window.start_source()
        window.centre.take_focus()

    def ask_file(self) -> None:
        """Ask for a video or a picture; the live picture goes on meanwhile."""
        ask_path(
            self._window,
            "Open a video or picture",
            QFileDialog.FileMode.ExistingFile,
            lambda paths: self.open_source(paths[0]),
            names=_FILES,
        )

    def ask_address(self) -> None:
        """Show the field for a web address; what runs is stopped, so that its place is free."""
        self._window.stop_source()
        self._window.centre.empty.ask_address()

    def look_again(self) -> None:
        """Look for cameras, models and back ends anew."""
        self._window.background.run(find_choices, self._window.set_choices, self.complain)

    # Running

    def toggle_run(self) -> None:
        """Start, or stop and release the source."""
        if self._window.live.state in (PipelineState.STOPPED, PipelineState.STOPPING, PipelineState.FAILED):
            self._window.start_source()
        else:
            self._window.stop_source()

    def toggle_pause(self) -> None:
        """Pause or go on."""
        self._window.live.toggle_pause()
        self._window.refresh()

    def seek(self, time_s: float) -> None:
        """Go to another time of a video, except while recording, whose clock only runs forward."""
        window = self._window
        if window.live.pipeline is not None and not window.recorder.wanted:
            window.live.pipeline.seek(time_s)

    # Recording

    def toggle_record(self) -> None:
        """Start or stop recording."""
        self._window.recording.toggle()

    def mark(self, label: str) -> None:
        """Set a marker: a flag in the timeline, and in the session while one is recorded."""
        self._window.annotation.mark(label)

    def snapshot(self) -> None:
        """Save the picture with what is drawn on it."""
        window = self._window
        picture = window.centre.video.snapshot()
        if picture is None:
            return
        folder = window.settings.sessions_dir / "snapshots"
        window.background.run(
            partial(save_snapshot, picture, folder),
            lambda path: window.centre.notice.show_notice(
                f"Picture saved as {path.name}", ("Open folder", partial(open_folder, folder))
            ),
            self.complain,
        )

    def tell_saved(self, folder: Path, dropped: int, error: str) -> None:
        """Say where a session was saved, or what went wrong with it."""
        open_it = ("Open folder", partial(open_folder, folder))
        lost = f", without {dropped} frames that the disk was too slow for" if dropped else ""
        if error:
            there = folder.exists()
            kept = f"What was recorded lies in {folder}." if there else "What was recorded is gone with it."
            self._window.centre.problem.show_error(as_sentences(error, kept), *([open_it] if there else []))
        else:
            review = ("Review", lambda: self._window.annotation.show_session(folder))
            text = f"Session saved in {folder}{lost}"
            self._window.centre.notice.show_notice(text, review, open_it, stays=True)

    def warn_disk(self, free_bytes: int, folder: Path) -> None:
        """Say that the disk is nearly full."""
        text = f"Only {free_bytes / 1e9:.1f} GB left for {folder}: stop recording, or make room."
        self._window.centre.problem.show_error(text)

    # Choices

    def change(self, name: str, value: Any) -> None:
        """Change one setting, here and in what runs."""
        window = self._window
        try:
            settings = replace(window.settings, **{name: value})
        except ValueError as error:
            self.complain(for_people(name, error))
            window.form.fill(window.settings)
            return
        if settings == window.settings:
            return
        window.settings = settings
        window.remember()
        window.show_settings()
        self._pass_on(name, value)

    def _pass_on(self, name: str, value: Any) -> None:
        live = self._window.live
        if name in ("cover_on_screen", "record_faces"):
            self._window.comparing.follow_cover()
        if name == "theme":
            self._window.set_theme(value)
        elif name in STREAM_SETTINGS:
            self._window.streaming.use()
        elif name in _SOURCE_SETTINGS and self._window.recorder.wanted:
            self._window.centre.notice.show_notice(_AFTER_RECORDING)
        elif name in _SOURCE_SETTINGS and live.pipeline is not None:
            self._window.start_source()
        elif name in _READER_SETTINGS:
            live.change_reader(self._window.settings)
        elif live.pipeline is not None and name in LIVE_SETTINGS:
            getattr(live.pipeline, f"set_{name}")(value)

    def catch_up(self) -> None:
        """Change to the model and back end that were chosen while the source was being opened."""
        asked, settings = self._window.live.asked, self._window.settings
        if any(getattr(asked, name) != getattr(settings, name) for name in _READER_SETTINGS):
            self._window.live.change_reader(settings)

    def next_occlusion(self) -> None:
        """Take the next occlusion mode."""
        modes = [mode for mode, _, _ in MODES]
        self.change("occlusion", modes[(modes.index(self._window.settings.occlusion) + 1) % len(modes)])

    def hide(self, what: Hidden) -> None:
        """Draw something on every face."""
        self._window.live.hiding.what = what
        if not self._window.recorder.wanted:
            self._window.live.read_again()
        self._window.toolbar.set_hiding(what)
        self._window.comparing.follow_hiding(what)
        self._window.centre.take_focus()

    def next_hiding(self) -> None:
        """Draw the next thing: a headset, a mask, nothing."""
        values = [value for value, _ in HIDINGS]
        self.hide(values[(values.index(self._window.live.hiding.what) + 1) % len(values)])

    def toggle_mesh(self) -> None:
        """Show or hide the mesh."""
        self.change("show_mesh", not self._window.settings.show_mesh)

    def toggle_explain(self) -> None:
        """Show what the emotion rests on, or no more of any task."""
        self.change("explain", "emotion" if self._window.settings.explain == "off" else "off")

    def toggle_form(self) -> None:
        """Show or hide the settings."""
        self._window.form_dock.setVisible(not self._window.form_dock.isVisible())

    # Pages and messages

    def show_keys(self) -> None:
        """Show or hide the page of keys."""
        self._window.sheet.show_rows("Keys", keys_page())

    def show_about(self) -> None:
        """Show what this program is, with the cards of the models."""
        self._window.background.run(
            installed_cards,
            lambda cards: self._window.sheet.show_rows(TITLE, about_page(cards)),
            self.complain,
        )

    def back(self) -> None:
        """Close what lies on top: a page, full screen, a message."""
        window = self._window
        sheets = [sheet for sheet in window.findChildren(SheetFrame) if sheet.isVisible()]
        if sheets:
            sheets[-1].hide()
        elif window.fixed_region.drawing:
            window.fixed_region.cancel()
        elif window.audience.on:
            window.audience.toggle()
        elif window.comparing.on:
            window.comparing.toggle()
        else:
            shown = [banner for banner in (window.centre.problem, window.centre.notice) if banner.isVisible()]
            for banner in shown[:1]:
                banner.dismiss()

    def complain(self, problem: object) -> None:
        """Show an error's sentence until it is dismissed."""
        self._window.centre.problem.show_error(str(problem))
