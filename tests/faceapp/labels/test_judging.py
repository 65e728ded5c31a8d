"""Figures are honest: high for what can be told, chance for what can't, and never from neighbouring frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from faceapp.errors import SessionError
from faceapp.labels.classifier import RIDGE, fit_scale, fit_sigmoid, fit_weights
from faceapp.labels.examples import Examples
from faceapp.labels.features import feature_blocks
from faceapp.labels.judging import APART_S, _near, judge
from faceapp.labels.moments import BLOCK_S

WIDTH = feature_blocks(200)[2].start + 60


def examples(strength: float, count: int = 90, seed: int = 0, drift: float = 0.0) -> Examples:
    """Moments every 2.5 s; a third of them, in runs, show the label along one direction of the features."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) // 3 % 3 == 0
    times_s = np.arange(count) * 2.5
    features = random.normal(size=(count, WIDTH))
    features[:, ::3] += strength * labels[:, None]
    features += drift * np.repeat(random.normal(size=(count // 2 + 1, WIDTH)), 2, axis=0)[:count]
    return Examples(
        features.astype(np.float32), np.arange(count), labels, (times_s // BLOCK_S).astype(np.int64),
        (times_s > times_s[count // 2]).astype(np.int64), times_s, "multitask", (),
    )  # fmt: skip


def test_what_can_be_told_is_told_and_beats_chance():
    found, (slope, _) = judge(examples(1.5))
    assert found.accuracy > 0.9
    assert found.low <= found.accuracy <= found.high
    assert found.beats_chance
    assert found.area > 0.95
    assert slope > 0


def test_what_means_nothing_is_not_said_to_beat_chance():
    """Runs of neighbours look alike, as frames do: a figure that mixed them would be far above one half."""
    found = [judge(examples(0.0, seed=seed, drift=2.0))[0] for seed in range(6)]
    assert abs(np.mean([each.accuracy for each in found]) - 0.5) < 0.1
    assert sum(each.beats_chance for each in found) <= 1
    assert "no better than chance" in next(each for each in found if not each.beats_chance).text()


def test_neighbours_of_what_is_asked_about_are_not_learned_from():
    near = examples(1.0)
    close = replace(near, times_s=near.times_s / 2.5)
    asked = np.zeros(len(near.labels), bool)
    asked[10] = True
    taken = np.flatnonzero(_near(close, asked))
    assert (np.abs(close.times_s[taken] - close.times_s[10]) < APART_S).all()
    assert 9 in taken
    assert 16 not in taken


def test_sessions_can_be_left_out_whole():
    found, _ = judge(examples(1.5), "session")
    assert found.grouped_by == "session"
    assert found.accuracy > 0.85
    assert "other sessions" in found.text()


def test_marks_of_one_stretch_can_not_be_judged():
    one = examples(1.0)
    one = replace(one, labels=one.blocks == 3)
    with pytest.raises(SessionError, match="at least two stretches"):
        judge(one)


def test_the_weights_are_those_of_a_ridge_regression():
    given = examples(0.7)
    scaled = fit_scale(given.features).apply(given.features)
    weights, border = fit_weights(scaled, given.labels)
    yes, no = given.labels / given.labels.sum(), ~given.labels / (~given.labels).sum()
    penalty = RIDGE * (scaled**2).sum() / len(scaled)
    theirs = Ridge(alpha=penalty, fit_intercept=False).fit(scaled, yes - no)
    np.testing.assert_allclose(weights[:, 0], theirs.coef_, rtol=1e-6, atol=1e-12)
    scores = scaled @ weights[:, 0]
    middle = (scores[given.labels].mean() + scores[~given.labels].mean()) / 2
    assert border[0] == pytest.approx(middle)


def test_many_labellings_at_once_are_as_one_by_one():
    given = examples(0.7)
    scaled = fit_scale(given.features).apply(given.features)
    both = np.stack([given.labels, np.roll(given.labels, 4)], axis=1)
    weights, border = fit_weights(scaled, both)
    alone, alone_border = fit_weights(scaled, both[:, 1])
    np.testing.assert_allclose(weights[:, 1], alone[:, 0])
    assert border[1] == pytest.approx(alone_border[0])


def test_missing_and_constant_features_count_nothing():
    given = examples(0.7)
    rows = given.features.copy()
    rows[3, :5] = np.nan
    rows[:, 7] = 4.0
    rows[:, 8] = np.nan
    scale = fit_scale(rows)
    scaled = scale.apply(rows)
    assert np.isfinite(scaled).all()
    assert not scaled[3, :5].any()
    assert not scaled[:, 7:9].any()


def test_the_sigmoid_is_calibrated():
    random = np.random.default_rng(3)
    scores = random.normal(size=4000) * 0.01
    labels = random.random(4000) < 1 / (1 + np.exp(-(300 * scores)))
    slope, offset = fit_sigmoid(scores, labels)
    assert slope == pytest.approx(300, rel=0.15)
    assert offset == pytest.approx(0, abs=0.15)
