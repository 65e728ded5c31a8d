"""Prepared sets of random pixels with every label: training runs on them without reading a data set."""

from __future__ import annotations

import numpy as np

from training.data.prepared import PreparedFaces


def made_faces(name: str, count: int = 24, side: int = 48, seed: int = 0) -> PreparedFaces:
    """Return faces whose brightness pattern tells their labels, a third of them in each split."""
    random = np.random.default_rng(seed)
    missing = np.full(count, np.nan, np.float32)
    classes = np.arange(count) % 8
    pictures = random.integers(0, 60, (count, side, side), dtype=np.uint8)
    for picture, number in zip(pictures, classes, strict=True):
        picture[number * 6 : number * 6 + 6] += 150
    aligned = np.full((count, 2, 3), np.nan, np.float32)
    aligned[::2] = [[1, 0, 0], [0, 1, 0]]
    votes = (
        np.eye(8, dtype=np.float32)[classes]
        if name in ("ferplus", "ckplus")
        else np.full((count, 8), np.nan, np.float32)
    )
    return PreparedFaces(
        name=name,
        pixels=pictures.ravel(),
        offsets=np.arange(count, dtype=np.int64) * side * side,
        shapes=np.full((count, 2), side, np.int32),
        aligned=aligned,
        split=(np.arange(count) // 8 % 3).astype(np.uint8),
        emotion=votes,
        age_years=(classes * 10 + 5).astype(np.float32) if name == "utkface" else missing,
        female=(classes % 2).astype(np.float32) if name == "utkface" else missing,
        smile=(classes % 2).astype(np.float32) if name == "genki4k" else missing,
        race=(classes % 5).astype(np.float32) if name == "utkface" else missing,
        subject=np.array([f"{name}{number}" for number in range(count)]),
    )
