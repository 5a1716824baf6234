"""Explaining a step or a run of a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.tool_calls import ToolCall
from tfstore.reading.explaining.explanation import Explanation, Origin, Said, ToolTold, Use
from tfstore.reading.explaining.given import brought_by_response, given_to, line_of
from tfstore.reading.explaining.searching import ReadBlob, Searched, Source, search
from tfstore.reading.explaining.values import Wanted, telling_in, wanted_in_arguments, with_parts
from tfstore.reading.facts import RunFacts, StepFacts
from tfstore.reading.failures import Told, breaking_step, chain_to
from tfstore.reading.figures import counted
from tfstore.reading.model_calls import Seen, inputs_of, outputs_of
from tfstore.reading.naming import short_step
from tfstore.reading.step_text import text_of

LATER: Final = 200
"""Steps after a tool's answer that are looked through for what they took from it."""

MOST: Final = 50
"""Things that one response gave of which it is told where they come from."""

_SAID: Final = frozenset({"assistant_message", "tool_call", "approval_request"})
_PROMPTS: Final = frozenset({"user_message", "assistant_message"})


def explain_step(evidence: Evidence, own: StepFacts, read_blob: ReadBlob | None = None) -> Explanation:
    """Return why a step is what it is: what was there before it, where what it holds comes from, what was missing.

    Args:
        evidence: of its session.
        own: the step.
        read_blob: gives the bytes of what is kept apart; without it that is not looked through, and told.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> from tfstore.reading.evidence.evidence import evidence_of
        >>> step = Step("step_1_1", 1, "user_message", "chat.on_message", payload_started={"text": "Hello"})
        >>> evidence = evidence_of(Session("sess_1", runs=[Run("run_1", "user_message", steps=[step])]))
        >>> explain_step(evidence, evidence.facts.steps["step_1_1"]).chain
        []
    """
    label = own.step.label
    if label == "assistant_call":
        outputs = [each for each in outputs_of(evidence.facts, own) if each.step.label in _SAID]
        return _of_model(evidence, own, own, outputs, read_blob)
    if label in {"tool_call", "tool_output", "tool_error"}:
        called = _call_of(evidence, own)
        if called is not None:
            return _of_tool(evidence, own, called, read_blob)
    call = next(
        (each for each in evidence.facts.depends_on(own) if each.step.label == "assistant_call"), None
    )
    if (
        call is not None
        and label not in {"user_message", "tool_output", "tool_error"}
        and not own.is_snapshot
    ):
        return _of_model(evidence, own, call, [own], read_blob)
    return Explanation(own, own.run, chain_to(evidence.facts, own)[:-1], carried_by=_carriers(evidence, own))


def explain_run(evidence: Evidence, run: RunFacts, read_blob: ReadBlob | None = None) -> Explanation:
    """Return how a run came about, prompt by prompt, and where its last answer comes from."""
    chain = [own for each in line_of(run)[:-1] for own in each.steps if own.step.label in _PROMPTS]
    around = evidence.facts.steps.get(run.run.lineage.parent_step_id or "")
    if run.is_nested and around is not None:
        chain = [*chain_to(evidence.facts, around)]
    chain += [own for own in run.steps if own.step.label == "user_message"][:1]
    told = _last_of(run)
    if told is None:
        return Explanation(None, run, chain)
    of_step = explain_step(evidence, told, read_blob)
    return evolve(of_step, own=None, run=run, chain=chain, end=told)


def _last_of(run: RunFacts) -> StepFacts | None:
    """Return the step that a run comes to: where it broke, or its last answer."""
    broken = breaking_step(run) if run.run.status in {"failed", "cancelled", "incomplete"} else None
    if broken is not None:
        return broken
    for label in ("assistant_message", "assistant_call", "tool_call"):
        found = [own for own in run.steps if own.step.label == label]
        if found:
            return found[-1]
    return None


def _call_of(evidence: Evidence, own: StepFacts) -> ToolCall | None:
    call = own if own.step.label == "tool_call" else evidence.call_of.get(own.step.step_id)
    return (
        next((each for each in evidence.tool_calls if each.own is call), None) if call is not None else None
    )


def _of_model(
    evidence: Evidence,
    own: StepFacts,
    call: StepFacts,
    outputs: Sequence[StepFacts],
    read_blob: ReadBlob | None,
    tool: ToolTold | None = None,
) -> Explanation:
    given = given_to(evidence, call)
    brought = brought_by_response(evidence, call, own if own is not call else None)
    said, searched = _said(outputs[:MOST], [*given.parts, *map(Seen, brought)], read_blob)
    missed = list(searched.not_looked_at)
    missed += [
        f"{short_step(each.own.step.step_id)}: its beginning was looked at" for each in said if not each.whole
    ]
    if len(outputs) > MOST:
        missed.append(f"{counted(len(outputs) - MOST, 'more output')} of {short_step(call.step.step_id)}")
    carried = _carriers(evidence, own) if own is not call else []
    return Explanation(own, own.run, [], given, said, tool, carried, missed)


