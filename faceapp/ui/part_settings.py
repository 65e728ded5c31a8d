"""Every part of the window shows the same settings and wears the same theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faceapp.ui.choices import with_current, with_current_model
from faceapp.ui.theme import apply_theme, theme_named

if TYPE_CHECKING:
    from faceapp.ui.window import MainWindow


def show_in_parts(window: MainWindow) -> None:
    """Show the window's settings in every control that has one."""
    settings = window.settings
    window.form.fill(settings)
    window.recording.show_settings()
    window.toolbar.set_sources(with_current(window.choices.sources, settings), settings.source)
    window.toolbar.set_occlusion(settings.occlusion)
    window.status.set_models(with_current_model(window.choices.models, settings.model), settings.model)
    window.status.set_backends(window.choices.backends, settings.backend)
    window.centre.video.overlay.show_mesh = settings.show_mesh
    window.centre.video.region_tool.region = settings.region
    window.centre.video.update()


def paint_parts(window: MainWindow, name: str) -> None:
    """Change the colours of every part: "dark", "light" or "system"."""
    theme = theme_named(name)
    apply_theme(theme)
    parts = (
        window.toolbar,
        window.centre,
        window.cards,
        window.timeline,
        window.form,
        window.status,
        window.sheet,
    )
    docks = (window.faces_dock, window.timeline_dock, window.movements_dock, window.form_dock)
    for part in (*parts, window.movements, *docks):
        part.set_theme(theme)
    window.queue.set_theme(name)
    window.recording.set_theme(name)
