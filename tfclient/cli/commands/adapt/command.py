"""The command: what is to be done with adaptations."""

from __future__ import annotations

from typing import Annotated

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import disk_store
from tfclient.cli.options import (
    JsonOption,
    StoreOption,
    known_adaptations,
    known_ids,
    known_models,
    known_tools,
)

WORDS = ("propose", "list", "show", "confirm", "reject", "keep", "drop", "effect")
"""What may be done with adaptations."""

_PROPOSING = ("title", "text", "because", "tool", "for", "revises")


def _offered(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
    """Offer words first, behind a word adaptations."""
    del args
    if ctx.params.get("words"):
        return known_adaptations(ctx, incomplete)
    return [each for each in WORDS if each.startswith(incomplete)]


def adapt(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD [A-…]",
            show_default=False,
            help="propose, list, show, confirm, reject, keep, drop or effect; `list` if none is given.",
            autocompletion=_offered,
        ),
    ] = None,
    *,
    title: Annotated[
        str | None, typer.Option("--title", metavar="WORDS", help="With `propose`: what it is about.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="WORDS", help="With `propose`: what instructions are to gain."),
    ] = None,
    because: Annotated[
        list[str] | None,
        typer.Option(
            "--because",
            metavar="ID#STEP|L-…",
            help="With `propose`: what it rests on: last#4.7, ID#f_1a2b3c4d, L-1a2b3c4d; several times for several.",
        ),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(
            "--tool",
            metavar="NAME",
            help="With `propose`: only where one of these tools is at hand.",
            autocompletion=known_tools,
        ),
    ] = None,
    only_for: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="ID",
            help="With `propose`: only for the instructions of this session; else for any.",
            autocompletion=known_ids,
        ),
    ] = None,
    revises: Annotated[
        str | None,
        typer.Option(
            "--revises",
            metavar="A-…",
            help="With `propose`: the next version of this one, to be confirmed again.",
            autocompletion=known_adaptations,
        ),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who says it.")] = "person",
    yes: Annotated[bool, typer.Option("--yes", help="With `confirm`: do not ask.")] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="With `effect`: only sessions that this model answered.",
            autocompletion=known_models,
        ),
    ] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="With `effect`: compare across models; with `propose`: although the text holds values of sessions.",
        ),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change instructions by what was learnt: a change is proposed, a person confirms it, programs are given it.

    `adapt propose` writes one down with what it rests on, in learnings/adaptations.json of the store; a model proposes
    by `tfclient mcp --notes`. Nothing is given to a program before `adapt confirm A-…`; `reject`, `keep` and `drop` say
    what else has become of it. `adapt list` shows all, `adapt show A-…` one with all its versions.

    `adapt effect A-…` compares sessions whose prompts hold it with those whose do not, of the same tools and
    instructions. It says what went together, not what caused it.

    With --json: of `list` a list of adaptations, else one; of `effect` {adaptation_id, without, with_it, p, p_of,
    left_out, changed, too_few}.
    """
    from tfclient.cli.commands.adapt import words as said

    word, *rest = words or ["list"]
    if word not in WORDS:
        raise Refused(f"`adapt {word}` is unknown: give one of {', '.join(WORDS)}.", USAGE)
    given = (title, text, because, tool, only_for, revises)
    if word != "propose" and (wrong := [n for n, each in zip(_PROPOSING, given, strict=True) if each]):
        raise Refused(f"--{wrong[0]} goes with `adapt propose`, not with `adapt {word}`.", USAGE)
    if yes and word != "confirm":
        raise Refused(f"--yes goes with `adapt confirm`, not with `adapt {word}`.", USAGE)
    if model is not None and word != "effect":
        raise Refused(f"--model goes with `adapt effect`, not with `adapt {word}`.", USAGE)
    if anyway and word not in {"effect", "propose"}:
        raise Refused(
            f"--anyway goes with `adapt effect` and `adapt propose`, not with `adapt {word}`.", USAGE
        )
    opened = disk_store(store, "adapt")
    if word == "propose":
        if rest:
            raise Refused(
                f"`adapt propose` takes no id: {' '.join(rest)!r}. A next version: --revises A-….", USAGE
            )
        if not title or not text or not because:
            raise Refused("`adapt propose` needs --title, --text and --because.", USAGE)
        proposal = said.Proposal(title, text, because, tool or [], only_for, revises, by, anyway)
        said.propose(opened, proposal, as_json=as_json)
    elif word == "list":
        said.listed(opened, rest, as_json=as_json)
    elif word == "show":
        said.shown(opened, rest, as_json=as_json)
    elif word == "effect":
        said.effect(opened, rest, model, anyway=anyway, as_json=as_json)
    else:
        said.say_of(opened, word, rest, by, yes=yes, as_json=as_json)
