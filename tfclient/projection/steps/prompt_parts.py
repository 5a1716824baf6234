"""The prompt of one request: its snapshots, and the ordered parts that it was made of."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.encrypted import sealed
from tfclient.projection.api.model_call import Policy
from tfclient.projection.lineage.book import Book, RunState
from tfclient.projection.lineage.run_choice import Asked
from tfclient.projection.steps.provenance import Placed, Provenance
from tfclient.projection.steps.snapshots import take_context, take_policies, take_tools
from tfstore.document.documents import Step


@define
class PromptParts:
    """Takes the snapshots of a request and lists its parts in the order sent."""

    book: Book
    provenance: Provenance
    run: RunState
    asked: Asked
    made: dict[int, Step]
    snapshots: list[str] = field(factory=list[str])
    _placed: dict[int, Placed] = field(factory=dict[int, Placed])
    _instructions: Placed | None = None
    _tools: Step | None = None
    _lead: int = 0
    _first_new: int = 0

    def take(self, prompts: list[str]) -> None:
        """Add the snapshots that are new to the run."""
        request = self.asked.request
        items = request.by_place
        while self._lead < len(items) and items[self._lead] and items[self._lead][0].kind == "policy":
            self._lead += 1
        self._first_new = self._where_news_begins()
        context = self._context()
        lead = [p for p in request.policies if p.place is None or p.place < self._lead]
        policy = take_policies(self.book, self.run, lead, self.asked.at)
        for n, each in enumerate(lead):
            if policy is not None:
                self._put(each, Placed([policy], n))
        later = self._later_policies()
        self._tools = take_tools(self.book, self.run, request, self.asked.at)
        taken = [context, policy, *later, self._tools]
        self.snapshots = [step.step_id for step in taken if step is not None]
        self._system_prompt(later or ([policy] if policy is not None else []), prompts)

    def parts(self) -> list[dict[str, Any]]:
        """Return the parts: instructions, tools, what the server kept, then the items as sent."""
        request, match = self.asked.request, self.asked.match
        parts: list[dict[str, Any]] = []
        if self._instructions is not None:
            parts.append(self.provenance.instructions(request, self._instructions))
        if self._tools is not None:
            parts.append({"type": "tools", "step_id": self._tools.step_id})
        if match.source in {"previous_response_id", "conversation", "explicit"}:
            part: dict[str, Any] = {"type": "response"}
            if match.parent is not None:
                part["step_id"] = match.parent.step.step_id
            response_id = match.parent.response_id if match.parent else match.unknown_response_id
            parts.append(part | ({"response_id": response_id} if response_id else {}))
        return parts + self.provenance.parts(request, self._lead, self._first_new, self.made, self._placed)

    def _where_news_begins(self) -> int:
        request, news = self.asked.request, self.asked.news
        lists = (news.outputs, news.prompts, news.approvals, news.calls, news.compactions, news.others)
        new = {id(item) for group in lists for item in group}
        if not new:
            return len(request.raws)
        places = (n for n, items in enumerate(request.by_place) for item in items if id(item) in new)
        return max(self._lead, next(places, len(request.raws)))

    def _put(self, policy: Policy, placed: Placed) -> None:
        if policy.place is None:
            self._instructions = placed
        else:
            self._placed[policy.place] = placed

    def _context(self) -> Step | None:
        request = self.asked.request
        root = self.asked.match.parent is None
        places = self.provenance.unknown(request, self._lead, self._first_new, self.made, root=root)
        words: list[str] = []
        for place in places:
            for item in request.by_place[place]:
                text = " ".join((item.text or item.name or "").split())
                words.append(f"{item.role or item.type}: {text}")
        raws = [sealed(request.raws[place]) for place in places]
        step = take_context(self.book, self.run, raws, words, self.asked.at)
        if step is not None:
            self._placed.update({place: Placed([step], n) for n, place in enumerate(places)})
        return step

    def _later_policies(self) -> list[Step]:
        """Instructions in the middle of a conversation stand alone: the list of them may grow with it."""
        found: list[Step] = []
        covered = self.provenance.covered(self.asked.request, self._lead, self._first_new)
        for policy in self.asked.request.policies:
            if policy.place is None or policy.place < self._lead or policy.place in covered:
                continue
            item = self.asked.request.by_place[policy.place][0]
            step = self.provenance.known.find(item)
            if step is None:
                step = take_policies(self.book, self.run, [policy], self.asked.at)
                if step is None:
                    continue
                self.provenance.known.add(item, step)
                found.append(step)
            self._put(policy, Placed([step]))
        return found

    def _system_prompt(self, policies: list[Step], prompts: list[str]) -> None:
        """Where instructions alone opened the run, they are its prompt."""
        run = self.run
        if prompts or run.prompt_step_id is not None or run.run.trigger != "system" or not policies:
            return
        self.book.prompt(run, policies[-1])
        said = [p.text for p in self.asked.request.policies if p.place is not None]
        text = "\n\n".join(said) or policies[-1].payload_started["text"]
        run.run.input_text = self.provenance.lightener.shown(text, "the policy.snapshot")
