"""The documentation hangs together: every page is in the site and in the index, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
SITE = (ROOT / "packaging" / "docs" / "mkdocs.yml").read_text(encoding="utf-8")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_every_page_is_in_the_site() -> None:
    assert sorted(re.findall(r"^ *- ([\w/-]+\.md)$", SITE, re.MULTILINE)) == PAGES


def test_every_page_at_the_top_is_in_the_index() -> None:
    named = set(re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / "index.md").read_text(encoding="utf-8")))
    assert {page for page in PAGES if "/" not in page} - named == {"index.md"}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    place = DOCS / page
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", place.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (place.parent / target).exists()] == []
