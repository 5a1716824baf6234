"""What one needs beside a session's document to show it: everything that is decided of it, as JSON.

The page draws this. Where a text or a value stands in the document as it is, ``at`` says where in its step, and it is
not sent twice; a text that is put together stands in ``text``. What says nothing is left out.

=========== ==============================================================================================
of a step
=========== ==============================================================================================
place       where it stands among the run's steps in the document; here they stand as in the run's tree
number      what people call it: ``2.8``
word        what it is
name        the model's, the tool's, the endpoint's
at or text  what it says, whole
marked      whether that looks like Markdown
line        the beginning of that in one line, where it is not just the text that stands there
same        the step that showed the same instructions or tools before
remarks     how it went; ``state`` is its status, if that is not ``completed``
failed      whether it went wrong here; ``wrong`` also where nobody answered or it was cancelled
depth       how many steps it hangs below
took …      figures in words: ``took``, ``tokens``, ``size`` (of what it says)
media       where the pictures, files and sounds that came with it stand
request     whether it was one, to be sent again; ``kind`` is ``model`` or ``tool``
bar         when it happened, of what takes time: ``from`` and ``to`` in milliseconds since the epoch, and
            ``tries``; ``under`` is the step with the bar that another hangs on
=========== ==============================================================================================

A loop is told as one, beside the steps of its run: ``at`` is the place of its first step among them, ``steps`` how many
they are, ``first`` how many of them are the first round, ``depth`` as of a step, ``lead`` the call that tells most;
``number``, ``name``, ``line``, ``took`` and ``tokens`` are its words. So are many API calls in a row, as ``rows`` of
runs: ``at``, ``runs``, ``name``, ``line``, ``took``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tfstore.document.documents import Json, Step
from tfstore.reading import helper_calls, run_words, session_words
from tfstore.reading.calls.costs import Cost
from tfstore.reading.evidence import loops
from tfstore.reading.evidence.rounds import Rounds, loops_by_step, rows, steps_of
from tfstore.reading.facts import Loop, Node, RunFacts, SessionFacts, StepFacts, nest
from tfstore.reading.figures import counted, duration, joined, size, tokens
from tfstore.reading.plain_text import brief
from tfstore.reading.shown.bars import latest_of, times_of
from tfstore.reading.shown.places import LINE, media_of, said_in, telling
from tfstore.reading.step_facts import value_at
from tfstore.reading.step_words import (
    name_of,
    remarks_on,
    repeats,
    said_in_line,
    shown_before,
    size_of,
    tokens_of,
    took,
    word_of,
)


def shown(facts: SessionFacts, cost: Cost | None = None) -> Json:
    """Return a session as it is shown, but for its document: its head, its runs and their steps.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> from tfstore.reading.facts import gather
        >>> step = Step("step_1_1", 1, "user_message", "chat.on_message", payload_started={"text": "Hello"})
        >>> shown(gather(Session("sess_1", runs=[Run("run_1", "user_message", steps=[step])])))["runs"][0]["steps"]
        [{'id': 'step_1_1', 'number': '1.1', 'word': 'USER', 'at': ['payload_started', 'text'], 'size': '5 B'}]
    """
    first_seen: dict[tuple[str, str], StepFacts] = {}
    latest = latest_of(facts)
    runs = [_run(facts, run, first_seen, latest) for run in facts.runs]
    return {"session": _session(facts, cost), "runs": runs, **telling(rows=list(_rows(facts)))}


def _rows(facts: SessionFacts) -> Iterator[Json]:
    """Yield the runs that are told as one."""
    for row in helper_calls.rows(facts, facts.runs):
        if len(row) > 1:
            yield {
                "at": row[0].position,
                "runs": len(row),
                "name": helper_calls.span(row),
                "line": joined(counted(len(row), "API call"), helper_calls.names(row)),
                "took": duration(sum(run.run.duration_ms or 0 for run in row)),
            }


def _session(facts: SessionFacts, cost: Cost | None) -> Json:
    session = facts.session
    wrong = [own for own in facts.every if own.failed]
    in_failed = (own for own in wrong if own.run.failed)
    unanswered = sum(run.unresolved for run in facts.runs)
    return telling(
        id=session.session_id,
        title=session.title or "(no prompt)",
        live=session.status == "active",
        state=session_words.outcome(session),
        result=session_words.outcome_word(session),
        about=joined(
            duration(session.duration_ms), session_words.end(session), session_words.numbers(session, cost)
        ),
        facts=list(session_words.facts_of(session, cost)),
        tools=session_words.tool_rows(session),
        notes=session.notes,
        trouble=joined(
            counted(len(wrong), "error") if wrong else "", f"{unanswered:,} unanswered" if unanswered else ""
        ),
        first=next(in_failed, wrong[0]).step.step_id if wrong else None,
    )


def _run(
    facts: SessionFacts, run: RunFacts, first_seen: dict[tuple[str, str], StepFacts], latest: float
) -> Json:
    trouble = run_words.trouble(run)
    times = times_of(facts, run, latest)
    places: list[tuple[StepFacts, int, int]] = []
    told_as_one = list(_in_order(nest(facts, run), 0, loops_by_step(run), places))
    steps = [_step(own, depth, asked, first_seen) | times[own.position] for own, depth, asked in places]
    return telling(
        id=run.run.run_id,
        number=run.number,
        name=f"Run {run.number}",
        state=_state(run, trouble),
        status=run_words.status(run),
        trouble=trouble,
        about=joined(run_words.trigger(run), run_words.lineage(run)),
        cost=run_words.cost(run),
        took=duration(run.run.duration_ms),
        tokens=tokens(run.tokens) if run.tokens else "",
        details=run_words.details(run),
        line=brief(run.run.input_text, LINE),
        steps=steps,
        loops=told_as_one,
    )


def _state(run: RunFacts, trouble: str) -> str:
    if run.run.status != "completed":
        return run.run.status
    return "waiting" if run.waits_for else "warn" if trouble else ""


def _in_order(
    nodes: list[Node], depth: int, found: dict[StepFacts, Loop], places: list[tuple[StepFacts, int, int]]
) -> Iterator[Json]:
    """Yield the loops in a tree; put down its steps in order, how deep each stands, how many tools it asked for."""
    for row in rows(nodes, found):
        if isinstance(row, Rounds):
            yield _loop(row, depth, len(places))
        for node in row.nodes if isinstance(row, Rounds) else [row]:
            asked = sum(child.own.step.label == "tool_call" for child in node.children)
            places.append((node.own, depth, asked))
            # There is no loop in a loop: what is opened is all there.
            yield from _in_order(node.children, depth + 1, {} if isinstance(row, Rounds) else found, places)


def _loop(row: Rounds, depth: int, at: int) -> Json:
    return {
        "at": at,
        "steps": sum(1 for _ in steps_of(row.nodes)),
        "first": sum(1 for _ in steps_of(row.first)),
        "lead": row.loop.calls[0].step.step_id,
        "number": loops.span(row.loop),
        "name": brief(loops.name(row.loop), LINE),
        **telling(
            depth=depth,
            line=brief(row.given, LINE),
            took=row.took,
            tokens=row.tokens,
            failed=row.loop.fails,
        ),
    }


def _step(own: StepFacts, depth: int, asked: int, first_seen: dict[tuple[str, str], StepFacts]) -> Json:
    step = own.step
    said, first = said_in(step), shown_before(own, first_seen)
    line = repeats(own, first_seen) or said_in_line(step)
    whole = value_at(step, tuple(said["at"])) if "at" in said else said.get("text")
    return telling(
        id=step.step_id,
        place=own.position,
        number=own.name,
        word=word_of(step),
        name=name_of(own),
        **said,
        line="" if whole == line else brief(line, LINE),
        same=first.step.step_id if first is not None else "",
        remarks=remarks_on(own, asked),
        state="" if step.status == "completed" else step.status,
        failed=own.failed,
        wrong=own.failed or step.status in {"unresolved", "cancelled"},
        snapshot=own.is_snapshot,
        kind=_kind(step),
        request=is_request(step),
        depth=depth,
        took=took(step),
        tokens=tokens_of(step),
        size=size(length) if (length := size_of(step)) else "",
        media=list(media_of(step, said)),
    )


def _kind(step: Step) -> str:
    if step.label == "assistant_call":
        return "model"
    return "tool" if step.label.startswith(("tool_", "approval_")) else ""


def is_request(step: Step) -> bool:
    """Return whether a step was a request to an API."""
    host = step.payload_started.get("host")
    return step.label == "assistant_call" or (step.label == "generic" and isinstance(host, str))
