"""Damage to files, repeatable by a seed: cut, flipped, repeated, swapped bytes, and JSON of other kinds and values."""

from __future__ import annotations

import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1e308,
        -1e-320,
        2**70,
        float("nan"),
        float("inf"),
        "",
        "\0",
        "\ud800",
        "x" * 5000,
    ),
    *([], {}, [[]], {"a": None}, [None], ["none"] * 3, "../../outside", "2026-13-45T99:99:99Z", "=1+1", "１"),
)
"""Values of every kind that no field expects."""


def damaged_bytes(content: bytes, chance: random.Random) -> bytes:
    """Return a file's content with one to four kinds of damage."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        length = chance.choice((1, 2, 8, 64, 1024))
        kind = chance.randrange(5)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif kind == 2:
            data[at : at + length] = chance.randbytes(length)
        elif kind == 3:
            data[at:at] = data[max(0, at - length) : at]
        else:
            del data[at : at + length]
    return bytes(data)


def damaged_json(text: str, chance: random.Random) -> str:
    """Return a JSON text in which one to three values are of another kind, gone, or nested deep."""
    content = json.loads(text)
    for _ in range(chance.randint(1, 3)):
        content = _changed(content, chance)
    if chance.random() < 0.02:
        return "[" * 100_000
    return json.dumps(content)


def _changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(sorted(value))
        kept = {name: entry for name, entry in value.items() if name != key}
        return kept if chance.random() < 0.1 else {**value, key: _changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        place = chance.randrange(len(value))
        return [*value[:place], _changed(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)
