"""Which prepared files belong to a folder of pictures: those whose key is the folder's, and no others."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from engines.whole_file import write_whole
from training.data.faults import Faults
from training.data.prepared_files import ABOUT, LABELS, read_about
from training.data.source import Source, read_samples, source_at

logger = logging.getLogger(__name__)

_KEY_LETTERS = 8


def find_prepared(name: str, data: Path, cache: Path) -> tuple[Path | None, Path]:
    """Return the folder of the prepared files that belong to a set as it lies there now, and where the set lies.

    A set that was prepared before keys were kept is taken where it has as many faces as there are pictures now, and
    gets the key.

    Args:
        name: The set.
        data: Folder with the unpacked sets.
        cache: Folder for prepared faces.

    Returns:
        The folder, or None where the set has to be prepared; the set's own folder.

    Raises:
        DatasetError: The set is missing or malformed.
    """
    kept = list(_kept(name, cache))
    sources: dict[str, Source] = {}
    for folder, about in kept:
        inside = about.get("source", {}).get("inside")
        if inside is not None and (data / inside).is_dir():
            if inside not in sources:
                sources[inside] = source_at(data, data / inside)
            if sources[inside].key == about["source"]["key"]:
                return folder, data / inside
    faults = Faults(name, "skip")
    samples, source = read_samples(name, data, faults)
    for folder, about in kept:
        if about.get("source", {}).get("key") == source.key:
            return folder, source.folder
        if "source" not in about and _count(folder, about) == len(samples) + faults.count:
            logger.info(
                "%s: %s was prepared before keys were kept; it has as many faces as %s",
                name,
                folder,
                source.folder,
            )
            write_whole(folder / ABOUT, json.dumps({**about, "source": source.as_dict()}) + "\n")
            return folder, source.folder
    if kept:
        logger.warning(
            "%s: %s holds other files (%d now) than what was prepared before; they are prepared anew",
            name, source.folder, source.files,
        )  # fmt: skip
    return None, source.folder


def place_for(name: str, cache: Path, source: Source) -> Path:
    """Return where a set's prepared files go: never over those of another content."""
    kept = list(_kept(name, cache))
    for folder, about in kept:
        if about.get("source", {}).get("key") == source.key:
            return folder
    plain = cache / name
    return (
        plain
        if plain not in [folder for folder, _ in kept]
        else cache / f"{name}-{source.key[:_KEY_LETTERS]}"
    )


def _kept(name: str, cache: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the folders of a set's prepared files with what `about.json` says."""
    for folder in (cache / name, *sorted(cache.glob(f"{name}-{'?' * _KEY_LETTERS}"))):
        with suppress(OSError, ValueError):
            yield folder, read_about(folder, name)


def _count(folder: Path, about: dict[str, Any]) -> int:
    """Return how many pictures were read for prepared files, with those that were skipped; -1 where they are damaged."""
    try:
        with (folder / LABELS).open("rb") as stream, np.load(stream, allow_pickle=False) as labels:
            return len(labels["offsets"]) + int(about.get("skipped", 0))
    except (OSError, ValueError, KeyError, EOFError):
        return -1
