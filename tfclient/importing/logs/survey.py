"""What a file is, by what stands in it: whose log, of which sessions. Nothing is made of it yet."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from tfclient.importing.cassette import SUFFIXES
from tfclient.importing.logs import atif, claude_code, codex, openai_agents
from tfclient.importing.logs.files import SQLITE, Document, File, Lines, Rows, sessions_in
from tfclient.importing.logs.lines import extent_of, lines_of
from tfclient.importing.logs.log import About, Json, dict_in

CODEX: Final = codex.NAME
CLAUDE_CODE: Final = claude_code.NAME
ATIF: Final = atif.NAME
OPENAI_AGENTS: Final = openai_agents.NAME

_HEAD: Final = 64 * 1024
_ATIF: Final = re.compile(rb'"schema_version"\s*:\s*"ATIF-v')

_LOOKED_AT: Final = 50
"""Lines, of those at the beginning, one of which must be known."""


class NotALog(Exception):
    """A file that is no agent's log, or none that can be made a session of."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path


@define
class Survey:
    """A log: what it is of, and its files. Agents that a session started may write files of their own."""

    agent: str
    files: list[File]
    sessions: list[About] = field(factory=list[About])
    is_part: bool = False
    """Whether all of it is an agent's that the session of the same id started."""

    @property
    def path(self) -> Path:
        """The file that was named, or the first of them."""
        return self.files[0].path


def agent_at(path: Path) -> str | None:
    """Return whose log a file is, by how it begins and whatever its name is; None where it is none."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(SQLITE):
            return OPENAI_AGENTS if sessions_in(path) else None
        if _ATIF.search(head):
            return ATIF
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return None
        lines = islice(lines_of(path, path.stat().st_size), _LOOKED_AT)
        return next((agent for line in lines if (agent := _agent_of(line.value)) is not None), None)
    except (OSError, sqlite3.Error):
        return None


def logs_at(paths: Sequence[Path]) -> list[Path]:
    """Return the logs at these paths, folders walked, in order of name."""
    files = (
        sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]
        for path in paths
    )
    each = dict.fromkeys(file for listed in files for file in listed if file.suffix not in SUFFIXES)
    return [file for file in each if agent_at(file) is not None]


def survey(path: Path) -> list[Survey]:
    """Return what a log is of; a database may hold many.

    Raises:
        NotALog: it is none, or one of two agents, or of two sessions.
        OSError: it cannot be read.
    """
    agent = agent_at(path)
    if agent == OPENAI_AGENTS:
        return [
            Survey(agent, [Rows.read(path, session)], [openai_agents.about(session, began)])
            for session, began in sessions_in(path)
        ]
    if agent == ATIF:
        return [_trajectory(path)]
    return [_lines(path)]


def _trajectory(path: Path) -> Survey:
    try:
        document = Document.read(path, "steps")
    except (ValueError, TypeError) as error:
        raise NotALog(path, f"is no trajectory that can be read: it {error}.") from error
    if not atif.is_document(document.content):
        raise NotALog(path, "is no trajectory that can be read: it has no list of steps.")
    return Survey(ATIF, [document], [atif.about(document.content, path.name)])


def _lines(path: Path) -> Survey:
    extent = extent_of(path)
    seen: dict[str, int] = {}
    metas: list[Json] = []
    transcript = Transcript()
    for count, line in enumerate(lines_of(path, extent.bytes)):
        agent = _agent_of(line.value)
        if agent is not None:
            seen.setdefault(agent, line.number)
        elif not seen and count >= _LOOKED_AT:
            break
        if agent == CODEX and line.value["type"] == "session_meta":
            metas.append(line.value)
        elif agent == CLAUDE_CODE:
            transcript.take(line.value)
    if not seen:
        raise NotALog(path, "is neither a cassette nor the log of an agent that is known here.")
    if len(seen) > 1:
        where = ", ".join(f"{agent} from line {number:,}" for agent, number in seen.items())
        raise NotALog(path, f"holds the lines of two agents ({where}): give each a file of its own.")
    (agent,) = seen
    sessions = _rollouts(path, metas) if agent == CODEX else transcript.sessions()
    return Survey(agent, [Lines(path, extent)], sessions, transcript.is_part)


@define
class Transcript:
    """What a transcript of Claude Code is of: one session, as a rule."""

    found: dict[str, About] = field(factory=dict[str, About])
    titles: list[str] = field(factory=list[str])
    own: int = 0
    """Lines that are not of an agent that was started in it."""
    agents: dict[str, None] = field(factory=dict[str, None])

    def take(self, value: Json) -> None:
        """Look at a line."""
        if value["type"] in claude_code.TITLES:
            self.titles.append(value[claude_code.TITLES[value["type"]]])
            return
        known, told = self.found.get(value["sessionId"]), claude_code.about(value)
        if known is None or (not known.began and told.began):
            self.found[told.thread] = told
        if value.get("isSidechain") and value.get("agentId"):
            self.agents[str(value["agentId"])] = None
        else:
            self.own += 1

    @property
    def is_part(self) -> bool:
        """Whether it is the file of an agent that a session started."""
        return bool(self.found) and not self.own

    def sessions(self) -> list[About]:
        """Return the sessions, the title with the first."""
        title = self.titles[-1] if self.titles else None
        listed = list(self.found.values())
        return [evolve(each, title=title if n == 0 else None) for n, each in enumerate(listed)]


def together(surveys: Iterable[Survey]) -> list[Survey]:
    """Return logs, each with the files of the agents that were started in it."""
    every = list(surveys)
    found: list[Survey] = []
    taken = {file.path.resolve() for log in every for file in log.files}
    for log in every:
        # The transcript of a session lies beside a folder of its name.
        beside = log.path.parent.parent.with_suffix(".jsonl") if log.is_part else None
        if beside is not None and beside.resolve() not in taken and agent_at(beside) == CLAUDE_CODE:
            taken.add(beside.resolve())
            found += survey(beside)
    for log in [each for each in [*every, *found] if each.agent == CLAUDE_CODE and not each.is_part]:
        for path in sorted(log.path.with_suffix("").glob("subagents/*.jsonl")):
            if path.resolve() not in taken and agent_at(path) == CLAUDE_CODE:
                taken.add(path.resolve())
                found += survey(path)
    whole = {each.thread: log for log in [*every, *found] if not log.is_part for each in log.sessions}
    left: list[Survey] = []
    for log in [*every, *found]:
        main = whole.get(log.sessions[0].thread) if log.is_part and log.sessions else None
        if main is not None:
            main.files += log.files
        else:
            left.append(log)
    return left


def _agent_of(value: object) -> str | None:
    return CODEX if codex.is_line(value) else CLAUDE_CODE if claude_code.is_line(value) else None


def _rollouts(path: Path, metas: list[Json]) -> list[About]:
    if not metas:
        raise NotALog(path, "has no session_meta: nobody knows which thread of Codex it is of.")
    own = codex.about(metas[0])
    others = {str(meta["payload"].get("id")) for meta in metas} - {own.thread}
    if others and not own.forked and not dict_in(metas[0]["payload"], "source"):
        named = ", ".join([own.thread, *sorted(others)])
        raise NotALog(path, f"holds the lines of several threads ({named}): give each a file of its own.")
    return [own]
