"""The Gabor study's tables, answers and pictures, from the results that are there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from engines.card import EMOTIONS
from training.data.prepared import PreparedFaces
from training.errors import RecipeError
from training.losses.age_classes import ADIENCE
from training.measuring.answers import Confusion
from training.measuring.pictures.confusion import draw_confusions
from training.studies.gabor.maps import draw_maps, wrinkled_face
from training.studies.gabor.plan import Contrast, Plan, Variant
from training.studies.gabor.scores import Arrays, held_out
from training.study_parts.intervals import SeedsAndFaces, answer, seeds_and_faces

JSON_NAME, MARKDOWN_NAME = "gabor-study.json", "gabor-study.md"
_CONFUSED = {
    "emotion": ("levi", "ferplus", "ferplus/emotion", EMOTIONS),
    "age group": ("levi", "utkface", "utkface/age_group", tuple(f"{low}-{high}" for low, high in ADIENCE)),
}

Results = dict[Variant, dict[int, Arrays]]


def write_report(
    plan: Plan, sets: Mapping[str, PreparedFaces], out: Path, face: Tensor | None = None
) -> Path:
    """Write everything; return the Markdown file.

    Args:
        plan: What is trained.
        sets: Name -> faces.
        out: Folder with the results, which gets the report.
        face: What the first layer's maps are drawn of, float (1, 1, size, size); None takes a face of UTKFace.

    Raises:
        RecipeError: Nothing is done yet.
    """
    results = read_results(plan, out)
    if not any(results.values()):
        raise RecipeError(f"{out}: expected results of the study, found none; give it more minutes")
    rows = [(one, compared(one, results, sets)) for one in plan.contrasts]
    done = [(one, found) for one, found in rows if found is not None]
    content = {
        "faces": plan.faces,
        "epochs": plan.epochs,
        "small_set_epochs": plan.small_set_epochs,
        "batch": plan.batch,
        "contrasts": [_as_json(one, found) for one, found in done],
        "variants": [_variant_json(variant, results[variant]) for variant in results if results[variant]],
    }
    (out / JSON_NAME).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    path = out / MARKDOWN_NAME
    path.write_text("\n".join(_lines(done)) + "\n", encoding="utf-8")
    _draw(results, sets, out, face)
    return path


def read_results(plan: Plan, out: Path) -> Results:
    """Return variant -> seed -> what was found, for those that are done."""
    found: Results = {}
    for variant in plan.variants():
        found[variant] = {}
        for seed in plan.seeds:
            path = out / f"{variant.name}.{seed}.npz"
            if path.is_file():
                with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                    found[variant][seed] = dict(arrays)
    return found


def compared(one: Contrast, results: Results, sets: Mapping[str, PreparedFaces]) -> SeedsAndFaces | None:
    """Return a contrast's difference over the seeds that both sides have, above 0 where the first is better."""
    sides = results[one.first], results[one.second]
    seeds = sorted(set(sides[0]) & set(sides[1]))
    if not seeds:
        return None
    name = one.score.split("/")[0]
    subjects = sets[name].subject[held_out(sets[name], name, one.first.source)]
    first, second = ([side[seed][one.score] for seed in seeds] for side in sides)
    if not _is_error(one.score):
        return seeds_and_faces(first, second, subjects)
    return seeds_and_faces([-values for values in first], [-values for values in second], subjects)


def _is_error(score: str) -> bool:
    return score.endswith("_error")


def _scale(score: str) -> tuple[float, str]:
    return (1.0, "years") if _is_error(score) else (100.0, "points")


def _answer(one: Contrast, found: SeedsAndFaces) -> str:
    return answer(found, one.thesis, *_scale(one.score))


def _as_json(one: Contrast, found: SeedsAndFaces) -> dict[str, Any]:
    numbers = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in asdict(found).items()
    }
    return {
        "claim": one.claim,
        "first": one.first.name,
        "second": one.second.name,
        "score": one.score,
        "thesis": one.thesis,
        **numbers,
        "answer": _answer(one, found),
    }


def _variant_json(variant: Variant, found: Mapping[int, Arrays]) -> dict[str, Any]:
    keys = [
        key
        for key in next(iter(found.values()))
        if key.startswith(("ferplus/", "utkface/", "ckplus/")) and not key.endswith(("_said", "_true"))
    ]
    return {
        "name": variant.name,
        "seeds": sorted(found),
        "cpu_s": [round(float(found[seed]["cpu_s"]), 1) for seed in sorted(found)],
        "scores": {
            key: [round(float(np.nanmean(found[seed][key])), 5) for seed in sorted(found)] for key in keys
        },
    }


def _lines(done: Sequence[tuple[Contrast, SeedsAndFaces]]) -> list[str]:
    lines = [
        "| claim | first | second | difference [95%, seeds and faces] | thesis | seeds, faces | answer |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one, found in done:
        scale, unit = _scale(one.score)
        ends = (
            f"[{scale * found.low:+.1f}, {scale * found.high:+.1f}]"
            if math.isfinite(found.low)
            else f"(one seed; faces alone [{scale * found.faces_low:+.1f}, {scale * found.faces_high:+.1f}])"
        )
        thesis = "-" if one.thesis is None else f"{one.thesis:+.1f}"
        first, second = (_shown(value, one.score) for value in (found.first, found.second))
        lines.append(
            f"| {one.claim} | {first} | {second} | {scale * found.difference:+.1f} {unit} {ends} | {thesis} "
            f"| {found.seeds}, {found.faces:,} | {_answer(one, found)} |"
        )
    return lines


def _shown(value: float, score: str) -> str:
    return f"{-value:.2f}" if _is_error(score) else f"{100 * value:.1f}%"


def _draw(results: Results, sets: Mapping[str, PreparedFaces], out: Path, face: Tensor | None) -> None:
    """Draw confusion matrices over all seeds, without and with fusion, and the first layer's maps."""
    for task, (network, source, score, labels) in _CONFUSED.items():
        for changes, name in (((), "plain"), (("gabor=fusion",), "fusion")):
            found = results.get(Variant(network, source, changes), {})
            if found:
                counts = _counts(list(found.values()), score, len(labels))
                title = (
                    f"{network}, {'without Gabor' if name == 'plain' else 'with fusion'}, {len(found)} seeds"
                )
                path = out / f"confusion-{task.replace(' ', '-')}-{name}.png"
                draw_confusions({task: Confusion(tuple(labels), counts)}, title, path)
    first = {
        name: results.get(Variant("levi", "utkface", changes), {}).get(1)
        for name, changes in (("plain", ()), ("fusion", ("gabor=fusion",)))
    }
    if first["plain"] is not None and first["fusion"] is not None:
        image = wrinkled_face(sets["utkface"]) if face is None else face
        draw_maps(first["plain"], first["fusion"], image, out / "first-layer.png")


def _counts(found: Sequence[Arrays], score: str, classes: int) -> npt.NDArray[np.int64]:
    counts = np.zeros((classes, classes), np.int64)
    for one in found:
        truth, said = (one[f"{score}_{which}"].astype(np.int64) for which in ("true", "said"))
        np.add.at(counts, (truth[truth >= 0], said[truth >= 0]), 1)
    return counts
