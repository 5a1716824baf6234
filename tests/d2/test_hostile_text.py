"""Whatever users, models and tools wrote, the diagram compiles, is well-formed and has every step.

Many texts go into one session, and sessions that show each text as a label, a tooltip, an edge's words and a
board's title are compiled by the real compiler: validation alone only parses.
"""

from __future__ import annotations

import re
from itertools import cycle
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import a_chat, a_run, a_session, a_step
from tests.d2.pictures import drawn
from tests.d2.sessions import looping
from tfd2 import draw
from tfd2.outline import outline
from tfstore.document.documents import Attempt, ErrorInfo, Lineage, ProgramFailure, Session, Step

FRAGMENTS = [
    *("\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\x9f", "\r\n", "\r", "\t", "\u2028", "\v\f"),
    *("|md\n# x\n|", "|`js x`|", "||", "'''", '"""', "\\", "\\\\n", "\\u0000", '"', "'", "`", "```\ncode"),
    *("${x}", "$", "...${x}", "...@x", "@import", "&", "&amp;", "&nbsp;", "&bogus;", "&#1;", "&#x1F600;"),
    *(
        "<b>",
        "</b>",
        "<div>",
        "<br/>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml?>",
        "<script>alert(1)</script>",
    ),
    *(
        "https://example.com/a?b=c#d",
        "javascript:alert(1)",
        "[x](javascript:alert(1))",
        "![i](http://x.invalid/i.png)",
    ),
    *("file:///etc/passwd", "mailto:a@b.invalid", "www.example.com", "<https://example.com>"),
    *(
        "near: top-center",
        "icon: /etc/passwd",
        "shape: image",
        "link: https://x.invalid",
        "class: user",
        "style.fill: red",
    ),
    *(
        "layers: {",
        "}",
        "{",
        "[",
        "]",
        ";",
        ":",
        "->",
        "<-",
        "--",
        "<->",
        ".",
        "*",
        "**",
        "!&",
        "_",
        "#",
        "# comment",
        "null",
    ),
    *(
        "a.b.c",
        "(a -> b)[0]",
        "vars",
        "classes",
        "scenarios",
        "steps",
        "label",
        "suspend",
        "top-left",
        "direction: left",
    ),
    *(
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "* item\n  * item",
        "1. one",
        "---",
        "===",
        "    code",
        "> quote",
        "$$x^2$$",
    ),
    *(
        "\u202e",
        "\u2066",
        "\u2069",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\ud800",
        "\udfff",
        "\U0001f468\u200d\U0001f469",
    ),
    *("東京", "العربية", "e\u0301" * 5, "x" * 200, " " * 50, ""),
]

hostile = st.lists(
    st.sampled_from(FRAGMENTS) | st.text(st.characters(exclude_categories=()), max_size=12), max_size=6
)
texts = st.lists(hostile.map("".join), min_size=47, max_size=47)


def _every_text_everywhere(said: list[str]) -> Session:
    """A session that has the texts wherever a document holds what somebody else wrote."""
    rest = cycle(said)

    def text() -> Any:
        return next(rest)

    def steps() -> list[Step]:
        tool: dict[str, Any] = {"tool_name": text(), "call_id": text()}
        return [
            a_step("user_message", text()),
            a_step("policy.snapshot", text(), started={"version": text()}, after=()),
            a_step("tool.schemas.snapshot", started={"count": text(), "names": [text()]}, after=()),
            a_step(
                "assistant_call",
                text(),
                model=text(),
                response_id=text(),
                previous_response_id=text(),
                request_id=text(),
                after=(1, 2, 3, text()),
                attempts=[Attempt(1, error=text()), Attempt(2, 200)],
                notes=[text()],
            ),
            a_step("reasoning", text()),
            a_step("tool_call", text(), after=(4,), **tool),
            a_step("tool_error", text(), error=ErrorInfo(text(), text(), text())),
            a_step("tool_call", after=(4,), status=text(), started={"arguments": {text(): text()}}, **tool),
            a_step("generic", text(), type=text()),
            a_step(text() or "x", text()),
            a_step("assistant_message", text()),
        ]

    first = a_run(*steps(), status=text(), started_at=text(), conversation_id=text())
    second = a_run(*steps(), lineage=Lineage("run_1", text(), source=text(), notes=[text()]), trigger=text())
    third = looping(3, text(), text(), output=text()).runs[0]
    session = a_session(first, second, third, title=text(), status=text(), result=text())
    session.failure = ProgramFailure(text(), text(), text(), frames=[text(), text()])
    return session


@given(texts)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_can_be_drawn(said: list[str]) -> None:
    session = _every_text_everywhere(said)
    _check(session)


def test_every_fragment_can_be_drawn_alone_and_amid_words() -> None:
    """One run per fragment; the cards, the failed board and the runs all show it."""
    runs = [
        a_chat(f"{lead}{fragment}{tail}", fragment)
        for fragment in FRAGMENTS
        for lead, tail in (("", ""), ("a ", " b"))
    ]
    for run in runs[::2]:
        run.status = "failed"
    _check(a_session(*runs[:110], title=FRAGMENTS[11]))
    _check(a_session(*runs[110:], title=FRAGMENTS[20]))


def test_a_very_long_text_costs_no_more_than_a_short_one_shows() -> None:
    long = "word & <tag> ${x} " * 6_000
    session = a_session(a_chat(long, long, response_id=long), a_chat(long, long, after=1), title=long)
    assert len(draw(session)) < 60_000
    _check(session)


def _check(session: Session) -> None:
    text = draw(session)
    _only_our_own_source(text)
    pictures = drawn(text)
    for board in outline(session):
        picture = pictures[board.key or "index"]
        nodes = [node for _, node in board.every_node() if node.head]
        assert len(picture.labels) >= len(nodes)
        said = "\n".join(picture.tooltips)
        for node in nodes:
            if node.tooltip is not None and node.tooltip.facts[0].startswith("step "):
                assert node.tooltip.facts[0].split(" · ")[0] in said
        assert all(re.fullmatch(r"[a-z_0-9]+\.svg", link) for link in picture.links)


def _only_our_own_source(text: str) -> None:
    """Without its values, a file consists of our own keys, classes and punctuation."""
    source = re.sub(r'"(?:[^"\\\n]|\\.)*"', "TEXT", text.partition("\n")[2])
    assert re.fullmatch(r"[A-Za-z0-9_ \-.:;{}\[\]>\n]*", source)
    words = set(re.findall(r"[a-z-]+(?=:)", source))
    assert not words & {"icon", "label", "scenarios", "steps"}
