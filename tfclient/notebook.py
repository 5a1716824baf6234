"""A session as a notebook shows it: a small outline as HTML, static and inert, with nothing from anywhere else.

All that was recorded is escaped. Runs are folded but for the first, the last and those that failed; what there is no
room for is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from tfstore.document.documents import Session
from tfstore.reading import helper_calls, run_words, session_words
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts, gather, walked
from tfstore.reading.figures import counted, duration, joined
from tfstore.reading.naming import short_id
from tfstore.reading.plain_text import brief
from tfstore.reading.step_words import (
    name_of,
    remarks_on,
    repeats,
    said_in_line,
    tokens_of,
    took,
    word_of,
)

STEPS: Final = 300
"""Steps that are shown, at most."""

SAID: Final = 160
"""Characters of what a step says."""

_DEEPEST: Final = 6
_FAILED: Final = "color:#d1242f;font-weight:600"
_DIM: Final = "opacity:.65"
_ROW: Final = "white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
_ALL: Final = "font:13px/1.6 ui-monospace,Menlo,Consolas,monospace;max-width:72em"


def outline(session: Session) -> str:
    """Return a session's outline as HTML.

    Example:
        >>> from tfstore.document.documents import Session
        >>> "&lt;b&gt;" in outline(Session("sess_1", title="<b>"))
        True
    """
    facts = gather(session)
    numbers = joined(
        session_words.end(session), session_words.numbers(session), duration(session.duration_ms)
    )
    name = short_id(session.session_id)
    rows = "".join(_runs(facts))
    title = brief(session.title, 120) or "(no prompt)"
    return (
        f'<div style="{_ALL}"><div>{_outcome(session)} <b>{escape(title)}</b></div>'
        f'<div style="{_DIM}">{escape(numbers)}</div>{rows}'
        f'<div style="{_DIM}">tfclient view {escape(brief(name, 80))}</div></div>'
    )


def _outcome(session: Session) -> str:
    word = session_words.outcome_word(session)
    return f'<span style="{_FAILED if word == "FAILED" else _DIM}">{escape(word)}</span>'


def _runs(facts: SessionFacts) -> Iterator[str]:
    shown: dict[tuple[str, str], StepFacts] = {}
    left = STEPS
    for row in helper_calls.rows(facts, facts.runs):
        if left <= 0:
            break
        if len(row) > 1:
            words = joined(helper_calls.span(row), helper_calls.names(row))
            yield f'<div style="{_ROW};{_DIM}">{escape(words)}</div>'
            left -= len(row)
            continue
        (run,) = row
        lines = [_step(own, depth, shown) for own, depth in walked(facts, run)][:left]
        left -= len(run.steps)
        opened = " open" if run.failed or run is facts.runs[0] or run is facts.runs[-1] else ""
        yield f"<details{opened}><summary>{_heading(run)}</summary>{''.join(lines)}</details>"
    if left < 0 or facts.step_count > STEPS:
        yield f'<div style="{_DIM}">… {counted(facts.step_count - STEPS, "step")} more</div>'


def _heading(run: RunFacts) -> str:
    words = joined(run_words.counts(run), run_words.cost(run), run_words.trigger(run), run_words.lineage(run))
    look = _FAILED if run.failed else "font-weight:600"
    return f'<span style="{look}">{escape(run_words.name(run))}</span> <span style="{_DIM}">{escape(words)}</span>'


def _step(own: StepFacts, depth: int, shown: dict[tuple[str, str], StepFacts]) -> str:
    before = repeats(own, shown)
    said = before or brief(said_in_line(own.step), SAID)
    facts = joined(remarks_on(own), tokens_of(own.step), took(own.step))
    look = f' style="{_FAILED}"' if own.failed else ""
    return (
        f'<div style="{_ROW};padding-left:{1.5 + min(depth, _DEEPEST) * 1.5}em">'
        f'<span style="{_DIM}">{escape(own.name)}</span> '
        f"<span{look}>{escape(_named(own))}</span> {escape(said)}"
        f'<span style="{_DIM}"> {escape(facts)}</span></div>'
    )


def _named(own: StepFacts) -> str:
    return " ".join(filter(None, (word_of(own.step), name_of(own))))
