"""Takes the requirements of `faceapp-training` from the extra `train` of the project, where each bound has its reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # hatchling itself needs it there

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


class ProjectDependencies(MetadataHookInterface):
    """The program of the same version, and what its extra `train` names."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the requirements."""
        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        metadata["dependencies"] = [
            f"faceapp=={project['version']}",
            *project["optional-dependencies"]["train"],
        ]
