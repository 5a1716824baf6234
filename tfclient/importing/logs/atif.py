"""Trajectories in ATIF, the interchange format of Harbor: what many tools make of the logs of many agents."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from attrs import define, field

from tfclient.importing.logs.chain import Chain, Known, Teller
from tfclient.importing.logs.lines import Line, moment
from tfclient.importing.logs.log import About, Json, PassedOver, dict_in, parts_of, text_in
from tfstore.document.json_text import compact
from tfstore.journal.entries import Entry

NAME: Final = "atif"

_VERSION: Final = "ATIF-v"
_KNOWN: Final = frozenset({"user", "agent", "system"})


def is_document(value: Any) -> bool:
    """Return whether a JSON value is a trajectory."""
    version = value.get("schema_version") if isinstance(value, dict) else None
    return isinstance(version, str) and version.startswith(_VERSION) and isinstance(value.get("steps"), list)


def about(document: Json, name: str) -> About:
    """Return what a trajectory is of; one without an id has its file's name."""
    agent = dict_in(document, "agent")
    times = (moment(step.get("timestamp")) for step in document["steps"] if isinstance(step, dict))
    thread = document.get("trajectory_id") or document.get("session_id") or name
    metadata = {f"agent_{each}": agent[each] for each in ("name", "version") if agent.get(each)}
    metadata |= {
        each: document[each] for each in ("schema_version", "session_id", "notes") if document.get(each)
    }
    return About(NAME, str(thread), next((each for each in times if each), 0), None, metadata)


