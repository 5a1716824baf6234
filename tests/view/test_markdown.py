"""Texts as Markdown: what there is to draw, and that nothing of it can act or is lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.builders import a_run, a_session, a_step
from tests.view.making import CLOSING, RTL, SCRIPT
from tfclient.view.markdown import ALL, LONGEST, all_trees, tree_of
from tfstore.reading.facts import gather
from tfstore.reading.plain_text import is_marked_up
from tfstore.reading.shown.session import shown

ANSWER = """# Your order

It is **pending**; see [the page](https://example.com/o "All of it") or `orders/1002`.

1. lamp
2. table
   - legs

| item | price |
|------|------:|
| lamp | 12.90 |

```python
total()  # <b>
```

> Quoted ~~words~~
"""


def nodes(text: str) -> Any:
    return tree_of(text)["nodes"]


def texts(tree: Any) -> str:
    """All text of a tree, and the addresses that it shows."""
    if isinstance(tree, str):
        return tree
    about = tree[1] if len(tree) > 1 and isinstance(tree[1], dict) else {}
    inside = tree[2:] if about or (len(tree) > 1 and tree[1] == {}) else tree
    return " ".join([*map(str, about.values()), *map(texts, inside)])


def test_what_is_common_in_answers_is_drawn() -> None:
    heading, said, numbered, table, code, quoted = nodes(ANSWER)

    assert heading == ["h", {"level": 1}, "Your order"]
    assert ["strong", {}, "pending"] in said
    assert ["a", {"href": "https://example.com/o", "title": "All of it"}, "the page"] in said
    assert ["code", {}, "orders/1002"] in said
    assert numbered[2:] == [["li", {}, "lamp"], ["li", {}, "table", ["ul", {}, ["li", {}, "legs"]]]]
    assert table[3] == ["tbody", {}, ["tr", {}, ["td", {}, "lamp"], ["td", {"align": "right"}, "12.90"]]]
    assert code == ["pre", {"language": "python"}, "total()  # <b>\n"]
    assert quoted[2][3] == ["s", {}, "words"]


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](vbscript:x) <javascript:alert(1)>",
        "[a](&#106;avascript:alert(1))",
        "[a](ftp://example.com/x)",
        "![a](https://example.com/x.png)",
        "[a]: https://example.com/hidden\n",
        SCRIPT,
        CLOSING,
    ],
)
def test_what_could_act_or_would_vanish_stays_a_text(text: str) -> None:
    written = json.dumps(nodes(text))
    hrefs = re.findall(r'"href": "([^"]*)"', written)

    assert all(each.startswith("https://example.com/x.png") for each in hrefs)
    assert "img" not in [node[0] for node in nodes(text)]
    for word in re.findall(r"[a-z]{4,}", text.replace("&#106;a", "ja").lower()):
        assert word in written.lower()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("> " * 1_000 + "x", "nested too deep"),
        ("\n".join("  " * n + "- x" for n in range(180)), "nested too deep"),
        ("x" * (LONGEST + 1), "too long"),
        ("[" * 30_000, "too many parts"),
        ("|" + "a|" * 3_000 + "\n|" + "-|" * 3_000 + "\n" + "|\n" * 9_000, "too many parts"),
        ("| a | b |\n|---|---|\n" + "|\n" * 19_000, "too many parts"),
    ],
)
def test_what_cannot_be_shown_so_says_why(text: str, why: str) -> None:
    assert why in tree_of(text)["told"]


PIECES = [*"ab*_`[]()<>#-+|~!&\\>:=\n 1.", "\n\n", "    ", "```", "](x)", "http://a"]


@given(some.lists(some.sampled_from(PIECES), max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_letter_is_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    told = tree_of(text)

    if "nodes" in told:
        letters = [each for each in texts(["top", {}, *told["nodes"]]) if each in "ab"]
        assert len(letters) >= sum(each in "ab" for each in text)


def test_what_looks_like_it_is_marked_and_a_file_takes_in_so_much_of_it() -> None:
    assert [is_marked_up(text) for text in (ANSWER, "Plain, 2 * 3.", '["`x`"]', "- one\n- two", "see `x`")] == [
        True, False, True, True, True,
    ]  # fmt: skip
    long = "`x` " * (LONGEST // 4)
    answers = [a_step("assistant_message", text) for text in (ANSWER, "Plain.", *[long] * 6)]
    facts = gather(a_session(a_run(a_step("user_message", RTL), *answers)))

    marked = [step["id"] for step in shown(facts)["runs"][0]["steps"] if step.get("marked")]
    assert marked == ["step_1_2", *(f"step_1_{n}" for n in range(4, 10))]
    trees = all_trees(facts)
    assert list(trees) == marked[: 1 + ALL // LONGEST - 1]
    assert trees["step_1_2"] == tree_of(ANSWER)
