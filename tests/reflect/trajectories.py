"""Agent conversations that people judged, as the traffic that they were, and the sessions of it."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.projection.builders import Story
from tfstore.document.documents import Session

FOLDER = Path(__file__).parents[3] / "shared" / "trajectories"

needs_trajectories = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no trajectories at {FOLDER}")


@frozen(eq=False)
class Trajectory:
    """A conversation: its source, domain and task, a digest that names it, and its session."""

    source: str
    domain: str
    task: str
    name: str
    errors: int
    """Tool messages that begin with ``Error`` and were sent to a model."""
    session: Session


@cache
def trajectories() -> tuple[Trajectory, ...]:
    """All conversations with tools."""
    return tuple(_trajectory(told, tools) for told, tools in _told())


@cache
def with_errors() -> tuple[Trajectory, ...]:
    """Those in which a tool answered with an error."""
    return tuple(_trajectory(told, tools) for told, tools in _told() if any(map(_is_error, told["messages"])))


def tau_bench_tasks() -> set[str]:
    """The tasks of tau-bench, also those in which nothing went wrong."""
    return {str(told["task_id"]) for told, _ in _told() if told["source"] == "tau-bench"}


@cache
def _told() -> list[tuple[Any, Any]]:
    tools = json.loads((FOLDER / "tools.json").read_text(encoding="utf-8"))
    with gzip.open(FOLDER / "conversations.jsonl.gz", "rt", encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    return [(each, tools[each["domain"]]) for each in told if each["domain"] in tools]


def _is_error(message: Any) -> bool:
    return message["role"] == "tool" and str(message["content"]).startswith("Error")


def _trajectory(told: Any, tools: Any) -> Trajectory:
    story = Story("chat")
    story.begin()
    messages = told["messages"]
    answers = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    for place in answers:
        sent = story.send({"model": told["model"], "messages": messages[:place], "tools": tools})
        message = {
            name: value for name, value in messages[place].items() if value is not None or name == "content"
        }
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        body = {"id": sent.response_id, "object": "chat.completion", "model": told["model"], "created": 1}
        sent.answer({**body, "choices": [choice]})
    story.end()
    read = messages[: answers[-1]] if answers else []
    errors = sum(map(_is_error, read))
    name = digest(json.dumps(told, sort_keys=True))
    where = (told["source"], told["domain"], str(told["task_id"]))
    return Trajectory(*where, name, errors, story.session())


def digest(text: str) -> str:
    """A name that says nothing of what it names."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
