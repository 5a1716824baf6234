"""What a file is, by what stands in it: whose log, of which sessions. Nothing is made of it yet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import define, field

from tfclient.importing.cassette import SUFFIXES
from tfclient.importing.logs import codex
from tfclient.importing.logs.lines import Extent, extent_of, lines_of
from tfclient.importing.logs.log import About, Json, dict_in

CODEX: Final = codex.NAME

_LOOKED_AT: Final = 50
"""Lines, of those at the beginning, one of which must be known."""


class NotALog(Exception):
    """A file that is no agent's log, or none that can be made a session of."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path


@define
class Survey:
    """A log: its file, how far it can be read, and what it is of."""

    path: Path
    agent: str
    extent: Extent
    sessions: list[About] = field(factory=list[About])


def agent_at(path: Path) -> str | None:
    """Return whose log a file is, by how it begins and whatever its name is; None where it is none."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return None
        lines = islice(lines_of(path, path.stat().st_size), _LOOKED_AT)
        return next((agent for line in lines if (agent := _agent_of(line.value)) is not None), None)
    except OSError:
        return None


def logs_at(paths: Sequence[Path]) -> list[Path]:
    """Return the logs at these paths, folders walked, in order of name."""
    files = (
        sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()) if path.is_dir() else [path]
        for path in paths
    )
    each = dict.fromkeys(file for listed in files for file in listed if file.suffix not in SUFFIXES)
    return [file for file in each if agent_at(file) is not None]


def survey(path: Path) -> Survey:
    """Return what a log is of.

    Raises:
        NotALog: it is none, or one of two agents, or of two sessions.
        OSError: it cannot be read.
    """
    extent = extent_of(path)
    seen: dict[str, int] = {}
    metas: list[Json] = []
    for count, line in enumerate(lines_of(path, extent.bytes)):
        agent = _agent_of(line.value)
        if agent is not None:
            seen.setdefault(agent, line.number)
        elif not seen and count >= _LOOKED_AT:
            break
        if agent == CODEX and line.value["type"] == "session_meta":
            metas.append(line.value)
    if not seen:
        raise NotALog(path, "is neither a cassette nor the log of an agent that is known here.")
    if len(seen) > 1:
        where = ", ".join(f"{agent} from line {number:,}" for agent, number in seen.items())
        raise NotALog(path, f"holds the lines of two agents ({where}): give each a file of its own.")
    (agent,) = seen
    return Survey(path, agent, extent, _rollouts(path, metas))


def _agent_of(value: object) -> str | None:
    return CODEX if codex.is_line(value) else None


def _rollouts(path: Path, metas: list[Json]) -> list[About]:
    if not metas:
        raise NotALog(path, "has no session_meta: nobody knows which thread of Codex it is of.")
    own = codex.about(metas[0])
    others = {str(meta["payload"].get("id")) for meta in metas} - {own.thread}
    if others and not own.forked and not dict_in(metas[0]["payload"], "source"):
        named = ", ".join([own.thread, *sorted(others)])
        raise NotALog(path, f"holds the lines of several threads ({named}): give each a file of its own.")
    return [own]
