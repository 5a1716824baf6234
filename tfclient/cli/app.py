"""All commands under one name. What a command needs, it imports when it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from tfclient.cli.commands.adapt import adapt
from tfclient.cli.commands.again import again
from tfclient.cli.commands.d2 import d2
from tfclient.cli.commands.delete import delete
from tfclient.cli.commands.demo import demo
from tfclient.cli.commands.diff import diff
from tfclient.cli.commands.doctor import doctor
from tfclient.cli.commands.expand import expand
from tfclient.cli.commands.findings import findings
from tfclient.cli.commands.list import list_
from tfclient.cli.commands.note import note
from tfclient.cli.commands.notes import notes
from tfclient.cli.commands.path import path
from tfclient.cli.commands.prune import prune
from tfclient.cli.commands.rebuild import rebuild
from tfclient.cli.commands.recover import recover
from tfclient.cli.commands.replay import SessionFirst, replay
from tfclient.cli.commands.run import run
from tfclient.cli.commands.search import search
from tfclient.cli.commands.sharing.audit import audit
from tfclient.cli.commands.sharing.bundle import bundle
from tfclient.cli.commands.sharing.dataset import dataset
from tfclient.cli.commands.sharing.export import export
from tfclient.cli.commands.sharing.html import html
from tfclient.cli.commands.sharing.import_ import import_
from tfclient.cli.commands.sharing.mcp import mcp
from tfclient.cli.commands.sharing.metrics import metrics
from tfclient.cli.commands.sharing.open_ import open_
from tfclient.cli.commands.sharing.pin import pin, unpin
from tfclient.cli.commands.sharing.sync import sync
from tfclient.cli.commands.show import show
from tfclient.cli.commands.stats import stats
from tfclient.cli.commands.tail import tail
from tfclient.cli.commands.text import text
from tfclient.cli.commands.verify import verify
from tfclient.cli.commands.view import view
from tfclient.cli.commands.why import why
from tfclient.cli.failures import told
from tfclient.cli.finding import narrowed
from tfclient.cli.options import SourceOption


class Commands(TyperGroup):
    """The one place where what goes wrong in a command becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with told():
            return super().invoke(ctx)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all is well, 1 something is wrong, 2 wrong usage or unknown id.",
)

_READING: Final = (
    demo,
    run,
    replay,
    again,
    list_,
    show,
    tail,
    why,
    findings,
    notes,
    adapt,
    text,
    expand,
    diff,
    note,
    search,
    stats,
    path,
    d2,
    view,
    html,
    mcp,
)
_SHARING: Final = (bundle, open_, export, dataset, sync, pin, unpin, metrics)
_KEEPING: Final = (audit, import_, recover, doctor, rebuild, verify, prune, delete)
_OF_A_DATABASE: Final = frozenset(
    {
        *(list_, show, why, findings, text, expand, diff, search, stats, d2, view, html, mcp),
        *(export, dataset, pin, unpin, metrics, audit, delete),
    }
)
"""What is done with a database's sessions as well, and so with those of one store in it."""
_COMMANDS: Final = {each.__name__.rstrip("_"): each for each in (*_READING, *_SHARING, *_KEEPING)}


def _of_one_store(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with ``--source`` beside its ``--store``, which it knows as a part of the address."""

    @functools.wraps(command)
    def narrow(*arguments: Any, source: str | None = None, **options: Any) -> None:
        if source is not None:
            options["store"] = narrowed(options.get("store"), source)
        command(*arguments, **options)

    signature = inspect.signature(command, eval_str=True)
    known = list(signature.parameters.values())
    place = [each.name for each in known].index("store") + 1
    option = inspect.Parameter(
        "source", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=SourceOption
    )
    narrow.__signature__ = signature.replace(parameters=[*known[:place], option, *known[place:]])  # type: ignore[attr-defined]
    narrow.__annotations__ = {**command.__annotations__, "source": SourceOption}
    return narrow


def _help_of(command: Callable[..., None]) -> str:
    # Line breaks would be shown where the docstring has them, and a word in brackets be taken for markup.
    paragraphs = (inspect.getdoc(command) or "").replace("[", r"\[").split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)


for _name, _command in _COMMANDS.items():
    # What stands behind the program that is to run is that program's own; so with the command that `open` runs.
    _settings = {"allow_interspersed_args": _command not in {run, replay, open_}}
    _cls = SessionFirst if _command is replay else None
    _given = _of_one_store(_command) if _command in _OF_A_DATABASE else _command
    app.command(_name, cls=_cls, help=_help_of(_command), context_settings=_settings)(_given)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"tfclient {version('tfclient')}")
        raise typer.Exit


@app.callback()
def tfclient(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _version(value=value),
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """See what your agents did: recorded sessions as lists, trees, JSON and diagrams."""
