"""Years as the age groups of Adience or Gallagher, for sets that give years only.

Hosseini and Cho: GF-CapsNet, 2019, section 2.1.2 and tables 4.1 to 4.6 of the thesis: age as a class. Eidinger, Enbar, Hassner:
Age and gender estimation of unfiltered faces, 2014, names eight groups with gaps; Gallagher and Chen: Understanding images of
groups of people, CVPR 2009, seven without.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from training.data.prepared import PreparedFaces
from training.errors import DatasetError
from training.losses.age_classes import AgeClassLoss, age_groups


def with_age_groups(faces: PreparedFaces, name: str) -> PreparedFaces:
    """Return a set whose faces of known age also have a group; a set that gives groups itself keeps its own.

    Args:
        faces: The set.
        name: One of `training.losses.age_classes.AGE_GROUPS`.

    Returns:
        The set with `age_low_years` and `age_high_years`, NaN where the age is unknown or falls between two groups.

    Raises:
        DatasetError: No such groups, or the set knows no ages.
    """
    try:
        groups = age_groups(name)
    except ValueError as error:
        raise DatasetError(str(error)) from error
    if np.isfinite(faces.age_low_years).any():
        return faces
    if not np.isfinite(faces.age_years).any():
        raise DatasetError(
            f"{faces.name}: expected a set with ages to group by {name}, found none; choose another"
        )
    number = AgeClassLoss(groups).group_of(torch.from_numpy(faces.age_years)).numpy()
    ends = np.array([*groups, (np.nan, np.nan)], np.float32)[number]
    return replace(faces, age_low_years=ends[:, 0], age_high_years=ends[:, 1])
