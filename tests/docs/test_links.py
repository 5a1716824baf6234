"""What the pages refer to is there: files, headings, tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
_PATH = re.compile(r"`((?:tests|docs|cassettes|tfclient|store|d2)/[\w./-]+)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names that headings get: lower case, blanks as hyphens, without punctuation."""
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for name, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / name).resolve() if name else page
        if not (ROOT / target.relative_to(ROOT).parts[0]).exists():
            continue  # against the built wheel the tests lie in a folder without the sources
        assert target.exists(), f"{page.name} links to {name}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {name}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_files_that_are_named_exist(page: Path) -> None:
    named = [each.rstrip("./") for each in _PATH.findall(page.read_text(encoding="utf-8"))]
    # Against the built wheel the tests lie in a folder without the sources.
    there = [each for each in named if (ROOT / each.partition("/")[0]).is_dir()]
    assert [each for each in there if not (ROOT / each).exists()] == []
