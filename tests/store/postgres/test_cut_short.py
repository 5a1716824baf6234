"""Sending that is cut short: by a death at whichever statement, by the server, by its disk, and by others that send."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.builders import a_chat, a_session
from tests.postgres import Server, ask
from tests.store.postgres.making import CONTINUED, a_full_store, is_whole, migrated, read, sync
from tfstore.errors import DatabaseLost, DatabaseUnusable
from tfstore.postgres import sending, syncing
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.postgres.connecting import Connection
    from tfstore.postgres.outgoing import Outgoing

# A machine that dies before its first statement, then one that dies before its second, and so on, until one sends all.
DYING = """
import os, signal, sys
import psycopg
from tfstore.errors import DatabaseUnusable
from tfstore.postgres import syncing
from tfstore.postgres.address import Address
from tfstore.store import Store

syncing.BATCH = 3

def sends(statement):
    count = 0
    def counted(whole):
        def call(*arguments, **more):
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), signal.SIGKILL)
            return whole(*arguments, **more)
        return call
    for name in ("execute", "executemany", "copy"):
        setattr(psycopg.Cursor, name, counted(getattr(psycopg.Cursor, name)))
    while True:
        try:
            syncing.Sync(Store(sys.argv[1]), Address.of(sys.argv[2])).run(syncing.Wanted(live=True))
            return
        except DatabaseUnusable as error:
            # The server has not noticed yet that the one before is dead.
            if "another `tfclient sync`" not in str(error):
                raise

def there():
    with psycopg.connect(sys.argv[3]) as connection:
        asked = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM documents), (SELECT count(*) FROM"
        asked += " (SELECT source_id, session_id FROM agent_run_events UNION SELECT source_id, session_id FROM sessions"
        asked += " WHERE rows_partial @> ARRAY['rows']) s)"
        return connection.execute(asked).fetchone()

statement, before = 0, 0
while True:
    statement += 1
    child = os.fork()
    if not child:
        sends(statement)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    sessions, documents, stepped = there()
    assert sessions == documents == stepped >= before, (statement, sessions, documents, stepped)
    before = sessions
    if status == 0:
        break
    assert os.WIFSIGNALED(status), status
print(statement, sessions)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return a_full_store(tmp_path / "store")


def test_killed_before_every_statement_the_next_makes_it_whole(folder: Store, url: str) -> None:
    schema = url.partition("schema=")[2]
    plain = f"{url.partition('?')[0]}?options=-csearch_path%3D{schema}"
    arguments = [sys.executable, "-c", textwrap.dedent(DYING), str(folder.paths.root), url, plain]

    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603

    assert ran.returncode == 0, ran.stderr
    statements, sessions = map(int, ran.stdout.split())
    assert sessions == len(folder.ids())
    assert statements > 20
    assert sync(folder, url).same == len(folder.ids())
    assert is_whole(folder, url)
    assert ask(url, "SELECT count(*) FROM notes") == ask(url, "SELECT count(*) FROM incidents") == [(1,)]


def test_a_server_that_stops_in_the_middle_ends_the_run_and_one_more_makes_it_whole(
    folder: Store, monkeypatch: pytest.MonkeyPatch, postgres_server: Server
) -> None:
    assert postgres_server  # else there is none to be started
    server = Server.start(synchronous_commit="on")
    try:
        url = server.url("s")
        migrated(url)
        monkeypatch.setattr(syncing, "BATCH", 2)
        below, batches = sending._below, []

        def stops(connection: Connection, source_id: str, some: list[Outgoing], ids: list[str]) -> None:
            batches.append(some)
            if len(batches) == 3:
                # Its rows, steps and documents are sent, and nothing of it is committed.
                server.down("immediate")
            below(connection, source_id, some, ids)

        monkeypatch.setattr(sending, "_below", stops)
        with pytest.raises(DatabaseLost):
            sync(folder, url)
        # It is not tried session by session.
        assert len(batches) == 3
        with pytest.raises(DatabaseLost, match="Connection refused"):
            read(url)
        assert server.up()
        assert (
            ask(url, "SELECT count(*) FROM sessions") == ask(url, "SELECT count(*) FROM documents") == [(4,)]
        )
        assert sync(folder, url).sent == 5
        assert is_whole(folder, url)
    finally:
        server.remove()


def test_two_machines_send_at_once_to_months_that_nobody_has_made(tmp_path: Path, url: str) -> None:
    stores = [Store(tmp_path / name, create=True) for name in "ab"]
    for store in stores:
        for number in range(30):
            session = a_session(
                a_chat(f"Hello {number}", response_id=f"resp_{number}"), session_id=f"s{number}"
            )
            session.started_at = f"2026-{1 + number % 9:02}-03T00:00:00.000Z"
            store.put(session)

    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda store: sync(store, url, name=store.paths.root.name), stores))

    assert [(each.sent, each.refused) for each in done] == [(30, {})] * 2
    assert ask(url, "SELECT count(*) FROM sessions") == ask(url, "SELECT count(*) FROM documents") == [(60,)]
    with read(url) as team:
        assert all(
            team.text(f"s{n}@{store.paths.root.name}") == store.text(f"s{n}")
            for store in stores
            for n in range(30)
        )


