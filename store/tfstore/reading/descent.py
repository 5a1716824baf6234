"""What came of a step, and what it came of: along ``depends_on``, prompts, runs and, between sessions, responses.

Three kinds of edge lead forward from a step:

* a step that depends on it;
* if it is a prompt, every step whose ``origin`` names it, and the runs that have its run as their parent;
* if it made a response or called a tool, the runs whose lineage names that response or step as their parent,
  in this session or in another one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Protocol

from tfstore.document.documents import Run, Session, Step
from tfstore.errors import StoreError, UnknownStep


class Sessions(Protocol):
    """Where sessions, and those that go on from a response, are found."""

    def get(self, session_id: str, /) -> Session:
        """Return a session."""
        ...

    def find_response(self, response_id: str, /) -> tuple[str, Step] | None:
        """Return the model call that made a response, and its session."""
        ...

    def continued_in(self, response_id: str, /) -> list[str]:
        """Return the sessions that go on from another session's response."""
        ...


def descendants(sessions: Sessions, step: Step) -> list[Step]:
    """Return everything downstream of a step, session by session, in order of arrival.

    Raises:
        UnknownSession, UnknownStep: the step is not in these sessions.
    """
    views = _Views(sessions)
    start = views.locate(step)
    reached = {_key(start): start}
    todo = deque([start])
    while todo:
        current = todo.popleft()
        for after in views.after(current):
            if _key(after) not in reached:
                reached[_key(after)] = after
                todo.append(after)
    del reached[_key(start)]
    order = {session_id: place for place, session_id in enumerate(views.opened)}
    return sorted(reached.values(), key=lambda each: (order[str(each.session_id)], each.seq))


def origin(sessions: Sessions, step: Step) -> Step:
    """Return the prompt at the root of all that led to a step, across forks and sessions.

    Where no prompt is known (the beginning was not recorded), the earliest step that is known.

    Raises:
        UnknownSession, UnknownStep: the step is not in these sessions.
    """
    views = _Views(sessions)
    root = views.root(views.locate(step))
    seen = {_key(root)}
    while (parent := views.parent_call(root)) is not None:
        root = views.root(parent)
        if _key(root) in seen:
            break
        seen.add(_key(root))
    return root


class _View:
    """One session, indexed for walking."""

    def __init__(self, session: Session) -> None:
        self.runs = {run.run_id: run for run in session.runs}
        self.steps: dict[str, Step] = {}
        self.calls: dict[str, Step] = {}
        self.dependents: defaultdict[str | None, list[Step]] = defaultdict(list)
        self.prompted: defaultdict[str | None, list[Step]] = defaultdict(list)
        self.following: defaultdict[str | None, list[Step]] = defaultdict(list)
        self.under_run: defaultdict[str | None, list[Run]] = defaultdict(list)
        self.under_step: defaultdict[str | None, list[Run]] = defaultdict(list)
        self.under_response: defaultdict[str | None, list[Run]] = defaultdict(list)
        for run in session.runs:
            if run.lineage.parent_run_id != run.run_id:
                self.under_run[run.lineage.parent_run_id].append(run)
            self.under_step[run.lineage.parent_step_id].append(run)
            self.under_response[run.lineage.parent_response_id].append(run)
            for step in run.steps:
                self._add(step)

    def entries(self, run: Run) -> list[Step]:
        """The steps a run begins with: its prompts or, without any, all it has."""
        return [step for step in run.steps if self.is_prompt(step)] or run.steps

    def is_prompt(self, step: Step) -> bool:
        return step.label == "user_message" or step.step_id in self.prompted

    def _add(self, step: Step) -> None:
        self.steps[step.step_id] = step
        for each in step.depends_on:
            self.dependents[each].append(step)
        self.prompted[step.origin.prompt_step_id].append(step)
        self.following[step.previous_response_id].append(step)
        if step.label == "assistant_call" and step.response_id:
            self.calls[step.response_id] = step


class _Views:
    """Sessions as they are met on a walk; one that cannot be read is a place where the walk ends."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.opened: dict[str, _View] = {}

    def of(self, step: Step) -> _View:
        return self._open(str(step.session_id))

    def locate(self, step: Step) -> Step:
        if step.session_id is None:
            raise UnknownStep("(none)", step.step_id)
        found = self.of(step).steps.get(step.step_id)
        if found is None:
            raise UnknownStep(step.session_id, step.step_id)
        return found

    def after(self, step: Step) -> Iterator[Step]:
        view = self.of(step)
        yield from view.dependents.get(step.step_id, ())
        runs = list(view.under_step.get(step.step_id, ()))
        if view.is_prompt(step):
            yield from view.prompted.get(step.step_id, ())
            runs += view.under_run.get(str(step.run_id), ())
        for run in runs:
            yield from view.entries(run)
        if step.label == "assistant_call" and step.response_id:
            yield from self._after_response(view, step.response_id)

    def root(self, step: Step) -> Step:
        """The root prompt within the step's own session."""
        view = self.of(step)
        for named in (step.origin.root_prompt_step_id, step.origin.prompt_step_id):
            if named in view.steps:
                return view.steps[named]
        run = view.runs.get(str(step.run_id))
        run = view.runs.get(run.lineage.root_run_id or run.run_id, run) if run else None
        return view.entries(run)[0] if run and run.steps else step

    def parent_call(self, root: Step) -> Step | None:
        """The model call, here or in another session, whose response the root's run goes on from."""
        view = self.of(root)
        run = view.runs.get(str(root.run_id))
        response_id = run.lineage.parent_response_id if run else None
        if response_id is None:
            return None
        if response_id in view.calls:
            return view.calls[response_id]
        found = self._sessions.find_response(response_id)
        return self.locate(found[1]) if found else None

    def _after_response(self, view: _View, response_id: str) -> Iterator[Step]:
        elsewhere: list[_View] = []
        for session_id in self._sessions.continued_in(response_id):
            try:
                elsewhere.append(self._open(session_id))
            except StoreError:
                continue
        for each in (view, *elsewhere):
            yield from each.following.get(response_id, ())
            for run in each.under_response.get(response_id, ()):
                yield from each.entries(run)

    def _open(self, session_id: str) -> _View:
        if session_id not in self.opened:
            self.opened[session_id] = _View(self._sessions.get(session_id))
        return self.opened[session_id]


def _key(step: Step) -> tuple[str | None, str]:
    return step.session_id, step.step_id
