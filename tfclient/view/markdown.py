"""Texts as Markdown, for who asks: a tree of what the page may draw, and nothing that could act.

No HTML, no pictures, no addresses but ``http``, ``https`` and ``mailto``: all else stays as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tfstore.document.documents import Json
from tfstore.reading.facts import SessionFacts
from tfstore.reading.plain_text import is_marked_up
from tfstore.reading.step_words import says

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST: Final = 40_000
"""Characters of a text that is shown so at most: there are texts that take time in the square of their length."""

DEEPEST: Final = 60
"""Blocks within blocks."""

MOST: Final = 20_000
"""Parts of a text, such as cells of its tables."""

ALL: Final = 200_000
"""Characters of all texts that a file takes in as Markdown."""

_TOO_MANY: Final = "This text has too many parts to be shown as Markdown."
_SAFE: Final = ("http://", "https://", "mailto:")
_ALIGNS: Final = {f"text-align:{side}": side for side in ("left", "center", "right")}
_BLOCKS: Final = {
    "paragraph_open": "p",
    "blockquote_open": "blockquote",
    "bullet_list_open": "ul",
    "ordered_list_open": "ol",
    "list_item_open": "li",
    "table_open": "table",
    "thead_open": "thead",
    "tbody_open": "tbody",
    "tr_open": "tr",
    "th_open": "th",
    "td_open": "td",
    "em_open": "em",
    "strong_open": "strong",
    "s_open": "s",
}


def tree_of(text: str) -> Json:
    """Return a text as Markdown: ``nodes``, each a text or ``[what, properties, *nodes]``; or ``told``, why it is not.

    Example:
        >>> tree_of("**Yes**, see `x`")
        {'nodes': [['p', {}, ['strong', {}, 'Yes'], ', see ', ['code', {}, 'x']]]}
        >>> tree_of("[no](javascript:alert) <b>")
        {'nodes': [['p', {}, '[no](javascript:alert) <b>']]}
    """
    if len(text) > LONGEST:
        return {
            "told": f"This text is too long to be shown as Markdown: {len(text):,} characters, at most {LONGEST:,}."
        }
    lines = text.split("\n")
    # Every row of a table has as many cells as its head; every bracket may begin a link up to the end.
    cells = len(lines) * max(line.count("|") for line in lines)
    if cells > MOST or text.count("[") > MOST // 10:
        return {"told": _TOO_MANY}
    tokens = _reader().parse(text)
    if any(token.level >= DEEPEST - 2 for token in tokens):
        return {"told": "This text is nested too deep to be shown as Markdown."}
    if sum(1 + len(token.children or ()) for token in tokens) > MOST:
        return {"told": _TOO_MANY}
    return {"nodes": _tree(tokens)}


def all_trees(facts: SessionFacts) -> dict[str, Json]:
    """Return the texts of a session that are marked up, by step, as many as a file takes in."""
    trees: dict[str, Json] = {}
    room = ALL
    for own in facts.every:
        text = says(own.step)
        if len(text) <= min(room, LONGEST) and is_marked_up(text):
            room -= len(text)
            trees[own.step.step_id] = tree_of(text)
    return trees


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable(
        ["table", "strikethrough"]
    )
    # A reference would vanish from the text; a picture is a link, and shown as what it is.
    return reader.disable(["reference", "image", "html_block", "html_inline"])


def _tree(tokens: list[Token]) -> list[Any]:
    top: list[Any] = []
    within = [top]
    for token in _all(tokens):
        if token.nesting < 0:
            if not token.hidden:
                within.pop()
        elif token.nesting > 0:
            if not token.hidden:
                node: list[Any] = [*_opened(token)]
                within[-1].append(node)
                within.append(node)
        elif leaf := _leaf(token):
            within[-1].append(leaf)
    return top


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or ()
        else:
            yield token


def _opened(token: Token) -> tuple[str, Json]:
    """Return what an element is, with its properties."""
    match token.type:
        case "heading_open":
            return "h", {"level": int(token.tag[1:])}
        case "link_open":
            href = str(token.attrGet("href") or "")
            title = str(token.attrGet("title") or "")
            return "a", {
                **({"href": href} if href.lower().startswith(_SAFE) else {"to": href}),
                **_some(title=title),
            }
        case "ordered_list_open":
            return "ol", _some(start=token.attrGet("start"))
        case "th_open" | "td_open":
            return _BLOCKS[token.type], _some(align=_ALIGNS.get(str(token.attrGet("style"))))
        case kind:
            return _BLOCKS.get(kind, "p"), {}


def _some(**properties: Any) -> Json:
    return {name: value for name, value in properties.items() if value not in (None, "")}


def _leaf(token: Token) -> Any:
    match token.type:
        case "code_inline":
            return ["code", {}, token.content]
        case "fence" | "code_block":
            return ["pre", _some(language=token.info.strip()), token.content]
        case "hr":
            return ["hr", {}]
        case "hardbreak" | "softbreak":
            return "\n"
        case _:
            return token.content