def _of_tool(evidence: Evidence, own: StepFacts, called: ToolCall, read_blob: ReadBlob | None) -> Explanation:
    answers = [_told(evidence, each) for each in called.answers]
    same = [
        each
        for each in evidence.calls_by_thread.get(called.thread, [])
        if each.key == called.key and each.own.step.seq < called.own.step.seq
    ]
    uses, missed = _used_by(evidence, called, read_blob)
    tool = ToolTold(
        called.own,
        called.asked_by,
        answers,
        uses,
        [each.own for each in same],
        bool(same) and bool(called.answers) and all(each.answer_text == called.answer_text for each in same),
    )
    if called.asked_by is None:
        chain = chain_to(evidence.facts, called.own)[:-1]
        return Explanation(own, own.run, chain, tool=tool, not_looked_at=missed)
    explained = _of_model(evidence, own, called.asked_by, [called.own], read_blob, tool)
    return evolve(explained, not_looked_at=[*explained.not_looked_at, *missed])


def _told(evidence: Evidence, answer: StepFacts) -> Told:
    known = next((each for each in evidence.told if each.answer is answer), None)
    return known if known is not None else Told(answer, tuple(_carriers(evidence, answer)))


def _carriers(evidence: Evidence, own: StepFacts) -> list[StepFacts]:
    """Return the model calls in whose requests a step was new."""
    return [
        each
        for each in evidence.facts.leads_to(own)
        if each.step.label == "assistant_call"
        and (own.step.step_id in inputs_of(each.step) or own.is_snapshot)
    ]


def _said(
    outputs: Sequence[StepFacts], given: Sequence[Seen], read_blob: ReadBlob | None
) -> tuple[list[Said], Searched]:
    """Return for each output where what it holds comes from: all of them in one pass over what was given."""
    wanted: list[Wanted] = []
    groups: list[tuple[StepFacts, list[list[int]], bool]] = []
    for own in outputs:
        if own.step.label in {"tool_call", "approval_request"}:
            lists, whole = wanted_in_arguments(own.step.payload_started.get("arguments") or text_of(own.step))
        else:
            found, whole = telling_in(text_of(own.step))
            lists = [with_parts(each) for each in found]
        places: list[list[int]] = []
        for each in lists:
            places.append(list(range(len(wanted), len(wanted) + len(each))))
            wanted += each
        groups.append((own, places, whole))
    searched = search(wanted, given, read_blob)
    said = [
        Said(own, [origin for each in places for origin in _origins(each, wanted, searched.found)], whole)
        for own, places, whole in groups
    ]
    return said, searched


def _origins(places: list[int], wanted: list[Wanted], found: list[list[Source]]) -> list[Origin]:
    """Return where the first comes from or, if it is nowhere as a whole, where its parts do."""
    rest = [n for n in places[1:] if found[n] or wanted[n].is_value]
    places = rest if not found[places[0]] and any(found[n] for n in rest) else places[:1]
    return [Origin(wanted[n], found[n]) for n in places if _is_told(wanted[n], found[n])]


def _is_told(wanted: Wanted, sources: list[Source]) -> bool:
    """Return whether it is worth telling: a word is where it was told by a person or a tool, a value always."""
    if wanted.is_value:
        return True
    return any(not each.is_own and (each.own is None or not each.own.is_snapshot) for each in sources)


def _used_by(evidence: Evidence, called: ToolCall, read_blob: ReadBlob | None) -> tuple[list[Use], list[str]]:
    """Return the later answers and calls that hold values of the answer that the call's arguments did not hold.

    With what was not looked through.
    """
    if not called.answers:
        return [], []
    last = called.answers[-1]
    later = [
        own
        for own in evidence.ordered
        if own.step.seq > last.step.seq and own.step.label in _SAID and own.run.run.thread_id == called.thread
    ][:LATER]
    given = {word for each in wanted_in_arguments(called.arguments)[0] for one in each for word in one.words}
    wanted = [(own, each) for own in later for each in _values(own) if not given.issuperset(each.words)]
    searched = search([each for _, each in wanted], map(Seen, called.answers), read_blob)
    uses: dict[str, Use] = {}
    for (own, each), sources in zip(wanted, searched.found, strict=True):
        if sources:
            use = uses.setdefault(own.step.step_id, Use(own, []))
            if each.text not in use.values:
                use.values.append(each.text)
    return list(uses.values()), searched.not_looked_at


def _values(own: StepFacts) -> list[Wanted]:
    if own.step.label == "assistant_message":
        return telling_in(text_of(own.step))[0]
    lists, _ = wanted_in_arguments(own.step.payload_started.get("arguments"))
    return [each for wanted in lists for each in wanted[:1]]
