"""Transcripts of Claude Code, made line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import define, field

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]


@define
class Transcript:
    """A transcript that grows: each line hangs below the last one unless it says otherwise."""

    session: str = "5e551011-0000-4000-8000-000000000001"
    agent: str | None = None
    lines: list[str] = field(factory=list[str])
    last: str | None = None
    start: int = 0
    """Seconds after which it begins; each line is a second after the one before."""

    def line(self, kind: str, *, parent: str | None = "", **fields: Any) -> str:
        """Add a line; returns its uuid."""
        uuid = f"{self.agent or 'main'}-{len(self.lines)}"
        about: Json = {"sessionId": self.session, "cwd": "/srv/shop", "version": "2.1.0", "gitBranch": "main"}
        about |= {"isSidechain": self.agent is not None} | ({"agentId": self.agent} if self.agent else {})
        place = {"uuid": uuid, "parentUuid": self.last if parent == "" else parent, "timestamp": self.now()}
        self.raw({"type": kind, **place, **about, **fields})
        self.last = uuid
        return uuid

    def raw(self, value: Any) -> None:
        self.lines.append(value if isinstance(value, str) else json.dumps(value))

    def now(self) -> str:
        minutes, seconds = divmod(self.start + len(self.lines), 60)
        return f"2026-10-02T09:{minutes:02}:{seconds:02}.000Z"

    def asks(self, said: Any, **fields: Any) -> str:
        return self.line("user", message={"role": "user", "content": said}, **fields)

    def part(self, message: str, part: Json, usage: tuple[int, int, int] = (3, 40, 5), **fields: Any) -> str:
        given, cached, made = usage
        counts = {"input_tokens": given, "cache_read_input_tokens": cached, "output_tokens": made}
        told = {
            "id": message,
            "role": "assistant",
            "model": "claude-sonnet-5",
            "content": [part],
            "usage": counts,
        }
        return self.line("assistant", message=told | {"stop_reason": fields.pop("stop", None)}, **fields)

    def says(self, message: str, said: str, **fields: Any) -> str:
        return self.part(message, {"type": "text", "text": said}, **fields)

    def thinks(self, message: str, said: str) -> str:
        return self.part(message, {"type": "thinking", "thinking": said, "signature": "c2VhbGVk"})

    def calls(self, message: str, call_id: str, name: str, **given: Any) -> str:
        return self.part(message, {"type": "tool_use", "id": call_id, "name": name, "input": given})

    def answers(
        self, call_id: str, output: Any, *, parent: str | None = "", told: Any = None, **more: Any
    ) -> str:
        result = {"type": "tool_result", "tool_use_id": call_id, "content": output, **more}
        message = {"role": "user", "content": [result]}
        return self.line("user", parent=parent, message=message, toolUseResult=told)

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return path


def every_kind() -> Transcript:
    """A transcript with every kind of line."""
    log = Transcript()
    log.raw({"type": "file-history-snapshot", "messageId": "m", "snapshot": {}, "isSnapshotUpdate": False})
    log.asks("<system-reminder>Write tests.</system-reminder>", isMeta=True)
    log.asks([{"type": "text", "text": "Why does it fail?"}])
    log.line("attachment", attachment={"type": "file", "filename": "a.py"})
    log.thinks("msg_1", "I look")
    log.says("msg_1", "Let me look.")
    one = log.calls("msg_1", "toolu_1", "Bash", command="pytest")
    other = log.calls("msg_1", "toolu_2", "Read", path="a.py")
    log.answers("toolu_2", [{"type": "text", "text": "x = 1"}], parent=other, told={"durationMs": 500})
    log.answers("toolu_1", "Exit code 1", parent=one, is_error=True, told="Error: Exit code 1")
    answered = log.says("msg_2", "x is wrong.")
    log.raw(
        {"type": "queue-operation", "operation": "enqueue", "sessionId": log.session, "timestamp": log.now()}
    )
    log.asks("Mend it, slowly.")
    log.says("msg_3", "Slowly mended.")
    log.asks("Mend it.", parent=answered)
    log.line("attachment", attachment={"type": "queued_command", "prompt": "And be quick."})
    log.says("msg_4", "Mended, but", stop="max_tokens")
    log.asks("Go on.")
    log.line(
        "assistant",
        isApiErrorMessage=True,
        error="rate_limit",
        message={
            "id": "e",
            "role": "assistant",
            "model": "<synthetic>",
            "content": [{"type": "text", "text": "429"}],
        },
    )
    log.asks("Once more.")
    log.calls("msg_5", "toolu_3", "Task", prompt="Count the files.", subagent_type="counter")
    task = log.last
    log.lines.append(
        json.dumps({"type": "system", "subtype": "turn_duration", "uuid": "s", "parentUuid": task,
                    "sessionId": log.session, "timestamp": log.now()})
    )  # fmt: skip
    log.answers("toolu_3", "There are 3.", parent=task, told={"totalDurationMs": 1500, "agentId": "a1"})
    log.says("msg_6", "3 files.")
    log.asks("[Request interrupted by user]")
    boundary = log.line("system", parent=None, subtype="compact_boundary", logicalParentUuid=log.last)
    log.asks("They mended x.", isCompactSummary=True, parent=boundary)
    log.asks("What did we do?")
    log.says("msg_7", "We mended x.")
    log.raw({"type": "ai-title", "aiTitle": "Mending x", "sessionId": log.session})
    log.raw({"type": "permission-mode", "mode": "plan", "sessionId": log.session, "uuid": "p"})
    log.raw("[cut")
    return log
