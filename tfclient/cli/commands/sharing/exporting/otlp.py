"""Sending sessions to whoever takes OpenTelemetry's spans."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import typer
from attrs import frozen

from tfclient.cli.failures import INTERRUPTED, WRONG, Refused
from tfclient.cli.printing import complain, print_json, remark, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.otlp.calls import Price
    from tfclient.otlp.endpoint import Endpoint
    from tfclient.otlp.exporting import Exporter, Sent
    from tfclient.otlp.messages import Content
    from tfstore.index.rows import SessionRow
    from tfstore.keeping.waiting import Waiting
    from tfstore.store import Store

_EVERY: Final = 5.0
"""Seconds between two words on how far it is."""


@frozen
class Asked:
    """How it was asked for: ``sessions`` by their ids, or the ``rows`` of those that may be meant; else all."""

    sessions: list[str]
    rows: list[SessionRow] | None
    again: bool = False
    dry_run: bool = False
    content: Content = "full"
    whole_session: bool = False
    inline: bool = False
    price: Price | None = None
    as_json: bool = False


def send(store: Store, endpoint: Endpoint, asked: Asked) -> None:
    """Send the sessions that were asked for, and say what became of them.

    Raises:
        PackageMissing: what protobuf takes is not installed.
        BadEndpoint, StoreUnusable: nothing can be sent, or noted as sent.
        typer.Exit: not all were taken.
    """
    from tfstore.disk.export_ledger import ExportLedger
    from tfstore.keeping.waiting import waiting

    ledger = ExportLedger(store.paths, endpoint.target, endpoint.shown)
    if asked.dry_run:
        rows = [] if asked.sessions else asked.rows
        _tell_waiting(endpoint, waiting(store, ledger, rows, again=asked.again), asked)
        return
    if asked.sessions:
        _send(store, endpoint, asked, asked.sessions)
        return
    with ledger.alone() as mine:
        if not mine:
            raise Refused(
                f"Another process sends to {endpoint.shown} from this store: wait until it is done.", WRONG
            )
        found = waiting(store, ledger, asked.rows, again=asked.again)
        _send(store, endpoint, asked, found.session_ids, found)


def _send(
    store: Store, endpoint: Endpoint, asked: Asked, session_ids: list[str], found: Waiting | None = None
) -> None:
    from tfclient.errors import EndpointDown
    from tfclient.otlp.exporting import Exporter, Sent
    from tfclient.otlp.options import Options

    sent = Sent()
    trouble = ""
    code = 0
    options = Options(asked.content, asked.whole_session, price=asked.price)
    if session_ids:
        exporter = Exporter.to(store, endpoint, options, _service(), inline=asked.inline)
        try:
            for outcome in _progress(exporter, session_ids):
                sent.add(outcome)
        except EndpointDown as error:
            trouble, code = str(error), WRONG
        except KeyboardInterrupt:
            trouble, code = "Interrupted: what was confirmed stays confirmed.", INTERRUPTED
        finally:
            exporter.close()
    left = len(session_ids) - sent.sessions - len(sent.refused) - len(sent.passed_over)
    _tell(endpoint, sent, left, trouble, found, as_json=asked.as_json)
    if code or sent.refused or sent.passed_over:
        raise typer.Exit(code or WRONG)


def _progress(exporter: Exporter, session_ids: list[str]) -> Iterator[Any]:
    said = monotonic()
    for number, outcome in enumerate(exporter.send(session_ids), start=1):
        yield outcome
        if monotonic() - said > _EVERY:
            said = monotonic()
            remark(f"{number:,} of {len(session_ids):,} sessions")


def _tell(
    endpoint: Endpoint, sent: Sent, left: int, trouble: str, found: Waiting | None, *, as_json: bool
) -> None:
    from tfstore.reading.figures import counted

    for told in sent.told:
        remark(told)
    for why in sent.passed_over.values():
        complain(why, "yellow")
    for session_id, why in sent.refused.items():
        complain(f"Session {session_id} was refused: {why}. It is not tried again without --again.")
    if as_json:
        print_json(
            {
                "endpoint": endpoint.shown,
                "sessions": sent.sessions,
                "spans": sent.spans,
                "refused": sent.refused,
                "passed_over": sent.passed_over,
                "left": left,
            }
        )
    else:
        where = f"{counted(sent.sessions, 'session')}, {counted(sent.spans, 'span')} to {endpoint.shown}"
        say(
            where if sent.sessions or sent.refused or trouble else f"Nothing is waiting for {endpoint.shown}."
        )
        if found is not None and found.refused:
            remark(
                f"{counted(len(found.refused), 'session')} refused earlier: --dry-run tells why, --again tries again."
            )
    if trouble:
        still = f" {counted(left, 'session')} still to be sent." if left else ""
        complain(f"{trouble}{still}")


def _tell_waiting(endpoint: Endpoint, found: Waiting, asked: Asked) -> None:
    from tfstore.reading.figures import counted, minute

    ids = asked.sessions or found.session_ids
    if asked.as_json:
        told: dict[str, Any] = {"endpoint": endpoint.shown, "waiting": ids, "oldest": found.oldest}
        print_json({**told, "refused": found.refused})
        return
    since = f", the oldest of {minute(found.oldest)}" if found.oldest and not asked.sessions else ""
    say(f"{counted(len(ids), 'session')} would be sent to {endpoint.shown}{since if ids else ''}.")
    for session_id, why in found.refused.items():
        complain(f"Session {session_id} was refused: {why}.", "yellow")


def _service() -> str:
    import os

    return os.environ.get("OTEL_SERVICE_NAME", "").strip()
