"""What is done with adaptations: proposed, shown, confirmed, compared."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from attrs import frozen

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.printing import complain, print_json, remark, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.reflect.adaptations.adaptation import Adaptation
    from tfclient.reflect.adaptations.book import Say
    from tfstore.document.documents import Session
    from tfstore.store import Store

_SAYS: dict[str, Say] = {"confirm": "confirmed", "reject": "rejected", "keep": "kept", "drop": "dropped"}
_TOLD = {
    "confirm": "is confirmed: adaptations_for gives it out",
    "reject": "is rejected: it is given to nobody",
    "keep": "is kept",
    "drop": "is dropped: it is given to nobody any more",
}


@frozen
class Proposal:
    """What was typed of a proposal."""

    title: str
    text: str
    because: list[str]
    tools: list[str]
    only_for: str | None
    revises: str | None
    by: str
    anyway: bool


def propose(store: Store, proposal: Proposal, *, as_json: bool) -> None:
    """Write a proposal down."""
    from tfclient.reflect.adaptations.adaptation import ANY
    from tfclient.reflect.adaptations.book import Adaptations, HoldsValues

    instructions = ANY if proposal.only_for is None else _instructions_of(store, proposal.only_for)
    try:
        made = Adaptations(store).propose(
            proposal.title,
            proposal.text,
            proposal.because,
            _now(),
            tools=proposal.tools,
            instructions=instructions,
            by=proposal.by,
            revises=proposal.revises,
            anyway=proposal.anyway,
        )
    except HoldsValues as error:
        raise Refused(
            f"--{error.name} cannot be used: give {error.expected}. --anyway keeps it.", USAGE
        ) from error
    if as_json:
        print_json(_json(made))
        return
    for line in lines_of(made):
        say(line)
    if made.status == "proposed":
        remark(f"Nobody is given it before `tfclient adapt confirm {made.adaptation_id}`.")


def listed(store: Store, rest: list[str], *, as_json: bool) -> None:
    """Print all adaptations, in the order in which they were proposed."""
    from tfclient.reflect.adaptations.book import Adaptations

    if rest:
        raise Refused("`adapt list` lists all: `adapt show A-…` shows one.", USAGE)
    every = Adaptations(store).every()
    if as_json:
        print_json([_json(each) for each in every])
        return
    for each in every:
        say(f"{each.adaptation_id} {each.status} · {_plain(each.title)}")
    if not every:
        remark(
            "Nothing was proposed yet: `tfclient adapt propose` does, or a model by `tfclient mcp --notes`."
        )


def shown(store: Store, rest: list[str], *, as_json: bool) -> None:
    """Print an adaptation with all its versions."""
    from tfclient.reflect.adaptations.book import Adaptations

    one = Adaptations(store).one(_one(rest, "show"))
    if as_json:
        print_json(_json(one))
        return
    for line in lines_of(one):
        say(line)
    for each in one.history:
        by = f" by {_plain(each['by'])}" if each["by"] else ""
        say(f"  {each['at'][:16].replace('T', ' ')} {each['did']}{by}")
        if each.get("text") not in {None, one.text}:
            say(f"    {_plain(each['text'])}")


def say_of(store: Store, word: str, rest: list[str], by: str, *, yes: bool, as_json: bool) -> None:
    """Set what a person says of adaptations; all are looked for, and all are shown, before the first is set."""
    from tfclient.errors import SettingError
    from tfclient.reflect.adaptations.book import AFTER, Adaptations

    if not rest:
        raise Refused(f"`adapt {word}` needs one: `tfclient adapt list` shows those there are.", USAGE)
    book = Adaptations(store)
    wanted = _SAYS[word]
    every = [book.one(each) for each in dict.fromkeys(rest)]
    for each in every:
        if each.status not in AFTER[wanted]:
            allowed = " or ".join(sorted(AFTER[wanted]))
            reason = f"{each.adaptation_id} is {each.status}: `adapt {word}` is for what is {allowed}."
            raise Refused(reason, USAGE)
    if word == "confirm" and not yes and not all(_is_confirmed(each) for each in every):
        raise Refused("Nothing was confirmed.")
    made: list[Adaptation] = []
    for each in every:
        try:
            # What was shown is what is confirmed: another process may have revised it meanwhile.
            made.append(book.say(each.adaptation_id, wanted, _now(), by, each.version))
        except SettingError as error:
            raise Refused(str(error), USAGE) from error
        if not as_json:
            say(f"{each.adaptation_id} {_TOLD[word]}.")
    if as_json:
        print_json(_json(made[0]) if len(made) == 1 else [_json(each) for each in made])


def _is_confirmed(adaptation: Adaptation) -> bool:
    """Show what is to be confirmed, and ask; only a person can answer."""
    for line in lines_of(adaptation):
        typer.echo(line, err=True)
    if not is_a_person_there():
        raise Refused(
            "A person is to confirm it, and nobody can be asked here: type it at a terminal, or add --yes.",
            USAGE,
        )
    return typer.confirm("Give this to programs from now on?", err=True)


def is_a_person_there() -> bool:
    """Return whether somebody can be asked."""
    return sys.stdin.isatty()


def effect(store: Store, rest: list[str], model: str | None, *, anyway: bool, as_json: bool) -> None:
    """Print what went together with an adaptation."""
    from tfclient.cli.lines.effects import effect_lines
    from tfclient.reflect.adaptations.book import Adaptations
    from tfclient.reflect.adaptations.effect import AcrossModels, Observed, effect_of, observed
    from tfstore.errors import StoreError

    book = Adaptations(store)
    one = book.one(_one(rest, "effect"))
    seen: list[Observed] = []
    unreadable: list[str] = []
    for session_id in store.ids():
        try:
            told = observed(store.get(session_id))
        except StoreError as error:
            unreadable.append(str(error))
        else:
            seen += [told] if told is not None else []
    try:
        found = effect_of(one.adaptation_id, seen, model, anyway=anyway)
    except AcrossModels as error:
        raise Refused(str(error), USAGE) from error
    carried = sorted(each.began for each in seen if one.adaptation_id in each.given)
    if carried:
        book.mark_used({one.adaptation_id}, max(carried[0], one.confirmed_at))
    if as_json:
        print_json(found.as_json())
    else:
        for line in effect_lines(one, found):
            say(line)
    for trouble in unreadable:
        complain(trouble)
    if unreadable:
        raise typer.Exit(WRONG)


def lines_of(adaptation: Adaptation) -> Iterator[str]:
    """Yield an adaptation in lines."""
    from tfclient.reflect.adaptations.adaptation import ANY
    from tfclient.reflect.quoting import named

    version = f", version {adaptation.version}" if adaptation.version > 1 else ""
    yield f"{adaptation.adaptation_id} {adaptation.status}{version} · {_plain(adaptation.title)}"
    yield f"  {_plain(adaptation.text)}"
    if adaptation.because:
        yield f"  because of {', '.join(map(_plain, adaptation.because))}"
    if adaptation.tools:
        yield f"  only with {' or '.join(map(named, adaptation.tools))}"
    if adaptation.instructions != ANY:
        yield f"  only for instructions {adaptation.instructions}"


def _instructions_of(store: Store, typed: str) -> str:
    from tfclient.reflect.adaptations.effect import instructions_of
    from tfstore.meant import find_session

    session: Session = store.get(find_session(store, typed))
    versions = list(dict.fromkeys(instructions_of(session)))
    if len(versions) != 1:
        what = "no instructions" if not versions else f"{len(versions)} versions of instructions"
        raise Refused(f"--for {session.session_id} has {what}: name a session that has one.", USAGE)
    return versions[0]


def _json(adaptation: Adaptation) -> dict[str, Any]:
    from attrs import asdict

    return asdict(adaptation)


def _one(rest: list[str], word: str) -> str:
    if len(rest) != 1:
        raise Refused(f"`adapt {word}` needs one: `tfclient adapt list` shows those there are.", USAGE)
    return rest[0]


def _plain(text: str) -> str:
    """Return text that a terminal obeys nothing of: the file may have been edited."""
    from tfclient.reflect.quoting import escaped

    return escaped(" ".join(text.split()))


def _now() -> str:
    from tfclient.cli.now import present

    return present().isoformat(timespec="milliseconds").replace("+00:00", "Z")
