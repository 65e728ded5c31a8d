"""`python -m training explain`: what networks look at on whole and half-hidden faces, as one picture."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure as Picture

from engines.card import LABELS, InputSpec
from engines.preprocess import normalised
from training.batches.mixed_batches import plain_chips
from training.blocks.multi_task import MultiTaskNet
from training.data.prepared import PreparedFaces, load_prepared
from training.errors import RecipeError
from training.explain.checks import agreement, agreement_table, check, check_table, draw_checks
from training.explain.score import METHODS
from training.measuring.resampling import resampling
from training.names import load, names_in
from training.occlusion.views import VIEWS, view
from training.trained.trained_net import trained_net

Floats = npt.NDArray[np.float32]
Explained = tuple[MultiTaskNet, InputSpec]

_SETS = {"emotion": "ferplus", "age": "utkface", "gender": "utkface", "smile": "genki4k"}
LIVE_METHOD = "occlusion_sensitivity"
"""What the program shows in its window."""
_SIDE_INCHES = 1.1
_LEAST_WIDTH_INCHES = 3.6
_SHOWN_PX = 144


def add_explain(commands: Any, default_cache: Path) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("explain", help="draw what networks look at on whole and hidden faces")
    parser.add_argument(
        "--model",
        nargs="+",
        default=["multitask"],
        help="shipped models, or folders of models, runs or students",
    )
    parser.add_argument("--view", nargs="+", choices=VIEWS, default=["visible"], help="a view for each model")
    parser.add_argument(
        "--method",
        nargs="+",
        default=["grad_cam"],
        help=f"how: {', '.join(names_in(METHODS))} (default: grad_cam)",
    )
    parser.add_argument("--task", choices=tuple(LABELS), default="emotion")
    parser.add_argument("--data", type=Path, required=True, help="folder with the unpacked data sets")
    parser.add_argument("--faces", type=int, default=8, help="how many held-out faces (default: %(default)s)")
    parser.add_argument("--mean", action="store_true", help="also the mean over all held-out faces")
    parser.add_argument("--out", type=Path, required=True, help="picture to write, PNG")
    parser.add_argument(
        "--check",
        type=Path,
        metavar="PNG",
        help="also delete and insert pixels, and shuffle the weights: print areas, draw curves",
    )
    parser.add_argument(
        "--agreement",
        action="store_true",
        help="also print how far the methods agree with the live explanation",
    )
    parser.add_argument(
        "--checked-faces", type=int, default=64, help="held-out faces of both (default: %(default)s)"
    )
    parser.add_argument("--cache", type=Path, default=default_cache, help="folder for prepared faces")
    parser.set_defaults(command=_explain)


def _explain(options: argparse.Namespace) -> int:
    if options.faces < 0 or options.faces + options.mean < 1:
        raise RecipeError(f"faces: expected one or more, or 0 with --mean, found {options.faces}")
    if len(options.view) not in (1, len(options.model)):
        raise RecipeError(
            f"view: expected one, or one for each of {len(options.model)} models, found {len(options.view)}"
        )
    if options.checked_faces < 2:
        raise RecipeError(f"checked-faces: expected two or more, found {options.checked_faces}")
    for method in options.method:
        load(METHODS, method)
    views = options.view * (len(options.model) if len(options.view) == 1 else 1)
    faces = load_prepared(_SETS[options.task], options.data, options.cache)
    shown = list(zip(options.model, views, strict=True))
    nets = [trained_net(model) for model, _ in shown]
    titles = [f"{Path(model).name},\n{seen.replace('_', ' ')}" for model, seen in shown]
    _draw(nets, titles, faces, views, options)
    if options.check is not None or options.agreement:
        _check(nets, titles, faces, views, options)
    return 0


def _draw(
    nets: Sequence[Explained],
    titles: Sequence[str],
    faces: PreparedFaces,
    views: Sequence[str],
    options: argparse.Namespace,
) -> None:
    rows = [
        explained_row(*net, faces, shown, method, options)
        for net, shown in zip(nets, views, strict=True)
        for method in options.method
    ]
    kinds = [str(load(METHODS, method).TITLE) for method in options.method]
    several = len(kinds) > 1
    names = [f"{title}\n{kind}" if several else title for title in titles for kind in kinds]
    draw_rows(
        rows,
        names,
        f"{'' if several else kinds[0] + ': '}what speaks for the {options.task} said",
        options.out,
    )
    print(f"{options.task} on {faces.name}: {options.out}")


def _check(
    nets: Sequence[Explained],
    titles: Sequence[str],
    faces: PreparedFaces,
    views: Sequence[str],
    options: argparse.Namespace,
) -> None:
    held_out = faces.where("validation")
    chosen = held_out[
        np.linspace(0, len(held_out) - 1, min(options.checked_faces, len(held_out))).astype(int)
    ]
    draws = resampling(faces.subject[chosen])
    checked = []
    for (net, spec), title, shown in zip(nets, titles, views, strict=True):
        images = _seen(spec, faces, chosen, shown, options.cache)
        print(
            f"\n{title.replace(chr(10), ' ')}: {options.task} of {len(chosen)} validation faces of {faces.name}\n"
        )
        if options.check is not None:
            checked.append(check(net, images, options.task, options.method))
            print(check_table(checked[-1], draws), flush=True)
        if options.agreement:
            print(agreement_table(agreement(net, images, options.task, LIVE_METHOD), draws), flush=True)
    if checked:
        draw_checks(checked, titles, options.task, options.check)
        print(f"\ncurves: {options.check}")


def explained_row(
    net: MultiTaskNet,
    spec: InputSpec,
    faces: PreparedFaces,
    shown: str,
    method: str,
    options: argparse.Namespace,
) -> list[npt.NDArray[np.uint8]]:
    """Return some held-out faces with what the network looks at, uint8 (side, side, 3) RGB each."""
    explain = load(METHODS, method).explain
    held_out = faces.where("validation")
    chosen = held_out[np.linspace(0, len(held_out) - 1, options.faces).astype(int)]
    row: list[npt.NDArray[np.uint8]] = []
    if options.faces:
        images = _seen(spec, faces, chosen, shown, options.cache)
        row += [
            heated(image, heat, spec)
            for image, heat in zip(images, explain(net, images, options.task), strict=True)
        ]
    if options.mean:
        images = _seen(spec, faces, held_out[:512], shown, options.cache)
        heat = explain(net, images, options.task).mean(axis=0)
        row.append(heated(images.mean(axis=0), heat / max(float(heat.max()), 1e-9), spec))
    return row


def _seen(
    spec: InputSpec, faces: PreparedFaces, positions: npt.NDArray[np.int64], shown: str, cache: Path
) -> Floats:
    """Return what a network sees of faces in a view, float32 (N, C, size, size)."""
    chips = plain_chips(faces, positions, spec, spec.crop == "aligned_face")
    if (hide := view(shown, spec, cache)) is not None:
        chips = hide(chips, faces, positions)
    return normalised(chips, spec)


def heated(image: Floats, heat: Floats, spec: InputSpec) -> npt.NDArray[np.uint8]:
    """Return a face in gray with its heat over it.

    Args:
        image: float32 (C, size, size), normalised.
        heat: float32 (size, size), 0 to 1.
        spec: The network's input.
    """
    gray = np.clip(255 * (image.mean(axis=0) * spec.std + spec.mean), 0, 255).astype(np.uint8)
    size = (_SHOWN_PX, _SHOWN_PX)
    large = cv2.resize(gray, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    warm = cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR)
    levels = np.clip(255 * warm, 0, 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    cover = (0.65 * warm)[:, :, None]
    mixed: npt.NDArray[np.uint8] = (large[:, :, None] * (1 - cover) + colours * cover).astype(np.uint8)
    return mixed


def draw_rows(rows: list[list[npt.NDArray[np.uint8]]], titles: list[str], heading: str, path: Path) -> None:
    """Draw one row a network and method and write the picture."""
    columns = len(rows[0])
    width = max(_SIDE_INCHES * columns + 1.4, _LEAST_WIDTH_INCHES)
    picture = Picture(figsize=(width, _SIDE_INCHES * len(rows) + 0.4), layout="constrained")
    panels = picture.subplots(len(rows), columns, squeeze=False)
    for axes_row, faces, title in zip(panels, rows, titles, strict=True):
        for axes, face in zip(axes_row, faces, strict=True):
            axes.imshow(face)
            axes.set_xticks([])
            axes.set_yticks([])
        axes_row[0].set_ylabel(title, fontsize=8, rotation=0, ha="right", va="center")
    picture.suptitle(heading, fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=160)
