"""What tools answered: errors in plain text, answers nobody read, calls nobody answered, answers to something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tfclient.reflect.findings.citing import Cited
from tfclient.reflect.findings.effects import Effects
from tfclient.reflect.findings.kind import Kind, kind
from tfclient.reflect.quoting import named, quoted
from tfstore.reading.evidence.answers import by_exit_code, json_in, says_error
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.evidence.identifiers import form_of, identifiers_in, leaves
from tfstore.reading.evidence.sent_history import orphans_in
from tfstore.reading.evidence.tool_calls import ToolCall
from tfstore.reading.facts import StepFacts
from tfstore.reading.failures import is_unused
from tfstore.reading.naming import short_step

_OF_A_MACHINE: Final = frozenset(
    {
        *(
            "shell",
            "bash",
            "sh",
            "terminal",
            "exec",
            "execute",
            "run",
            "command",
            "cmd",
            "python",
            "code",
            "script",
        ),
        *("read", "cat", "log", "logs", "grep", "test", "tests", "file", "document", "docs"),
    }
)
"""Words in names of tools that give back what others wrote, errors among it."""

LEAST: Final = 24
"""Characters of an answer that says something: an ``ok`` is the same answer to everything."""

ASKED_MOST: Final = 60
"""Characters of an argument that names what is asked for; a longer one is a text."""


@kind("error_as_text", "medium", "heuristic")
def error_as_text(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """An output that is no error to whoever counts them says that the tool failed."""
    for call in evidence.tool_calls:
        for answer in call.answers:
            words = says_error(answer.step)
            if words:
                quiet = by_exit_code(answer.step) or _is_of_a_machine(call.tool)
                yield Cited(
                    [answer],
                    f"{_tool(call)} answered with an error as plain text: {quoted(words, 160)}",
                    severity="low" if quiet else None,
                    data={"tool": call.tool},
                )


def _is_of_a_machine(tool: str) -> bool:
    return not _OF_A_MACHINE.isdisjoint(tool.lower().replace("-", "_").replace(".", "_").split("_"))


@kind("output_unused", "medium")
def output_unused(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """What a tool gave back was never read by a model."""
    if evidence.session.status == "active":
        return
    for told in evidence.told:
        if not is_unused(told, evidence.facts) or told.answer.run.run.ended_by is not None:
            continue
        error = told.answer.step.label == "tool_error"
        what = f"the {'error' if error else 'output'} of {named(told.answer.tool or 'a tool')}"
        how = "was only sent with a request that failed" if told.carried_by else "was never sent to a model"
        yield Cited(
            [told.answer, *told.carried_by],
            f"{what} {how}",
            severity="high" if error else None,
            data={"tool": told.answer.tool},
        )


@kind("call_unanswered", "high")
def call_unanswered(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A tool call was never answered, and the conversation went on."""
    for call in evidence.tool_calls:
        if call.own.step.status == "unresolved" and _went_on(evidence, call):
            yield Cited(
                [call.own],
                f"the call of {_tool(call)} was never answered, and the conversation went on without it",
                data={"tool": call.tool},
            )


