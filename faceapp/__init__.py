"""The program: sources, tracking, analysis, sessions, window and command lines; and what it offers to Python.

    import faceapp
    for face in faceapp.analyze_image("portrait.jpg"):
        print(face.emotion, face.age_years)

What is offered (see docs/embedding.md) is loaded when it is first used: `import faceapp` alone loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engines.errors import CardError as CardError
    from engines.errors import EngineError as EngineError
    from faceapp.analysis.analyzer import Analyzer as Analyzer
    from faceapp.analysis.analyzer import make_analyzer as make_analyzer
    from faceapp.api.face import Face as Face
    from faceapp.api.faces import Faces as Faces
    from faceapp.api.faces import Results as Results
    from faceapp.api.images import analyze_image as analyze_image
    from faceapp.api.videos import FaceStream as FaceStream
    from faceapp.api.videos import analyze_video as analyze_video
    from faceapp.api.videos import open_source as open
    from faceapp.errors import SourceError as SourceError
    from faceapp.settings import Settings as Settings
    from faceapp.types import Frame as Frame

_OFFERED = {
    "analyze_image": "faceapp.api.images",
    "analyze_video": "faceapp.api.videos",
    "open": "faceapp.api.videos:open_source",
    "Face": "faceapp.api.face",
    "Faces": "faceapp.api.faces",
    "Results": "faceapp.api.faces",
    "FaceStream": "faceapp.api.videos",
    "Analyzer": "faceapp.analysis.analyzer",
    "make_analyzer": "faceapp.analysis.analyzer",
    "Frame": "faceapp.types",
    "Settings": "faceapp.settings",
    "SourceError": "faceapp.errors",
    "CardError": "engines.errors",
    "EngineError": "engines.errors",
    "__version__": "faceapp.surroundings:program_version",
}
__all__ = [*(name for name in _OFFERED if name != "open"), "open"]


def __getattr__(name: str) -> Any:
    """Load what is offered when it is asked for.

    Raises:
        AttributeError: Nothing of that name is offered.
        ImportError: The program can't run here, with the reason in one line.
    """
    if name not in _OFFERED:
        raise AttributeError(f"module 'faceapp' has no attribute {name!r}; it offers {', '.join(_OFFERED)}")
    from faceapp.surroundings import problem, program_version

    if name == "__version__":
        return program_version()
    if said := problem():
        raise ImportError(f"faceapp: {said}")
    module, _, inside = _OFFERED[name].partition(":")
    found = getattr(import_module(module), inside or name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_OFFERED})
