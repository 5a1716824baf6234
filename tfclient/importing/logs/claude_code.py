"""Transcripts of Claude Code: a tree of lines, in which parallel tools fan out, rewinds fork, and agents start others.

The tree links lines, not conversations: the result of a tool hangs below the line that asked for it, also where the
model asked for two. So results go to whoever asked for them, and the tree is asked of all else.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Iterator
from hashlib import sha256
from typing import Any, Final

from attrs import define, field, frozen

from tfclient.importing.logs.chain import Chain, Known, Ran, Teller
from tfclient.importing.logs.claude_content import given_part, output_of, said_item, usage_of
from tfclient.importing.logs.lines import Line, moment
from tfclient.importing.logs.log import About, Json, PassedOver, dict_in, parts_of, text_in
from tfstore.document.json_text import compact
from tfstore.journal.entries import Entry

NAME: Final = "claude-code"

TITLES: Final = {"summary": "summary", "ai-title": "aiTitle", "custom-title": "customTitle"}
"""Lines that say what the session is called, and in which field."""

_SPEAKERS: Final = frozenset({"user", "assistant"})
_NOT_TYPED: Final = re.compile(
    r"\s*(?:<(?:local-command-stdout|local-command-stderr|local-command-caveat|system-reminder|bash-stdout|"
    r"bash-stderr|user-prompt-submit-hook)>|Caveat: The messages below were generated)"
)
_INTERRUPTED: Final = re.compile(r"\s*\[Request interrupted by user[^\]]*\]\s*")
_CUT_SHORT: Final = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
_REMEMBERED: Final = 256


def is_line(value: Any) -> bool:
    """Return whether a line of JSON is one of a transcript."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    if value["type"] in TITLES:
        return isinstance(value.get(TITLES[value["type"]]), str)
    return isinstance(value.get("sessionId"), str) and ("uuid" in value or "message" in value)


def about(value: Json) -> About:
    """Return what a line says that its session is of."""
    began = moment(value.get("timestamp")) or 0
    metadata = {name: value[name] for name in ("cwd", "version", "gitBranch") if value.get(name)}
    forked = dict_in(value, "forkedFrom").get("sessionId")
    parent = forked if isinstance(forked, str) and forked != value["sessionId"] else None
    return About(NAME, str(value["sessionId"]), began, None, metadata, parent, forked=parent is not None)


@define(eq=False)
class _Branch:
    """A conversation, and the calls of tools that it waits for."""

    chain: Chain
    agent: str | None = None


@frozen
class _Place:
    """Where a line stands: in which conversation, how many calls it had then, and how much was given since."""

    branch: _Branch
    opened: int
    given: int
    response: str | None


