"""Which run a request belongs to: one that goes on, one that is tried again, or a new one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from attrs import define, field

from tfclient.projection.api.content import describe_parts
from tfclient.projection.api.items import Item
from tfclient.projection.api.model_call import ModelRequest
from tfclient.projection.lineage.book import Book, RunState
from tfclient.projection.lineage.new_items import News
from tfclient.projection.lineage.nodes import CallRecord, Match, Node
from tfclient.projection.weight.lightener import Lightener
from tfstore.document.documents import Lineage, Step
from tfstore.document.labels import Trigger


@define
class Asked:
    """What one request asks, and what is known of where it belongs."""

    request: ModelRequest
    match: Match
    news: News
    key: bytes
    at: int
    nested: CallRecord | None = None
    guessed: CallRecord | None = None
    """The call that it is inside of, by what its prompt says."""
    relayed: Node | None = None
    """The response whose answer its prompt is."""
    pending: bool = False
    """Whether a tool has been asked for and not answered: what is asked now may be inside it."""
    carried: list[Step] = field(factory=list["Step"])


@define
class Choice:
    """The run of a request; ``prompts`` are the steps of a prompt that was sent before, ``notes`` the call's."""

    run: RunState
    prompts: list[str] = field(factory=list[str])
    notes: list[str] = field(factory=list[str])
    fresh: bool = False


@define
class Prompted:
    """A prompt that opened a run, to recognise when the same one is sent again."""

    run: RunState
    steps: list[str]


@define
class RunChoice:
    """Chooses runs and opens new ones; remembers prompts."""

    book: Book
    lightener: Lightener
    lookup: Callable[[str], str | None] | None = None
    _prompts: dict[bytes, Prompted] = field(factory=dict[bytes, Prompted])

    def choose(self, asked: Asked) -> Choice:
        """Return the run of this request, opening it if it is a new one."""
        news, match, request = asked.news, asked.match, asked.request
        parent_run = match.parent.run if match.parent else None
        again = self._tried_again(asked)
        if again is not None:
            return again
        nested = asked.nested
        if nested is not None and not _is_inside(parent_run, nested):
            run = self._new("tool", asked, nested.run)
            run.run.lineage.parent_step_id, run.run.lineage.source = nested.step.step_id, "explicit"
            return Choice(run, fresh=True)
        guessed = asked.guessed
        if guessed is not None:
            run = self._new("tool", asked, guessed.run)
            run.run.lineage.parent_step_id, run.run.lineage.source = guessed.step.step_id, "nested"
            run.run.lineage.notes.append("nested_by:argument")
            guessed.nested.append(run)
            return Choice(run, fresh=True)
        if news.prompts:
            return self._regenerated(asked) or Choice(self._prompted(asked, parent_run), fresh=True)
        if request.template is not None and not news.outputs:
            return Choice(self._new("prompt_template", asked, parent_run), fresh=True)
        if parent_run is not None and not news.only_policies:
            return Choice(parent_run)
        if asked.carried and not match.unknown_response_id:
            return Choice(self.book.by_run[str(asked.carried[-1].run_id)])
        bare = request.policies and not news.outputs
        by_system = news.only_policies or (bare and not match.unknown_response_id)
        run = self._new("system" if by_system else "resumed", asked, parent_run)
        self._elsewhere(run, match)
        return Choice(run, fresh=True)

    def remember(self, asked: Asked, run: RunState, prompts: list[str]) -> None:
        """Remember a prompt that opened a run."""
        if prompts:
            self._prompts[asked.key] = Prompted(run, prompts)

    def _prompted(self, asked: Asked, parent_run: RunState | None) -> RunState:
        relayed = asked.relayed
        run = self._new("user_message", asked, parent_run or (relayed.run if relayed else None))
        if relayed is not None and parent_run is None:
            lineage = run.run.lineage
            lineage.source, lineage.parent_response_id = "relayed", relayed.response_id
            lineage.parent_step_id = relayed.step.step_id
        if asked.carried:
            run.run.lineage.notes.append("mixed_input")
        if not self._elsewhere(run, asked.match):
            run.run.trigger = "resumed"
        return run

    def _tried_again(self, asked: Asked) -> Choice | None:
        """The same delta after a failure is the same attempt at the same thing."""
        lost = self._lost_parent(asked)
        if lost is not None:
            return lost
        known = self._prompts.get(asked.key)
        if known is not None and _gave_up(known.run, asked.news.key):
            return Choice(known.run, known.steps, ["retry"])
        parent_run = asked.match.parent.run if asked.match.parent else None
        if parent_run is not None and not asked.news.prompts and _gave_up(parent_run, asked.news.key):
            return Choice(parent_run, [], ["retry"])
        return None

    def _regenerated(self, asked: Asked) -> Choice | None:
        """The same words on the same parent; without a parent they are two runs that look alike."""
        known = self._prompts.get(asked.key)
        if known is None or asked.match.parent is None:
            return None
        return Choice(known.run, known.steps, ["regenerate"])

    def _lost_parent(self, asked: Asked) -> Choice | None:
        """A stale chain: the same prompt failed while it named a parent, and comes again without."""
        last = self.book.states[-1] if self.book.states else None
        if last is None or last.last_call is None or asked.match.source != "root":
            return None
        lost = last.last_call.previous_response_id
        if lost is None or last.last_call.status != "failed" or last.last_key != asked.news.key:
            return None
        last.run.lineage.notes.append(f"lost_parent:{lost}")
        steps = [s.step_id for s in last.run.steps if s.label == "user_message"]
        return Choice(last, steps, ["retry"])

    def _new(self, trigger: Trigger, asked: Asked, parent_run: RunState | None) -> RunState:
        match, news = asked.match, asked.news
        lineage = Lineage(source=match.source)
        if match.parent is not None:
            lineage.parent_response_id = match.parent.response_id
            lineage.parent_step_id = match.parent.step.step_id
            lineage.branch_index = match.parent.children
        elif match.unknown_response_id:
            lineage.parent_response_id = match.unknown_response_id
        if parent_run is None and asked.pending:
            lineage.notes.append("possible_nested")
        run = self.book.open_run(asked.at, trigger, lineage, parent_run)
        run.run.conversation_id = asked.request.conversation_id
        text = "\n\n".join(words_of(item) for item in news.prompts)
        run.run.input_text = self.lightener.shown(text, "the user_message")
        if news.prompts:
            lineage.prompt_sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return run

    def _elsewhere(self, run: RunState, match: Match) -> bool:
        """Note the session in which an unknown parent was recorded; False where nobody knows it."""
        response_id = match.unknown_response_id
        if response_id is None:
            return True
        found = self.lookup(response_id) if self.lookup is not None else None
        if found is not None:
            run.run.lineage.notes.append(f"parent_session:{found}")
        return found is not None


def words_of(item: Item) -> str:
    """Return a user message's text, or what it was where it had none."""
    return item.text or describe_parts(item.raw.get("content"))


def _gave_up(run: RunState, key: bytes) -> bool:
    last = run.last_call
    if last is None or run.last_key != key:
        return False
    return last.status in {"failed", "cancelled"} or last.error is not None


def _is_inside(run: RunState | None, nested: CallRecord) -> bool:
    return run is not None and run.run.lineage.parent_step_id == nested.step.step_id
