"""The Gabor study: what it trains, what it keeps, its intervals, its answers; and the pictures of the bank."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import stats
from skimage import data as skimage_data

from tests.training.made_faces import made_faces
from training.__main__ import main
from training.blocks.gabor import GaborSettings
from training.errors import RecipeError
from training.fitting.loop import fit
from training.recipes import multitask
from training.studies.gabor.command import config_of, result_path, run_study, with_fewer
from training.studies.gabor.plan import CONTRASTS, NETWORKS, Contrast, Network, Plan, Variant
from training.studies.gabor.report import JSON_NAME
from training.studies.gabor.scores import held_out
from training.studies.gabor_bank.command import face_of, fused_by, normalised_face
from training.study_parts.intervals import SeedsAndFaces, answer, seeds_and_faces

TINY = Network("levi", {"widths": [4, 6, 6], "hidden": [8, 8], "batch_norm": True})
TINY_HYBRID = Network(
    "vgg16_hybrid", {"width": 4, "hidden": [8], "batch_norm": True}, 0.05, ("gender", "experts", "joint")
)


@pytest.fixture(scope="module")
def sets():
    return {name: made_faces(name, 90, side=48) for name in ("ferplus", "utkface", "ckplus")}


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setitem(NETWORKS, "levi", TINY)
    monkeypatch.setitem(NETWORKS, "vgg16_hybrid", TINY_HYBRID)
    contrasts = (
        Contrast(
            "age",
            Variant("levi", "utkface", ("gabor=fusion",)),
            Variant("levi", "utkface"),
            "utkface/age_group",
            7.6,
        ),
        Contrast(
            "cross",
            Variant("levi", "ferplus", ("gabor=fusion",)),
            Variant("levi", "ferplus"),
            "ckplus/emotion_shared",
        ),
        Contrast(
            "years", Variant("vgg16_hybrid", "utkface"), Variant("levi", "utkface"), "utkface/age_error"
        ),
    )
    return Plan(faces=24, epochs=1, seeds=(1, 2), batch=8, contrasts=contrasts)


def test_a_study_goes_on_from_what_is_done_and_says_what_it_found(plan: Plan, sets, tmp_path: Path) -> None:
    first = run_study(replace(plan, seeds=(1,)), sets, tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.1.npz")}
    assert len(kept) == 5 and "can't be told: one seed" in first.read_text()

    run_study(plan, sets, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "nothing is trained twice"
    content = json.loads((tmp_path / JSON_NAME).read_text())
    assert [one["claim"] for one in content["contrasts"]] == ["age", "cross", "years"]
    for one in content["contrasts"]:
        assert one["seeds"] == 2 and one["low"] <= one["difference"] <= one["high"]
        assert one["difference"] == pytest.approx(one["first"] - one["second"])
    assert content["contrasts"][2]["first"] < 0, "an error counts as its negative: less is better"
    for name in ("first-layer", "confusion-emotion-plain", "confusion-age-group-fusion"):
        assert cv2.imread(str(tmp_path / f"{name}.png")) is not None


def test_a_result_is_that_of_its_seed(plan: Plan, sets, tmp_path: Path) -> None:
    variant = plan.contrasts[0].first
    plan = replace(plan, contrasts=plan.contrasts[:1])
    for folder in ("one", "two"):
        run_study(plan, sets, tmp_path / folder)

    def weights(folder: str, seed: int) -> np.ndarray:
        with result_path(tmp_path / folder, variant, seed).open("rb") as stream:
            return np.load(stream)["fusion/weights"]

    np.testing.assert_array_equal(weights("one", 1), weights("two", 1))
    assert not np.array_equal(weights("one", 1), weights("one", 2))


def test_no_time_no_result(plan: Plan, sets, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"expected results of the study, found none; give it more minutes"):
        run_study(plan, sets, tmp_path, minutes=0)


def test_every_variant_of_the_plan_has_settings_that_the_recipes_take() -> None:
    plan = Plan()
    names = {variant.name for variant in plan.variants()}

    assert len(names) == len(plan.variants()), "each has a file of its own"
    for variant in plan.variants():
        config = config_of(plan, variant, 3, 2400)
        assert config.seed == 3 and config.shares == {variant.source: 32}
        assert ("gabor=fusion" in variant.changes) == (config.gabor.feeding == "fusion")
    fed = {one.first.network for one in CONTRASTS if "gabor=fusion" in one.first.changes}
    assert fed == set(NETWORKS), "each network with and without"
    assert config_of(plan, Variant("levi", "ckplus"), 1, 500).epochs > plan.epochs
    trainings = plan.trainings()
    assert len(set(trainings)) == len(trainings) == len(plan.seeds) * len(plan.variants())
    assert [seed for _, seed in trainings[:12]] == [1] * 4 + [2] * 4 + [3] * 4, "the main question first"


def test_fewer_training_faces_leave_the_held_out_ones_alone(sets) -> None:
    faces = sets["ckplus"]
    fewer = with_fewer(faces, 10)

    assert len(fewer.where("train")) == 10 and set(fewer.where("train")) <= set(faces.where("train"))
    np.testing.assert_array_equal(held_out(fewer, "ckplus", "ckplus"), held_out(faces, "ckplus", "ckplus"))
    assert not set(fewer.subject[fewer.where("train")]) & set(
        faces.subject[held_out(fewer, "ckplus", "ckplus")]
    )
    assert len(held_out(faces, "ckplus", "ferplus")) == len(faces)


def test_the_interval_is_over_seeds_and_people() -> None:
    random = np.random.default_rng(4)
    subjects = np.arange(400).astype(str)
    second = [random.normal(0, 1, 400).astype(np.float32) for _ in range(3)]
    shifts = (0.1, 0.5, 0.9)
    first = [scores + shift for scores, shift in zip(second, shifts, strict=True)]
    found = seeds_and_faces(first, second, subjects)

    assert found.difference == pytest.approx(0.5, abs=1e-6) and (found.seeds, found.faces) == (3, 400)
    half = stats.t.ppf(0.975, 2) * np.std(shifts, ddof=1) / 3**0.5
    assert found.high - found.difference == pytest.approx(half, rel=1e-3), "faces agree, seeds do not"
    assert found.faces_high - found.faces_low < 1e-6
    noisy = [scores + random.normal(0, 2, 400).astype(np.float32) for scores in second]
    people = np.repeat(np.arange(200), 2).astype(str)
    alone, together = (seeds_and_faces([noisy[0]], [second[0]], who) for who in (subjects, people))
    assert np.isnan(alone.low) and alone.faces_high - alone.faces_low == pytest.approx(4 * 1.96 / 20, rel=0.1)
    same = np.repeat(noisy[0][:200] - second[0][:200], 2).astype(np.float32)
    paired = seeds_and_faces([same], [np.zeros(400, np.float32)], people)
    assert paired.faces_high - paired.faces_low > 1.3 * (together.faces_high - together.faces_low)


def test_the_intervals_hold_what_they_say() -> None:
    """Where there is no difference, some 95 of 100 intervals hold 0."""
    random, holds = np.random.default_rng(5), 0
    subjects = np.arange(60).astype(str)
    for _ in range(200):
        of_seed, of_face = random.normal(0, 0.3, 3), random.normal(0, 1, 60)
        gaps = of_seed[:, None] + of_face + random.normal(0, 1, (3, 60))
        found = seeds_and_faces(list(gaps.astype(np.float32)), [np.zeros(60, np.float32)] * 3, subjects)
        holds += found.low <= 0 <= found.high
    assert 180 <= holds <= 200


@pytest.mark.parametrize(
    ("low", "high", "thesis", "wanted"),
    [
        (0.01, 0.05, None, "holds"),
        (0.01, 0.05, 4.0, "holds"),
        (0.01, 0.03, 7.6, "holds, but by less than the thesis's 7.6 points"),
        (-0.05, -0.01, 1.0, "does not hold: the other way round"),
        (-0.02, 0.02, 7.6, "does not hold in the thesis's size: 7.6 points lie outside the interval"),
        (-0.02, 0.02, 0.5, "can't be told: anything from -2.0 to +2.0 points fits"),
        (-0.02, 0.02, None, "can't be told: anything from -2.0 to +2.0 points fits"),
        (float("nan"), float("nan"), 1.0, "can't be told: one seed"),
    ],
)
def test_answers_follow_from_the_interval(low: float, high: float, thesis: float | None, wanted: str) -> None:
    found = SeedsAndFaces(0.5, 0.5, (low + high) / 2, low, high, low, high, 3, 100)

    assert answer(found, thesis, 100.0, "points") == wanted


def test_sides_that_differ_are_refused() -> None:
    scores = [np.zeros(3, np.float32)]
    with pytest.raises(
        RecipeError, match="expected the same seeds and faces on both sides, found 2 and 1 seeds"
    ):
        seeds_and_faces(scores * 2, scores, np.array(["a", "b", "c"]))
    with pytest.raises(RecipeError, match="expected faces of two people or more, found one"):
        seeds_and_faces(scores, scores, np.array(["a", "a", "a"]))


def test_the_bank_and_its_responses_are_drawn(tmp_path: Path) -> None:
    face = np.ascontiguousarray(skimage_data.astronaut()[20:210, 130:320])
    cv2.imwrite(str(tmp_path / "face.png"), cv2.cvtColor(face, cv2.COLOR_RGB2BGR))
    arguments = [
        "study",
        "gabor_bank",
        "--picture",
        str(tmp_path / "face.png"),
        "--bank",
        "single",
        "--size",
        "64",
    ]

    assert main([*arguments, "--out", str(tmp_path / "bank.png")]) == 0
    drawn = cv2.imread(str(tmp_path / "bank.png"))
    assert min(drawn.shape[:2]) > 300 and drawn.std() > 20


def test_the_fused_picture_of_a_trained_network_is_drawn_and_one_without_fusion_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.fitting.loop.draw_curves", lambda table, picture: None)
    face = np.ascontiguousarray(skimage_data.astronaut()[20:210, 130:320])
    cv2.imwrite(str(tmp_path / "face.png"), cv2.cvtColor(face, cv2.COLOR_RGB2BGR))
    for feeding in ("fusion", "concatenation"):
        config = multitask.Config(
            net="levi",
            net_settings={"widths": [4, 4, 4], "hidden": [8]},
            gabor=GaborSettings(feeding),
            tasks=("age",),
            shares={"utkface": 8},
            epochs=1,
            learning_rate=0.001,
            bfloat16=False,
            device="cpu",
        )
        fit(
            multitask.build_on(config, {"utkface": made_faces("utkface")}), tmp_path / feeding, progress=False
        )
    fused = fused_by(tmp_path / "fusion", tmp_path / "face.png")
    plain = face_of(tmp_path / "face.png", 48)
    assert np.corrcoef(normalised_face(tmp_path / "face.png").ravel(), plain.ravel())[0, 1] > 0.9999

    assert fused.shape == (48, 48) and (fused.min(), fused.max()) == (0, 255)
    assert np.corrcoef(fused.ravel(), plain.ravel())[0, 1] > 0.7, "after three small steps it is still a face"
    place = [
        "study",
        "gabor_bank",
        "--picture",
        str(tmp_path / "face.png"),
        "--out",
        str(tmp_path / "out.png"),
        "--run",
    ]
    assert main([*place, str(tmp_path / "fusion"), "--bank", "single"]) == 0
    assert main([*place, str(tmp_path / "concatenation"), "--bank", "single"]) == 2
    assert "expected a network with gabor=fusion, found one without" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--kernel", "4"], "--kernel: kernel: expected an odd number"),
        (["--kernel", "19", "--size", "16"], "expected at most the picture's 16 pixels, found 19"),
        (["--size", "8"], "--size: expected 16 to 512 pixels, found 8"),
        ([], "expected a picture, found none that can be read"),
    ],
)
def test_wrong_pictures_and_kernels_get_one_line(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    given = [
        "study",
        "gabor_bank",
        "--picture",
        str(tmp_path / "text.png"),
        "--out",
        str(tmp_path / "out.png"),
    ]

    assert main([*given, *arguments]) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1
