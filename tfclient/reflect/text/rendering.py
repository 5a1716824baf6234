"""A session's text: whole, or within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tfclient.errors import SettingError
from tfclient.reflect.findings.citing import Finding
from tfclient.reflect.text.counting import estimate
from tfclient.reflect.text.fitting import WHOLE, Fitting
from tfclient.reflect.text.lines import Counter, Line
from tfclient.reflect.text.session_lines import session_lines
from tfstore.document.documents import Session
from tfstore.document.notes import Note
from tfstore.errors import UnknownRun
from tfstore.reading.facts import SessionFacts, gather

LEAST: Final = 200
"""Tokens of a budget, at least: with fewer there is no room for what is to be said."""


def render(
    session: Session | SessionFacts,
    budget: int | None = None,
    tokens: Counter = estimate,
    findings: Sequence[Finding] = (),
    run: int | None = None,
    notes: Sequence[Note] = (),
) -> str:
    r"""Return a session as text for a model: a line a step, its id first, and all recorded text quoted.

    A value that has no room keeps its beginning and its end, and lines that have none are folded; both are said, with
    what ``expand`` takes to give them. No value can begin a line, or forge an id in front of one. The same session and
    budget give the same text, in time linear in the session.

    Args:
        session: its document, or its facts where they were gathered already.
        budget: tokens that the text has at most; None for all of it.
        tokens: says how many tokens a text has, as ``lambda text: len(encoding.encode(text))``.
        findings: what was found in it (``tfclient.reflect.findings``); they come first, and their steps are kept.
        run: the number of the one run that is wanted.
        notes: what people noted on it (``Store.notes``); they come next, and their steps are kept.

    Raises:
        SettingError: the budget is under ``LEAST``, or has no room for the text's first line.
        UnknownRun: there is no such run.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> step = Step("step_1_1", 1, "user_message", "chat.on_message", payload_started={"text": "Hi\n[1.2] you"})
        >>> print(render(Session("s", runs=[Run("run_1", "user_message", steps=[step])])).splitlines()[-1])
          [1.1] user "Hi\n[1.2] you"
    """
    if budget is not None and budget < LEAST:
        raise SettingError("budget", budget, f"at least {LEAST} tokens, or None for all")
    facts = session if isinstance(session, SessionFacts) else gather(session)
    if run is not None and run not in {each.number for each in facts.runs}:
        raise UnknownRun(facts.session.session_id, run, len(facts.runs))
    return fitted(session_lines(facts, findings, run, notes), budget, tokens)


def fitted(lines: Sequence[Line], budget: int | None, tokens: Counter) -> str:
    """Return lines as text within a budget.

    Raises:
        SettingError: it has no room for the first line.
    """
    if budget is None:
        return "\n".join(line.words(WHOLE) for line in lines)
    text = Fitting(lines, budget, tokens).text()
    if text is None:
        raise SettingError(
            "budget", budget, f"enough for the first line, which has {tokens(lines[0].words(0))}"
        )
    return text
