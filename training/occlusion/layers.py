"""What hides each face of a prepared set, drawn once and kept as a layer over its chip.

Drawing costs milliseconds a face, warping a finished layer microseconds: so every face gets one drawing of its own,
from its own mesh, and a training batch moves it together with the chip. The layer reaches beyond the chip, so that
augmentation brings no edge into sight.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from engines.occlusion import occlusion_layer
from engines.whole_file import part_of, put_in_place
from training.data.face_cuts import UNIT_SIZE
from training.data.prepared import PreparedFaces
from training.errors import RecipeError

MARGIN_PX = 12
"""How far a layer reaches beyond each side of the 48-pixel chip."""
LAYER_PX = UNIT_SIZE + 2 * MARGIN_PX
GRAY, COVER = 0, 1
"""Planes of a layer."""
LOOKS = 400
"""Seeds in use: looks differ by far fewer, and a worker keeps those it has painted."""

Layers = npt.NDArray[np.uint8]
_BLOCK = 256
_VERSION = 1
_STRIDE = 7919
"""A prime: neighbouring faces, often of one person, get layers far from each other."""


def load_layers(
    faces: PreparedFaces,
    cache: Path,
    name: str,
    kinds: Mapping[str, float],
    workers: int | None = None,
    positions: npt.NDArray[np.int64] | None = None,
) -> Layers:
    """Return the layers of a set, drawing them first where the cache lacks them.

    Args:
        faces: The set.
        cache: Folder for prepared faces.
        name: Names the layers among others of the set.
        kinds: Kind of `engines.occlusion.KINDS` -> how often it is drawn, in relation to the others.
        workers: Processes; None takes every core.
        positions: Faces to draw for, the only ones that the layers are good for; None: all. Their layers are kept under a
            name of their own.

    Returns:
        uint8 (N, 72, 72, 2), gray and cover, mapped from the disk; a face without a mesh has no cover.

    Raises:
        RecipeError: No kind, or a share below 0.
    """
    if not kinds or min(kinds.values()) < 0 or not sum(kinds.values()) > 0:
        raise RecipeError(f"kinds: expected shares of what is drawn, found {dict(kinds)}")
    folder = Path(faces.kept) if faces.kept else cache / faces.name
    chosen = np.arange(len(faces)) if positions is None else positions
    about = {"version": _VERSION, "faces": len(faces), "kinds": dict(kinds), "looks": LOOKS}
    if positions is not None:
        about["positions"] = hashlib.sha256(np.ascontiguousarray(positions, np.int64)).hexdigest()
        name = f"{name}_{about['positions'][:12]}"
    path, seal = folder / f"layers_{name}.npy", folder / f"layers_{name}.json"
    if not path.is_file() or _read(seal) != about:
        seal.unlink(missing_ok=True)
        _draw(faces, path, kinds, workers or os.cpu_count() or 1, chosen)
        seal.write_text(json.dumps(about) + "\n")
    layers: Layers = np.load(path, mmap_mode="r", allow_pickle=False)
    return layers


@dataclass(frozen=True, slots=True, eq=False)
class LayerPool:
    """Some drawn layers that all faces share: another aligned face's layer fits about as badly as half-hidden faces are aligned.

    Attributes:
        layers: uint8 (M, 72, 72, 2), each with some cover.
    """

    layers: Layers

    def __getitem__(self, position: int) -> Layers:
        """Return the layer of a face, the same in every call."""
        layer: Layers = self.layers[int(position) * _STRIDE % len(self.layers)]
        return layer


def load_pool(
    faces: PreparedFaces, cache: Path, name: str, kinds: Mapping[str, float], count: int
) -> LayerPool:
    """Return layers drawn on the first training faces of a set that have a mesh.

    Args:
        faces: The set.
        cache: Folder for prepared faces.
        name: As for `load_layers`.
        kinds: As for `load_layers`.
        count: How many faces.

    Raises:
        RecipeError: None of them has a mesh.
    """
    training = faces.where("train")
    chosen = training[np.isfinite(faces.aligned[training]).all(axis=(1, 2))][:count]
    layers = np.asarray(load_layers(faces, cache, name, kinds, positions=chosen)[chosen])
    covered = layers[layers[..., COVER].any(axis=(1, 2))] if len(layers) else layers
    if not len(covered):
        raise RecipeError(
            f"{faces.name}: expected training faces with a mesh to draw on, found none; prepare the set again"
        )
    return LayerPool(covered)


def drawn_kinds(faces: PreparedFaces, kinds: Mapping[str, float]) -> npt.NDArray[np.str_]:
    """Return which kind is drawn on each face, (N,); the same in every call."""
    names = sorted(kinds)
    shares = np.array([kinds[name] for name in names])
    random = np.random.default_rng(len(faces))
    return np.array(names)[random.choice(len(names), len(faces), p=shares / shares.sum())]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _draw(
    faces: PreparedFaces, path: Path, kinds: Mapping[str, float], workers: int, chosen: npt.NDArray[np.int64]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = part_of(path)
    shape = (len(faces), LAYER_PX, LAYER_PX, 2)
    layers = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
    blocks = list(_blocks(faces, drawn_kinds(faces, kinds), chosen))
    bar = tqdm(total=len(chosen), desc=f"draw {path.stem} {faces.name}", unit="face")
    with bar, ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        start = 0
        for drawn in pool.map(_draw_block, blocks):
            layers[chosen[start : start + len(drawn)]] = drawn
            start += len(drawn)
            bar.update(len(drawn))
    layers.flush()
    put_in_place(partial, path)


_Block = list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], str, int, float]]


def _blocks(
    faces: PreparedFaces, kinds: npt.NDArray[np.str_], chosen: npt.NDArray[np.int64]
) -> Iterator[_Block]:
    for start in range(0, len(chosen), _BLOCK):
        yield [
            (
                np.array(faces.landmarks[position]),
                faces.aligned[position],
                str(kinds[position]),
                1 + position % LOOKS,
                float(faces.image(position).mean()),
            )
            for position in chosen[start : start + _BLOCK].tolist()
        ]


def _draw_block(block: _Block) -> Layers:
    layers = np.zeros((len(block), LAYER_PX, LAYER_PX, 2), np.uint8)
    for layer, (landmarks, aligned, kind, seed, brightness) in zip(layers, block, strict=True):
        if not np.isfinite(landmarks).all() or not np.isfinite(aligned).all():
            continue
        matrix = aligned + np.float32([[0, 0, MARGIN_PX], [0, 0, MARGIN_PX]])
        layer[:, :, GRAY], layer[:, :, COVER] = occlusion_layer(
            landmarks, kind, matrix, LAYER_PX, seed=seed, brightness=brightness
        )
    return layers
