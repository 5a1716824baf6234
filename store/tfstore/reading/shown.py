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
from typing import Any, Final

from tfstore.document.documents import Attempt, Json, Step
from tfstore.document.labels import BY_DESIGN, OPEN_STATUSES
from tfstore.document.references import is_reference
from tfstore.reading import helper_calls, run_words, session_words
from tfstore.reading.calls.costs import Cost
from tfstore.reading.evidence import loops
from tfstore.reading.evidence.rounds import Rounds, loops_by_step, rows, steps_of
from tfstore.reading.facts import Loop, Node, RunFacts, SessionFacts, StepFacts, nest
from tfstore.reading.figures import counted, duration, joined, size, tokens
from tfstore.reading.model_calls import Seen, SeenPrompt, outputs_of, seen_prompt
from tfstore.reading.plain_text import brief, is_marked_up
from tfstore.reading.prompts import has_prompt
from tfstore.reading.step_facts import Place, error_words, facts_of, moment, references_in, value_at
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import (
    name_of,
    remarks_on,
    repeats,
    said_in_line,
    says,
    shown_before,
    size_of,
    tokens_of,
    took,
    word_of,
)

LINE: Final = 400
"""Characters of what a step says in one line."""

_STARTED, _COMPLETED = "payload_started", "payload_completed"

_PLACES: Final[tuple[Place, ...]] = (
    (_COMPLETED, "text"),
    (_COMPLETED, "output"),
    (_COMPLETED, "output", 0, "text"),
    (_COMPLETED, "refusal"),
    (_COMPLETED, "audio", "transcript"),
    (_STARTED, "text"),
    *((_STARTED, name) for name in ("arguments", "code", "revised_prompt", "prompt", "preview", "content")),
    ("error", "message"),
    (_COMPLETED,),
    (_STARTED,),
)
"""Where what a step says may stand as it is."""

_MEDIA: Final = ((_STARTED, "content"), (_COMPLETED, "output"), (_COMPLETED, "audio"), (_COMPLETED, "sounds"))
_ANSWERS: Final = frozenset({"tool_output", "tool_error"})
_LISTED: Final = {"tool.schemas.snapshot": "tools", "context.snapshot": "items"}
"""What of a payload stands in place of what the step says."""

