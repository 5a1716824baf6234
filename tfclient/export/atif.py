"""A session as trajectories in ATIF 1.7, Harbor's interchange format, which tools for evaluation and training read.

A thread is a trajectory; a fork is one of its own, which begins with a copy of what it goes on from. Agents that were
started inside of a tool lie within the trajectory that started them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfclient.export.chat_messages import messages_of
from tfstore.reading.prompts import whole
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from tfstore.document.documents import Json, Run, Session, Step
    from tfstore.reading.prompts import ReadBlob

VERSION: Final = "ATIF-v1.7"

_OF_A_CALL: Final = frozenset({"reasoning", "assistant_message", "tool_call", "context_compacted"})
_ANSWERS: Final = frozenset({"tool_output", "tool_error"})


@define
class Trajectories:
    """The trajectories of a session, and the steps that have no place in them, by their types."""

    listed: list[Json] = field(factory=list["Json"])
    left_out: Counter[str] = field(factory=Counter[str])


def trajectories_of(session: Session, read_blob: ReadBlob | None = None) -> Trajectories:
    """Return a session's trajectories, in order of their beginnings; none where no model was asked.

    Args:
        session: its document.
        read_blob: gives the bytes of a blob; without it long texts stay the references that they are.

    Example:
        >>> from tfstore.document.documents import Session
        >>> trajectories_of(Session("sess_1")).listed
        []
    """
    made = Trajectories()
    forest = _Forest(session)
    for run in session.runs:
        if run.trigger == "api":
            made.left_out.update(step.type for step in run.steps)
        elif forest.begins(run) and not forest.is_nested(run):
            listed = _trajectory(session, forest, run, read_blob, made.left_out)
            made.listed += [listed] if listed["steps"] else []
    return made


@define
class _Forest:
    """The runs of a session, by what they continue."""

    session: Session
    runs: dict[str, Run] = field(init=False)
    next: dict[str, Run] = field(factory=dict[str, "Run"])
    nested: dict[str, list[Run]] = field(factory=dict[str, list["Run"]])
    """Runs inside of calls of tools, by the steps of these."""

    def __attrs_post_init__(self) -> None:
        self.runs = {run.run_id: run for run in self.session.runs}
        for run in self.session.runs:
            parent = run.lineage.parent_run_id
            if self.is_nested(run):
                self.nested.setdefault(str(run.lineage.parent_step_id), []).append(run)
            elif parent in self.runs and not run.lineage.branch_index:
                self.next.setdefault(str(parent), run)

    def is_nested(self, run: Run) -> bool:
        return run.trigger == "tool"

    def begins(self, run: Run) -> bool:
        """Whether a trajectory begins with a run: no other goes on with it."""
        parent = run.lineage.parent_run_id
        return self.is_nested(run) or self.next.get(str(parent)) is not run

    def onwards(self, run: Run) -> Iterator[Run]:
        """Yield a run, and those that continue it without a fork."""
        going: Run | None = run
        while going is not None:
            yield going
            going = self.next.get(going.run_id)

    def before(self, run: Run) -> list[Step]:
        """Return the steps of other runs that one goes on from, the first first."""
        parent = self.runs.get(str(run.lineage.parent_run_id))
        if parent is None or self.is_nested(run):
            return []
        response, call = run.lineage.parent_response_id, run.lineage.parent_step_id
        ends = [
            step.seq
            for step in parent.steps
            if step.step_id == call or (response and step.response_id == response)
        ]
        last = max(ends, default=parent.steps[-1].seq if parent.steps else 0)
        return [*self.before(parent), *(step for step in parent.steps if step.seq <= last)]


def _trajectory(
    session: Session, forest: _Forest, run: Run, read_blob: ReadBlob | None, left_out: Counter[str]
) -> Json:
    telling = _Telling(session, forest, read_blob, left_out)
    telling.take(forest.before(run), copied=True)
    telling.copied = len(telling.steps)
    for each in forest.onwards(run):
        telling.take(each.steps)
    steps = telling.steps
    for number, step in enumerate(steps, 1):
        steps[number - 1] = {"step_id": number, **step}
    made: Json = {
        "schema_version": VERSION,
        "session_id": session.session_id,
        "trajectory_id": f"{session.session_id}:{run.run_id}",
        "agent": telling.agent(),
        "steps": steps,
        "final_metrics": telling.metrics(),
    }
    extra: Json = {"title": session.title} if session.title else {}
    if telling.copied:
        extra["continues"] = f"{session.session_id}:{run.lineage.parent_run_id}"
    made |= {"extra": extra} if extra else {}
    return made | ({"subagent_trajectories": telling.inside} if telling.inside else {})


@define
class _Telling:
    """The steps of one trajectory, as they are put together."""

    session: Session
    forest: _Forest
    read_blob: ReadBlob | None
    left_out: Counter[str]
    steps: list[Json] = field(factory=list["Json"])
    inside: list[Json] = field(factory=list["Json"])
    copied: int = 0
    tools: list[Json] = field(factory=list["Json"])
    name: str | None = None
    _by_call: dict[str, Json] = field(factory=dict[str, "Json"])
    """The steps of calls, and of the calls of tools in them, by the ids of ours."""
    _models: Counter[str] = field(factory=Counter[str])
    _instructions: str = ""

    def take(self, steps: Iterable[Step], *, copied: bool = False) -> None:
        """Add steps; those that another trajectory holds are marked."""
        for step in steps:
            before = len(self.steps)
            self._take(step, copied)
            if copied:
                for each in self.steps[before:]:
                    each["is_copied_context"] = True

    def _take(self, step: Step, copied: bool) -> None:  # noqa: FBT001
        if step.label == "user_message":
            self._add("user", step, text_of(step) if self.read_blob is None else self._text(step))
        elif step.label == "policy.snapshot":
            text = as_text(whole(step.payload_started.get("text"), self.read_blob))
            if text != self._instructions:
                self._instructions = text
                self._add("system", step, text)
        elif step.label == "tool.schemas.snapshot":
            self.tools = self.tools or [_definition(each) for each in self._tools(step)]
        elif step.label == "context.snapshot":
            self._context(step)
        elif step.label == "assistant_call":
            self._call(step)
        elif step.label in _OF_A_CALL:
            self._said(step)
        elif step.label in _ANSWERS:
            self._answer(step, copied)
        elif not copied:
            self.left_out[step.type] += 1

    def _add(self, source: str, step: Step, message: str) -> Json:
        made: Json = {"timestamp": step.started_at, "source": source, "message": message}
        self.steps.append(made)
        return made

    def _text(self, step: Step) -> str:
        text = whole(step.payload_started.get("text"), self.read_blob)
        content = step.payload_started.get("content")
        return text_of(step) if content or not isinstance(text, str) else text

    def _call(self, step: Step) -> None:
        made = self._add("agent", step, "")
        self._by_call[step.step_id] = made
        if step.model:
            made["model_name"] = step.model
            self._models[step.model] += 1
        self.name = self.name or step.agent_name
        arguments = step.payload_started.get("arguments")
        reasoning = arguments.get("reasoning") if isinstance(arguments, dict) else None
        if isinstance(reasoning, dict) and isinstance(reasoning.get("effort"), str):
            made["reasoning_effort"] = reasoning["effort"]
        if step.usage is not None:
            usage = step.usage
            made["metrics"] = {
                "prompt_tokens": usage.input_tokens,
                "completion_tokens": usage.output_tokens,
                "cached_tokens": usage.cached_tokens,
            }
            more = {"reasoning_tokens": usage.reasoning_tokens} if usage.reasoning_tokens else {}
            made["metrics"] |= {"extra": more} if more else {}
        made["llm_call_count"] = 1
        if step.status != "completed":
            error = {"error": step.error.message} if step.error is not None else {}
            made["extra"] = {"status": step.status, **error}

    def _said(self, step: Step) -> None:
        made = next((self._by_call[each] for each in step.depends_on if each in self._by_call), None)
        if made is None:
            # It was asked for where nothing was recorded.
            made = self._add("agent", step, "")
        if step.label == "tool_call":
            self._by_call[step.step_id] = made
            called: Json = {
                "tool_call_id": step.call_id or step.step_id,
                "function_name": step.tool_name or "?",
            }
            called["arguments"] = _arguments(whole(step.payload_started.get("arguments"), self.read_blob))
            made.setdefault("tool_calls", []).append(called)
            return
        said = whole(step.payload_completed, self.read_blob)
        if step.label == "reasoning":
            text = as_text(said.get("text")) if isinstance(said, dict) else ""
            earlier = made.get("reasoning_content")
            made |= {"reasoning_content": "\n\n".join(filter(None, [earlier, text]))} if text else {}
            return
        named = ("text", "refusal") if step.label == "assistant_message" else ("summary", "message")
        words = [said.get(name) for name in named] if isinstance(said, dict) else []
        text = next((each for each in words if isinstance(each, str) and each), "") or text_of(step)
        made["message"] = "\n\n".join(filter(None, [made["message"], text]))
        if step.label == "context_compacted":
            made["extra"] = {**made.get("extra", {}), "context_compacted": True}

    def _answer(self, step: Step, copied: bool) -> None:  # noqa: FBT001
        call = next((each for each in step.depends_on if each in self._by_call), None)
        result: Json = {"content": self._output(step)}
        if step.label == "tool_error":
            result["extra"] = {"is_error": True, "evidence": str(step.payload_completed.get("evidence"))}
        if call is None:
            self._add("system", step, "")["observation"] = {"results": [result]}
            return
        result = {"source_call_id": step.call_id or call, **result}
        refs = [] if copied else [self._nested(each) for each in self.forest.nested.get(call, [])]
        result |= {"subagent_trajectory_ref": refs} if refs else {}
        self._by_call[call].setdefault("observation", {"results": []})["results"].append(result)

    def _nested(self, run: Run) -> Json:
        made = _trajectory(self.session, self.forest, run, self.read_blob, self.left_out)
        self.inside += [made, *made.pop("subagent_trajectories", [])]
        return {"trajectory_id": made["trajectory_id"]}

    def _output(self, step: Step) -> str:
        output = whole(step.payload_completed.get("output"), self.read_blob)
        if isinstance(output, str):
            return output
        return text_of(step) if output is None or isinstance(output, list) else as_text(output)

    def _tools(self, step: Step) -> list[Json]:
        tools = whole(step.payload_started.get("tools"), self.read_blob)
        return [each for each in tools if isinstance(each, dict)] if isinstance(tools, list) else []

    def _context(self, step: Step) -> None:
        """What was sent and never recorded stands in another trajectory, wherever that is."""
        items = whole(step.payload_started.get("items"), self.read_blob)
        called: dict[str, Json] = {}
        for message in messages_of({"input": items}).listed:
            role, text = message["role"], _words(message.get("content"))
            source = {"user": "user", "assistant": "agent"}.get(role, "system")
            if role == "tool" and str(message.get("tool_call_id")) in called:
                result = {"source_call_id": message["tool_call_id"], "content": text}
                of = called[str(message["tool_call_id"])]
                of.setdefault("observation", {"results": []})["results"].append(result)
                continue
            made = self._add(source, step, text)
            made["is_copied_context"] = True
            for call in message.get("tool_calls", ()):
                given = call.get("function") or {}
                called[str(call.get("id"))] = made
                named = {"tool_call_id": str(call.get("id")), "function_name": str(given.get("name"))}
                made.setdefault("tool_calls", []).append(
                    named | {"arguments": _arguments(given.get("arguments"))}
                )

    def agent(self) -> Json:
        """Return whose trajectory it is."""
        metadata = self.session.metadata
        name = self.name or metadata.get("agent_name") or metadata.get("agent") or "agent"
        version = metadata.get("agent_version") or metadata.get("cli_version") or metadata.get("version")
        made: Json = {"name": str(name), "version": str(version or "unknown")}
        if self._models:
            made["model_name"] = self._models.most_common(1)[0][0]
        return made | ({"tool_definitions": self.tools} if self.tools else {})

    def metrics(self) -> Json:
        """Return the sums over what is not a copy."""
        own = [step.get("metrics", {}) for step in self.steps if not step.get("is_copied_context")]
        names = ("prompt_tokens", "completion_tokens", "cached_tokens")
        sums = {f"total_{name}": sum(each.get(name, 0) for each in own) for name in names}
        return {**sums, "total_steps": len(self.steps)}


def _definition(tool: Json) -> Json:
    if tool.get("type") == "function" and "function" not in tool:
        return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}
    return tool


def _arguments(given: Any) -> Json:
    """Return arguments as the object that they must be."""
    if isinstance(given, str):
        try:
            parsed = json.loads(given)
        except (ValueError, RecursionError):
            parsed = None
        return parsed if isinstance(parsed, dict) else {"_raw": given}
    return given if isinstance(given, dict) else {} if given is None else {"_raw": as_text(given)}


def _words(content: Any) -> str:
    if not isinstance(content, list):
        return as_text(content)
    return "\n".join(
        str(part.get("text") or f"[{part.get('type')}]") for part in content if isinstance(part, dict)
    )
