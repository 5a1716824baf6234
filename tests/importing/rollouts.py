"""Rollouts of Codex, made line by line: as many of each kind as a test needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import define, field

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]


def text(said: str, kind: str = "input_text") -> list[Json]:
    return [{"type": kind, "text": said}]


@define
class Rollout:
    """A rollout that grows; each line is a second after the one before."""

    thread: str = "0a11ce00-0000-7000-8000-000000000001"
    lines: list[str] = field(factory=list[str])

    def line(self, kind: str, payload: Json) -> None:
        self.raw({"timestamp": self.now(), "type": kind, "payload": payload})

    def raw(self, value: Any) -> None:
        self.lines.append(value if isinstance(value, str) else json.dumps(value))

    def now(self) -> str:
        minutes, seconds = divmod(len(self.lines), 60)
        return f"2026-10-01T08:{minutes:02}:{seconds:02}.000Z"

    def item(self, kind: str, **fields: Any) -> None:
        self.line("response_item", {"type": kind, **fields})

    def event(self, kind: str, **fields: Any) -> None:
        self.line("event_msg", {"type": kind, **fields})

    def begins(self, **more: Any) -> None:
        meta: Json = {
            "id": self.thread,
            "timestamp": self.now(),
            "cwd": "/srv/shop",
            "cli_version": "0.130.0",
        }
        meta |= {"git": {"branch": "main"}, "source": "cli", "base_instructions": {"text": "You mend code."}}
        self.line("session_meta", meta | more)

    def turn(self, model: str = "gpt-5.5", effort: str = "low") -> None:
        self.line(
            "turn_context", {"model": model, "effort": effort, "approval_policy": "never", "cwd": "/srv/shop"}
        )

    def context(self, said: str = "<environment_context>in /srv/shop</environment_context>") -> None:
        self.item("message", role="user", content=text(said))

    def asks(self, said: str, *, mirrored: bool = True) -> None:
        self.item("message", role="user", content=text(said))
        if mirrored:
            self.event("user_message", message=said, images=[])

    def thinks(self, said: str) -> None:
        self.event("agent_reasoning", text=said)
        self.item("reasoning", summary=[{"type": "summary_text", "text": said}], encrypted_content="c2VhbGVk")

    def calls(self, call_id: str, name: str = "exec_command", **arguments: Any) -> None:
        self.item("function_call", name=name, arguments=json.dumps(arguments), call_id=call_id)

    def ran(self, call_id: str, exit_code: int = 0, duration: Any = "0.5s") -> None:
        self.event("exec_command_end", call_id=call_id, exit_code=exit_code, duration=duration)

    def answers(self, call_id: str, output: str, kind: str = "function_call_output") -> None:
        self.item(kind, call_id=call_id, output=output)

    def says(self, said: str) -> None:
        self.item("message", role="assistant", content=text(said, "output_text"))
        self.event("agent_message", message=said)

    def used(self, given: int, made: int, total: int | None = None) -> None:
        last = {
            "input_tokens": given,
            "cached_input_tokens": 4,
            "output_tokens": made,
            "total_tokens": given + made,
        }
        info = {"last_token_usage": last, "total_token_usage": {"total_tokens": total or given + made}}
        self.event("token_count", info=info)

    def write(self, path: Path, *, end: str = "\n") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines) + end, encoding="utf-8")
        return path


def every_kind() -> Rollout:
    """A rollout with every kind of line."""
    log = Rollout()
    log.begins()
    log.event("task_started", turn_id="t1")
    log.item(
        "message",
        role="developer",
        content=text("<permissions instructions>never</permissions instructions>"),
    )
    log.context("# AGENTS.md instructions for /srv/shop\n\nWrite tests.")
    log.context()
    log.turn()
    log.asks("Why do the tests fail?")
    log.thinks("I run them")
    log.calls("call_1", cmd="pytest -q")
    log.calls("call_2", cmd="git status")
    log.ran("call_1", exit_code=1, duration={"secs": 1, "nanos": 500_000_000})
    log.ran("call_2")
    log.answers("call_1", "Process exited with code 1\nE assert 1 == 2")
    log.answers("call_2", "clean")
    log.used(100, 20)
    log.used(100, 20)
    log.item(
        "custom_tool_call", name="apply_patch", call_id="call_3", input="*** Begin Patch", status="completed"
    )
    log.event("patch_apply_begin", call_id="call_3")
    log.event("patch_apply_end", call_id="call_3", success=False)
    log.answers("call_3", "it does not apply", "custom_tool_call_output")
    log.used(150, 30, 300)
    log.item("function_call", name="shop__price", arguments="{}", call_id="call_4")
    log.event("mcp_tool_call_end", call_id="call_4", duration="80ms", result={"Err": "no such price"})
    log.answers("call_4", "no such price")
    log.item("web_search_call", status="completed", action={"type": "search", "query": "assert"})
    log.says("The price is wrong.")
    log.event("task_complete", turn_id="t1")
    log.asks("Mend it.")
    log.event("error", message="stream disconnected", codex_error_info="response_stream_failed")
    log.asks("Again, please.")
    log.event("turn_aborted", reason="interrupted")
    log.asks("Never mind, say hello.")
    log.says("Hello.")
    log.event("thread_rolled_back", num_turns=1)
    log.asks("Say good evening.")
    log.says("Good evening.")
    log.line(
        "compacted",
        {"message": "They greeted.", "replacement_history": [{"type": "message", "role": "user"}]},
    )
    log.event("context_compacted")
    log.asks("What was it about?")
    log.says("Greetings.")
    log.line("inter_agent_communication", {"author": "reviewer", "content": "The other agent is done."})
    log.says("Good to know.")
    log.line("weather_report", {"rain": True})
    log.event("moon_phase", phase="full")
    log.raw("{cut off")
    return log
