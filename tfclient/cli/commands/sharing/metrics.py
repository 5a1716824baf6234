"""``tfclient metrics``: a store in numbers, for Prometheus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tfclient.cli.failures import Refused
from tfclient.cli.finding import open_store
from tfclient.cli.options import StoreOption


def metrics(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write it there, whole, for node_exporter's textfile collector; else it is printed.",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Print what the store comes to as Prometheus' text exposition: sessions, calls, tokens, errors, times.

    No server: run it from cron, with -o FILE.prom in the folder of node_exporter's textfile collector. Rules for
    alerts, a dashboard and a runbook are in the repository's folder ops. Counters are of all sessions that are or were
    in the store, also of those that were pruned; docs/operations.md tells each number.
    """
    from tfclient.cli.now import present
    from tfclient.export.metrics.numbers import exposition

    text = exposition(open_store(store), present())
    if output is None:
        typer.echo(text, nl=False)
        return
    # Not as private as what a store holds: the collector is another user. Whole, or as it was.
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(output)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Refused(f"{output} cannot be written: {error.strerror or error}.") from error
