"""Faces, a cheap real classifier and a tiny recipe for the tests of protocols."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.linear_model import LogisticRegression

from engines.card import EMOTIONS
from training.data.prepared import PreparedFaces
from training.protocols.folds import Fold
from training.recipes import multitask

TINY = multitask.Config(
    net="bknet",
    epochs=2,
    size=16,
    tasks=("emotion", "smile"),
    shares={"ferplus": 4, "genki4k": 2},
    bfloat16=False,
    average_decay=0.5,
    learning_rate=0.001,
    device="cpu",
)


def with_people(faces: PreparedFaces, pictures: int) -> PreparedFaces:
    people = np.array([f"S{number // pictures:03d}" for number in range(len(faces))])
    return dataclasses.replace(faces, subject=people)


def pixels(faces: PreparedFaces, positions: np.ndarray) -> np.ndarray:
    return np.stack([faces.image(position)[::3, ::8].ravel() / 255 for position in positions])


def classifier(faces: PreparedFaces, strength: float = 1.0):
    """Return a method of scikit-learn: logistic regression on a few pixels, emotion from the majority vote."""

    def train_and_predict(fold: Fold) -> dict[str, np.ndarray]:
        model = LogisticRegression(C=strength, max_iter=100, tol=1e-2)
        model.fit(pixels(faces, fold.train), faces.emotion[fold.train].argmax(axis=1))
        probs = np.zeros((len(fold.test), len(EMOTIONS)), np.float32)
        probs[:, model.classes_] = model.predict_proba(pixels(faces, fold.test))
        return {"emotion": probs}

    return train_and_predict


# folds