@define
class Atif:
    """Takes what stands beside the steps, then the steps."""

    teller: Teller
    passed_over: PassedOver
    known: Iterable[Known] = ()
    chain: Chain = field(init=False)
    _at: int = 0
    _steps: int = 0
    _inside: dict[str, Json] = field(factory=dict[str, Json])
    """Trajectories of agents that were started in this one, by their ids."""

    def __attrs_post_init__(self) -> None:
        """Begin with nothing said."""
        self.chain = Chain(self.teller, known=deque(self.known))
        self._at = self.teller.last_at

    def take(self, line: Line) -> Iterator[Entry]:
        """Take the head, or the next step."""
        value = line.value
        if line.number == 0:
            self._head(value)
        elif not isinstance(value, dict) or value.get("source") not in _KNOWN:
            self.passed_over.line(line)
        else:
            self._at = max(moment(value.get("timestamp")) or 0, self._at)
            yield from self._step(value)

    def end(self) -> Iterator[Entry]:
        """The trajectory ends here."""
        for each in self._inside:
            self.passed_over.kind(f"subagent_trajectories that no step names ({each})")
        self._inside.clear()
        yield from self.chain.end()

    def _head(self, head: Json) -> None:
        agent = dict_in(head, "agent")
        self.chain.agent = None
        if isinstance(agent.get("model_name"), str):
            self.chain.settings["model"] = agent["model_name"]
        if isinstance(agent.get("tool_definitions"), list):
            self.chain.settings["tools"] = [_tool(each) for each in agent["tool_definitions"]]
        inner = head.get("subagent_trajectories")
        for each in inner if isinstance(inner, list) else []:
            if isinstance(each, dict) and isinstance(each.get("steps"), list):
                self._inside[str(each.get("trajectory_id"))] = each

    def _step(self, step: Json) -> Iterator[Entry]:
        source, chain = step["source"], self.chain
        if step.get("is_copied_context"):
            self._copied(step)
        elif source == "system":
            chain.instruct(_text(step))
        elif source == "user":
            content = [_given(part) for part in parts_of(step.get("message"))]
            chain.give({"type": "message", "role": "user", "content": content}, self._at, typed=True)
        else:
            yield from self._said(step)
        yield from self._observed(step)

    def _copied(self, step: Json) -> None:
        """What another trajectory holds is context here: it was given, and not said anew."""
        if step["source"] == "system":
            self.chain.instruct(_text(step))
        elif step["source"] == "user":
            self.chain.give({"type": "message", "role": "user", "content": _text(step)}, self._at)
        else:
            for item in _items(step):
                self.chain.give(item, self._at)

    def _said(self, step: Json) -> Iterator[Entry]:
        chain = self.chain
        if isinstance(step.get("model_name"), str):
            chain.settings["model"] = step["model_name"]
        if isinstance(step.get("reasoning_effort"), str):
            chain.settings["reasoning"] = {"effort": step["reasoning_effort"]}
        self._steps += 1
        key = f"step {self._steps}"
        for item in _items(step):
            yield from chain.say(item, self._at, key=key)
        metrics = dict_in(step, "metrics")
        given, made = metrics.get("prompt_tokens"), metrics.get("completion_tokens")
        if isinstance(given, int) or isinstance(made, int):
            details = {"cached_tokens": metrics.get("cached_tokens")}
            chain.use({"input_tokens": given, "input_tokens_details": details, "output_tokens": made})

    def _observed(self, step: Json) -> Iterator[Entry]:
        results = dict_in(step, "observation").get("results")
        for result in results if isinstance(results, list) else []:
            if not isinstance(result, dict):
                continue
            yield from self._started(result)
            content, call_id = result.get("content"), result.get("source_call_id")
            output = content if isinstance(content, str) else [_given(part) for part in parts_of(content)]
            if isinstance(call_id, str):
                item: Json = {"type": "function_call_output", "call_id": call_id, "output": output}
                failed = dict_in(result, "extra").get("is_error") is True
                self.chain.give(item | ({"is_error": True} if failed else {}), self._at)
            elif content:
                self.chain.give({"type": "message", "role": "user", "content": output}, self._at)

    def _started(self, result: Json) -> Iterator[Entry]:
        """Tell what an agent did whose result this is, inside of the call that it answers."""
        refs = result.get("subagent_trajectory_ref")
        for ref in refs if isinstance(refs, list) else []:
            inner = self._inside.pop(str(dict_in({"ref": ref}, "ref").get("trajectory_id")), None)
            if inner is None:
                self.passed_over.kind("subagent_trajectory_ref to what is not in the file")
                continue
            yield from self.chain.settle()
            outer, self.chain = self.chain, Chain(self.teller)
            self._head({name: value for name, value in inner.items() if name != "steps"})
            named = dict_in(inner, "agent").get("name")
            self.chain.agent = named if isinstance(named, str) else None
            for number, step in enumerate(inner["steps"], 1):
                yield from self.take(Line(number, step))
            yield from self.chain.end()
            self.chain = outer


def _items(step: Json) -> Iterator[Json]:
    """Yield what the model said in a step, as items of a response."""
    thought, said = step.get("reasoning_content"), step.get("message")
    if isinstance(thought, str) and thought:
        yield {"type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]}
    calls = step.get("tool_calls")
    called = [each for each in calls if isinstance(each, dict)] if isinstance(calls, list) else []
    if said or not (called or thought):
        content = [{"type": "output_text", "text": _text(step)}]
        yield {"type": "message", "role": "assistant", "content": content}
    for each in called:
        given = each.get("arguments")
        raw = given.get("_raw") if isinstance(given, dict) and given.keys() == {"_raw"} else None
        arguments = raw if isinstance(raw, str) else compact(given).decode()
        named = {"call_id": str(each.get("tool_call_id")), "name": str(each.get("function_name"))}
        yield {"type": "function_call", **named, "arguments": arguments}


def _text(step: Json) -> str:
    return text_in(step.get("message"))


def _given(part: Json) -> Json:
    source = dict_in(part, "source")
    if part.get("type") == "text":
        return {"type": "input_text", "text": str(part.get("text") or "")}
    if part.get("type") == "image" and isinstance(source.get("path"), str):
        return {"type": "input_image", "image_url": source["path"]}
    return part


def _tool(definition: Any) -> Any:
    """Return a tool as a request of the Responses API has it; ATIF has them as Chat Completions does."""
    inner = dict_in(definition, "function")
    return {"type": "function", **inner} if inner else definition
