"""Finding in a store of 10,000 sessions: a hundredth of reading the documents, and the list as quick as few files."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tests.bench.figures import Figure
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import Run, Session, Step, Summary, ToolSummary, Usage
from tfstore.document.json_text import compact, parse
from tfstore.index.rows import calls_of
from tfstore.reading.search import Pattern, matches_in, sessions_holding
from tfstore.reading.totals import by_tool
from tfstore.store import Store

_SESSIONS = int(os.environ.get("TFCLIENT_BENCH_SESSIONS", "10000"))
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu ve wi xo ya zu".split()  # noqa: SIM905
_TIMES = 15
_RARE = "a quokka at noon"
_TOOL = "tool_77"
_RESPONSE = f"resp_{_SESSIONS // 2}_3"


def measure(*, long: bool) -> Iterator[Figure]:  # noqa: ARG001 - as many sessions in either case
    """Measure sessions of five model calls and five tool calls, 13 KB each; another count by TFCLIENT_BENCH_SESSIONS.

    What is compared with reads each document, and parses those whose bytes may hold what is looked for: that is what
    a store without an index has to do.
    """
    with tempfile.TemporaryDirectory(prefix="tfclient-bench-", ignore_cleanup_errors=True) as folder:
        store = Store(folder, create=True)
        for n in range(_SESSIONS):
            session = _session(n)
            store.paths.document(session.session_id).write_bytes(compact(to_json(session)))
        # Not just made: as a store is found.
        os.utime(store.paths.sessions, (10**9, 10**9))
        began = time.process_time()
        rows = store.list(limit=20)
        yield Figure("the index made at first need", time.process_time() - began, "s")
        began = time.process_time()
        list(sessions_holding(store, Pattern.of(_RARE), print))
        yield Figure("  and that of its texts", time.process_time() - began, "s")
        yield Figure("  its size / that of the documents", _size(store), "×", 0.5)
        few = _cpu(lambda: [store.get(row.session_id) for row in rows])
        yield Figure(
            "list of 20 / reading those 20 documents",
            _cpu(lambda: Store(folder).list(limit=20)) / few,
            "×",
            1,
        )
        for what, ask, scan in _QUESTIONS:
            began = time.process_time()
            expected = scan(Store(folder))
            scanning = time.process_time() - began
            if ask(Store(folder)) != expected:
                raise RuntimeError(f"{what}: the index answers something else")
            share = _cpu(lambda ask=ask: ask(Store(folder))) / scanning  # type: ignore[misc]
            yield Figure(f"{what} / reading the documents", share, "%", 0.01)


def _documents(store: Store, *words: str) -> Iterator[Session]:
    """Yield the sessions whose documents may hold these words: the others are read, but not parsed."""
    wanted = [compact(word) for word in words]
    for session_id in store.ids():
        text = store.text(session_id)
        if all(word in text for word in wanted):
            yield from_json(parse(text))


def _steps(store: Store) -> object:
    return [step.step_id for step in store.steps(tool=_TOOL)]


def _steps_read(store: Store) -> object:
    found = (step for each in _documents(store, _TOOL) for run in each.runs for step in run.steps)
    return [step.step_id for step in found if step.tool_name == _TOOL]


def _search(store: Store) -> object:
    return sorted(each.session_id for each, _ in sessions_holding(store, Pattern.of(_RARE), print))


def _search_read(store: Store) -> object:
    pattern = Pattern.of(_RARE)
    may = (session_id for session_id in store.ids() if pattern.may_be_in(store.text(session_id)))
    return [each for each in may if any(matches_in(store, store.get(each), pattern))]


def _response(store: Store) -> object:
    found = store.find_response(_RESPONSE)
    return found and found[0]


def _response_read(store: Store) -> object:
    return next(each.session_id for each in _documents(store, _RESPONSE))


def _stats(store: Store) -> object:
    return [(each.key, each.tool_calls) for each in by_tool(store.calls("tool_call"))]


def _stats_read(store: Store) -> object:
    counts: dict[str, int] = {}
    for each in _documents(store):
        for label, calls in calls_of(each):
            if label == "tool_call":
                counts[calls.name] = counts.get(calls.name, 0) + calls.calls
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


_QUESTIONS: tuple[tuple[str, Callable[[Store], object], Callable[[Store], object]], ...] = (
    ("steps(tool=…)", _steps, _steps_read),
    ("search", _search, _search_read),
    ("find_response", _response, _response_read),
    ("stats by tool", _stats, _stats_read),
)


def _session(n: int) -> Session:
    chance = random.Random(n)  # noqa: S311 - the same each time
    began = datetime(2026, 9, 1, tzinfo=UTC) - timedelta(minutes=5 * n)
    at = f"{began:%Y-%m-%dT%H:%M:%S}.000Z"
    tool, model = _TOOL if n == _SESSIONS // 2 else f"tool_{n % 70}", f"gpt-{n % 5}"
    steps: list[Step] = []
    for call in range(5):
        prompt = f"{_words(chance, 40)}{f' {_RARE}' if n == _SESSIONS // 3 and not call else ''}"
        for step in (
            Step("", 0, "user_message", "chat.on_message", payload_started={"text": prompt}),
            Step("", 0, "assistant_call", "responses.create", model=model, response_id=f"resp_{n}_{call}"),
            Step("", 0, "tool_call", "function_call", tool_name=tool),
            Step(
                "", 0, "tool_output", "function_call_output", payload_completed={"output": _words(chance, 80)}
            ),
            Step("", 0, "assistant_message", "message", payload_completed={"text": _words(chance, 60)}),
        ):
            step.step_id, step.seq, step.started_at = f"step_1_{len(steps) + 1}", len(steps) + 1, at
            if step.label in {"assistant_call", "tool_call"}:
                step.duration_ms, step.timing = chance.randrange(1, 9000), "measured"
                step.usage = Usage(100, 20, total_tokens=120) if step.model else None
            if step.label == "tool_call":
                step.payload_started = {"arguments": _words(chance, 12)}
            steps.append(step)
    summary = Summary(
        runs=1, steps=25, model_calls=5, tool_calls=5, models={model: 5}, tools={tool: ToolSummary(5)}
    )
    return Session(
        f"sess_{began:%Y%m%dT%H%M%SZ}_{n:08x}",
        title=_words(chance, 6),
        started_at=at,
        ended_at=at,
        duration_ms=1000,
        status="closed",
        result="completed",
        summary=summary,
        runs=[Run("run_1", "user_message", status="completed", started_at=at, steps=steps)],
    )


def _words(chance: random.Random, count: int) -> str:
    return " ".join("".join(chance.choices(_SYLLABLES, k=chance.randrange(1, 4))) for _ in range(count))


def _size(store: Store) -> float:
    documents = sum(path.stat().st_size for path in store.paths.sessions.iterdir())
    return (store.paths.root / "index.db").stat().st_size / documents


def _cpu(work: Callable[[], object], times: int = _TIMES) -> float:
    taken: list[float] = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)
