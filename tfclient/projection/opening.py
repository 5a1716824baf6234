"""A request becomes steps: which run it belongs to, what it carries, and the ``assistant_call`` itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfclient.projection.items import Item, describe_parts, digest, only_text
from tfclient.projection.lineage import EMPTY, LineageIndex, Match, Node
from tfclient.projection.news import News, news_of
from tfclient.projection.snapshots import take_context, take_policies, take_tools
from tfclient.projection.tool_steps import ToolSteps
from tfstore.documents import Lineage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.projection.exchange import Call
    from tfclient.projection.model_call import ModelRequest
    from tfclient.projection.run_state import Book, RunState
    from tfstore.documents import Step


@define
class Prompted:
    """A prompt that opened a run, to recognise when the same one is sent again."""

    run: RunState
    steps: list[str]
    parent: Node | None


@define
class Opening:
    """Turns requests into runs and steps; keeps what it takes to know a prompt again."""

    book: Book
    index: LineageIndex
    tools: ToolSteps
    lookup: Callable[[str], str | None] | None = None
    _prompts: dict[bytes, Prompted] = field(factory=dict[bytes, Prompted])

    def open(self, call: Call, request: ModelRequest, at: int) -> None:
        """Add the steps that this request brings and its ``assistant_call``, in progress."""
        match = self._resolve(call, request)
        news = news_of(request.items, match, self.index)
        # Outputs close their calls in the run that owns the call, whatever happens next.
        carried = [step for item in news.outputs if (step := self.tools.answer(item, at, match.parent))]
        key = digest(str(match.parent.number if match.parent else ""), news.key)
        run, prompts, notes = self._run_for(call, request, match, news, key, at, carried)
        missing = [item for item in news.outputs if not self._has_call(item)]
        for item in news.calls:
            self.tools.placeholder(run, item, at)
        carried += [step for item in missing if (step := self.tools.answer(item, at, match.parent, run))]
        carried += [self._extra(run, item, at) for item in (*news.approvals, *news.compactions, *news.others)]
        run.run.lineage.notes += [n for n in match.notes if n not in run.run.lineage.notes]
        self._add_call(call, request, run, match, news, prompts, carried, notes, at)
        if prompts:
            self._prompts[key] = Prompted(run, prompts, match.parent)

    def _has_call(self, item: Item) -> bool:
        return self.index.find_call(item.call_id or item.name, None) is not None

    def _resolve(self, call: Call, request: ModelRequest) -> Match:
        explicit = call.started.get("explicit_parent")
        if isinstance(explicit, str) and explicit in self.index.by_response:
            found = self.index.resolve(request)
            if found.parent is None:
                return Match(self.index.by_response[explicit], "explicit")
        return self.index.resolve(request)

    def _run_for(
        self,
        call: Call,
        request: ModelRequest,
        match: Match,
        news: News,
        key: bytes,
        at: int,
        carried: list[Step],
    ) -> tuple[RunState, list[str], list[str]]:
        """Return the run of this request, the prompt steps that it serves, and notes for the call."""
        parent_run = match.parent.run if match.parent else None
        nested = self.tools.running(call.started.get("tool"))
        if nested is not None and (
            parent_run is None or parent_run.run.lineage.parent_step_id != nested.step.step_id
        ):
            run = self._new_run("tool", match, news, request, at, nested.run)
            run.run.lineage.parent_step_id, run.run.lineage.source = nested.step.step_id, "explicit"
            return run, self._add_prompts(run, news, match, at), []
        if news.prompts:
            again = self._same_prompt(match, news, key)
            if again is not None:
                return again
            run = self._new_run("user_message", match, news, request, at, parent_run)
            if carried:
                run.run.lineage.notes.append("mixed_input")
            if match.unknown_response_id and not self._elsewhere(run, match.unknown_response_id):
                run.run.trigger = "resumed"
            return run, self._add_prompts(run, news, match, at), []
        if request.template is not None and not news.outputs:
            run = self._new_run("prompt_template", match, news, request, at, parent_run)
            return run, self._add_template(run, request, at), []
        if parent_run is not None and not news.only_policies:
            return parent_run, [], []
        if carried and not match.unknown_response_id:
            return self.book.by_run[str(carried[-1].run_id)], [], []
        trigger = "system" if news.only_policies or (request.policies and not news.outputs) else "resumed"
        run = self._new_run(trigger, match, news, request, at, parent_run)
        if match.unknown_response_id:
            self._elsewhere(run, match.unknown_response_id)
        return run, [], []

    def _same_prompt(
        self, match: Match, news: News, key: bytes
    ) -> tuple[RunState, list[str], list[str]] | None:
        known = self._prompts.get(key)
        if known is not None:
            failed = known.run.last_call is not None and known.run.last_call.status in {"failed", "cancelled"}
            # The same words typed twice without a parent are two runs; after a failure they are a retry.
            if failed:
                return known.run, known.steps, ["retry"]
            if match.parent is not None:
                return known.run, known.steps, ["regenerate"]
        return self._lost_parent(match, news)

    def _lost_parent(self, match: Match, news: News) -> tuple[RunState, list[str], list[str]] | None:
        """A stale chain: the same prompt failed while it named a parent, and comes again without."""
        last = self.book.states[-1] if self.book.states else None
        if last is None or match.parent is not None or last.last_call is None:
            return None
        failed = last.last_call
        lost = failed.previous_response_id
        if failed.status != "failed" or lost is None or last.last_key != news.key:
            return None
        last.run.lineage.notes.append(f"lost_parent:{lost}")
        steps = [s.step_id for s in last.run.steps if s.label == "user_message"]
        return last, steps, ["retry"]

    def _new_run(
        self,
        trigger: str,
        match: Match,
        news: News,
        request: ModelRequest,
        at: int,
        parent_run: RunState | None,
    ) -> RunState:
        lineage = Lineage(source=match.source)
        if match.parent is not None:
            lineage.parent_response_id = match.parent.response_id
            lineage.parent_step_id = match.parent.step.step_id
            lineage.branch_index = match.parent.children
        elif match.unknown_response_id:
            lineage.parent_response_id = match.unknown_response_id
        if parent_run is None and self.tools.open:
            lineage.notes.append("possible_nested")
        run = self.book.open_run(at, trigger, lineage, parent_run)
        run.run.conversation_id = request.conversation_id
        texts = [item.text or describe_parts(item.raw.get("content")) for item in news.prompts]
        run.run.input_text = "\n\n".join(texts)
        if texts:
            lineage.prompt_sha256 = hashlib.sha256(
                run.run.input_text.encode("utf-8", "surrogatepass")
            ).hexdigest()
        return run

    def _elsewhere(self, run: RunState, response_id: str) -> bool:
        found = self.lookup(response_id) if self.lookup is not None else None
        if found is not None:
            run.run.lineage.notes.append(f"parent_session:{found}")
        return found is not None

    def _add_prompts(self, run: RunState, news: News, match: Match, at: int) -> list[str]:
        after = match.parent.last_message_id if match.parent else None
        steps: list[str] = []
        for item in news.prompts:
            payload: dict[str, Any] = {"text": item.text or describe_parts(item.raw.get("content"))}
            if item.role != "user":
                payload["role"] = item.role
            if not only_text(item.raw.get("content")):
                payload["content"] = item.raw.get("content")
            extra = {
                k: v for k, v in item.raw.items() if k not in {"type", "role", "content", "id", "status"}
            }
            payload.update(extra)
            step = self.book.add(run, "user_message", "chat.on_message", at, payload_started=payload)
            step.item_id = item.item_id
            step.depends_on = [after] if after else []
            if not steps:
                self.book.prompt(run, step)
            steps.append(step.step_id)
        return steps

    def _add_template(self, run: RunState, request: ModelRequest, at: int) -> list[str]:
        template = request.template or {}
        variables = template.get("variables")
        words = "\n".join(f"{k}: {v if isinstance(v, str) else '…'}" for k, v in (variables or {}).items())
        text = words or str(template.get("id") or "")
        run.run.input_text = text
        payload = {"text": text, "prompt": template}
        step = self.book.add(run, "user_message", "chat.on_prompt_template", at, payload_started=payload)
        self.book.prompt(run, step)
        return [step.step_id]

    def _extra(self, run: RunState, item: Item, at: int) -> Step:
        raw = {k: v for k, v in item.raw.items() if k not in {"type", "id"}}
        label, kind = "generic", item.type
        if item.kind == "approval_response":
            label, kind = "approval_response", "responses.mcp_approval_response"
        elif item.kind == "compaction":
            label, kind = "context_compacted", "responses.compaction"
        step = self.book.add(run, label, kind, at, payload_completed=raw, item_id=item.item_id)
        wanted = item.raw.get("approval_request_id")
        request = self.tools.approvals.get(wanted) if isinstance(wanted, str) else None
        step.depends_on = [request.step_id] if request else []
        return step

    def _add_call(
        self,
        call: Call,
        request: ModelRequest,
        run: RunState,
        match: Match,
        news: News,
        prompts: list[str],
        carried: list[Step],
        notes: list[str],
        at: int,
    ) -> None:
        context = take_context(self.book, run, news.context, at)
        policy = take_policies(self.book, run, request, at)
        if run.prompt_step_id is None and run.run.trigger == "system" and policy is not None:
            self.book.prompt(run, self.book.steps[policy])
            run.run.input_text = self.book.steps[policy].payload_started["text"]
        tools = take_tools(self.book, run, request, at)
        parent = match.parent
        news_ids = list(dict.fromkeys([*prompts, *(step.step_id for step in carried)]))
        depends = [*news_ids, *(s for s in (context, policy, tools) if s)]
        if parent is not None and parent.last_step_id and parent.last_step_id not in depends:
            depends.append(parent.last_step_id)
        payload: dict[str, Any] = {
            "name": request.name,
            "model": request.model,
            "arguments": request.arguments,
        }
        payload["input"] = news_ids
        if parent is not None:
            payload["inherits"] = {"step_id": parent.step.step_id, "items": match.start}
        payload["prompt_provenance"] = {"parts": _parts(policy, tools, context, parent, prompts, carried)}
        if request.unread is not None:
            payload["body"] = request.unread
        step = self.book.add(
            run,
            "assistant_call",
            request.type,
            call.started_at or at,
            status="in_progress",
            payload_started=payload,
        )
        step.depends_on, step.model = depends, request.model
        step.previous_response_id = request.previous_response_id
        step.notes = notes
        self.index.nodes += 1
        base = _linked_context(match)
        chain = self.index.fold(base, request.items)
        node = Node(self.index.nodes, step, run, parent, chain[-1] if chain else base)
        if parent is not None and "regenerate" not in notes and "retry" not in notes:
            parent.children += 1
        run.last_call, run.last_key, run.run.status = step, news.key, "in_progress"
        call.run, call.step, call.node = run, step, node


def _linked_context(match: Match) -> bytes:
    """Return the context that the server puts before the request's items: the parent's, where it keeps history."""
    linked = match.source in {"previous_response_id", "conversation", "explicit"}
    return match.parent.contexts[0] if linked and match.parent and match.parent.contexts else EMPTY


def _parts(
    policy: str | None,
    tools: str | None,
    context: str | None,
    parent: Node | None,
    prompts: list[str],
    carried: list[Step],
) -> list[dict[str, str]]:
    parts: list[dict[str, str]] = []
    if policy:
        parts.append({"type": "instructions", "step_id": policy})
    if tools:
        parts.append({"type": "tools", "step_id": tools})
    if context:
        parts.append({"type": "context", "step_id": context})
    if parent is not None:
        part = {"type": "response", "step_id": parent.step.step_id}
        parts.append({**part, "response_id": parent.response_id} if parent.response_id else part)
    parts += [{"type": step.label, "step_id": step.step_id} for step in carried]
    parts += [{"type": "user_message", "step_id": step_id} for step_id in prompts]
    return parts
