"""What doctor says to do is done, word for word: then the problem is gone, or doctor said that nothing mends it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import entries, journal, run
from tfclient.finishing.recovery import recover
from tfstore.disk.paths import StorePaths
from tfstore.document.notes import Note, line_of
from tfstore.journal.segment import Segment
from tfstore.store import Store

DONE = "sess_20260902T091400Z_d0de0001"
"""Closed and archived."""
DEAD = "sess_20260902T091500Z_dead0001"
"""Its writer died; there is a live document of it."""
BARE = "sess_20260902T091600Z_ba4e0001"
"""Its writer died before there was a document."""


def _store(root: Path) -> StorePaths:
    store = Store(root, create=True)
    journal(store, DONE, ended=True)
    list(recover(store))
    made = store.paths.document(DONE).read_text(encoding="utf-8")
    journal(store, DEAD)
    live = json.loads(made.replace(DONE, DEAD))
    for session in live["sessions"].values() if "sessions" in live else [live]:
        session |= {"status": "active", "end_reason": None, "result": None}
    store.paths.document(DEAD).write_text(json.dumps(live), encoding="utf-8")
    journal(store, BARE)
    return store.paths


def _segment(paths: StorePaths, session_id: str) -> Path:
    (found,) = paths.journal_of(session_id).glob("*.jsonl")
    return found


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _spoil(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + b"\n")


def _flip(path: Path) -> None:
    """Change one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _elsewhere(path: Path) -> None:
    """Put a link in its place."""
    target = path.parent.parent / f"moved-{path.name}"
    path.rename(target)
    path.symlink_to(target)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _newer(path: Path) -> None:
    path.write_text(
        path.read_text(encoding="utf-8").replace("thoughtflow/1", "thoughtflow/9"), encoding="utf-8"
    )


def _renamed(paths: StorePaths) -> None:
    paths.document(DONE).rename(paths.document(DONE.replace("d0de0001", "d0de0002")))


def _gone(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _unpacked(paths: StorePaths) -> None:
    """A session that ended, whose files nobody wrote."""
    with Segment.open(paths, "sess_20260902T091700Z_c105ed01") as segment:
        segment.append(*entries(ended=True))


def _went_on(paths: StorePaths) -> None:
    """A session that was archived, went on, and was left by its program."""
    with Segment.open(paths, DONE) as segment:
        segment.append(*entries(ended=False))


def _noted_on_nobody(paths: StorePaths) -> None:
    """Notes on a session that is gone."""
    paths.make_dir(paths.notes)
    paths.notes_of("sess_20260902T091800Z_90ne0001").write_bytes(line_of(Note("note_1")))


def _damaged_notes(paths: StorePaths) -> None:
    paths.make_dir(paths.notes)
    paths.notes_of(DONE).write_bytes(line_of(Note("note_1")) + b"nothing\n{")


def _of(what: str, session_id: str, how: Callable[[Path], Any]) -> Callable[[StorePaths], None]:
    def damage(paths: StorePaths) -> None:
        place = {"document": paths.document, "archive": paths.archived, "journal": paths.journal_of}
        how(_segment(paths, session_id) if what == "segment" else place[what](session_id))

    damage.__name__ = f"{how.__name__.strip('_')} {what} {session_id[-8:]}"
    return damage


def _all(*damages: Callable[[StorePaths], None]) -> Callable[[StorePaths], None]:
    def damage(paths: StorePaths) -> None:
        for each in damages:
            each(paths)

    damage.__name__ = ", ".join(each.__name__ for each in damages)
    return damage


def _without(name: str) -> Callable[[StorePaths], None]:
    def damage(paths: StorePaths) -> None:
        _gone(paths.root / name)

    damage.__name__ = f"no {name}"
    return damage


def _an_empty_folder(paths: StorePaths) -> None:
    for path in paths.journal_of(BARE).iterdir():
        path.unlink()


WAYS = (_gone, _empty, _truncate, _flip, _spoil, _elsewhere, _a_folder)
TOGETHER = (_gone, _truncate, _elsewhere)

DAMAGES = [
    *(_of("document", DONE, how) for how in (*WAYS, _newer)),
    *(_of("archive", DONE, how) for how in WAYS),
    *(
        _all(_of("archive", DONE, how), _of("document", DONE, other))
        for how in TOGETHER
        for other in (_gone, _empty, _newer)
    ),
    *(_of("document", DEAD, how) for how in (*WAYS, _newer)),
    *(_of("segment", DEAD, how) for how in WAYS),
    *(
        _all(_of("segment", DEAD, how), _of("document", DEAD, other))
        for how in TOGETHER
        for other in (_gone, _empty)
    ),
    *(_of("segment", BARE, how) for how in WAYS),
    _went_on,
    *(_all(_went_on, _of("archive", DONE, how)) for how in WAYS),
    *(_all(_went_on, _of("archive", DONE, how), _of("document", DONE, _gone)) for how in TOGETHER),
    *(_all(_went_on, _of("segment", DONE, how)) for how in TOGETHER),
    _of("journal", DEAD, _gone),
    _of("journal", BARE, _gone),
    _of("journal", DEAD, _elsewhere),
    _all(_of("journal", DEAD, _gone), _of("document", DEAD, _empty)),
    _an_empty_folder,
    _renamed,
    _unpacked,
    _noted_on_nobody,
    _damaged_notes,
    *map(_without, ("sessions", "archive", "journal", "index.db", "journal/.claims")),
    _all(_without("sessions"), _without("archive")),
    _all(_without("journal"), _without("archive")),
]


def _problems(root: Path) -> list[dict[str, Any]]:
    outcome = run("doctor", "--store", root, "--json")
    assert outcome.code == bool(outcome.json["problems"])
    return list(outcome.json["problems"])


def _commands(problem: dict[str, Any]) -> list[list[str]]:
    """Return what doctor says that mends it, as somebody types it."""
    session_id = problem["session_id"]
    fix = [["doctor", "--fix"]]
    return {
        "recover": [["recover"], ["recover", session_id], *fix],
        "rebuild": [["rebuild", session_id], *fix],
        "fix": fix,
        "delete": [["delete", session_id]],
        "move": [["move", problem["path"]]],
        "none": [],
    }[problem["mend"]]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_doctor_says_mends_it_does(damage: Callable[[StorePaths], None], tmp_path: Path) -> None:
    paths = _store(tmp_path / "store")
    damage(paths)
    found = _problems(paths.root)
    wrong: list[Any] = []
    for problem in found:
        named = (problem["kind"], problem["session_id"], problem["path"] and Path(problem["path"]).name)
        for place, command in enumerate(_commands(problem)):
            root = tmp_path / f"again-{len(wrong)}-{found.index(problem)}-{place}"
            shutil.copytree(paths.root, root, symlinks=True)
            if command[0] == "move":
                (root / Path(command[1]).relative_to(paths.root)).rename(root.parent / f"moved-{place}")
                assert problem["kind"] not in {each["kind"] for each in _problems(root)}
                continue
            outcome = run(*command, "--store", root)
            left = [(e["kind"], e["session_id"], e["path"] and Path(e["path"]).name) for e in _problems(root)]
            if named in left or "othing to recover" in outcome.out + outcome.err:
                wrong.append((named, command, outcome.code, outcome.out[-300:], outcome.err[-300:]))
    assert not wrong, "\n".join(map(repr, wrong))