_TITLES: Final = {
    "user_message": "Prompt",
    **dict.fromkeys(("tool_call", "approval_request"), "Arguments"),
    **dict.fromkeys(("tool_output", "tool_error"), "Output"),
}


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
    latest = _latest(facts)
    runs = [_run(facts, run, first_seen, latest) for run in facts.runs]
    return {"session": _session(facts, cost), "runs": runs, **_told(rows=list(_rows(facts)))}


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
    return _told(
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
    times = _times(facts, run, latest)
    places: list[tuple[StepFacts, int, int]] = []
    told_as_one = list(_in_order(nest(facts, run), 0, loops_by_step(run), places))
    steps = [_step(own, depth, asked, first_seen) | times[own.position] for own, depth, asked in places]
    return _told(
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


def _times(facts: SessionFacts, run: RunFacts, latest: float) -> list[Json]:
    """Return when each step happened, or under which one that says so it is."""
    bars: dict[str, str] = {}
    times: list[Json] = []
    for own in run.steps:
        step_id, before = own.step.step_id, facts.depends_on(own)
        bar = _bar(own, latest)
        bars[step_id] = step_id if bar else bars.get(before[0].step.step_id, "") if before else ""
        times.append({"bar": bar} if bar else _told(under=bars[step_id]))
    return times


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
        **_told(
            depth=depth,
            line=brief(row.given, LINE),
            took=row.took,
            tokens=row.tokens,
            failed=row.loop.fails,
        ),
    }


def _step(own: StepFacts, depth: int, asked: int, first_seen: dict[tuple[str, str], StepFacts]) -> Json:
    step = own.step
    said, first = _said(step), shown_before(own, first_seen)
    line = repeats(own, first_seen) or said_in_line(step)
    whole = value_at(step, tuple(said["at"])) if "at" in said else said.get("text")
    return _told(
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
        media=list(_media(step, said)),
    )


def _told(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value not in ("", None, [], False, 0)}


def _said(step: Step) -> Json:
    """Return where what a step says stands, or what it says."""
    text = says(step)
    if not text:
        return {}
    for place in _PLACES:
        value = value_at(step, place)
        # The text itself, or a value whose text it is: JSON as a tree, a blob to be fetched.
        if value and (value is text or as_text(value) == text):
            return {"at": list(place), **_told(marked=isinstance(value, str) and is_marked_up(value))}
    return {"text": text, **_told(marked=is_marked_up(text))}


def _kind(step: Step) -> str:
    if step.label == "assistant_call":
        return "model"
    return "tool" if step.label.startswith(("tool_", "approval_")) else ""


def _media(step: Step, said: Json) -> Iterator[list[str | int]]:
    shown_already = value_at(step, tuple(said["at"])) if "at" in said else None
    known = {shown_already["blob"]} if is_reference(shown_already) and "blob" in shown_already else set[str]()
    for place in _MEDIA:
        for where, reference in references_in(value_at(step, place), place):
            if reference["blob"] not in known:
                known.add(reference["blob"])
                yield list(where)


def _latest(facts: SessionFacts) -> float:
    """Return when the last thing happened: a call that is still open is drawn up to there."""
    moments = (moment(own.step.ended_at or own.step.started_at) for own in facts.every)
    return max((each for each in moments if each is not None), default=0.0)


def _sound(step: Step) -> int:
    """Return how many milliseconds somebody spoke: of an answer, those that were heard if that is known."""
    if step.label == "user_message" and step.type.endswith(".speech"):
        return step.duration_ms or 0
    heard, sound = step.payload_completed.get("heard_ms"), step.payload_completed.get("audio_ms")
    return heard if isinstance(heard, int) else sound if isinstance(sound, int) else 0


def _bar(own: StepFacts, latest: float) -> Json | None:
    step = own.step
    sound = _sound(step)
    takes_time = (
        step.label in {"assistant_call", "tool_call"}
        or bool(sound)
        or (step.label == "generic" and bool(step.duration_ms or step.status == "failed"))
    )
    began = moment(step.started_at) if takes_time else None
    if began is None:
        return None
    is_open = step.status in OPEN_STATUSES
    ended = latest if is_open else began + (sound or step.duration_ms or 0) / 1000
    tries = [_try(each) for each in step.attempts] if len(step.attempts) > 1 else []
    return {
        "from": round(began * 1000),
        "to": round(max(began, ended) * 1000),
        **_told(
            bad=own.failed or step.status == "failed",
            inferred=step.timing == "inferred",
            open=is_open,
            tries=[each for each in tries if each],
        ),
    }


def _try(attempt: Attempt) -> Json | None:
    began = moment(attempt.started_at)
    if began is None:
        return None
    bad = bool(attempt.error) or (attempt.status_code or 0) >= 400
    ms = round(began * 1000)
    return {"from": ms, "to": ms + (attempt.duration_ms or 0), **_told(bad=bad)}


def details_of(facts: SessionFacts, own: StepFacts, *, prompt: bool = True) -> Json:
    """Return one step in full: its error, its parts, the facts about it, what it hangs together with, its prompt.

    A part has a ``title`` and what stands there: ``at`` a place of ``step``, or as ``text``; or it is ``told``.
    """
    step = own.step
    evidence = as_text(step.payload_completed.get("evidence"))
    error = step.error
    origins = dict.fromkeys((step.origin.prompt_step_id, step.origin.root_prompt_step_id))
    links = {
        "Depends on": [each.step.step_id for each in facts.depends_on(own)],
        "Leads to": [each.step.step_id for each in facts.leads_to(own)],
        "Origin": [each for each in origins if each and each != step.step_id],
    }
    return _told(
        error=_told(
            title=joined("error", error_words(error) if error else ""),
            at=["error", "message"] if error and error.message else None,
            told=f"known by: {evidence}" if evidence else "",
        )
        if error or evidence
        else None,
        parts=list(_parts(facts, own)),
        facts=[fact for fact in facts_of(step) if fact[0] != "error"],
        links=[(title, ids) for title, ids in links.items() if ids],
        prompt=_prompt(facts, own) if prompt and has_prompt(step) else None,
    )


def is_request(step: Step) -> bool:
    """Return whether a step was a request to an API."""
    host = step.payload_started.get("host")
    return step.label == "assistant_call" or (step.label == "generic" and isinstance(host, str))


def _parts(facts: SessionFacts, own: StepFacts) -> Iterator[Json]:
    step, began, ended = own.step, own.step.payload_started, own.step.payload_completed
    said = _said(step)
    if step.label == "assistant_call":
        yield from _outputs(facts, own)
        if began.get("arguments"):
            yield {"title": "Arguments", "step": step.step_id, "at": [_STARTED, "arguments"]}
    elif step.label in _ANSWERS and step.error is not None:
        # What went wrong stands above.
        if (output := as_text(ended.get("output"))) and output != step.error.message:
            yield {"title": "Output", "step": step.step_id, "at": [_COMPLETED, "output"]}
    else:
        name = _LISTED.get(step.label, "")
        invalid = "The model sent arguments that are not JSON." if began.get("arguments_invalid") else ""
        value = {"at": [_STARTED, name]} if began.get(name) else said
        yield {"title": _title(own), "step": step.step_id, **_told(told=invalid), **value}
    yield from ({"step": step.step_id, "at": place} for place in _media(step, said))
    if ended.get("traceback"):
        yield {"title": "Traceback", "step": step.step_id, "at": [_COMPLETED, "traceback"]}
    if step.label == "tool_call":
        yield from _answers(facts, own)
    elif step.label in _ANSWERS and own.call is not None:
        yield {"title": "Arguments", "step": own.call.step.step_id, "link": True, **_said(own.call.step)}
    elif step.label == "generic" and began and ended:
        yield {"title": "Arguments", "step": step.step_id, "at": [_STARTED]}


def _title(own: StepFacts) -> str:
    """Return what a step's own part is called."""
    version = own.step.payload_started.get("version")
    match own.step.label:
        case "tool.schemas.snapshot":
            return f"Tools {name_of(own)}"
        case "context.snapshot":
            return f"Sent, never recorded {name_of(own)}"
        case "policy.snapshot":
            return joined("Instructions", f"version {as_text(version)}" if version else "")
        case label:
            return _TITLES.get(label, "Text")


def _outputs(facts: SessionFacts, call: StepFacts) -> Iterator[Json]:
    title = "Output"
    for own in outputs_of(facts, call):
        said = _said(own.step) if own.step.label in {"assistant_message", "tool_call"} else {}
        yield {**_told(title=title), "step": own.step.step_id, "link": True, **said}
        title = ""
    if title:
        name = next((name for name in ("text", "body") if call.step.payload_completed.get(name)), "")
        told = "Still answering…" if call.step.status in OPEN_STATUSES else "No output."
        value = {"at": [_COMPLETED, name]} if name else {"told": told}
        yield {"title": title, "step": call.step.step_id, **value}


def _answers(facts: SessionFacts, call: StepFacts) -> Iterator[Json]:
    answers = [own for own in facts.leads_to(call) if own.step.label in _ANSWERS]
    for own in answers:
        title = "Error" if own.step.label == "tool_error" else "Output"
        yield {"title": title, "step": own.step.step_id, "link": True, **_said(own.step)}
    if not answers:
        yield {"title": "Output", "told": _unanswered(call.step)}


def _unanswered(call: Step) -> str:
    if call.status == "unresolved":
        return "Nobody answered this call."
    if BY_DESIGN.intersection(call.notes):
        return "Nobody need answer this call: " + (
            "another agent goes on." if "handover" in call.notes else "its arguments are the answer."
        )
    return "No output was recorded."


def _prompt(facts: SessionFacts, own: StepFacts) -> Json:
    try:
        prompt = seen_prompt(facts, own)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        prompt = SeenPrompt(unknown=[f"its parts, which cannot be read ({error})"])
    items = len(prompt.fixed) + len(prompt.history) + len(prompt.new)
    return {
        "title": joined("Prompt as the model saw it", counted(items, "part")),
        **{name: [_seen(each) for each in getattr(prompt, name)] for name in ("fixed", "history", "new")},
        "unknown": prompt.unknown,
    }


def _seen(part: Seen) -> Json:
    if part.own is None:
        item = part.item
        kind = as_text(item.get("type") or item.get("role")) if isinstance(item, dict) else ""
        word = brief(kind or "item", LINE).upper().replace("_", " ")
        return {"item": item, "word": word, "line": brief(as_text(item), LINE)}
    step = part.own.step
    name = "content" if step.label == "user_message" else _LISTED.get(step.label, "")
    given = [_STARTED, name] if step.payload_started.get(name) else None
    return {"step": step.step_id, **_told(at=given, sent=part.sent)}
