"""Commands that name an extra are quoted wherever people copy them from: zsh takes bare brackets for a pattern."""

from __future__ import annotations

import re

import pytest

from tests.packaging.installed import ROOT

BARE = re.compile(r"(?:pip|pipx|uv(?: pip| tool)?) install [^`'\"\n]*\w*\[[a-z,]+\]")
FOLDERS = ("faceapp", "engines", "training", "docs", "packaging")
FILES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile", "pyproject.toml")),
    *(
        file
        for name in FOLDERS
        for file in (ROOT / name).rglob("*")
        if file.suffix in (".py", ".md", ".toml")
    ),
]


def bare_extras(text: str) -> list[str]:
    return BARE.findall(text)


def test_no_extra_is_bare() -> None:
    found = {
        str(file.relative_to(ROOT)): bare
        for file in FILES
        if (bare := bare_extras(file.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("pip install faceapp[lsl]", 1),
        ("pip install -e .[train]", 1),
        ("pip install 'faceapp[lsl]'", 0),
        ('pip install "faceapp[lsl]"', 0),
        ("pip install onnx", 0),
    ],
)
def test_a_bare_extra_is_seen(text: str, count: int) -> None:
    assert len(bare_extras(text)) == count
