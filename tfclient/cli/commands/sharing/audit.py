"""``tfclient audit``: what redaction changed before it was written, by rule and place; never what it was."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.finding import nothing_in, open_store, shown_session
from tfclient.cli.options import JsonOption, StoreOption, known_ids
from tfclient.cli.printing import complain, print_json, print_lines, remark, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from tfstore.document.documents import Redaction
    from tfstore.index.rows import Redacted
    from tfstore.protocols import Reading

_HEADS: Final = ("RULE", "PATH", "ACTION")


def audit(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|last]",
            show_default=False,
            help="Only this session: its id, the start of one or of its last part; `last`.",
            autocompletion=known_ids,
        ),
    ] = None,
    *,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what redaction changed before it was written: by which rule, where, how, how often, how many bytes.

    Never a value. Where something was `replaced` a placeholder stands, `hashed` a hash, `dropped` nothing; [] is the
    number of an item or an event. Credentials in headers are kept in no mode, and are told here too. Of one session
    also its policy, and what may stand in its payloads.

    With --json: {store, session_id, redactions: [{rule, path, action, sessions, count, bytes}]}; of one session also
    mode, modes and sensitivity, null where its document cannot be read.
    """
    opened = open_store(store)
    session_id = None if session is None else shown_session(opened, session)
    found = opened.redactions(session_id)
    policy = None if session_id is None else _policy(opened, session_id)
    if as_json:
        from attrs import asdict

        told: dict[str, Any] = {"store": opened.where, "session_id": session_id}
        if session_id is not None:
            told |= {
                "mode": policy and policy.mode,
                "modes": policy and (policy.modes or [policy.mode]),
                "sensitivity": policy and policy.sensitivity,
            }
        print_json({**told, "redactions": [asdict(each) for each in found]})
        return
    if policy is not None:
        print_lines(_about(policy))
    if found:
        print_lines(_table(found))
    elif session_id is None and not opened.list(limit=1):
        remark(nothing_in(opened))
    else:
        say("Nothing was changed before it was written.")
    if policy is not None and policy.marks and not policy.places:
        complain(
            f"The document of session {session_id} was made by an earlier version, which did not say what was changed "
            f"where: `tfclient rebuild {session_id}` makes it again.",
            "yellow",
        )


def _policy(store: Reading, session_id: str) -> Redaction | None:
    from tfstore.errors import StoreError

    with contextlib.suppress(StoreError):
        return store.get(session_id).redaction
    return None


def _about(policy: Redaction) -> Iterator[Text]:
    from rich.text import Text

    from tfstore.reading.plain_text import clean

    modes = ", then ".join(policy.modes or [policy.mode])
    yield Text.assemble(("Policy: ", "dim"), clean(modes))
    for word in ("user_content", "tool_content", "credential"):
        paths = [path for path, what in policy.sensitivity.items() if what == word]
        if paths:
            yield Text.assemble((f"{word}: ", "dim"), clean(", ".join(paths)))


def _table(found: list[Redacted]) -> Iterator[Text]:
    from rich.text import Text

    from tfstore.reading.figures import counted, size
    from tfstore.reading.plain_text import clean

    rows = [tuple(map(clean, (each.rule, each.path, each.action))) for each in found]
    widths = [max(len(row[n]) for row in (_HEADS, *rows)) for n in range(3)]

    def line(row: tuple[str, ...], numbers: tuple[str, str, str], style: str = "") -> Text:
        words = "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True))
        return Text(f"{words}  {numbers[0]:>8}  {numbers[1]:>7}  {numbers[2]:>9}", style)

    yield line(_HEADS, ("SESSIONS", "VALUES", "BYTES"), "bold")
    for row, each in zip(rows, found, strict=True):
        yield line(row, (f"{each.sessions:,}", f"{each.count:,}", f"{each.bytes:,}"))
    total = sum(each.bytes for each in found)
    yield Text(f"{counted(sum(each.count for each in found), 'value')} changed, {size(total)}.")