@define
class ClaudeCode:
    """Takes the lines of one session; those of its agents' own files are among them, in the order of their times."""

    teller: Teller
    passed_over: PassedOver
    known: Iterable[Known] = ()
    _branches: list[_Branch] = field(factory=list[_Branch])
    _places: dict[str, _Place] = field(factory=dict[str, _Place])
    _inputs: OrderedDict[str, list[Json]] = field(factory=OrderedDict[str, list[Json]])
    """What the last lines gave the model, for who answers them anew."""
    _owners: dict[str, _Branch] = field(factory=dict[str, _Branch])
    _latest: dict[str | None, _Branch] = field(factory=dict)
    """The conversation that was last at work, of each agent; None is the session's own."""
    _seen: set[bytes] = field(factory=set[bytes])
    _linked: bool = False
    _at: int = 0

    def take(self, line: Line) -> Iterator[Entry]:
        """Take the next line."""
        value = line.value
        if line.problem:
            self.passed_over.line(line)
            return
        if not isinstance(value, dict) or not is_line(value):
            kind = value.get("type") if isinstance(value, dict) else None
            self.passed_over.kind(str(kind or type(value).__name__))
            return
        kind = value["type"]
        if kind in TITLES or self._is_twice(value):
            return
        if kind in _SPEAKERS and not isinstance(value.get("message"), dict):
            self.passed_over.line(line)
            return
        self._at = at = max(moment(value.get("timestamp")) or 0, self._at)
        branch = yield from self._branch_of(value, at)
        if kind == "assistant":
            yield from self._said(branch, value, at)
        elif kind == "user":
            yield from self._given(branch, value, at)
        elif dict_in(value, "attachment").get("type") == "queued_command":
            self._queued(branch, value, at)
        elif value.get("subtype") != "compact_boundary":
            self.passed_over.kind(":".join(filter(None, [kind, str(value.get("subtype") or "")])))
        self._placed(value, branch)

    def end(self) -> Iterator[Entry]:
        """The transcript ends here, for now."""
        for branch in self._branches:
            yield from branch.chain.end()
            if branch.chain.repeated:
                self.passed_over.kinds["items of the session it was forked from"] = branch.chain.repeated

    def _is_twice(self, value: Json) -> bool:
        """Return whether a line was there before: a session that is resumed may repeat some."""
        if not isinstance(value.get("uuid"), str):
            return False
        digest = sha256(compact([value["uuid"], value.get("message"), value["type"]])).digest()[:16]
        twice = digest in self._seen
        self._seen.add(digest)
        if twice:
            self.passed_over.kind("lines that are there twice")
        return twice

    # Where a line belongs

    def _branch_of(self, value: Json, at: int) -> Generator[Entry, None, _Branch]:
        agent = self._agent_of(value)
        parent = value.get("parentUuid") or value.get("logicalParentUuid")
        self._linked = self._linked or (isinstance(parent, str) and agent is None)
        place = self._places.get(parent) if isinstance(parent, str) else None
        latest = self._latest.get(agent)
        if place is None:
            begins = parent is None and (self._linked or agent is not None) and value["type"] == "user"
            if latest is None or begins:
                latest = yield from self._begin(agent)
            # A line that cannot be read may have stood between.
            return latest
        branch, chain = place.branch, place.branch.chain
        if value["type"] not in _SPEAKERS or _results_in(value):
            return branch
        if place.opened == chain.opened:
            anew = value["type"] == "user" and chain.typed and place.given < len(chain.given)
            if not anew:
                self._latest[agent] = branch
                return branch
            yield from chain.interrupted(at, "it was written anew")
        yield from chain.settle()
        return self._fork(place, str(parent), value, agent)

    def _agent_of(self, value: Json) -> str | None:
        if not value.get("isSidechain"):
            return None
        return str(value.get("agentId") or "sidechain")

    def _begin(self, agent: str | None) -> Generator[Entry, None, _Branch]:
        if agent is not None:
            # Who started it has said so by now: then it is seen to be inside of that.
            for each in self._branches:
                yield from each.chain.settle()
        known = () if self._branches else self.known
        branch = _Branch(Chain(self.teller, known=deque(known)), agent)
        branch.chain.agent = agent if agent != "sidechain" else None
        self._branches.append(branch)
        self._latest[agent] = branch
        return branch

    def _fork(self, place: _Place, parent: str, value: Json, agent: str | None) -> _Branch:
        chain = place.branch.chain.forked(place.response)
        if value["type"] == "assistant":
            # The same is answered once more.
            chain.given = list(self._inputs.get(parent, []))
            chain.given_at = self._at
        branch = _Branch(chain, agent)
        self._branches.append(branch)
        self._latest[agent] = branch
        return branch

    def _placed(self, value: Json, branch: _Branch) -> None:
        uuid, chain = value.get("uuid"), branch.chain
        if isinstance(uuid, str):
            self._places[uuid] = _Place(branch, chain.opened, len(chain.given), chain.responding)
            if value["type"] == "user" and chain.given:
                self._inputs[uuid] = list(chain.given)
                if len(self._inputs) > _REMEMBERED:
                    self._inputs.popitem(last=False)

    # What it says

    def _said(self, branch: _Branch, value: Json, at: int) -> Iterator[Entry]:
        message, chain = value["message"], branch.chain
        if value.get("isApiErrorMessage"):
            code = value.get("error") if isinstance(value.get("error"), str) else "api_error"
            yield from chain.failed(at, str(code), text_in(message.get("content")) or "it failed")
            return
        model, key = message.get("model"), message.get("id")
        if isinstance(model, str) and model != "<synthetic>":
            chain.settings["model"] = model
        for part in parts_of(message.get("content")):
            item = said_item(part)
            if item.get("type") == "function_call":
                self._owners[str(item["call_id"])] = branch
            yield from chain.say(item, at, key=key if isinstance(key, str) else None)
        if usage := usage_of(message.get("usage")):
            chain.use(usage)
        if reason := _CUT_SHORT.get(str(message.get("stop_reason"))):
            chain.is_incomplete(reason)

    def _given(self, branch: _Branch, value: Json, at: int) -> Iterator[Entry]:
        message, rest = value["message"], list[Json]()
        for part in parts_of(message.get("content")):
            if part.get("type") == "tool_result":
                for each in self._branches:
                    if each.agent is not None and each is not branch and not each.chain.asks:
                        # What an agent said last may be this result.
                        yield from each.chain.settle()
                self._result(branch, part, value, at)
            else:
                rest.append(part)
        text = text_in(rest)
        if value.get("isCompactSummary"):
            item = {"type": "compaction", "id": f"cmp_{self.teller.calls + 1}", "summary": text}
            yield from branch.chain.compacted(item, at)
        elif _INTERRUPTED.fullmatch(text):
            yield from branch.chain.interrupted(at, text.strip())
        elif value.get("isMeta") or _NOT_TYPED.match(text):
            branch.chain.instruct(text)
        elif rest:
            content = [given_part(part) for part in rest]
            branch.chain.give({"type": "message", "role": "user", "content": content}, at, typed=True)

    def _result(self, branch: _Branch, part: Json, value: Json, at: int) -> None:
        call_id = str(part.get("tool_use_id"))
        chain = self._owners.pop(call_id, branch).chain
        item: Json = {"type": "function_call_output", "call_id": call_id, "output": output_of(part)}
        chain.give(item | ({"is_error": True} if part.get("is_error") is True else {}), at)
        told = dict_in(value, "toolUseResult")
        took = next(
            (told[n] for n in ("durationMs", "totalDurationMs") if isinstance(told.get(n), int)), None
        )
        if took is not None and took >= 0:
            chain.ran(Ran(call_id, at, at - took * 1000))

    def _queued(self, branch: _Branch, value: Json, at: int) -> None:
        """What was typed while the model was at work came to it in another way."""
        prompt = value["attachment"].get("prompt")
        content = [given_part(part) for part in parts_of(prompt)]
        branch.chain.give({"type": "message", "role": "user", "content": content}, at, typed=True)


def _results_in(value: Json) -> bool:
    return any(part.get("type") == "tool_result" for part in parts_of(value["message"].get("content")))
