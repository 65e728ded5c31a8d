"""How far the maps of a network can be believed, on held-out faces: areas of curves, sanity, and agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure as Picture

from training.blocks.multi_task import MultiTaskNet
from training.explain.faithfulness import STEPS, Curves, curves, misplaced, said_classes
from training.explain.sanity import randomised, rank_correlations
from training.explain.score import METHODS, Floats
from training.measuring.metrics import mean_with_interval
from training.measuring.resampling import Resampling
from training.names import load

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of Okabe and Ito, which people who see few colours can tell apart."""
_GRAY = "#777777"


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What is known of one method's maps of one network.

    Attributes:
        found: Curves with the maps.
        misplaced: Curves with the same maps at the wrong place.
        sanity: float32 (N,), rank correlation with the maps of the network with shuffled weights, where faces differ.
        empty: Share of the faces whose map is 0 everywhere.
    """

    found: Curves
    misplaced: Curves
    sanity: Floats
    empty: float


def check(net: MultiTaskNet, images: Floats, task: str, methods: Sequence[str]) -> dict[str, Check]:
    """Return method -> what is known of its maps.

    Args:
        net: In evaluation mode.
        images: float32 (N, C, size, size), normalised.
        task: A branch of the network, except age.
        methods: Names of explanations.

    Raises:
        RecipeError: No such method or task, or no face.
    """
    modules = {name: load(METHODS, name) for name in methods}
    classes, other = said_classes(net, images, task), randomised(net)
    checked, seen = {}, _seen_pixels(images)
    for name, module in modules.items():
        maps = module.explain(net, images, task, classes)
        checked[name] = Check(
            curves(net, images, maps, task, classes),
            curves(net, images, misplaced(maps), task, classes),
            rank_correlations(
                *(some[:, seen] for some in (maps, module.explain(other, images, task, classes)))
            ),
            float((maps.max(axis=(1, 2)) == 0).mean()),
        )
    return checked


def agreement(net: MultiTaskNet, images: Floats, task: str, live: str) -> dict[str, tuple[Floats, Floats]]:
    """Return method -> rank correlation of its maps with what the program shows live, and of its maps misplaced.

    NaN for a face whose map is 0 everywhere; pixels that are the same on all faces don't count.

    Args:
        net: In evaluation mode.
        images: float32 (N, C, size, size), normalised.
        task: A branch of the network.
        live: Name of the explanation that the program shows.

    Raises:
        RecipeError: No such task, or no face.
    """
    shown = load(METHODS, live).explain(net, images, task)
    found, seen = {}, _seen_pixels(images)
    for name in ("grad_cam", "guided_backpropagation", "guided_grad_cam"):
        maps = load(METHODS, name).explain(net, images, task)
        told = maps.max(axis=(1, 2)) > 0  # a map that is 0 everywhere has no ranks to agree with
        found[name] = tuple(
            np.where(told, rank_correlations(shown[:, seen], some[:, seen]), np.nan)
            for some in (maps, misplaced(maps))
        )
    return found


def _seen_pixels(images: Floats) -> npt.NDArray[np.bool_]:
    """Return which pixels differ between faces, (size, size); all where none does.

    On a half that is black on every face all maps are alike, which says nothing about the methods.
    """
    seen: npt.NDArray[np.bool_] = (np.ptp(images, axis=0) > 0).any(axis=0)
    return seen if seen.any() else ~seen


def check_table(checked: Mapping[str, Check], draws: Resampling) -> str:
    """Return the areas, their gain over misplaced maps and the sanity test as a Markdown table, with 95% intervals."""
    rows = [
        "| method | deletion area | misplaced less it | insertion area | it less misplaced | shuffled weights | empty |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in checked.items():
        (gone, come), (gone_misplaced, come_misplaced) = one.found.areas(), one.misplaced.areas()
        figures = (gone, gone_misplaced - gone, come, come - come_misplaced, one.sanity)
        cells = [interval_text(values, draws) for values in figures]
        rows.append(f"| {name} | {' | '.join(cells)} | {one.empty:.0%} |")
    return "\n".join(rows)


def agreement_table(found: Mapping[str, tuple[Floats, Floats]], draws: Resampling) -> str:
    """Return rank correlations with the live explanation as a Markdown table, with 95% intervals."""
    rows = [
        "| method | agrees with the live explanation | at the wrong place | faces with a map |",
        "| --- | --- | --- | --- |",
    ]
    for name, pair in found.items():
        told = np.isfinite(pair[0])
        cells = [interval_text(values[told], draws.chosen(told)) for values in pair]
        rows.append(f"| {name} | {' | '.join(cells)} | {told.sum()} of {len(told)} |")
    return "\n".join(rows)


def interval_text(values: Floats, draws: Resampling) -> str:
    """Return the mean of values (N,) with its 95% interval, such as "0.312 [0.280, 0.345]"."""
    figure = mean_with_interval(values, "", draws)
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def draw_checks(checked: Sequence[Mapping[str, Check]], titles: Sequence[str], task: str, path: Path) -> None:
    """Draw deletion over insertion, one column a network, and write the picture.

    Args:
        checked: Of `check`, one a network.
        titles: Theirs.
        task: What is explained.
        path: PNG to write.
    """
    picture = Picture(figsize=(3.2 * len(checked) + 0.6, 6.4), layout="constrained")
    panels = picture.subplots(2, len(checked), squeeze=False, sharex=True, sharey=True)
    shares = 100 * np.arange(STEPS + 1) / STEPS
    for column, (found, title) in enumerate(zip(checked, titles, strict=True)):
        for row, kind in zip(panels[:, column], ("deletion", "insertion"), strict=True):
            for (name, one), color in zip(found.items(), _COLORS, strict=False):
                shown, wrong = getattr(one.found, kind), getattr(one.misplaced, kind)
                row.plot(shares, 100 * wrong.mean(axis=0), color=color, linestyle=":", linewidth=1)
                row.plot(shares, 100 * shown.mean(axis=0), color=color, label=load(METHODS, name).TITLE)
            row.set_ylim(0, 102)
            row.grid(alpha=0.25)
            row.set_xlabel(f"pixels {'deleted' if kind == 'deletion' else 'inserted'}, percent", fontsize=9)
        panels[0, column].set_title(title.replace("\n", " "), fontsize=9)
    for row in panels[:, 0]:
        row.set_ylabel(f"probability of the {task} said, percent", fontsize=9)
    panels[0, 0].plot([], [], color=_GRAY, linestyle=":", label="the same maps, misplaced")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=120)
