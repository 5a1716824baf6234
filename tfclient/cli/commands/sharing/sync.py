"""``tfclient sync``: send what a store holds to a team's database."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import INTERRUPTED, USAGE, WRONG, Refused
from tfclient.cli.finding import disk_store
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, remark, say

if TYPE_CHECKING:
    from tfstore.postgres.address import Address
    from tfstore.postgres.syncing import Sync, Synced, Wanted

VARIABLE: Final = "THOUGHTFLOW_SYNC"

PAUSE: Final = 5.0
"""Seconds between two looks of --watch."""

_NAMED: Final = 5


def sync(
    database: Annotated[
        str | None,
        typer.Argument(
            metavar="[URL]",
            help=f"postgresql://user@host/name; else {VARIABLE}. The password better from PGPASSWORD or ~/.pgpass.",
            show_default=False,
        ),
    ] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Sessions started since 2h, 3d, 2026-09-02 …"),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            "-a",
            help="Read every document, also those that look as when they were sent; pruned ones come back.",
        ),
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Also sessions that are going on.")] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="How this store is called there; else user@host.",
            show_default=False,
        ),
    ] = None,
    blobs: Annotated[
        str | None,
        typer.Option(
            "--blobs",
            metavar="SIZE",
            help="Also long texts and media that stand apart, up to this size each: 8MB.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Also bodies that were recorded raw: nothing in them was redacted."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and send sessions as they end; Ctrl-C ends.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only say how many would be sent.")
    ] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="First make the tables, or bring them up to date.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send sessions to a database that a team reads: what is missing there, or different.

    The store stays the record: what is in the database can be made again by sending it once more. Sessions that are
    there and the same are not touched; none is ever removed there because it is gone here. `tfclient list --store URL`
    and all other commands that read find them. What is pinned here is pinned there, until it is let go here.

    What the database does not take is told, with why, and the others go on. It is tried again by each run, but not as
    sessions close or by --watch until it changes; --dry-run, `tfclient doctor` and `tfclient metrics` tell it too.

    With --json: {database, source, sent, rows, same, notes, blobs, pins, active, raw, raw_left, partial: {id: [what]},
    refused: {id: why}, refused_before: {id: why}, migrated, dry_run}; active counts those left for --live, raw_left
    those with raw bodies that stay here, partial what of a session has no place in rows, its document is there all the
    same; refused_before is of an earlier run, and was not tried now.
    """
    from tfclient.cli.filters import moment
    from tfstore.document.times import moment_text

    address = address_of(database)
    size = _size(blobs)
    if watch and dry_run:
        raise Refused("--watch sends and --dry-run does not: give one of them.", USAGE)
    begun = moment(since)
    opened = disk_store(store, "sync")
    migrated = _migrate(address) if migrate and not dry_run else []
    from tfstore.postgres.syncing import Wanted

    wanted = Wanted(None if begun is None else moment_text(begun), live, size, every=everything, raw=raw)
    sending = _sync(opened, address, name)
    try:
        done = sending.run(wanted, dry=dry_run)
    except KeyboardInterrupt:
        complain("Interrupted: what was sent is there, and the next run sends the rest.")
        raise typer.Exit(INTERRUPTED) from None
    _tell(address, done, migrated, dry=dry_run, as_json=as_json)
    if watch:
        _watch(sending, wanted, address, as_json=as_json)
    if done.refused:
        raise typer.Exit(WRONG)


def address_of(typed: str | None) -> Address:
    """Return the database that is meant.

    Raises:
        Refused: none is named, or the package for it is not installed.
        DatabaseUnusable: it is no address.
    """
    from tfstore.postgres.address import Address

    given = typed or os.environ.get(VARIABLE, "")
    if not given:
        raise Refused(f"Which database? Give postgresql://user@host/name, or set {VARIABLE}.", USAGE)
    address = Address.of(given)
    try:
        import psycopg  # noqa: F401 - whether it is there
    except ImportError as error:
        from tfclient.opening import no_driver

        raise no_driver(address) from error
    return address


def _size(typed: str | None) -> int | None:
    from tfclient.settings import bytes_in

    if typed is None:
        return None
    size = bytes_in(typed)
    if size is None:
        raise Refused(f"--blobs {typed!r} is no size: give 8MB, 500KB …", USAGE)
    return size


def _migrate(address: Address) -> list[str]:
    from tfstore.postgres.connecting import connect
    from tfstore.postgres.migrating import migrate

    connection = connect(address, reads_only=False)
    try:
        return migrate(connection, address)
    finally:
        connection.close()


def _sync(opened: Any, address: Address, name: str | None) -> Sync:
    from importlib.metadata import version

    from tfstore.postgres.syncing import Sync

    return Sync(opened, address, name=name, version=version("tfclient"))


def _watch(sending: Sync, wanted: Wanted, address: Address, *, as_json: bool) -> None:
    from attrs import evolve

    from tfstore.errors import DatabaseLost

    # What was refused has been told.
    wanted = evolve(wanted, again=False)
    if not as_json:
        remark("Waiting for sessions to end (Ctrl-C ends).")
    lost = ""
    try:
        while True:
            pause(PAUSE)
            try:
                done = sending.run(wanted)
            except DatabaseLost as error:
                if str(error) != lost:
                    complain(str(error))
                lost = str(error)
                continue
            lost = ""
            if done.sent or done.notes or done.pins or done.raw or done.refused:
                _tell(address, done, [], dry=False, as_json=as_json)
    except KeyboardInterrupt:
        if not as_json:
            remark("Left.")


def pause(seconds: float) -> None:
    """Wait until it is time to look again."""
    time.sleep(seconds)


def _tell(address: Address, done: Synced, migrated: list[str], *, dry: bool, as_json: bool) -> None:
    from attrs import asdict

    from tfstore.reading.figures import counted

    if as_json:
        print_json({"database": address.shown, **asdict(done), "migrated": migrated, "dry_run": dry})
        return
    for each in migrated:
        remark(f"Migrated: {each}.")
    if dry:
        say(f"{counted(done.sent, 'session')} would be sent to {address.shown}, {done.same:,} are there.")
    else:
        more = [
            counted(number, word)
            for number, word in (
                (done.notes, "file of notes"),
                (done.blobs, "blob"),
                (done.pins, "pin"),
                (done.raw, "raw file"),
            )
            if number
        ]
        sent = ", ".join([counted(done.sent, "session"), counted(done.rows, "step"), *more])
        say(f"{sent} sent to {address.shown} as {done.source}; {done.same:,} were there.")
    if done.raw_left:
        remark(f"Raw bodies of {counted(done.raw_left, 'session')} stay here: --raw sends them too.")
    if done.active:
        remark(f"{counted(done.active, 'session')} going on: --live sends such ones too.")
    for session_id, names in list(done.partial.items())[:_NAMED]:
        complain(
            f"Session {session_id} is there, its rows without what has no place in them: {', '.join(names)}.",
            "yellow",
        )
    if len(done.partial) > _NAMED:
        complain(f"So are {len(done.partial) - _NAMED:,} more: --json names them.", "yellow")
    for session_id, reason in list(done.refused_before.items())[:_NAMED]:
        complain(f"Session {session_id} was refused the last time: {reason}.", "yellow")
    if len(done.refused_before) > _NAMED:
        complain(f"So were {len(done.refused_before) - _NAMED:,} more: --json names them.", "yellow")
    for session_id, reason in list(done.refused.items())[:_NAMED]:
        complain(f"Session {session_id} was not sent: {reason}")
    if len(done.refused) > _NAMED:
        complain(f"So were {len(done.refused) - _NAMED:,} more: --json names them.")
