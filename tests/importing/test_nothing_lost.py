"""Whatever happens in what order: what was typed is there once, and so is what was said and what tools gave back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.importing.rollouts import Rollout
from tests.importing.transcripts import Transcript
from tfclient.importing.logs.chain import Teller
from tfclient.importing.logs.claude_code import ClaudeCode
from tfclient.importing.logs.codex import Codex
from tfclient.importing.logs.lines import Line
from tfclient.importing.logs.log import PassedOver
from tfclient.projection.projector import Projector
from tfclient.redaction import Redactor

if TYPE_CHECKING:
    from tfstore.document.documents import Run, Session

ACTIONS = st.lists(
    st.sampled_from(
        [
            "ask",
            "mirror only",
            "item only",
            "mirror first",
            "think",
            "say",
            "call",
            "used",
            "abort",
            "error",
            "compact",
        ]
    ),
    max_size=25,
)


def projected(reader: Codex | ClaudeCode, lines: list[str]) -> Session:
    """The session of these lines, by reader and projection alone."""
    projector = Projector("sess_20261001T080000Z_00000000")
    projector.feed(
        {"type": "session.started", "at": 0, "title": "", "metadata": {}, "redaction": {"mode": "none"}}
    )
    for number, line in enumerate(lines, 1):
        for entry in reader.take(Line(number, json.loads(line))):
            projector.feed(entry)
    for entry in reader.end():
        projector.feed(entry)
    projector.feed({"type": "session.ended", "at": reader.teller.last_at, "end_reason": "closed"})
    assert projector.unknown_entries == 0
    return projector.session()


def said_in(session: Session, *labels: str) -> list[Any]:
    steps = [step for run in session.runs for step in run.steps if step.label in labels]
    said = [
        {**step.payload_started, **step.payload_completed}
        for step in sorted(steps, key=lambda step: step.seq)
    ]
    return [each.get("output") or each.get("text") for each in said]


def _policies(run: Run) -> list[str]:
    return [step.payload_started["text"] for step in run.steps if step.label == "policy.snapshot"]


@given(ACTIONS)
@settings(max_examples=40)
def test_of_a_rollout(actions: list[str]) -> None:
    log, typed, said, outputs = Rollout(), list[str](), list[str](), list[str]()
    log.begins()
    log.context()
    for number, action in enumerate(actions):
        words = f"{action} number {number}"
        if action in {"ask", "item only"}:
            log.asks(words, mirrored=action == "ask")
        elif action == "mirror only":
            log.event("user_message", message=words)
        elif action == "mirror first":
            log.event("user_message", message=words)
            log.asks(words, mirrored=False)
        elif action == "think":
            log.thinks(words)
        elif action == "say":
            log.says(words)
        elif action == "call":
            log.calls(f"call_{number}", cmd=words)
            log.ran(f"call_{number}", exit_code=number % 2)
            log.answers(f"call_{number}", words)
        elif action == "used":
            log.used(number, number)
        elif action == "abort":
            log.event("turn_aborted", reason=words)
        elif action == "error":
            log.event("error", message=words)
        else:
            log.line("compacted", {"message": words})
        typed += [words] if action in {"ask", "mirror only", "item only", "mirror first"} else []
        said += [words] if action == "say" else []
        outputs += [words] if action == "call" else []
    session = projected(Codex(Teller("codex", "t", Redactor.from_setting(None)), PassedOver()), log.lines)
    # Where one of several messages is said to have been typed, the others were not: they are instructions.
    policy = "\n".join(each for run in session.runs for each in _policies(run))
    prompts = said_in(session, "user_message")
    policies = [each for each in typed if each.startswith("item only") and each not in prompts]
    assert sorted([*prompts, *policies]) == sorted(typed)
    assert all(each in policy for each in policies)
    assert said_in(session, "assistant_message") == said
    assert said_in(session, "tool_output", "tool_error") == outputs


@given(
    st.lists(
        st.sampled_from(["ask", "think", "say", "calls", "rewind", "meta", "interrupt", "compact"]),
        max_size=25,
    )
)
@settings(max_examples=40)
def test_of_a_transcript(actions: list[str]) -> None:
    log, typed, said, outputs = Transcript(), list[str](), list[str](), list[str]()
    answered: list[str | None] = []
    for number, action in enumerate(actions):
        words = f"{action} number {number}"
        if action == "ask":
            log.asks(words)
        elif action == "rewind":
            log.asks(words, parent=answered[number % len(answered)] if answered else "")
        elif action == "think":
            log.thinks(f"msg_{number // 2}", words)
        elif action == "say":
            answered.append(log.says(f"msg_{number // 2}", words))
        elif action == "calls":
            one = log.calls(f"msg_{number}", f"toolu_{number}", "Bash", command=words)
            other = log.calls(f"msg_{number}", f"toolu_{number}_2", "Read", path=words)
            log.answers(f"toolu_{number}_2", f"{words} 2", parent=other)
            log.answers(f"toolu_{number}", words, parent=one)
        elif action == "meta":
            log.asks(words, isMeta=True)
        elif action == "interrupt":
            log.asks("[Request interrupted by user]")
        else:
            boundary = log.line("system", parent=None, subtype="compact_boundary", logicalParentUuid=log.last)
            log.asks(words, isCompactSummary=True, parent=boundary)
        typed += [words] if action in {"ask", "rewind"} else []
        said += [words] if action == "say" else []
        outputs += [words, f"{words} 2"] if action == "calls" else []
    session = projected(
        ClaudeCode(Teller("claude-code", "s", Redactor.from_setting(None)), PassedOver()), log.lines
    )
    assert sorted(said_in(session, "user_message")) == sorted(typed)
    assert sorted(said_in(session, "assistant_message")) == sorted(said)
    assert sorted(said_in(session, "tool_output", "tool_error")) == sorted(outputs)