@pytest.fixture
def small(postgres_server: Server) -> Iterator[str]:
    """The name of a tablespace on a disk of 50 MB."""
    place = Path("/tmp") / f"tfpg-small-{os.getpid()}"  # noqa: S108 - the server's user has to come there
    place.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(  # noqa: S603 - for root only
        [mount, "-t", "tmpfs", "-o", "size=50m,mode=777", "none", str(place)],
        check=False,
        capture_output=True,
    )
    try:
        if not made or made.returncode:
            pytest.skip("this user may not mount a small disk for the server")
        name = f"small_{os.getpid()}"
        if os.geteuid() == 0:
            shutil.chown(place, "postgres" if _is_user("postgres") else "nobody")
        ask(postgres_server.url(), f"CREATE TABLESPACE {name} LOCATION '{place}'")
        yield name
        ask(postgres_server.url(), f"DROP TABLESPACE {name}")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)  # noqa: S603, S607
        place.rmdir()


def _is_user(name: str) -> bool:
    import pwd

    return name in {each.pw_name for each in pwd.getpwall()}


def _fill(url: str, filling: int) -> None:
    while True:
        ask(url, "INSERT INTO ballast VALUES (repeat('x', %s))", filling)


def test_a_disk_that_is_really_full_ends_the_run_and_one_more_makes_it_whole(
    tmp_path: Path, postgres_server: Server, small: str
) -> None:
    url = f"{postgres_server.new_url()}&options=-cdefault_tablespace%3D{small}"
    migrated(url)
    folder = Store(tmp_path / "store", create=True)
    for number in range(12):
        session = a_session(a_chat(os.urandom(150_000).hex(), "Hi"), session_id=f"s{number:02}")
        session.started_at = "2026-09-02T09:14:00.000Z"
        folder.put(session)
    ask(url, "CREATE TABLE ballast (filling text)")
    ask(url, "ALTER TABLE ballast ALTER filling SET STORAGE EXTERNAL")
    for filling in (1_000_000, 100_000):
        with pytest.raises(psycopg.errors.DiskFull):
            _fill(url, filling)

    with pytest.raises(DatabaseUnusable, match="No space left on device"):
        sync(folder, url)
    with read(url) as team:
        for name in team.ids():
            assert team.text(name) == folder.text(name)
    assert ask(url, "SELECT count(*) FROM sessions") == ask(url, "SELECT count(*) FROM documents")
    ask(url, "DROP TABLE ballast")

    assert sync(folder, url).refused == {}
    assert is_whole(folder, url)
    ask(url, f"DROP SCHEMA {url.partition('schema=')[2].partition('&')[0]} CASCADE")


def test_a_full_disk_ends_the_run_and_is_not_tried_session_by_session(folder: Store, url: str) -> None:
    """Told by the server in the middle of a batch: for machines where no small disk can be made."""
    full = (
        "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;"
        f" CREATE TRIGGER full_up BEFORE INSERT ON documents FOR EACH ROW WHEN (NEW.session_id = '{CONTINUED}')"
        " EXECUTE FUNCTION full_up()"
    )
    ask(url, full)

    with pytest.raises(DatabaseUnusable, match="could not extend file"):
        sync(folder, url)
    ask(url, "DROP TRIGGER full_up ON documents")

    assert ask(url, "SELECT count(*) FROM sessions") == ask(url, "SELECT count(*) FROM documents")
    sync(folder, url)
    assert is_whole(folder, url)
