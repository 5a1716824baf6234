"""``tfclient prune``: old sessions out of the store, by age or by size."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tfclient.cli.configured import VARIABLE, retention
from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import bare_store, is_database
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.disk.raw_folder import Expired
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
    blobs: Annotated[
        bool,
        typer.Option(
            "--blobs", help="Of a database: long texts and media that no session refers to any more."
        ),
    ] = False,
    archive: Annotated[
        str | None,
        typer.Option(
            "--archive",
            metavar="DIR",
            help="Of a database: what goes is written there first; a folder, or s3://bucket/folder and the like.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        str | None,
        typer.Option("--raw", metavar="AGE", help="Raw bodies and stacks that were recorded so long ago."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would go.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old sessions: document, diagram, journal, and the blobs that no other session refers to.

    Sessions that are still active stay, and so does what is pinned (`tfclient pin`). Of a database
    (--store postgresql://…) documents, the JSON of steps, and whole sessions have ages of their own; what
    goes is first written to --archive: documents as they are (zstd) and steps as Parquet, a file each by the month,
    with its sha256. With --raw, what was recorded raw that long ago goes, of pinned sessions too, and nothing else of
    its session. Where nothing is said, `retention` of the file that THOUGHTFLOW_CONFIG names says what may go.

    With --json: {store, dry_run, removed: [{session_id, ended_at, result, bytes}], problems: [{session_id,
    problem}], blob_bytes, raw_files, raw_bytes}; of a database {store, dry_run, documents, payloads, sessions, months,
    raw, blobs, blob_bytes, archived}, the first three counting sessions, raw files, archived naming files.
    """
    from tfclient.cli.now import present
    from tfstore.disk.raw_folder import Expired, expire
    from tfstore.keeping.pruning import chosen, remove, remove_unused_blobs

    of_database = {"--documents": documents, "--payloads": payloads, "--events": events}
    if is_database(store):
        if older_than or max_size or keep_failed:
            reason = "Of a database say what may go by --documents 30d, --payloads 90d, --events 400d, --raw 3d, only."
            raise Refused(reason, USAGE)
        of_database["--raw"] = raw
        _prune_database(str(store), of_database, archive, blobs=blobs, dry=dry_run, as_json=as_json)
        return
    if any(of_database.values()) or blobs or archive is not None:
        reason = "--documents, --payloads, --events, --blobs and --archive are of a database: --store postgresql://…"
        raise Refused(reason, USAGE)
    older_than, max_size, raw = _meant(older_than, max_size, raw)
    raw_age = _age(raw, "--raw")
    opened = bare_store(store, "prune")
    expired = Expired() if raw_age is None else expire(opened.paths, raw_age, dry=dry_run)
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
                "raw_files": expired.files,
                "raw_bytes": expired.bytes,
            }
        )
    else:
        _tell(removed, freed, expired if raw_age is not None else None, dry=dry_run)
        for told in problems:
            complain(told["problem"])
    if outcome is not None and outcome.blobs_kept is not None:
        complain(f"Blobs of removed sessions stay until the next `tfclient prune`. {outcome.blobs_kept}")
    if problems:
        raise typer.Exit(WRONG)


def _tell(removed: Sequence[Candidate], freed: int, expired: Expired | None, *, dry: bool) -> None:
    from tfstore.reading.figures import counted, size

    for each in removed:
        say(f"{each.session_id}  {each.row.result or each.row.status}  {size(each.bytes)}")
    done = "would be removed" if dry else "removed"
    total = size(sum(each.bytes for each in removed) + freed)
    say(f"{counted(len(removed), 'session')} {done}, {total}.")
    if expired is not None:
        say(f"{counted(expired.files, 'raw file')} {done}, {size(expired.bytes)}.")


def _meant(
    older_than: str | None, max_size: str | None, raw: str | None
) -> tuple[str | None, str | None, str | None]:
    """Return what was typed, or else what is configured.

    Raises:
        Refused: it is neither.
    """
    if older_than is None and max_size is None and raw is None:
        kept = retention()
        older_than, max_size, raw = kept.get("older_than"), kept.get("max_size"), kept.get("raw")
    if older_than is None and max_size is None and raw is None:
        reason = (
            "Say what may go: --older-than 30d, --max-size 2GB, --raw 3d; or say it in `retention` of the file that "
            f"{VARIABLE} names."
        )
        raise Refused(reason, USAGE)
    return older_than, max_size, raw


def _prune_database(
    store: str, typed: dict[str, str | None], archive: str | None, *, blobs: bool, dry: bool, as_json: bool
) -> None:
    from attrs import asdict

    from tfclient.cli.commands.sharing.sync import address_of
    from tfclient.cli.now import present
    from tfstore.reading.figures import counted, size

    kept = retention()
    if not any(typed.values()) and not blobs:
        # What is typed is all that is meant: nothing goes by a file that somebody did not think of.
        typed = {name: kept.get(name.removeprefix("--")) for name in typed}
    if not any(typed.values()) and not blobs:
        reason = (
            "Of a database say what may go by --documents 30d, --payloads 90d, --events 400d, --raw 3d, --blobs; or "
            f"say it in `retention` of the file that {VARIABLE} names."
        )
        raise Refused(reason, USAGE)
    ages = {name: _age(given, name) for name, given in typed.items()}
    target = archive or kept.get("archive")
    address = address_of(store)
    if target is not None:
        _look_at_archive(target)
    from tfstore.postgres.archiving import Archive
    from tfstore.postgres.retention import Kept, prune

    to = None if target is None or dry else Archive(target)
    done = prune(
        address,
        Kept(ages["--documents"], ages["--payloads"], ages["--events"], blobs, ages["--raw"]),
        now=present(),
        dry=dry,
        archive=to,
    )
    if as_json:
        print_json({"store": address.shown, "dry_run": dry, **asdict(done)})
        return
    would = "would be " if dry else ""
    what = f"{counted(done.documents, 'document')}, the steps' JSON of {counted(done.payloads, 'session')}"
    say(f"{what} and {counted(done.sessions, 'session')} {would}removed from {address.shown}.")
    if blobs:
        say(f"{counted(done.blobs, 'blob')} {would}removed, {size(done.blob_bytes)}.")
    if ages["--raw"] is not None:
        say(f"{counted(done.raw, 'raw file')} {would}removed.")
    for each in done.archived:
        say(f"{target}/{each}")


def _look_at_archive(target: str) -> None:
    """Look whether what goes can be written there, before anything goes.

    Raises:
        PackageMissing, Refused: a package is not installed.
    """
    from importlib.util import find_spec

    from tfclient.errors import PackageMissing

    if find_spec("pyarrow") is None:
        raise PackageMissing("archiving", "parquet")
    if "://" in target and find_spec("fsspec") is None:
        reason = "needs fsspec and its package for such places: pip install s3fs. A folder needs none."
        raise Refused(f"--archive {target} {reason}", USAGE)


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
