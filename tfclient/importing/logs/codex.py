"""Rollouts of Codex: its response items are those of the Responses API, and its events say what happened to them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import define, field

from tfclient.importing.logs.chain import Chain, Known, Ran, Teller
from tfclient.importing.logs.lines import Line, moment
from tfclient.importing.logs.log import About, Json, PassedOver, dict_in, text_in
from tfstore.document.item_types import item_type
from tfstore.journal.entries import Entry

NAME: Final = "codex"

POLICY_ROLES: Final = frozenset({"system", "developer"})

_LINES: Final = frozenset(
    {"session_meta", "turn_context", "response_item", "event_msg", "compacted", "inter_agent_communication"}
)
_NOT_TYPED: Final = re.compile(
    r"\s*(?:<(?:environment_context|user_instructions|permissions|apps_instructions|skills?_instructions|skill|"
    r"collaboration_mode|turn_aborted|subagent_notification|user_shell_command|INSTRUCTIONS)\b|"
    r"# AGENTS\.md instructions)"
)
_MIRRORS: Final = frozenset(
    {"agent_message", "agent_reasoning", "agent_reasoning_raw_content", "context_compacted"}
)
_SECONDS: Final = re.compile(r"([\d.]+)\s*(ms|s|m)?")


def is_line(value: Any) -> bool:
    """Return whether a line of JSON is one of a rollout."""
    kind = value.get("type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in _LINES and isinstance(value.get("payload"), dict)


def about(value: Json) -> About:
    """Return what a rollout is of, from its ``session_meta``."""
    meta = value["payload"]
    spawned = dict_in(dict_in(dict_in(meta, "source"), "subagent"), "thread_spawn")
    fork, parent = meta.get("forked_from_id"), spawned.get("parent_thread_id")
    began = moment(meta.get("timestamp")) or moment(value.get("timestamp")) or 0
    named = (
        "cwd",
        "git",
        "cli_version",
        "source",
        "originator",
        "model_provider",
        "forked_from_id",
        "agent_nickname",
    )
    metadata = {name: meta[name] for name in named if meta.get(name)}
    of = fork if isinstance(fork, str) else parent if isinstance(parent, str) else None
    return About(NAME, str(meta.get("id")), began, None, metadata, of, forked=isinstance(fork, str))


@define
class Codex:
    """Takes the lines of one rollout."""

    teller: Teller
    passed_over: PassedOver
    known: Iterable[Known] = ()
    """What the thread said that it was forked from."""
    chain: Chain = field(init=False)
    _at: int = 0
    _total: Any = None
    _mirrors: list[str] = field(factory=list[str])
    """What was typed since the last call, as far as no item has been met that says it."""
    _waiting: list[tuple[Json, int]] = field(factory=list)
    """What the model was given since then; of messages of the user's role it is to be found out who wrote them."""
    _unsaid: list[str] = field(factory=list[str])
    """Prompts that went to the model before anything said that they were typed."""
    _began: dict[str, int] = field(factory=dict[str, int])
    _turns: list[tuple[str | None, list[Json]]] = field(factory=list)
    """For each turn: what its first call continued."""
    _begun: bool = False

    def __attrs_post_init__(self) -> None:
        """Begin with nothing said."""
        self.chain = Chain(self.teller, known=deque(self.known))

    def take(self, line: Line) -> Iterator[Entry]:
        """Take the next line."""
        if line.problem:
            self.passed_over.line(line)
            return
        value = line.value
        if not is_line(value):
            kind = value.get("type") if isinstance(value, dict) else None
            self.passed_over.kind(str(kind or type(value).__name__))
            return
        self._at = at = max(moment(value.get("timestamp")) or 0, self._at)
        kind, payload = value["type"], value["payload"]
        if kind == "response_item":
            yield from self._item(payload, at)
        elif kind == "event_msg":
            yield from self._event(str(payload.get("type")), payload, at)
        elif kind == "compacted":
            yield from self._compacted(payload, at)
        elif kind == "turn_context":
            self._context(payload)
        elif kind == "session_meta":
            self._meta(payload)
        elif isinstance(payload.get("content"), str):
            # What another agent says to this one.
            self._typed(payload["content"].strip())
        else:
            self.passed_over.kind(kind)

    def end(self) -> Iterator[Entry]:
        """The rollout ends here, for now."""
        self._decide()
        yield from self.chain.end()
        if self.chain.repeated:
            self.passed_over.kinds["items of the thread it was forked from"] = self.chain.repeated

    def _meta(self, meta: Json) -> None:
        if self._begun:
            again = str(meta.get("id")) == self.teller.thread
            self.passed_over.kind(
                "session_meta" if again else "session_meta of the thread it was forked from"
            )
            return
        self._begun = True
        base = meta.get("base_instructions")
        text = base.get("text") if isinstance(base, dict) else meta.get("instructions")
        if isinstance(text, str) and text:
            self.chain.settings["instructions"] = text

    def _context(self, context: Json) -> None:
        settings = self.chain.settings
        instructions = settings.get("instructions")
        settings.clear()
        settings |= {"model": context["model"]} if isinstance(context.get("model"), str) else {}
        settings |= {"instructions": instructions} if instructions else {}
        effort = {"effort": context.get("effort"), "summary": context.get("summary")}
        reasoning = {name: each for name, each in effort.items() if each}
        settings |= {"reasoning": reasoning} if reasoning else {}
        settings |= {
            name: context[name] for name in ("approval_policy", "sandbox_policy") if context.get(name)
        }

    def _item(self, item: Json, at: int) -> Iterator[Entry]:
        kind, role = str(item.get("type")), item.get("role")
        if (kind == "message" and role != "assistant") or item_type(kind).kind == "output":
            self._waiting.append((item, at))
        elif item_type(kind).kind == "compaction":
            self._decide()
            yield from self.chain.compacted({"id": f"cmp_{self.teller.calls + 1}", **item}, at)
        elif kind == "ghost_snapshot":
            self.passed_over.kind(kind)
        else:
            turn = self._decide()
            yield from self.chain.settle() if self.chain.given else ()
            if turn:
                lead = [each for each in self.chain.given if each.get("type") == "compaction"]
                self._turns.append((self.chain.parent, lead))
            yield from self.chain.say(item, at)

    def _decide(self) -> bool:
        """Give what came since the last call: prompts as such, what the agent said in the user's role as policy.

        Returns:
            Whether any of it was typed.
        """
        waiting, self._waiting = self._waiting, []
        texts = {
            n: text_in(item.get("content")).strip()
            for n, (item, _) in enumerate(waiting)
            if item.get("type") == "message" and item.get("role") == "user"
        }
        typed: set[int] = set()
        unheard: list[str] = []
        for mirror in self._mirrors:
            place = next((n for n in reversed(texts) if n not in typed and _says(texts[n], mirror)), None)
            if place is not None:
                typed.add(place)
            elif mirror:
                unheard.append(mirror)
        self._unsaid = []
        for n, (item, at) in enumerate(waiting):
            policy = n in texts and n not in typed and (typed or _NOT_TYPED.match(texts[n]))
            is_prompt = n in texts and not policy
            if is_prompt and n not in typed:
                self._unsaid.append(texts[n])
            if policy or item.get("role") in POLICY_ROLES:
                self.chain.instruct(text_in(item.get("content")).strip())
            else:
                self.chain.give(item, at, typed=is_prompt)
        for mirror in unheard:
            # It was typed, and no item says so.
            self.chain.give({"type": "message", "role": "user", "content": mirror}, self._at, typed=True)
        self._mirrors = []
        return self.chain.typed

    def _typed(self, text: str) -> None:
        said = next((each for each in self._unsaid if _says(each, text)), None)
        if said is not None and not self._waiting:
            self._unsaid.remove(said)
        else:
            self._mirrors.append(text)

    def _event(self, kind: str, event: Json, at: int) -> Iterator[Entry]:
        if kind == "user_message":
            self._typed(str(event.get("message") or "").strip())
        elif kind == "token_count":
            self._use(dict_in(event, "info"))
        elif kind in {"exec_command_begin", "patch_apply_begin", "mcp_tool_call_begin"}:
            self._began[str(event.get("call_id"))] = at
        elif kind in {"exec_command_end", "patch_apply_end", "mcp_tool_call_end"}:
            self._ran(kind, event, at)
        elif kind == "turn_aborted":
            self._decide()
            yield from self.chain.interrupted(
                at, f"the turn was aborted: {event.get('reason') or 'nobody says why'}"
            )
        elif kind == "error":
            self._decide()
            info = event.get("codex_error_info")
            code = (
                info
                if isinstance(info, str)
                else next(iter(info), "error")
                if isinstance(info, dict)
                else "error"
            )
            yield from self.chain.failed(at, str(code), str(event.get("message") or "it failed"))
        elif kind == "thread_rolled_back":
            yield from self._rolled_back(event.get("num_turns"))
        elif kind not in _MIRRORS:
            self.passed_over.kind(f"event_msg:{kind}")

    def _use(self, info: Json) -> None:
        last, total = dict_in(info, "last_token_usage"), info.get("total_token_usage")
        if not last or (total is not None and total == self._total):
            return  # what was said before is said again
        self._total = total
        self.chain.use(
            {
                "input_tokens": last.get("input_tokens"),
                "input_tokens_details": {"cached_tokens": last.get("cached_input_tokens")},
                "output_tokens": last.get("output_tokens"),
                "output_tokens_details": {"reasoning_tokens": last.get("reasoning_output_tokens")},
                "total_tokens": last.get("total_tokens"),
            }
        )

    def _ran(self, kind: str, event: Json, at: int) -> None:
        call_id = event.get("call_id")
        if not isinstance(call_id, str):
            self.passed_over.kind(f"event_msg:{kind}")
            return
        evidence, code = None, event.get("exit_code")
        if isinstance(code, int) and code != 0:
            evidence = f"exit_code:{code}"
        elif event.get("success") is False:
            evidence = "success:false"
        elif kind == "mcp_tool_call_end":
            result = event.get("result")
            said = dict_in(result, "Ok")
            failed = isinstance(result, dict) and "Err" in result
            evidence = (
                "error" if failed else "is_error" if said.get("is_error") or said.get("isError") else None
            )
        took, began = _microseconds(event.get("duration")), self._began.pop(call_id, None)
        self.chain.ran(Ran(call_id, at, at - took if took else began, evidence))

    def _compacted(self, payload: Json, at: int) -> Iterator[Entry]:
        self._decide()
        kept = {name: payload[name] for name in ("message", "replacement_history") if payload.get(name)}
        item = {"type": "compaction", "id": f"cmp_{self.teller.calls + 1}", **kept}
        yield from self.chain.compacted(item, at)

    def _rolled_back(self, count: Any) -> Iterator[Entry]:
        turns = count if isinstance(count, int) and count > 0 else 1
        self._decide()
        if self.chain.given and not self.chain.known:
            yield from self.chain.interrupted(self._at, "the thread was rolled back")
        yield from self.chain.settle()
        if self._turns:
            turns = min(turns, len(self._turns))
            self.chain.parent, lead = self._turns[-turns]
            self.chain.given = list(lead)
            del self._turns[-turns:]


def _says(text: str, mirror: str) -> bool:
    """Return whether an item says what was typed: an editor may put its own context before it."""
    text = text.strip()
    return text == mirror or (bool(mirror) and text.endswith(mirror))


def _microseconds(duration: Any) -> int:
    if isinstance(duration, dict):
        seconds, nanos = duration.get("secs"), duration.get("nanos")
        whole = seconds if isinstance(seconds, int) else 0
        return max(0, whole * 1_000_000 + (nanos // 1000 if isinstance(nanos, int) else 0))
    found = _SECONDS.fullmatch(duration.strip()) if isinstance(duration, str) else None
    if found is None:
        return 0
    try:
        return int(float(found[1]) * {"ms": 1_000, "m": 60_000_000}.get(found[2], 1_000_000))
    except (ValueError, OverflowError):
        return 0
