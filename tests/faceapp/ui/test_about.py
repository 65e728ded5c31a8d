from __future__ import annotations

from dataclasses import replace

from engines.card import AGES_YEARS, EMOTIONS, OCCLUSIONS, HeadSpec, InputSpec, ModelCard
from faceapp.ui.about import about_page, card_text

CARD = ModelCard(
    name="multitask-headset",
    version="1.2",
    input=InputSpec(),
    heads=(
        HeadSpec("emotion", "emotion", "softmax", EMOTIONS),
        HeadSpec("age", "age", "distribution", AGES_YEARS, "years"),
    ),
    sha256="0" * 64,
    occlusion="headset",
    data={"ferplus": {}, "utkface": {}},
    metrics={
        "ferplus_validation": {
            "emotion_accuracy": {"value": 0.8045, "low": 0.7907, "high": 0.8178, "unit": "share"},
        },
        "utkface_validation": {
            "age_error": {"value": 5.604, "low": 5.347, "high": 5.867, "unit": "years"},
            "age_error_0_to_2": {"value": 1.8, "unit": "years"},
        },
    },
    license="research only",
    limits=("Not for children.",),
)


def test_a_model_card_becomes_readable_lines() -> None:
    assert card_text(CARD).splitlines() == [
        "Reads emotion, age from faces under a headset, 48 px gray.",
        "On ferplus validation: emotion accuracy 80.5% (79.1 to 81.8).",
        "On utkface validation: age error 5.60 years (5.35 to 5.87).",
        "Made from ferplus, utkface.",
        "Not for children.",
        "Licence: research only",
    ]


def test_the_network_of_the_switch_is_said_to_read_nothing() -> None:
    heads = (HeadSpec("occlusion", "occlusion", "softmax", OCCLUSIONS),)
    card = replace(CARD, name="visibility", heads=heads, occlusion="none", metrics={})
    assert card_text(card).startswith("Sees what hides a face, and where it lies, 48 px gray.")


def test_the_page_lists_every_model_after_use_and_limits() -> None:
    rows = about_page([CARD])
    assert rows[-1][0] == "multitask-headset 1.2"
    assert {"Meant for", "Not meant for", "Limits"} <= {what for what, _ in rows[:-1]}
