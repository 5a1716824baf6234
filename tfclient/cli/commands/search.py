"""``tfclient search``: where a text occurs, in all sessions, as it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import WRONG
from tfclient.cli.finding import open_store, pattern_of, word_from
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, print_lines, remark, stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from tfstore.document.documents import Session
    from tfstore.reading.search import Match


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for, in either case.")],
    *,
    regex: Annotated[bool, typer.Option("--regex", "-e", help="TEXT is a regular expression.")] = False,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="LABEL",
            help="Only in such steps: user_message, tool_error …; or in notes: note.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", min=1, help="So many lines at most.", show_default=False)
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find a text in all sessions, newest first: in titles, prompts, messages, arguments, outputs, errors, metadata.

    Also in what people noted on them (`tfclient note`): its text, tags and author.

    Every line that matches is shown with its step; `tfclient show ID --step STEP` shows all of it.

    With --json: [{session_id, run_id, step_id, label, tool, line, text, start, end}]: the line of the step's
    text, counted from 1, and where in it the first match is. In a title or in metadata (then "tool" is the name of
    the value), run_id and step_id are null. In a note ("label" is "note", "tool" its id) they are what it is about.
    """
    from tfstore.document.labels import Label
    from tfstore.reading.search import NOTE, sessions_holding

    pattern = pattern_of(text, regex=regex)
    if label is not None and label != NOTE:
        word_from(Label, "--label", label)
    opened = open_store(store)
    unreadable: list[str] = []
    console = stdout()
    shown: list[Match] = []
    for session, found in sessions_holding(opened, pattern, unreadable.append, label=label):
        room = None if limit is None else limit - len(shown)
        if room == 0:
            remark("There are more: -n and how many.")
            break
        if not as_json:
            if shown:
                console.print()
            print_lines(lines_of(session, found[:room], console.width), console)
        shown += found[:room]
        if room is not None and len(found) > room:
            remark("There are more: -n and how many.")
            break
    if as_json:
        print_json([match.as_json() for match in shown])
    elif not shown:
        remark("Nothing is like that.")
    for trouble in unreadable:
        complain(trouble)
    if unreadable:
        raise typer.Exit(WRONG)


def lines_of(session: Session, matches: list[Match], width: int) -> Iterator[Text]:
    """Yield a session's head and its matching lines."""
    from rich.text import Text

    from tfclient.cli.lines.steps import style_of
    from tfd2.columns import one_line
    from tfstore.reading.figures import minute
    from tfstore.reading.naming import short_id
    from tfstore.reading.search import NOTE
    from tfstore.reading.step_words import word_of

    when = minute(session.started_at) if session.started_at else ""
    name = short_id(session.session_id)
    title = one_line(session.title, max(width - len(name) - len(when) - 6, 10)) or "(no prompt)"
    yield Text.assemble((name, "bold"), f" {title}", (f" · {when}" if when else "", "dim"))
    steps = {step.step_id: step for run in session.runs for step in run.steps}
    for match in matches:
        if match.label == NOTE:
            about = "" if match.step_id is None else _number(match.step_id)
            head = Text.assemble((f"  {about:<4} ", "dim"), ("NOTE", "bold yellow"))
        elif match.step_id is None:
            head = Text.assemble("       ", (match.label, "dim"))
        else:
            step = steps[match.step_id]
            head = Text.assemble((f"  {_number(match.step_id)} ", "dim"), (word_of(step), style_of(step)))
        if match.tool and match.label != NOTE:
            head.append(f" {one_line(match.tool, 24)}", "bold")
        line = head.append(" ").append_text(excerpt(match, max(width - head.cell_len - 1, 20)))
        line.truncate(width, overflow="ellipsis")
        line.rstrip()
        yield line


def _number(step_id: str) -> str:
    from tfstore.reading.naming import short_step

    return f"{short_step(step_id):<4}"


def excerpt(match: Match, columns: int) -> Text:
    """Return so much of a line as there is room for, its match marked and in sight."""
    from rich.text import Text

    from tfstore.reading.plain_text import clean

    begin, end = match.start, min(match.end, match.start + columns)
    begin = max(0, min(match.start - (columns - (end - begin)) // 3, len(match.text) - columns))
    # Each character is cleaned to one: the places stay what they were.
    line = [" " if each in "\t\r" else clean(each) for each in match.text[begin : begin + columns]]
    found = Text("".join(line))
    found.stylize("bold red", match.start - begin, end - begin)
    if begin:
        found = Text.assemble("…", found[1:])
    if begin + columns < len(match.text):
        found = Text.assemble(found[:-1], "…")
    return found
