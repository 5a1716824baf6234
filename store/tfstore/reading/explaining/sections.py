"""An explanation as it is shown, section by section, the most telling first: the command and the page draw the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import field, frozen

from tfstore.document.documents import Json
from tfstore.reading import run_words
from tfstore.reading.explaining.explanation import Explanation, Origin, Said, ToolTold
from tfstore.reading.explaining.given import Given
from tfstore.reading.explaining.searching import Source
from tfstore.reading.facts import StepFacts
from tfstore.reading.figures import counted, joined
from tfstore.reading.model_calls import Seen
from tfstore.reading.naming import short_step
from tfstore.reading.plain_text import brief
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import name_of, word_of

ROWS: Final = 8
"""Rows of a section that are shown; of more it is said how many."""

WORDS: Final = 12
"""Words of one row."""

NAMED: Final = 3
"""Sources of a row that are named."""

WORD: Final = 60
"""Characters of a word, or of an argument, that are shown."""


@frozen
class Row:
    """A line of a section: a step, or words, with what is said about it and the steps that it comes from."""

    own: StepFacts | None = None
    text: str = ""
    about: str = ""
    sources: tuple[StepFacts, ...] = ()
    warns: bool = False

    def as_json(self) -> Json:
        """Return the row as the page draws it: what says nothing is left out."""
        told = {
            "step": self.own.step.step_id if self.own is not None else None,
            "text": self.text,
            "about": self.about,
            "sources": [[own.step.step_id, source_name(own)] for own in self.sources],
            "warns": self.warns,
        }
        return {name: value for name, value in told.items() if value}


@frozen
class Section:
    """Rows under a title."""

    title: str
    rows: list[Row] = field(factory=list[Row])

    def as_json(self) -> Json:
        """Return the section as the page draws it."""
        return {"title": self.title, "rows": [row.as_json() for row in self.rows]}


def source_name(own: StepFacts) -> str:
    """Return a step as the source of a word: ``2.8 get_order``."""
    step = own.step
    if step.label == "tool_output" and name_of(own):
        return f"{short_step(step.step_id)} {name_of(own)}"
    return joined(f"{short_step(step.step_id)} {word_of(step)} {name_of(own)}".rstrip())


def about(explained: Explanation) -> str:
    """Return in one line what is explained belongs to: its run, and the model call that it came of."""
    run = explained.run
    given = explained.given
    of = ""
    if explained.own is not None and given is not None and given.call is not explained.own:
        of = f"given by {source_name(given.call)}"
    return joined(
        f"run {run.number}" if explained.own is not None else "",
        of,
        *((run_words.trigger(run), run_words.origin(run)) if explained.own is None else ()),
        ", ".join(brief(each, 24) for each in run_words.evidence(run))
        if explained.own is None and run.parent is not None
        else "",
    )


def sections(explained: Explanation) -> list[Section]:
    """Return the sections of an explanation; those that say nothing are left out."""
    found: list[Section] = []
    if explained.own is None and explained.chain:
        found.append(Section("How it came to that", list(_some(explained.chain))))
    if explained.end is not None:
        broke = explained.run.run.status in {"failed", "cancelled", "incomplete"}
        found.append(
            Section("Where it broke" if broke else "What it came to", [Row(explained.end, warns=broke)])
        )
    if explained.tool is not None:
        found += _again(explained.tool)
    if explained.given is not None:
        found += _missing(explained.given)
    found += _origins(explained)
    if explained.tool is not None:
        found += _around(explained.tool)
    if explained.given is not None:
        found.append(_had(explained.given))
    if explained.own is not None and explained.chain:
        found.append(Section("How it came to that", list(_some(explained.chain))))
    if explained.carried_by and explained.tool is None:
        found.append(Section("Which requests carried it", list(_some(explained.carried_by))))
    if explained.not_looked_at:
        rows = [Row(text=each, warns=True) for each in explained.not_looked_at[:ROWS]]
        found.append(
            Section("What was not looked through", rows + _more(len(explained.not_looked_at) - ROWS))
        )
    return [each for each in found if each.rows]


def _more(rest: int, noun: str = "more") -> list[Row]:
    return [Row(text=f"… and {rest:,} {noun}")] if rest > 0 else []


def _some(steps: Sequence[StepFacts], note: str = "") -> Iterator[Row]:
    """Yield steps in order; of many the first two and the last ones."""
    if len(steps) <= ROWS + 2:
        yield from (Row(own, about=note) for own in steps)
        return
    yield from (Row(own, about=note) for own in steps[:2])
    yield Row(text=f"… {counted(len(steps) - ROWS, 'step')} between")
    yield from (Row(own, about=note) for own in steps[2 - ROWS :])


def _again(tool: ToolTold) -> Iterator[Section]:
    if not tool.same_before:
        return
    times = counted(len(tool.same_before), "time")
    same = ", with the same answer" if tool.same_answer else ""
    yield Section(f"Asked the same {times} before{same}", list(_some(tool.same_before)))


def _missing(given: Given) -> Iterator[Section]:
    if given.no_longer:
        since = f"not sent since {short_step(given.since.step.step_id)}" if given.since is not None else ""
        rows = [
            Row(own, about=since if not n else "", warns=True) for n, own in enumerate(given.no_longer[:ROWS])
        ]
        yield Section("What the model no longer knew", rows + _more(len(given.no_longer) - ROWS))
    if given.not_told:
        # The latest first: that is what it would have gone by.
        latest = given.not_told[::-1]
        rows = [Row(each.own, about=_why(each.why, each.by), warns=True) for each in latest[:ROWS]]
        yield Section("What the model was not told", rows + _more(len(latest) - ROWS))


def _why(why: str, by: StepFacts | None) -> str:
    return f"{why}, {short_step(by.step.step_id)}" if by is not None else why


def _origins(explained: Explanation) -> Iterator[Section]:
    several = len(explained.said) > 1
    unknown = explained.given is not None and bool(explained.given.prompt.unknown)
    nothing: list[Row] = []
    for said in explained.said:
        if values := said.from_nothing:
            if several:
                nothing.append(Row(said.own))
            nothing.append(Row(text=_list_of(values), warns=True))
    sent = "what is known of what it was sent" if unknown else "what the model was sent"
    # A value may be worked out, or known to the model: all that is said is that it was not told.
    yield Section(f"From none of {sent}", nothing)
    rows: list[Row] = []
    for said in explained.said:
        own = list(_grouped(said))
        rows += [Row(said.own), *own] if several and own else own
    arguments = all(each.own.step.label != "assistant_message" for each in explained.said)
    yield Section("Where its arguments come from" if arguments else "Where its words come from", rows)


def _list_of(origins: Sequence[Origin]) -> str:
    shown = ", ".join(map(_word, origins[:WORDS]))
    return shown + (f" and {len(origins) - WORDS:,} more" if len(origins) > WORDS else "")


def _word(origin: Origin) -> str:
    wanted = origin.wanted
    if not wanted.place:
        return brief(wanted.text, WORD)
    return f"{brief(wanted.place, WORD)}={brief(wanted.text, WORD)}"


def _grouped(said: Said) -> Iterator[Row]:
    """Yield the words of an answer by where they come from: tools first, what the model itself had said last."""
    groups: dict[tuple[tuple[int, ...], bool], list[Origin]] = {}
    sources: dict[tuple[tuple[int, ...], bool], list[Source]] = {}
    for origin in said.origins:
        told = [each for each in origin.sources if not each.is_own] or origin.sources
        if not told:
            continue
        exact = told[0].exact
        key = (tuple(id(each.own) for each in told[:NAMED]), exact)
        groups.setdefault(key, []).append(origin)
        sources[key] = told
    for key, origins in sorted(groups.items(), key=lambda each: _rank(sources[each[0]], each[1])):
        told = sources[key]
        more = len(told) - NAMED
        remarks = joined(
            "exactly" if key[1] else "in another form",
            "which the model itself said" if told[0].is_own else "",
            "" if told[0].own is not None else "an item of the request that no step holds",
            f"and {more:,} more" if more > 0 else "",
        )
        named = tuple(each.own for each in told[:NAMED] if each.own is not None)
        yield Row(text=_list_of(origins), about=remarks, sources=named)


def _rank(sources: list[Source], origins: list[Origin]) -> tuple[bool, int, bool]:
    first = sources[0].own
    by_tool = first is not None and first.step.label in {"tool_output", "tool_error"}
    return sources[0].is_own, 0 if by_tool else 1, not any(each.wanted.is_value for each in origins)


def _around(tool: ToolTold) -> Iterator[Section]:
    if tool.asked_by is not None:
        yield Section("Who asked", [Row(tool.asked_by)])
    rows = []
    for each in tool.answers[:ROWS]:
        carried = ", ".join(short_step(call.step.step_id) for call in each.carried_by[:NAMED])
        more = f" and {len(each.carried_by) - NAMED:,} more" if len(each.carried_by) > NAMED else ""
        of_provider = each.answer.step.response_id is not None or each.answer.step.call_id is None
        sent = "" if of_provider else "never sent"
        rows.append(
            Row(
                each.answer,
                about=f"sent with {carried}{more}" if carried else sent,
                warns=bool(sent and not carried),
            )
        )
    yield Section("What came back", rows + _more(len(tool.answers) - ROWS))
    used = [
        Row(use.own, about=", ".join(brief(each, WORD) for each in use.values[:WORDS]))
        for use in tool.used_by[:ROWS]
    ]
    yield Section("Who used it", used + _more(len(tool.used_by) - ROWS))


def _had(given: Given) -> Section:
    prompt = given.prompt
    rows = [Row(text=f"not known: {each}", warns=True) for each in prompt.unknown[:ROWS]]
    for parts, most in ((prompt.fixed, ROWS), (prompt.history, ROWS), (prompt.new, ROWS)):
        if len(parts) > most:
            rows += [_seen(seen) for seen in parts[:2]]
            rows.append(Row(text=f"… {counted(len(parts) - most, 'part')} between"))
            rows += [_seen(seen) for seen in parts[2 - most :]]
        else:
            rows += [_seen(seen) for seen in parts]
    call = source_name(given.call)
    return Section(f"What the model had before it at {call}", rows)


def _seen(seen: Seen) -> Row:
    if seen.own is not None:
        return Row(seen.own, about=seen.sent)
    return Row(text=brief(as_text(seen.item), 4 * WORD))


def title_of(explained: Explanation) -> str:
    """Return what is explained, in capitals, or the name of the run."""
    return word_of(explained.own.step) if explained.own is not None else run_words.name(explained.run)
