"""The page on findings has each kind, as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reflect.talking import Talk
from tfclient.reflect.findings import examine, registry

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


def rows() -> dict[str, tuple[bool, str]]:
    """Each kind of the tables: whether it is marked as a guess, and its severity."""
    found = re.findall(
        r"^\| `(\w+)`( ~)? \| .+? \| ([^|]+) \| [^|]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {kind: (bool(guess), severity) for kind, guess, severity in found}


def test_each_kind_has_a_row_with_its_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_OWN", {})
    kinds = registry.kinds()

    assert rows().keys() == kinds.keys()
    for name, (guess, severity) in rows().items():
        kind = kinds[name]
        assert guess == (kind.certainty == "heuristic"), name
        assert ("on trial" in severity) == kind.on_trial, name
        words = re.findall("high|medium|low|info", severity)
        assert kind.severity in words, name


def test_the_example_of_a_kind_of_ones_own_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_OWN", {})
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(next(block for block in blocks if "@finding" in block), {})  # noqa: S102 - our own page
    talk = Talk()
    talk.asks("Go")
    talk.calls(("search", {"q": "x"}, "found"))
    talk.story.wait(3_000)
    talk.says()

    found = [each for each in examine(talk.session()).findings if each.kind == "slow_search"]
    assert [each.says.startswith("search took 3") for each in found] == [True]
