"""``tfclient export``: sessions in a form that another tool reads, or to whoever takes OpenTelemetry's spans."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer
from attrs import evolve

from tfclient.cli.commands.sharing.raw_beside import RawOption, lay_raw_beside, look_at_raw
from tfclient.cli.commands.sharing.targets import ForceOption, OutputOption, look_at_stdout
from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.filters import (
    ErrorClassOption,
    FailedOption,
    Filters,
    GrepOption,
    MetaOption,
    ModelOption,
    NotedOption,
    OddOption,
    ScoreOption,
    SinceOption,
    TagOption,
    ThreadOption,
    ToolOption,
    choose,
)
from tfclient.cli.finding import disk_store, folder_of, nothing_in, open_store
from tfclient.cli.options import CostOption, JsonOption, PricesOption, StoreOption, known_ids, price_of
from tfclient.cli.printing import complain
from tfstore.meant import LAST, find_session

if TYPE_CHECKING:
    from tfstore.index.rows import SessionRow
    from tfstore.protocols import Reading


class Form(StrEnum):
    """What sessions can be exported as."""

    VCR = "vcr"
    ATIF = "atif"
    CHAT_JSONL = "chat-jsonl"
    STS = "sts"
    MARKDOWN = "markdown"
    CSV = "csv"
    PARQUET = "parquet"
    OTLP_JSON = "otlp-json"


class Content(StrEnum):
    """How much of what was said goes along."""

    FULL = "full"
    NEW = "new"
    NONE = "none"


class Trace(StrEnum):
    """What is one trace."""

    RUN = "run"
    SESSION = "session"


class Media(StrEnum):
    """What goes along of pictures, sounds and files."""

    NAMED = "named"
    INLINE = "inline"


_FORMS: Final = {each.value: each for each in Form}


def _offered(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer forms and sessions to the shell."""
    return [*(each for each in _FORMS if each.startswith(incomplete)), *known_ids(ctx, incomplete)]


