"""What was recorded raw and is not in what is passed on: said, or laid beside it where somebody asks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.printing import remark
from tfstore.meant import on_disk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.protocols import Reading
    from tfstore.store import Store

RawOption = Annotated[
    bool,
    typer.Option("--raw", help="Lay raw bodies beside it, in FILE.raw: nothing in them was redacted."),
]

_BLOCK: Final = 1 << 20


def look_at_raw(store: Reading, session_ids: Sequence[str], output: Path | None, *, asked: bool) -> None:
    """Say that raw bodies are left out, or refuse to lay them beside what has no place, before anything is written.

    Raises:
        Refused: they are asked for, and there is no folder, or no file to lay them beside.
    """
    here = on_disk(store)
    if asked and here is None:
        raise Refused("Raw bodies lie in the folder of the machine that records: --raw needs that.", USAGE)
    if asked and output is not None and str(output) == "-":
        raise Refused("--raw lays bodies beside a file: name one with -o FILE.", USAGE)
    if here is not None and not asked:
        count = len(_with_raw(here, session_ids))
        if count:
            whose = "its session" if len(session_ids) == 1 else f"{count:,} of the sessions"
            remark(f"Raw bodies of {whose} are left out; --raw lays them beside it.")


def lay_raw_beside(store: Reading, session_ids: Sequence[str], output: Path | None) -> None:
    """Copy what is raw of sessions to a folder beside what was written, and say so.

    Raises:
        Refused: it cannot be written.
    """
    from tfstore.disk.raw_folder import raw_parts
    from tfstore.reading.figures import counted

    here = on_disk(store)
    found = [] if here is None else _with_raw(here, session_ids)
    if here is None or not found:
        remark("Nothing was recorded raw, or it has gone since.")
        return
    beside = Path(f"{found[0] if output is None else output}.raw")
    count = 0
    try:
        for session_id in found:
            folder = beside / session_id
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.chmod(0o700)
            for part in raw_parts(here.paths, session_id):
                for path in {part.path, part.path.with_name(f"{part.name}.{part.kind}.json")}:
                    count += _copied(path, folder / path.name)
    except OSError as error:
        raise Refused(f"{beside} cannot be written: {error.strerror or error}.") from error
    remark(f"{counted(count, 'raw file')} in {beside}: nothing in them was redacted.")


def _with_raw(store: Store, session_ids: Sequence[str]) -> list[str]:
    from tfstore.disk.raw_folder import raw_sessions

    there = set(raw_sessions(store.paths))
    return [each for each in session_ids if each in there]


def _copied(path: Path, to: Path) -> bool:
    from tfstore.disk.paths import open_for_reading

    try:
        descriptor = open_for_reading(path)
    except FileNotFoundError:
        return False
    with os.fdopen(descriptor, "rb") as source:
        written = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(written, "wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)
    return True
