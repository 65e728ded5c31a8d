from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from training.batches.mixup import mixup, pair
from training.losses.masked_cross_entropy import one_hot

torch.set_num_threads(1)

NAN = float("nan")


def made_batch() -> dict[str, Tensor]:
    """Return eight faces of a set with votes, six of one with ages, and one alone; the number of a face is its gray."""
    count, missing = 15, torch.full((15,), NAN)
    batch = {
        "image": torch.arange(count, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(count, 1, 4, 4).clone(),
        "emotion": torch.full((count, 8), NAN),
        "source": torch.tensor([0] * 8 + [1] * 6 + [2]),
    }
    batch |= {name: missing.clone() for name in ("age_years", "female", "smile", "race")}
    batch["emotion"][:8] = torch.eye(8)
    batch["age_years"][8:14] = torch.tensor([80.0, 4, 30, 82, 5, 31])
    batch["female"][8:14] = torch.tensor([0.0, 1, 0, 1, 0, 1])
    batch["race"][8:14] = 3
    batch["smile"][14] = 1
    batch["smile"][:3] = 1
    return batch


def mixed(alpha: float = 1.0, seed: int = 1) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    batch = made_batch()
    return batch, mixup(batch, alpha, np.random.default_rng(seed))


def test_images_and_votes_are_blended_alike() -> None:
    _, blended = mixed()
    gray = blended["image"][:8, 0, 0, 0]

    assert torch.allclose(blended["emotion"][:8] @ torch.arange(8.0), gray, atol=1e-5), (
        "votes name the same two faces"
    )
    assert torch.allclose(blended["emotion"][:8].sum(1), torch.ones(8))
    own = blended["emotion"][:8].diagonal()
    assert (own >= 0.5).all() and (own < 1).any()


def test_faces_of_other_sets_are_never_blended_in() -> None:
    batch, blended = mixed()

    gray = blended["image"][:, 0, 0, 0]
    assert (gray[:8] < 8).all() and ((gray[8:14] >= 8) & (gray[8:14] < 14)).all()
    assert torch.equal(blended["source"], batch["source"])
    for name in ("emotion", "age_years", "female"):
        missing = batch[name].reshape(15, -1).isnan().all(1)
        assert torch.equal(blended[name].reshape(15, -1).isnan().any(1), missing), name


def test_a_face_alone_in_its_set_stays_as_it_is() -> None:
    batch, blended = mixed()

    for name in ("image", "smile"):
        assert torch.equal(blended[name][14], batch[name][14])


def test_a_label_that_one_face_lacks_is_missing_in_the_blend() -> None:
    batch = made_batch()
    partners = pair(
        batch["source"].numpy(), batch["age_years"].numpy(), np.random.default_rng(1), age_spread_years=5
    )
    blended = mixup(batch, 1.0, np.random.default_rng(1))

    wanted = batch["smile"].isnan() | batch["smile"][torch.from_numpy(partners)].isnan()
    assert torch.equal(blended["smile"].isnan(), wanted)
    assert 3 < int(wanted[:8].sum()) < 8, "some faces with the label meet one without"
    assert blended["race"][8:14].isnan().all(), "a blend is of no one group"


def test_partners_are_near_in_age() -> None:
    batch, blended = mixed()

    assert (blended["age_years"][8:14] - batch["age_years"][8:14]).abs().max() < 26
    ages = np.linspace(1, 90, 200).astype(np.float32)
    partners = pair(np.zeros(200, np.int64), ages, np.random.default_rng(2), age_spread_years=3)
    assert np.abs(ages - ages[partners]).mean() < 5
    assert (partners != np.arange(200)).all()


def test_genders_of_a_blend_are_shares_of_both() -> None:
    _, blended = mixed()
    rows = one_hot(blended["female"], 2)[8:14]

    assert torch.allclose(rows.sum(1), torch.ones(6))
    assert torch.allclose(rows[:, 1], blended["female"][8:14])
    assert ((rows > 0.01) & (rows < 0.99)).any()


def test_the_same_seed_gives_the_same_blends_and_the_batch_stays() -> None:
    batch, first = mixed(seed=4)
    _, again = mixed(seed=4)
    _, other = mixed(seed=5)

    assert all(torch.equal(first[name].nan_to_num(-1), again[name].nan_to_num(-1)) for name in first)
    assert not torch.equal(first["image"], other["image"])
    assert all(
        torch.equal(batch[name].nan_to_num(-1), kept.nan_to_num(-1)) for name, kept in made_batch().items()
    )


def test_strength_zero_blends_nothing() -> None:
    batch, blended = mixed(alpha=0)

    assert all(torch.equal(batch[name].nan_to_num(-1), blended[name].nan_to_num(-1)) for name in batch)


def test_wrong_settings_and_batches_are_refused() -> None:
    random = np.random.default_rng(1)

    with pytest.raises(ValueError, match="alpha, age_spread_years: expected from 0 on and above 0, found -1"):
        mixup(made_batch(), -1, random)
    with pytest.raises(ValueError, match="expected 'source', found image"):
        mixup({"image": torch.zeros(2, 1, 4, 4)}, 0.2, random)