def export(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FORM] [ID]...",
            help="A form, if it is to be a file, and the sessions; `last` if none is named.",
            show_default=False,
            autocompletion=_offered,
        ),
    ] = None,
    *,
    form: Annotated[
        Form | None,
        typer.Option("--format", help="The form, if it is not the first word.", show_default=False),
    ] = None,
    output: OutputOption = None,
    otlp: Annotated[
        str | None,
        typer.Option(
            "--otlp",
            metavar="URL",
            help="Send spans there; else OTEL_EXPORTER_OTLP_ENDPOINT.",
            show_default=False,
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            metavar="NAME=VALUE",
            help="With this header. Keys rather in OTEL_EXPORTER_OTLP_HEADERS: a command line can be seen by others.",
            show_default=False,
        ),
    ] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Send all closed sessions that were not confirmed there.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were confirmed, or refused.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many wait, since when, and which were refused.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All sessions.")] = False,
    content: Annotated[
        Content,
        typer.Option(
            "--content", help="What the model saw, what was new in each request, or no text at all."
        ),
    ] = Content.FULL,
    trace: Annotated[
        Trace, typer.Option("--trace", help="A trace for each run, or one for a session.")
    ] = Trace.RUN,
    media: Annotated[
        Media, typer.Option("--media", help="Pictures and files by their digest, or as they are.")
    ] = Media.NAMED,
    failed: FailedOption = False,
    tool: ToolOption = None,
    model: ModelOption = None,
    meta: MetaOption = None,
    thread: ThreadOption = None,
    since: SinceOption = None,
    error_class: ErrorClassOption = None,
    grep: GrepOption = None,
    odd: OddOption = False,
    noted: NotedOption = False,
    tag: TagOption = None,
    score: ScoreOption = None,
    cost: CostOption = False,
    prices: PricesOption = None,
    force: ForceOption = False,
    raw: RawOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write sessions in a form that another tool reads, or send them as OpenTelemetry's spans.

    Forms: `vcr` is a cassette of a session's exchanges, which vcrpy plays and `tfclient import` reads back; attempts
    that got no response have no place in it and are told. `atif` is a trajectory a thread, which evaluations and
    training read; a fork is one of its own, and where there are several, the files are ID.json, ID.2.json, …, and
    stdout has one a line. `tfclient import` reads them back, too. `chat-jsonl` is a line a conversation, for
    fine-tuning; `sts` what Hugging Face's trace viewer reads; `markdown` a session for people; `csv` and `parquet` a
    row a step (Parquet needs pip install 'tfclient[parquet]'); `otlp-json` what --otlp sends.

    With --otlp, or --pending, spans go to an endpoint: sessions that are named at once, else those of --all, --pending
    or a filter that it has not confirmed. What it confirmed or refused stands in the store, in export/. Needs pip
    install 'tfclient[otel]'. Not all taken: exit code 1. `vcr`, `otlp-json` and spans need the folder of the machine
    that recorded, other forms are made of a database's sessions as well.

    With --json: of vcr {session_id, path, exchanges, sockets, left_out: [{exchange_id, what, why}]}, of other forms
    {path (of atif: paths), sessions, rows, left_out}, of --otlp {endpoint, sessions, spans, refused, passed_over,
    left}, with --dry-run {endpoint, waiting, oldest, refused}.
    """
    named = list(what or [])
    if form is None and named and named[0] in _FORMS:
        form = _FORMS[named.pop(0)]
    filters = Filters(failed, tool, model, meta, thread, since, error_class, grep, odd, noted, tag, score)
    sending = otlp is not None or pending or (form is None and (again or dry_run))
    if form is not None and sending:
        raise Refused(
            "A file or spans to an endpoint, not both: leave out the form, or --otlp and --pending.", USAGE
        )
    if named and (filters.any or everything or pending):
        raise Refused("Name sessions, or say what they are to be like, not both.", USAGE)
    look_at_stdout(output, as_json=as_json)
    if form is None and not sending:
        words = ", ".join(_FORMS)
        raise Refused(f"Say as what, or where to: one of {words}, or --otlp URL, or --pending.", USAGE)
    price = price_of(cost=cost, prices=prices)
    endpoint = None
    if sending:
        from tfclient.otlp.endpoint import endpoint_of, headers_of

        endpoint = endpoint_of(otlp, headers_of(header or []))
    # Spans go where the queue is; what is made of documents is made of a database's, too.
    here = disk_store(store, "export --otlp") if sending else None
    opened = open_store(_readable(store, form)) if here is None else here
    ids = list(dict.fromkeys(find_session(opened, each) for each in named))
    rows: list[SessionRow] | None = []
    if not ids and (filters.any or everything or pending):
        rows = None if endpoint is not None and not filters.any else _rows(opened, filters)
        if rows is None:
            _look_at(opened)
    elif not ids:
        ids = [find_session(opened, LAST)]
    if raw and endpoint is not None:
        raise Refused("Spans have no place for raw bodies: --raw is for files.", USAGE)
    if endpoint is not None and here is not None:
        from tfclient.cli.commands.sharing.exporting.otlp import Asked, send

        asked = Asked(ids, rows, again, dry_run, content.value, trace is Trace.SESSION, media is Media.INLINE)
        send(here, endpoint, evolve(asked, price=price, as_json=as_json))
    elif form is not None:
        from tfclient.cli.commands.sharing.exporting.forms import Wanted, write

        ids = ids or [row.session_id for row in reversed(rows or [])]
        look_at_raw(opened, ids, output, asked=raw)
        how = Wanted(
            ids, output, force, as_json, content.value, trace is Trace.SESSION, media is Media.INLINE
        )
        write(opened, form.value, how, price)
        if raw:
            lay_raw_beside(opened, ids, output)


def _readable(place: str | None, form: Form | None) -> str | None:
    """Return what was typed for a store, if that form can be made of it.

    Raises:
        Refused: it is a database, and this takes journals, or the id of the store that recorded.
    """
    if form is Form.VCR or form is Form.OTLP_JSON:
        return folder_of(place, f"export {form.value}")
    return place


def _look_at(store: Reading) -> None:
    """Tell what cannot be read, of a store in which all closed sessions are meant: there may be very many."""
    if not store.list(limit=1):
        raise Refused(nothing_in(store))
    for trouble in dict.fromkeys(store.skipped.values()):
        complain(trouble)


def _rows(store: Reading, filters: Filters) -> list[SessionRow]:
    """Return the rows of the sessions that are as asked for, the latest first; what cannot be read is told."""
    chosen = choose(store, filters)
    for trouble in dict.fromkeys([*chosen.troubles, *store.skipped.values()]):
        complain(trouble)
    if not chosen.rows:
        raise Refused("No session is like that." if filters.any else nothing_in(store))
    return chosen.rows
