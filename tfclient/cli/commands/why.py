"""``tfclient why``: how a session came to fail, or what is remarkable about one that did not."""

from __future__ import annotations

from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import complain, print_json, print_lines, stdout


def why(session: SessionArgument, *, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Tell how a session came to fail: where it broke, what led there, what the model knew and what not.

    Then what is wrong for certain or very likely, as `tfclient findings` says it, and what is remarkable: calls made
    twice, answers nobody used, slow steps, how the context grew.

    With --json: {session_id, result, failures: [{run_id, status, step_id, error, chain, told, not_told,
    unanswered}], tool_errors, retries, unanswered, unused, repeated, slowest, context, findings}, steps by their ids;
    findings as those of `tfclient findings`.
    """
    from tfclient.cli.lines.telling import telling
    from tfclient.reflect.findings import examine
    from tfstore.reading.evidence.evidence import Evidence
    from tfstore.reading.failures import story_of

    opened = open_store(store)
    story = story_of(opened.get(shown_session(opened, session)))
    examined = examine(Evidence(story.facts))
    if as_json:
        print_json({**story.as_json(), "findings": [each.as_json() for each in examined.findings]})
    else:
        console = stdout()
        ascii_only = console.options.ascii_only
        print_lines(telling(story, console.width, examined.findings, ascii_only=ascii_only), console)
    for trouble in examined.troubles:
        complain(trouble, "yellow")
