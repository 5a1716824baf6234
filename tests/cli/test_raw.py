"""What commands do with what was recorded raw: mark it, leave it out, lay it beside, send it, let it go."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import a_chat, a_session
from tests.cli.making import run
from tests.postgres import ask
from tests.store.postgres.making import migrated, sync
from tfstore.disk.raw_folder import put, raw_sessions
from tfstore.keeping.doctor import examine
from tfstore.postgres.address import Address
from tfstore.postgres.retention import Kept, prune
from tfstore.reading.session_words import row_words
from tfstore.store import Store

BODY = b"\xffthe body as it was\x00"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two sessions, of which one was recorded raw."""
    made = Store(tmp_path / "store", create=True)
    made.put(a_session(a_chat("Hello", "Hi", response_id="resp_1"), session_id="rawly", raw=True))
    made.put(a_session(a_chat("Hello", "Hi", response_id="resp_2"), session_id="plain"))
    put(made.paths, "rawly", "c-1.1.request", [BODY])
    put(made.paths, "rawly", "c-1.1.request.json", [b'{"method":"POST","url":"https://a.b/c"}'])
    put(made.paths, "rawly", "c-1.error.json", [b'{"type":"Oops","stack":["a.py:1 in f"]}'])
    return made


def test_lists_and_the_page_mark_it(store: Store) -> None:
    lines = run("list", "--store", store.paths.root, columns=200).out.splitlines()

    (marked,) = [each for each in lines if "completed, raw" in each]
    assert "rawly" in marked
    told = {
        each["session_id"]: each["raw"] for each in run("list", "--store", store.paths.root, "--json").json
    }
    assert told == {"rawly": True, "plain": False}
    rows = {row.session_id: row_words(row, datetime.now(UTC))["result"] for row in store.list()}
    assert rows == {"rawly": "completed, raw", "plain": "completed"}
    assert "recorded raw" in run("show", "rawly", "--store", store.paths.root).out
    assert "raw" not in run("show", "plain", "--store", store.paths.root).out


def test_path_says_where_it_is_or_why_it_is_not(store: Store) -> None:
    root = store.paths.root

    assert run("path", "rawly", "--raw", "--store", root).out.strip() == str(store.paths.raw_of("rawly"))
    assert run("path", "rawly", "--store", root, "--json").json["raw"] == str(store.paths.raw_of("rawly"))
    assert "it was not recorded raw" in run("path", "plain", "--raw", "--store", root).err
    run("prune", "--raw", "0m", "--store", root)
    gone = run("path", "rawly", "--raw", "--store", root)
    assert (gone.code, "has gone since" in gone.err) == (1, True)


@pytest.mark.parametrize(
    "command",
    [("export", "markdown", "rawly"), ("export", "csv", "--all"), ("bundle", "rawly")],
    ids=" ".join,
)
def test_what_is_passed_on_leaves_it_out_and_says_so(
    store: Store, tmp_path: Path, command: list[str]
) -> None:
    target = tmp_path / "out.file"
    told = run(*command, "-o", target, "--store", store.paths.root)

    assert told.code == 0
    assert "are left out; --raw lays them beside it." in told.err
    assert b"the body as it was" not in target.read_bytes()
    assert not (tmp_path / "out.file.raw").exists()

    asked = run(*command, "-o", target, "--raw", "--force", "--store", store.paths.root)

    assert asked.code == 0
    assert "3 raw files in" in asked.err
    assert "nothing in them was redacted" in asked.err
    beside = tmp_path / "out.file.raw" / "rawly"
    assert (beside / "c-1.1.request").read_bytes() == BODY
    assert sorted(path.name for path in beside.iterdir()) == sorted(
        path.name for path in store.paths.raw_of("rawly").iterdir()
    )
    assert {path.stat().st_mode & 0o777 for path in beside.iterdir()} == {0o600}
    assert beside.stat().st_mode & 0o777 == 0o700


def test_of_a_session_without_it_nothing_is_said(store: Store, tmp_path: Path) -> None:
    told = run("export", "markdown", "plain", "-o", tmp_path / "out.md", "--store", store.paths.root)

    assert "raw" not in told.err.lower()


def test_where_it_has_no_place_it_is_refused(store: Store) -> None:
    root = store.paths.root

    assert (
        "name one with -o FILE" in run("export", "markdown", "rawly", "-o", "-", "--raw", "--store", root).err
    )
    refused = run("export", "rawly", "--otlp", "http://127.0.0.1:9", "--raw", "--store", root)
    assert (refused.code, "Spans have no place for raw bodies" in refused.err) == (2, True)


def test_prune_lets_it_go_by_its_age_and_nothing_else(store: Store) -> None:
    then = time.time() - timedelta(days=4).total_seconds()
    os.utime(store.paths.raw_of("rawly") / "c-1.1.request", (then, then))
    root = store.paths.root

    would = run("prune", "--raw", "3d", "--dry-run", "--store", root)
    done = run("prune", "--raw", "3d", "--store", root, "--json").json

    assert would.out.splitlines() == [
        "0 sessions would be removed, 0 B.",
        f"1 raw file would be removed, {len(BODY)} B.",
    ]
    assert (done["raw_files"], done["raw_bytes"], done["removed"]) == (1, len(BODY), [])
    assert [each.kind for each in store.raw("rawly")] == ["error", "request"]
    assert store.ids() == ["plain", "rawly"]
    assert "--raw 'soon' is no age" in run("prune", "--raw", "soon", "--store", root).err


def test_it_goes_with_its_session(store: Store) -> None:
    assert run("delete", "rawly", "--store", store.paths.root).code == 0

    assert raw_sessions(store.paths) == []
    assert list(examine(store)) == []


def test_sync_sends_it_only_if_asked_and_says_so(store: Store, database: str) -> None:
    migrated(database)
    root = store.paths.root

    told = run("sync", database, "--store", root)
    assert "Raw bodies of 1 session stay here: --raw sends them too." in told.err
    assert ask(database, "SELECT count(*) FROM raw_exchanges") == [(0,)]

    assert "2 raw files" in run("sync", database, "--raw", "--store", root).out
    rows = ask(database, "SELECT name, kind, headers ->> 'method', content FROM raw_exchanges ORDER BY name")
    assert rows == [("c-1", "error", None, b""), ("c-1.1", "request", "POST", BODY)]
    assert sync(store, database, raw=True).raw == 0
    with (store.paths.raw_of("rawly") / "c-1.1.request").open("ab") as file:
        file.write(b"more")
    assert sync(store, database, raw=True).raw == 1

    address, later = Address.of(database), datetime.now(UTC) + timedelta(days=5)
    assert prune(address, Kept(raw=timedelta(days=3)), now=later, dry=True).raw == 2
    assert prune(address, Kept(raw=timedelta(days=3)), now=later).raw == 2
    assert ask(database, "SELECT count(*) FROM raw_exchanges") == [(0,)]
    assert ask(database, "SELECT count(*) FROM sessions") == [(2,)]