@kind("ended_with_open_call", "info")
def ended_with_open_call(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """The thread ended with a call that nobody answered, as a hand-over does."""
    for call in evidence.tool_calls:
        if call.own.step.status == "unresolved" and not _went_on(evidence, call):
            yield Cited(
                [call.own],
                f"the thread ended with a call of {_tool(call)} that was never answered",
                data={"tool": call.tool},
            )


def _went_on(evidence: Evidence, call: ToolCall) -> bool:
    asked = evidence.user_messages_by_thread.get(call.thread)
    return asked is not None and asked[-1] > call.own.step.seq


@kind("output_without_call", "high")
def output_without_call(evidence: Evidence, _: Effects) -> Iterator[Cited]:
    """A request sent an output without the call that it answers: the API refuses that, other servers guess."""
    for request in evidence.model_calls:
        orphans = orphans_in(evidence.facts, request, evidence.call_of)
        for answer in orphans:
            call = evidence.call_of.get(answer.step.step_id)
            is_known = call is not None and "inferred" not in call.step.notes
            where = f", {short_step(call.step.step_id)}" if call is not None and is_known else ""
            yield Cited(
                [answer, request],
                f"{short_step(request.step.step_id)} sent the output of {named(answer.tool or 'a tool')} "
                f"without its call{where}",
                data={"tool": answer.tool},
            )


@kind("same_answer", "medium", "heuristic")
def same_answer(evidence: Evidence, effects: Effects) -> Iterator[Cited]:
    """Calls of one tool asked for different things, and the answers are equal."""
    for calls in evidence.calls_by_thread.values():
        groups: dict[tuple[str, str], list[ToolCall]] = {}
        for call in calls:
            if call.succeeded and effects.of(call.tool) != "write" and _says_something(call):
                groups.setdefault((call.tool, call.answer_text), []).append(call)
        for alike in groups.values():
            apart = _asked_apart(alike)
            if len(apart) > 1:
                asked = " and ".join(quoted(each.arguments, 60) for each in apart[:2])
                yield Cited(
                    [step for each in apart for step in each.steps],
                    f"{_tool(apart[0])} gave the same answer to different questions, {asked}: "
                    f"{quoted(apart[0].answer_text, 100)}",
                    data={"tool": apart[0].tool, "times": len(apart)},
                )


def _says_something(call: ToolCall) -> bool:
    text = call.answer_text
    if len(text) < LEAST or not call.is_function:
        return False
    value = json_in(text)
    if value is not None:
        told = [each for _, each in leaves(value) if each not in (None, "", True, False, 0)]
        return len(told) > 1
    return any(True for _ in identifiers_in(text)) and sum(each.isdigit() for each in text) > 2


def _asked_apart(calls: list[ToolCall]) -> list[ToolCall]:
    """Return one call for each thing that was asked for, where the calls differ in nothing but what names it."""
    first = calls[0].arguments
    if not isinstance(first, dict):
        return []
    names = first.keys()
    apart: dict[str, ToolCall] = {}
    for call in calls:
        given = call.arguments
        if not isinstance(given, dict) or given.keys() != names:
            continue
        changed = [name for name in names if given[name] != first[name]]
        if len(changed) > 1 or any(not _names_something(given[n], first[n]) for n in changed):
            continue
        apart.setdefault(call.key[1], call)
    found = list(apart.values())
    return [] if _all_named(found) else found


def _names_something(one: Any, other: Any) -> bool:
    """Return whether two values name different things: not the same one in other letters, and no text."""
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    if isinstance(one, int | str) and isinstance(other, int | str):
        words = [str(each).strip().casefold() for each in (one, other)]
        short = all(0 < len(each) <= ASKED_MOST for each in words)
        return short and words[0] not in words[1] and words[1] not in words[0]
    return False


def _all_named(calls: list[ToolCall]) -> bool:
    """Return whether the one answer holds all that was asked for, as a list does."""
    if len(calls) < 2:
        return False
    text = calls[0].answer_text.casefold()
    values = [{str(value) for _, value in leaves(call.arguments)} for call in calls]
    shared = set.intersection(*values)
    return all(str(each).casefold() in text for some in values for each in some - shared)


@kind("id_not_in_answer", "high", "heuristic")
def id_not_in_answer(evidence: Evidence, effects: Effects) -> Iterator[Cited]:
    """An answer does not hold the id that was asked for, and another of the same form stands there."""
    for call in evidence.tool_calls:
        if not call.succeeded or not call.is_function or not isinstance(call.arguments, dict):
            continue
        if effects.of(call.tool) == "write":
            continue
        for name, asked in call.arguments.items():
            other = _other_id(name, asked, call)
            if other:
                yield Cited(
                    call.steps,
                    f"{_tool(call)} was asked for {named(name)} {quoted(asked)} and answered with {quoted(other)}: "
                    f"{quoted(call.answer_text, 100)}",
                    data={"tool": call.tool, "asked": asked, "answered": other},
                )
                break


def _other_id(name: str, asked: Any, call: ToolCall) -> Any:
    """Return the id that stands in an answer in place of the one that was asked for; nothing where none does."""
    if (
        isinstance(asked, bool)
        or not isinstance(asked, str | int)
        or not any(c.isdigit() for c in str(asked))
    ):
        return None
    text = call.answer_text
    if not 3 <= len(str(asked)) <= ASKED_MOST or str(asked).casefold() in text.casefold():
        return None
    value = json_in(text)
    if isinstance(value, dict):
        for level in (value, *(each for each in value.values() if isinstance(each, dict))):
            for key in (name, "id"):
                found = level.get(key)
                if _is_alike(asked, found, same_key=key == name and _is_id(name)):
                    return found
        return None
    if isinstance(value, list) or not isinstance(asked, str):
        return None
    alike = {each for each in identifiers_in(text) if form_of(each) == form_of(asked)}
    return alike.pop() if len(alike) == 1 and asked.casefold() not in alike else None


def _is_id(name: str) -> bool:
    return name.lower().endswith(("id", "number", "code", "ref", "reference", "key", "sku"))


def _is_alike(asked: Any, found: Any, *, same_key: bool) -> bool:
    if isinstance(found, bool) or not isinstance(found, str | int) or str(found) == str(asked):
        return False
    if same_key and any(each.isdigit() for each in str(found)):
        return type(found) is type(asked)
    letters = any(each.isalpha() for each in str(asked))
    return isinstance(found, str) and isinstance(asked, str) and letters and form_of(found) == form_of(asked)


def _tool(call: ToolCall) -> str:
    return named(call.tool or "a tool")


def steps_of(calls: list[ToolCall]) -> list[StepFacts]:
    """Return the steps of calls and their answers, in order."""
    return [step for call in calls for step in call.steps]


KINDS: Final[tuple[Kind, ...]] = (
    error_as_text,
    output_unused,
    call_unanswered,
    ended_with_open_call,
    output_without_call,
    same_answer,
    id_not_in_answer,
)
