"""Years as the age groups of Adience and Gallagher, in the protocols."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.made_faces import made_faces
from tests.training.protocol_faces import with_people
from training.data.prepared import PreparedFaces
from training.errors import DatasetError
from training.protocols import running
from training.protocols.age_groups import with_age_groups
from training.protocols.command import add_protocol


def faces_of(*years: float) -> PreparedFaces:
    return dataclasses.replace(made_faces("utkface", len(years)), age_years=np.array(years, np.float32))


def test_years_get_the_group_they_fall_into_and_gaps_get_none() -> None:
    nan = np.nan
    found = with_age_groups(faces_of(0, 3, 6, 28, 45, 60, 110, nan), "adience")

    np.testing.assert_array_equal(found.age_low_years, [0, nan, 4, 25, nan, 60, 60, nan])
    np.testing.assert_array_equal(found.age_high_years, [2, nan, 6, 32, nan, 100, 100, nan])
    np.testing.assert_array_equal(found.age_years, [0, 3, 6, 28, 45, 60, 110, nan])


def test_gallaghers_seven_groups_leave_no_gap() -> None:
    found = with_age_groups(faces_of(*range(101)), "gallagher")

    assert np.isfinite(found.age_low_years).all()
    assert len(np.unique(found.age_low_years)) == 7
    assert (found.age_low_years <= found.age_years).all() and (found.age_years <= found.age_high_years).all()


def test_a_set_with_groups_of_its_own_keeps_them_and_one_without_ages_is_refused() -> None:
    own = dataclasses.replace(
        faces_of(20, 30), age_low_years=np.float32([15, 25]), age_high_years=np.float32([20, 32])
    )

    assert with_age_groups(own, "gallagher") is own
    with pytest.raises(
        DatasetError, match="ferplus: expected a set with ages to group by adience, found none"
    ):
        with_age_groups(made_faces("ferplus"), "adience")
    with pytest.raises(
        DatasetError, match=r"age groups: expected one of adience, gallagher, .* found 'decades'"
    ):
        with_age_groups(faces_of(1), "decades")


@pytest.mark.parametrize(
    ("protocol", "groups"),
    [(("k-fold", "--folds", "4"), "gallagher"), (("leave-one-person-out",), "adience")],
    ids=["four folds", "one person out"],
)
def test_a_protocol_trains_a_gabor_network_and_measures_the_groups(
    protocol: tuple[str, ...], groups: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, *_: object, **__: object) -> PreparedFaces:
        return with_people(made_faces(name, 36), 6)

    monkeypatch.setattr(running, "load_prepared", load)
    threads = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: threads)
    settings = [
        *("net=levi", 'net_settings={"widths": [4, 4, 4], "hidden": [8]}', "gabor=fusion", 'tasks=["age"]'),
        *(f"loss.age={'classes' if groups == 'adience' else 'gallagher_classes'}", 'shares={"utkface": 8}'),
        *("epochs=1", "size=16", "bfloat16=false", "device=cpu"),
    ]
    parser = argparse.ArgumentParser()
    add_protocol(parser.add_subparsers(), Path("cache"))
    options = parser.parse_args(
        ["protocol", *protocol, "--on", "utkface", "--whole", "--data", "x", "--out", str(tmp_path)]
        + ["--age-groups", groups]
        + [text for setting in settings for text in ("--set", setting)]
    )
    assert options.command(options) == 0

    content = json.loads((tmp_path / "protocol.json").read_text())
    assert len(content["folds"]) == (4 if protocol[0] == "k-fold" else 6)
    accuracy = content["pooled"]["age_group_accuracy"]
    # of the ages 5, 15 ... 75, 35, 45 and 55 fall between Adience's groups
    inside = 36 if groups == "gallagher" else sum(number % 8 not in (3, 4, 5) for number in range(36))
    assert accuracy["count"] == inside and 0 <= accuracy["value"] <= 1
    assert content["pooled"]["age_error"]["count"] == 36
