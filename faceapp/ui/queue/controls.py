"""What happens when a person uses the queue; its work is done by `faceapp.batch`, as for the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from faceapp.batch.options import QueueOptions
from faceapp.batch.processes import JobPool
from faceapp.batch.queue import QUEUE_FILE, Queue
from faceapp.batch.queue_items import Look
from faceapp.batch.worker import MakePool, QueueWorker
from faceapp.errors import SessionError, SourceError
from faceapp.session.study import session_folders, study_rows, write_study
from faceapp.sources.file_suffixes import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from faceapp.ui.background import Background
from faceapp.ui.banner import Banner
from faceapp.ui.open_dialog import ask_path
from faceapp.ui.queue.sheet import QueueSheet
from faceapp.ui.snapshot import open_folder
from faceapp.ui.theme import theme_named

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow

_LOOK_MS = 200
_CLOSE_S = 30.0


class QueueControls(QObject):
    """Shows the queue over the window and turns wishes into its changes.

    Args:
        window: The live window.
        folder: Where the queue is kept; None keeps it in memory only.
        make_pool: Makes the processes.

    Attributes:
        queue: The inputs.
        worker: What works them off.
        sheet: The page; None before it was first shown.
    """

    def __init__(self, window: MainWindow, folder: Path | None, make_pool: MakePool = JobPool) -> None:
        super().__init__(window)
        self._window = window
        self.queue = Queue(None if folder is None else folder / QUEUE_FILE)
        self.queue.options = QueueOptions(out=window.settings.sessions_dir)
        self.worker = QueueWorker(self.queue, make_pool)
        self.sheet: QueueSheet | None = None
        self._background: Background | None = None
        self._told = ""
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self.refresh)

    def toggle(self) -> None:
        """Show the queue, or hide it; what runs goes on."""
        if self.sheet is not None and self.sheet.isVisible():
            self.sheet.hide()
        else:
            self.show()

    def show(self) -> QueueSheet:
        """Show the queue."""
        problem = ""
        if self.sheet is None:
            problem = self._load()
            self.sheet = self._make_sheet()
        self.sheet.open()
        self.refresh()
        self._look.start()
        if problem:
            self._complain(problem)
        return self.sheet

    def add(self, texts: Sequence[str]) -> None:
        """Add files and folders; returns at once."""
        self.show()
        self._later(partial(self.queue.add, list(texts)))

    def ask_files(self) -> None:
        """Ask for files to add."""
        patterns = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES | PICTURE_SUFFIXES))
        ask_path(
            self._window,
            "Add videos and pictures",
            QFileDialog.FileMode.ExistingFiles,
            self.add,
            names=f"Videos and pictures ({patterns});;All files (*)",
        )

    def ask_folder(self) -> None:
        """Ask for a folder to add."""
        ask_path(self._window, "Add a folder of videos or pictures", QFileDialog.FileMode.Directory, self.add)

    def toggle_run(self) -> None:
        """Start, or stop all; what was stopped waits again."""
        if self.worker.working:
            self.worker.stop()
        else:
            self._told = ""
            self.worker.start(self._window.settings)
            self._look.start()
        self.refresh()

    def change_option(self, name: str, value: Any) -> None:
        """Change one option for what waits."""
        try:
            options = replace(self.queue.options, **{name: value})
            clip = options.clip
        except (ValueError, SourceError) as error:
            self._complain(error)
            self._fill_form()
            return
        assert clip is not None
        self._later(partial(self.queue.set_options, options))

    def review(self) -> None:
        """Show the chosen input's session in the player."""
        for item in self._chosen()[:1]:
            if item.folder is not None:
                self._window.annotation.show_session(item.folder)

    def cancel(self) -> None:
        """Cancel the chosen inputs."""
        for item in self._chosen():
            self.queue.cancel(item.number)
        self.refresh()

    def again(self) -> None:
        """Let the chosen inputs wait again."""
        self._later(partial(self.queue.again, [item.number for item in self._chosen()]))

    def take_out(self) -> None:
        """Take the chosen inputs out."""
        self._later(partial(self.queue.take_out, [item.number for item in self._chosen()]))

    def write_study(self) -> None:
        """Write the study tables over all sessions in the folder."""
        out = self.queue.options.out
        self._run(partial(_write_study, out), partial(self._tell_study, out))

    def refresh(self) -> None:
        """Show how far it is; stops looking once nothing changes by itself."""
        look = self.queue.look()
        working = self.worker.working
        if self.sheet is not None and self.sheet.isVisible():
            self.sheet.show_look(replace(look, working=working), self.worker.stopping)
        self._window.toolbar.set_queue(look.share if working else None, look.count("failed"))
        if not working:
            self._look.stop()
            self._tell_end(look)

    def close(self) -> None:
        """Stop; sessions that run are closed and go on at the next start."""
        self._look.stop()
        self.worker.close(_CLOSE_S)
        if self._background is not None:
            self._background.close(_CLOSE_S)

    def set_theme(self, name: str) -> None:
        """Change the colours: "dark", "light" or "system"."""
        if self.sheet is not None:
            self.sheet.set_theme(theme_named(name))

    def _load(self) -> str:
        try:
            self.queue.load()
        except SessionError as error:
            return str(error)
        return ""

    def _make_sheet(self) -> QueueSheet:
        models = [choice.value for choice in self._window.choices.models if not choice.reason] or ["auto"]
        if self.queue.options.model not in models:
            models.append(self.queue.options.model)
        sheet = QueueSheet(self.queue.options, models, theme_named(self._window.settings.theme), self._window)
        sheet.dropped.connect(self.add)
        sheet.option_changed.connect(self.change_option)
        sheet.selected.connect(sheet.show_chosen)
        sheet.closed.connect(self._window.centre.take_focus)
        for button, act in (
            (sheet.add_files, self.ask_files),
            (sheet.add_folder, self.ask_folder),
            (sheet.review, self.review),
            (sheet.again, self.again),
            (sheet.cancel, self.cancel),
            (sheet.remove, self.take_out),
            (sheet.study, self.write_study),
            (sheet.run, self.toggle_run),
        ):
            button.clicked.connect(lambda _=False, act=act: act())
        return sheet

    def _fill_form(self) -> None:
        if self.sheet is not None:
            self.sheet.form.fill(self.queue.options)

    def _chosen(self) -> list[Any]:
        return [] if self.sheet is None else self.sheet.chosen()

    def _later(self, change: Any) -> None:
        """Change the queue off this thread, which reads files, then show it."""
        self._run(change, lambda _: self.refresh())

    def _run(self, job: Any, done: Any) -> None:
        if self._background is None:
            self._background = Background(self)
        self._background.run(job, done, self._failed)

    def _failed(self, error: Exception) -> None:
        self._complain(error)
        self._fill_form()
        self.refresh()

    def _banner(self) -> Banner:
        """Return where messages are seen: on the page, else in the window."""
        shown = self.sheet is not None and self.sheet.isVisible()
        return self.sheet.message if shown and self.sheet is not None else self._window.centre.notice

    def _complain(self, problem: object) -> None:
        self._banner().show_error(str(problem))

    def _tell_end(self, look: Look) -> None:
        if self.worker.problem and self.worker.problem != self._told:
            self._told = self.worker.problem
            self._complain(self.worker.problem)

    def _tell_study(self, out: Path, answer: tuple[list[Path], list[str]]) -> None:
        paths, problems = answer
        names = " and ".join(path.name for path in paths)
        left_out = f" {len(problems)} sessions could not be read: {problems[0]}" if problems else ""
        self._banner().show_notice(
            f"{names} written to {out}.{left_out}", ("Open folder", partial(open_folder, out)), stays=True
        )


def _write_study(out: Path) -> tuple[list[Path], list[str]]:
    problems: list[str] = []
    return write_study(study_rows(session_folders(out), problems), out), problems
