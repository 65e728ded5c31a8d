"""The faces of the capsule study: a fixed part of a set to learn from, another to measure on, turned as far as asked."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import torch

from engines.card import InputSpec
from faceapp.tracking.head_pose import head_pose_deg
from training.batches.mixed_batches import plain_images
from training.data.prepared import PreparedFaces
from training.data.sample import SPLITS
from training.losses.age_classes import ADIENCE, AgeClassLoss

ROTATIONS_DEG = (0, 20, 40, 60)
TURNED_DEG = (0, 15, 30, 90)
"""Limits of the groups by how far a head is turned to a side."""
Positions = npt.NDArray[np.int64]


def labels(faces: PreparedFaces, task: str) -> npt.NDArray[np.int64]:
    """Return every face's class: the most voted emotion, or the number of the Adience age group; -1 where it has none."""
    if task == "emotion":
        votes = faces.emotion
        return np.where(np.isnan(votes).any(axis=1), -1, np.nan_to_num(votes).argmax(axis=1))
    return AgeClassLoss(ADIENCE).group_of(torch.from_numpy(faces.age_years)).numpy()


def learning_faces(faces: PreparedFaces, task: str, most: int) -> PreparedFaces:
    """Return the set with at most so many training faces, all labelled, and none of the other splits.

    Args:
        faces: The set.
        task: "emotion" or "age".
        most: Training faces to keep.
    """
    chosen = _chosen(faces, task, "train", most)
    split = np.full_like(faces.split, SPLITS.index("test"))
    split[chosen] = SPLITS.index("train")
    return replace(faces, split=split)


def measured_faces(faces: PreparedFaces, task: str, most: int, split: str = "validation") -> Positions:
    """Return the positions of at most so many labelled faces of a split, in rising order."""
    return np.sort(_chosen(faces, task, split, most))


def rotated_images(
    faces: PreparedFaces, positions: Positions, spec: InputSpec, align: bool, angle_deg: float
) -> npt.NDArray[np.float32]:
    """Return faces turned in the picture's plane around the chip's centre, float32 (N, C, size, size).

    Args:
        faces: The set.
        positions: Which faces.
        spec: Of the network's input.
        align: Use the landmarks.
        angle_deg: Counter-clockwise.
    """
    centre = (spec.size - 1) / 2
    turn = np.vstack([cv2.getRotationMatrix2D((centre, centre), angle_deg, 1.0), [0, 0, 1]])

    def change(matrix: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
        return (turn @ np.vstack([matrix, [0, 0, 1]]))[:2].astype(np.float32)

    return plain_images(faces, positions, spec, align, change)


def turned_group(faces: PreparedFaces, positions: Positions) -> npt.NDArray[np.int64]:
    """Return which group of `TURNED_DEG` each head falls into by its yaw, -1 where no mesh was found."""
    found = np.full(len(positions), -1, np.int64)
    for row, position in enumerate(positions):
        mesh = faces.landmarks[position]
        if np.isfinite(mesh).all():
            yaw = abs(head_pose_deg(np.asarray(mesh, np.float32))[0])
            found[row] = min(int(np.searchsorted(TURNED_DEG, yaw, side="right")), len(TURNED_DEG) - 1) - 1
    return found


def _chosen(faces: PreparedFaces, task: str, split: str, most: int) -> Positions:
    own = faces.where(split)
    own = own[labels(faces, task)[own] >= 0]
    return np.random.default_rng(0).permutation(own)[:most]
