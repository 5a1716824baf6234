"""The model: a function of a request's body, which remembers nothing.

It knows no tool and no rule. It reads English sentences that say what is wrong with a call (``advice``), wherever they
stand in the request: as a tool's answer in this session, or as a line of notes from another.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from attrs import define, field

from tests.server.replies import Answer, Call, answer, calls

Json = dict[str, Any]

PATIENCE: Final = 4
"""Failures of one tool after which it gives up."""

_ANSWERED: Final = re.compile(r"(?:- )?(\w+) answered (.*)", re.DOTALL)
_TASK: Final = re.compile(r"Please (\w+)\. (.*)", re.DOTALL)
_DIGITS: Final = {"one": "1", "two": "2", "three": "3", "four": "4", "six": "6"}


@define
class Advice:
    """What is to be minded when a tool is called."""

    give: set[str] = field(factory=set)
    form: dict[str, str] = field(factory=dict)
    first: list[str] = field(factory=list)


def advice(line: str, tool: str, into: Advice) -> None:
    """Read what a line says of a tool, if it says that the tool answered something.

    This one routine reads both an answer of this session and a note that was given.
    """
    answered = _ANSWERED.match(line)
    if answered is None or answered[1] != tool:
        return
    said = answered[2]
    into.give |= set(re.findall(r"needs (\w+)", said))
    into.form |= dict(re.findall(r"(\w+) must be (?:written|given) (YYYY-MM-DD|in cents|in digits)", said))
    into.first += re.findall(r"call (\w+) first", said)


def reply(body: Json) -> Answer:
    """Return the model's answer to a request."""
    history: list[Json] = body["input"]
    asked = _TASK.match(history[0]["content"])
    if asked is None:
        return answer("What shall I do?")
    tool, facts = asked[1], dict(re.findall(r"(\w+): ([^;]+)", asked[2]))
    called = {item["call_id"]: item["name"] for item in history if item.get("type") == "function_call"}
    answers = [
        (called[item["call_id"]], str(item["output"]))
        for item in history
        if item.get("type") == "function_call_output"
    ]
    worked = [name for name, output in answers if "error" not in json.loads(output)]
    if tool in worked:
        return answer(f"Done: {tool}.")
    if len(answers) - len(worked) >= PATIENCE:
        return answer(f"I could not {tool}.")
    minded = Advice()
    for line in (
        *str(body.get("instructions") or "").splitlines(),
        *(f"{name} answered {output}" for name, output in answers),
    ):
        advice(line, tool, minded)
    wanted = next((each for each in minded.first if each not in worked), tool)
    return calls(Call(wanted, _arguments(body["tools"], wanted, facts, minded)))


def _arguments(tools: list[Json], wanted: str, facts: dict[str, str], minded: Advice) -> Json:
    (schema,) = [each["parameters"] for each in tools if each["name"] == wanted]
    names = [each for each in schema["properties"] if each in schema["required"] or each in minded.give]
    return {each: _in_form(facts[each], minded.form.get(each)) for each in names if each in facts}


def _in_form(value: str, form: str | None) -> str:
    if form == "YYYY-MM-DD":
        return f"{datetime.strptime(value, '%d %B %Y').replace(tzinfo=UTC):%Y-%m-%d}"
    if form == "in cents":
        return re.sub(r"\D", "", value)
    if form == "in digits":
        return _DIGITS.get(value, value)
    return value
