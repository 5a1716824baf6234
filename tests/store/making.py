"""Entries, sessions and processes for the tests of the store."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tfstore.document.documents import Lineage, Origin, Run, Session, Step, Summary, ToolSummary

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.journal.reading import Entry

SESSION = "sess_20260902T091400Z_7f3a9c01"
MADE_BY_US = {"seq", "session_id", "prev", "writer"}


def an_entry(at: int = 1, kind: str = "annotation", **fields: Any) -> Entry:
    return {"at": at, "mono": at, "type": kind, **fields}


def as_given(entry: Entry) -> Entry:
    """An entry without what the segment and the reader added."""
    return {key: value for key, value in entry.items() if key not in MADE_BY_US}


def segment_files(paths: StorePaths, session_id: str = SESSION) -> list[Path]:
    return sorted(paths.journal_of(session_id).glob("*.jsonl"))


def a_session(session_id: str = SESSION, *runs: Run, **fields: Any) -> Session:
    fields = {"title": "Hello", "status": "closed", "started_at": "2026-09-02T09:14:00.000Z", **fields}
    return Session(session_id, runs=list(runs), **fields)


def with_tools(session_id: str, *names: str, **fields: Any) -> Session:
    tools = {name: ToolSummary(calls=1) for name in names}
    return a_session(session_id, summary=Summary(tools=tools), **fields)


def a_run(number: int, *steps: Step, trigger: Any = "user_message", **lineage: Any) -> Run:
    lineage.setdefault("root_run_id", f"run_{number}")
    return Run(f"run_{number}", trigger, lineage=Lineage(**lineage), steps=list(steps))


def a_step(name: str, label: Any, *after: str, prompt: str | None = None, **fields: Any) -> Step:
    """Step ``"2_3"`` is the third of run 2; its prompt is the run's first step unless another is named."""
    run, number = name.split("_")
    root = fields.pop("root", None)
    prompt = prompt or f"step_{run}_1"
    return Step(
        f"step_{name}",
        int(run) * 100 + int(number),
        label,
        label,
        depends_on=[f"step_{each}" for each in after],
        origin=Origin(prompt, root or prompt),
        **fields,
    )


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start another Python process with this code."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(  # noqa: S603 - our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


def run(code: str, *arguments: object) -> str:
    """Run code in another Python process and return what it printed."""
    with start(code, *arguments) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, f"it ended with {process.returncode}"
    return output.strip()


texts = st.text(st.characters(exclude_categories=()), max_size=20)
"""Any text that Python can hold, halves of surrogate pairs included."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
