"""``tfclient prune``: old sessions out of the store, by age or by size."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import bare_store, is_database
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, say

if TYPE_CHECKING:
    from tfstore.keeping.pruning import Candidate

_AGE = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def prune(
    *,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Sessions that ended so long ago: 30d, 12h, 4w."),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size", metavar="SIZE", help="The oldest until the store is no larger: 2GB, 500MB."
        ),
    ] = None,
    keep_failed: Annotated[bool, typer.Option("--keep-failed", help="Keep sessions that failed.")] = False,
    documents: Annotated[
        str | None,
        typer.Option(
            "--documents", metavar="AGE", help="Of a database: documents of sessions that began so long ago."
        ),
    ] = None,
    payloads: Annotated[
        str | None,
        typer.Option("--payloads", metavar="AGE", help="Of a database: the JSON of their steps."),
    ] = None,
    events: Annotated[
        str | None, typer.Option("--events", metavar="AGE", help="Of a database: all of such sessions.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would go.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old sessions: document, diagram, journal, and the blobs that no other session refers to.

    Sessions that are still active stay, and so does what is pinned (`tfclient pin`). Of a database
    (--store postgresql://…) documents, the JSON of steps, and whole sessions have ages of their own.

    With --json: {store, dry_run, removed: [{session_id, ended_at, result, bytes}], problems: [{session_id,
    problem}], blob_bytes}; of a database {store, dry_run, documents, payloads, sessions, months}, counting sessions.
    """
    from tfclient.cli.now import present
    from tfstore.keeping.pruning import chosen, remove, remove_unused_blobs
    from tfstore.reading.figures import counted, size

    of_database = {"--documents": documents, "--payloads": payloads, "--events": events}
    if is_database(store):
        if older_than or max_size or keep_failed or not any(of_database.values()):
            reason = "Of a database say what may go by --documents 30d, --payloads 90d, --events 400d, only."
            raise Refused(reason, USAGE)
        ages = {name: _age(given, name) for name, given in of_database.items()}
        _prune_database(str(store), ages, dry=dry_run, as_json=as_json)
        return
    if any(of_database.values()):
        raise Refused("--documents, --payloads and --events are of a database: --store postgresql://…", USAGE)
    if older_than is None and max_size is None:
        raise Refused("Say what may go: --older-than 30d, --max-size 2GB, or both.", USAGE)
    opened = bare_store(store, "prune")
    candidates = chosen(
        opened, older_than=_age(older_than), max_size=_bytes(max_size), keep_failed=keep_failed, now=present()
    )
    removed: list[Candidate] = candidates
    problems: list[dict[str, str]] = []
    freed = 0
    outcome = None
    if not dry_run:
        outcome = remove(opened, candidates)
        removed = [each for each in candidates if each.session_id not in outcome.problems]
        problems = [{"session_id": each, "problem": str(why)} for each, why in outcome.problems.items()]
        freed = outcome.blob_bytes + remove_unused_blobs(opened)
    if as_json:
        print_json(
            {
                "store": str(opened.paths.root),
                "dry_run": dry_run,
                "removed": [_json(each) for each in removed],
                "problems": problems,
                "blob_bytes": freed,
            }
        )
    else:
        for each in removed:
            say(f"{each.session_id}  {each.row.result or each.row.status}  {size(each.bytes)}")
        done = "would be removed" if dry_run else "removed"
        total = size(sum(each.bytes for each in removed) + freed)
        say(f"{counted(len(removed), 'session')} {done}, {total}.")
        for told in problems:
            complain(told["problem"])
    if outcome is not None and outcome.blobs_kept is not None:
        complain(f"Blobs of removed sessions stay until the next `tfclient prune`. {outcome.blobs_kept}")
    if problems:
        raise typer.Exit(WRONG)


def _prune_database(store: str, ages: dict[str, timedelta | None], *, dry: bool, as_json: bool) -> None:
    from attrs import asdict

    from tfclient.cli.commands.sharing.sync import address_of
    from tfclient.cli.now import present
    from tfstore.reading.figures import counted

    address = address_of(store)
    from tfstore.postgres.retention import Kept, prune

    done = prune(address, Kept(*ages.values()), now=present(), dry=dry)
    if as_json:
        print_json({"store": address.shown, "dry_run": dry, **asdict(done)})
        return
    what = f"{counted(done.documents, 'document')}, the steps' JSON of {counted(done.payloads, 'session')}"
    say(
        f"{what} and {counted(done.sessions, 'session')} {'would be ' if dry else ''}removed from {address.shown}."
    )


def _age(given: str | None, option: str = "--older-than") -> timedelta | None:
    if given is None:
        return None
    found = _AGE.fullmatch(given.strip())
    if found is None:
        raise Refused(f"{option} {given!r} is no age: give 30d, 12h, 4w.", USAGE)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _bytes(given: str | None) -> int | None:
    from tfclient.settings import bytes_in

    if given is None:
        return None
    size = bytes_in(given)
    if size is None:
        raise Refused(f"--max-size {given!r} is no size: give 2GB, 500MB, 1.5GB.", USAGE)
    return size


def _json(candidate: Candidate) -> dict[str, str | int | None]:
    row = candidate.row
    return {
        "session_id": row.session_id,
        "ended_at": row.ended_at,
        "result": row.result,
        "bytes": candidate.bytes,
    }
