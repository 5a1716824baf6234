"""``tfclient html``: a session's page as one file, to attach to a bug report."""

from __future__ import annotations

from tfclient.cli.commands.sharing.raw_beside import RawOption, lay_raw_beside, look_at_raw
from tfclient.cli.commands.sharing.targets import OutputOption, look_at_stdout, write_out
from tfclient.cli.failures import Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import print_json, say
from tfstore.meant import LAST


def html(
    session: SessionArgument = LAST,
    *,
    output: OutputOption = None,
    raw: RawOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a session as one HTML file that opens anywhere: no server, no network.

    It holds everything that was recorded of the session, but for raw bodies, so look at it before you pass it on.

    Needs pip install 'tfclient[view]'; the flow is in it when the d2 program is there (pip install 'tfclient[d2]').

    With --json: {session_id, path, bytes}.
    """
    from tfclient.view import ViewError, html_file

    look_at_stdout(output, as_json=as_json)
    opened = open_store(store)
    session_id = shown_session(opened, session)
    look_at_raw(opened, [session_id], output, asked=raw)
    try:
        page = html_file(opened, session_id).encode("utf-8", "replace")
    except ViewError as error:
        raise Refused(str(error)) from error
    # The page of the day before may be there.
    target = write_out(page, output, f"{session_id}.html", force=True)
    if target is None:
        return
    if raw:
        lay_raw_beside(opened, [session_id], target)
    if as_json:
        print_json({"session_id": session_id, "path": str(target), "bytes": len(page)})
    else:
        say(str(target))
