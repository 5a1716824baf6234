"""Which session made a response and which sessions go on from it, without reading any document.

``catalog/responses/<hh>.jsonl``, by the digest of the response id; lines are added at the end, and go when their
session is deleted: for both the index is locked, for moments, so that no line is added to a piece that is just
being replaced. Readers need no lock. The index says where to look: whoever follows it finds the truth in the
document, so a line that is old, doubled or torn does no harm, and ``doctor`` can make all of it again.
"""

from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from tfstore.disk.files import read_file, replace_file
from tfstore.disk.json_text import compact, parse
from tfstore.disk.locks import only_one
from tfstore.disk.paths import is_real_dir, open_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Session

Relation = Literal["made", "continued"]
Link = tuple[Relation, str, str]
"""(relation, response id, session id): the session made the response, or goes on from another session's."""

_LARGEST: Final = 256 * 1024 * 1024


def links_of(session: Session) -> set[Link]:
    """Return what the index should say about a session.

    Example:
        >>> from tfstore.document.documents import Lineage, Run, Session
        >>> links_of(Session("s", runs=[Run("run_1", "resumed", lineage=Lineage(parent_response_id="resp_0"))]))
        {('continued', 'resp_0', 's')}
    """
    made = {step.response_id for run in session.runs for step in run.steps if step.label == "assistant_call"}
    parents = {run.lineage.parent_response_id for run in session.runs}
    parents.update(step.previous_response_id for run in session.runs for step in run.steps)
    links: set[Link] = {("made", each, session.session_id) for each in made if each}
    links.update(("continued", each, session.session_id) for each in parents - made if each)
    return links


class ResponseIndex:
    """The index of one store.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> index = ResponseIndex(StorePaths(tempfile.mkdtemp()))
        >>> index.add([("made", "resp_1", "sess_1")])
        >>> index.sessions("made", "resp_1")
        ['sess_1']
    """

    def __init__(self, paths: StorePaths) -> None:
        """Nothing is made before something is added."""
        self._paths = paths
        self._folder = paths.catalog / "responses"
        self._added: dict[str, set[int]] = {}

    def follow(self, session: Session) -> None:
        """Add what is new about a session since this object last added something about it.

        Raises:
            StoreUnusable, OSError: it cannot be written.
        """
        known = self._added.setdefault(session.session_id, set())
        # Their hashes: a long session has many, and all but the last few were added before.
        links = [link for link in links_of(session) if hash(link) not in known]
        self.add(links)
        known.update(map(hash, links))
        if session.status != "active":
            self._added.pop(session.session_id, None)

    def forget(self, session_id: str) -> None:
        """Forget what was added about a session: it may have been deleted since."""
        self._added.pop(session_id, None)

    def add(self, links: Iterable[Link]) -> None:
        """Add these links; adding one again does no harm.

        Raises:
            StoreUnusable, OSError: they cannot be written.
        """
        pieces: dict[Path, list[bytes]] = {}
        for link in self.missing(links):
            pieces.setdefault(self._piece(link[1]), []).append(compact(link))
        if pieces and not is_real_dir(self._folder):
            self._paths.create()
            self._paths.make_dir(self._paths.catalog)
            self._paths.make_dir(self._folder)
        if pieces:
            with self._alone():
                for piece, lines in pieces.items():
                    _append(piece, lines)

    def remove(self, session_ids: Iterable[str]) -> int:
        """Remove all links of these sessions and return how many there were; each piece is written once.

        Raises:
            OSError: a piece cannot be read or written.
        """
        gone = set(session_ids)
        for each in gone:
            self._added.pop(each, None)
        removed = 0
        for piece in self._pieces() if gone else ():
            if _without(_all_of(piece), gone)[1]:
                with self._alone():
                    kept, less = _without(_all_of(piece), gone)
                    removed += less
                    if kept:
                        replace_file(piece, b"\n".join([*kept, b""]))
                    else:
                        piece.unlink(missing_ok=True)
        return removed

    def named(self) -> set[str]:
        """Return the ids of all sessions that the index names."""
        found: set[str] = set()
        for piece in self._pieces():
            found.update(filter(None, map(_named, _content(piece).split(b"\n"))))
        return found

    def missing(self, links: Iterable[Link]) -> list[Link]:
        """Return those of the links that the index does not have, sorted."""
        pieces: dict[Path, list[Link]] = {}
        for link in sorted(links):
            pieces.setdefault(self._piece(link[1]), []).append(link)
        found: list[Link] = []
        for piece, wanted in pieces.items():
            there = _content(piece) if is_real_dir(self._folder) else b""
            found += [link for link in wanted if compact(link) not in there]
        return found

    def sessions(self, relation: Relation, response_id: str) -> list[str]:
        """Return the ids of the sessions that stand so to the response, in the order they were added."""
        found: dict[str, None] = {}
        if not is_real_dir(self._folder):
            return []
        wanted = compact([relation, response_id])[:-1]
        for line in _content(self._piece(response_id)).split(b"\n"):
            if line.startswith(wanted):
                session_id = _session_id(line)
                if session_id is not None:
                    found[session_id] = None
        return list(found)

    def _pieces(self) -> list[Path]:
        return sorted(self._folder.glob("??.jsonl")) if is_real_dir(self._folder) else []

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with only_one(self._folder / ".lock"):
            yield

    def _piece(self, response_id: str) -> Path:
        return self._folder / f"{sha256(response_id.encode(errors='replace')).hexdigest()[:2]}.jsonl"


def _append(piece: Path, lines: list[bytes]) -> None:
    descriptor = open_private(piece, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        # The newline comes first as well: it ends a line that a full disk left without its end.
        os.write(descriptor, b"\n" + b"\n".join(lines) + b"\n")
    finally:
        os.close(descriptor)


def _without(content: bytes, gone: set[str]) -> tuple[list[bytes], int]:
    """Return the lines of other sessions, and how many there are besides: what is torn may be of any session."""
    lines = [line for line in content.split(b"\n") if line]
    kept = [line for line in lines if (session_id := _named(line)) is not None and session_id not in gone]
    return kept, len(lines) - len(kept)


def _named(line: bytes) -> str | None:
    """Return the session that a line names, without parsing it; session ids need no escapes."""
    if not (line.startswith(b'["') and line.endswith(b'"]')):
        return None
    return line[line.rfind(b'"', 0, -2) + 1 : -2].decode(errors="replace")


def _all_of(piece: Path) -> bytes:
    try:
        return read_file(piece, _LARGEST)
    except FileNotFoundError:
        return b""
    except ValueError as error:
        raise OSError(f"{piece} cannot be read: {error}") from error


def _content(piece: Path) -> bytes:
    try:
        return read_file(piece, _LARGEST)
    except (OSError, ValueError):
        return b""


def _session_id(line: bytes) -> str | None:
    try:
        link: Any = parse(line)
    except ValueError:
        return None
    match link:
        case [str(), str(), str(session_id)]:
            return session_id
        case _:
            return None
