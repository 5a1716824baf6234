"""A request becomes steps: what it carries, and the ``assistant_call`` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from tfclient.projection.api.content import kept_content
from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.fingerprints import digest
from tfclient.projection.api.responses import COMPACT
from tfclient.projection.lineage.lineage_index import EMPTY, LineageIndex
from tfclient.projection.lineage.new_items import news_of
from tfclient.projection.lineage.newest_known import is_asked
from tfclient.projection.lineage.nodes import Match, Node
from tfclient.projection.lineage.run_choice import Asked, RunChoice, words_of
from tfclient.projection.steps.designed_endings import forced_tools
from tfclient.projection.steps.prompt_parts import PromptParts
from tfclient.projection.wire.hosts import place_of
from tfclient.projection.wire.own_headers import own_headers

if TYPE_CHECKING:
    from tfclient.projection.api.items import Item
    from tfclient.projection.api.model_call import ModelRequest
    from tfclient.projection.lineage.book import Book, RunState
    from tfclient.projection.steps.call_state import Call
    from tfclient.projection.steps.provenance import Provenance
    from tfclient.projection.steps.tool_steps import ToolSteps
    from tfstore.document.documents import Step
    from tfstore.document.item_types import Kind
    from tfstore.document.labels import Label


_LABELS: dict[Kind, Label] = {"approval_response": "approval_response", "compaction": "context_compacted"}


_OF_SOCKETS = ("transport", "socket", "lane")
"""What is said of a request that went over a socket."""


@define
class Opening:
    """Turns requests into steps of the runs that they belong to."""

    book: Book
    index: LineageIndex
    tools: ToolSteps
    runs: RunChoice
    provenance: Provenance

    def open(self, call: Call, request: ModelRequest, at: int, *, pending: bool = False) -> None:
        """Add the steps that this request brings and its ``assistant_call``, in progress.

        ``pending`` says that a tool has been asked for in a stream that is still running.
        """
        # What the call brings was there when it began, a little before its request left.
        at = call.started_at or at
        match = self._resolve(call, request)
        news = news_of(request.items, match, self.index)
        whose = str(match.parent.number if match.parent else "")
        key = digest(whose, news.key, match.altered) if match.altered else digest(whose, news.key)
        asked = Asked(request, match, news, key, at, self.tools.running(call.started.get("tool")))
        made: dict[int, Step] = {}
        # Outputs close their calls in the run that owns the call, whatever happens next.
        for item in news.outputs:
            step = self.tools.answer(item, at, match.parent)
            if step is not None:
                made[id(item)] = step
                asked.carried.append(step)
        if match.source == "resent" and match.parent is not None:
            self.tools.answered_in_text(match.parent, at)
        if match.source == "root" and news.prompts:
            asked.guessed = self.tools.asked_with(news.prompts[-1].text)
            asked.relayed = self.index.relayed(news.prompts[-1])
        asked.pending = pending or bool(self.tools.open)
        choice = self.runs.choose(asked)
        run, prompts = choice.run, choice.prompts
        if choice.fresh:
            prompts = self._prompts(run, asked, made)
        elif prompts and len(prompts) == len(news.prompts):
            made.update({id(i): self.book.steps[s] for i, s in zip(news.prompts, prompts, strict=True)})
        self._carried(run, asked, made)
        run.run.lineage.notes += [n for n in match.notes if n not in run.run.lineage.notes]
        self._add_call(call, asked, run, prompts, made)
        if call.step is not None:
            call.step.notes = choice.notes
        if match.parent is not None and not choice.notes and request.type != COMPACT:
            match.parent.children += 1
        self.runs.remember(asked, run, prompts)

    def announce(self, node: Node, response_id: str | None) -> None:
        """Take a response's id as soon as a stream tells it, so that a later chain to it holds."""
        if response_id is None or node.response_id is not None:
            return
        node.response_id = node.step.response_id = response_id
        node.contexts = node.contexts or [node.before]
        self.index.by_response[response_id] = node
        self.book.touch(node.step)

    def _resolve(self, call: Call, request: ModelRequest) -> Match:
        explicit = call.started.get("explicit_parent")
        found = self.index.resolve(request)
        if found.parent is None and isinstance(explicit, str) and explicit in self.index.by_response:
            return Match(self.index.by_response[explicit], "explicit")
        return found

    def _carried(self, run: RunState, asked: Asked, made: dict[int, Step]) -> None:
        """Add what a request brings besides prompts: calls and outputs of elsewhere, approvals, and the like."""
        news, at = asked.news, asked.at
        for item in news.calls:
            made[id(item)] = self.tools.placeholder(run, item, at).step
            self.provenance.known.add(item, made[id(item)])
        for item in news.outputs:
            if id(item) not in made:
                step = self.tools.answer(item, at, asked.match.parent, run)
                if step is not None:
                    made[id(item)] = step
                    asked.carried.append(step)
            self.provenance.known.add(item, made[id(item)])
        for item in (*news.approvals, *news.compactions, *news.others):
            known = self.provenance.known.find(item) if item.kind == "compaction" else None
            step = known or self._extra(run, item, at)
            made[id(item)] = step
            if known is None:
                asked.carried.append(step)

    def _prompts(self, run: RunState, asked: Asked, made: dict[int, Step]) -> list[str]:
        if not asked.news.prompts:
            return self._template(run, asked.request, asked.at) if asked.request.template else []
        parent = asked.match.parent
        after = parent.answer_of(asked.request.items[: asked.match.start]) if parent else None
        if run.run.lineage.source == "relayed" and asked.relayed is not None:
            after = asked.relayed.last_message_id
        steps: list[str] = []
        for item in asked.news.prompts:
            payload: dict[str, Any] = {"text": words_of(item)}
            if item.role != "user":
                payload["role"] = item.role
            payload.update(kept_content(item.raw.get("content")))
            known = {"type", "role", "content", "id", "status"}
            payload.update({k: v for k, v in item.raw.items() if k not in known})
            step = self.book.add(run, "user_message", "chat.on_message", asked.at, payload_started=payload)
            step.item_id = item.item_id
            step.depends_on = [after] if after else []
            # In a group chat the answers of others are what an agent is told, turn after turn.
            teller = self.index.relayed(item)
            if teller is not None and teller.last_message_id not in (None, after):
                step.depends_on.append(str(teller.last_message_id))
            if not steps:
                self.book.prompt(run, step)
            made[id(item)] = step
            self.provenance.known.add(item, step)
            steps.append(step.step_id)
        return steps

    def _template(self, run: RunState, request: ModelRequest, at: int) -> list[str]:
        template = request.template or {}
        variables = template.get("variables")
        named = variables.items() if isinstance(variables, dict) else ()
        words = "\n".join(f"{k}: {v if isinstance(v, str) else '…'}" for k, v in named)
        text = words or str(template.get("id") or "")
        run.run.input_text = self.provenance.lightener.shown(text, "the user_message")
        payload = {"text": text, "prompt": template}
        step = self.book.add(run, "user_message", "chat.on_prompt_template", at, payload_started=payload)
        self.book.prompt(run, step)
        return [step.step_id]

    def _extra(self, run: RunState, item: Item, at: int) -> Step:
        raw = {k: v for k, v in sealed(item.raw).items() if k not in {"type", "id"}}
        label = _LABELS.get(item.kind, "generic")
        kind = item.type if label == "generic" else f"responses.{item.type}"
        step = self.book.add(run, label, kind, at, payload_completed=raw, item_id=item.item_id)
        wanted = item.raw.get("approval_request_id")
        request = self.tools.approvals.get(wanted) if isinstance(wanted, str) else None
        if request is not None:
            step.depends_on = [request.step_id]
            self.tools.approved(request)
        self.provenance.known.add(item, step)
        return step

    def _add_call(
        self, call: Call, asked: Asked, run: RunState, prompts: list[str], made: dict[int, Step]
    ) -> None:
        request, match, at = asked.request, asked.match, asked.at
        prompt = PromptParts(self.book, self.provenance, run, asked, made)
        prompt.take(prompts)
        parent = match.parent
        news_ids = list(dict.fromkeys([*prompts, *(step.step_id for step in asked.carried)]))
        depends = list(dict.fromkeys([*news_ids, *prompt.snapshots]))
        if parent is not None and parent.last_step_id and parent.last_step_id not in depends:
            depends.append(parent.last_step_id)
        payload: dict[str, Any] = {"name": request.name, "model": request.model}
        if call.model_from_url:
            payload["model_from"] = "url"
        place = {} if call.is_imported else place_of(str(call.attempt.sent["url"] or ""))
        payload |= {k: v for k, v in place.items() if k != "path" or place.get("provider") != "openai"}
        payload |= {k: v for k in _OF_SOCKETS if (v := call.attempt.sent.get(k)) is not None}
        own = own_headers(call.attempt.sent["headers"], call.attempt.sent.get("redactions"), beta=True)
        payload |= {"headers": own} if own else {}
        payload |= {"arguments": request.arguments, "input": news_ids}
        if parent is not None:
            payload["inherits"] = {"step_id": parent.step.step_id, "items": match.start}
        parts = prompt.parts()
        payload["prompt_provenance"] = {"parts": parts} | request.shape_sent
        if request.unread is not None:
            payload["body"] = request.unread
        step = self.book.add(
            run, "assistant_call", request.type, at, status="in_progress", payload_started=payload
        )
        step.depends_on, step.model = depends, request.model
        agent = call.started.get("agent")
        step.agent_name = agent if isinstance(agent, str) else None
        step.previous_response_id = request.previous_response_id
        self.provenance.refer(step, parts)
        alone = self.index.chain_of(request)
        if request.previous_response_id is None:
            self.provenance.sent.keep(step.step_id, request.raws, request.by_place, request.alignment, alone)
        self.index.nodes += 1
        base = _linked_context(match)
        chain = alone if base == EMPTY else self.index.fold(base, request.items)
        before = EMPTY if request.type == COMPACT else chain[-1] if chain else base
        node = Node(self.index.nodes, step, run, parent, before, at)
        added = [(i, f) for i in request.items[match.start :] if (f := self.index.fingerprint(i)) is not None]
        node.inputs, node.asked = [f for _, f in added], [f for i, f in added if is_asked(i)]
        node.given = len(node.inputs) + (parent.length if parent is not None else 0)
        node.forced = forced_tools(request)
        self.index.conversation_began(request.conversation_id, node)
        run.last_call, run.last_key, run.run.status = step, asked.news.key, "in_progress"
        run.run.ended_by = None
        call.run, call.step, call.node = run, step, node


def _linked_context(match: Match) -> bytes:
    """Return the context that the server puts before the request's items: the parent's, where it keeps history."""
    linked = match.source in {"previous_response_id", "conversation", "explicit"}
    return match.parent.contexts[0] if linked and match.parent and match.parent.contexts else EMPTY
