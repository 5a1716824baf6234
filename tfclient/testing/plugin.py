"""The pytest plugin ``thoughtflow``: recorded-cassette tests of whatever calls a model.

It is loaded wherever pytest and tfclient are installed, so nothing of ours is imported before the fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tfclient.testing.taped import Taped, Wanted

_MARKER = "thoughtflow"
_TAKEN = ("cassette", "record", "match", "ignore", "repeats", "allow_unplayed", "live")
"""What the marker takes."""
_TAPED = pytest.StashKey["Taped"]()
_OUTCOME = pytest.StashKey[str]()
_IS_TOLD = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take our options and settings."""
    group = parser.getgroup("thoughtflow", "recorded-cassette tests (tfclient)")
    group.addoption(
        "--tf-record",
        choices=["none", "once", "new_episodes", "all", "rewrite"],
        help="how cassettes are recorded; none, the default, asks nobody",
    )
    group.addoption(
        "--tf-update-flows", action="store_true", help="write what check_flow() compares with, to be reviewed"
    )
    group.addoption("--tf-max-age", metavar="180d", help="fail on cassettes that were recorded longer ago")
    parser.addini("tf_record", "how cassettes are recorded, as --tf-record", default="")
    parser.addini("tf_max_age", "as --tf-max-age", default="")
    parser.addini(
        "tf_block_live", "fail tests whose traced clients call the real API", type="bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what our marker takes."""
    config.addinivalue_line(
        "markers",
        "thoughtflow(cassette=None, record=None, match='alike', ignore=(), repeats=False, allow_unplayed=False, "
        "live=False): play the test's cassette, or record it; with live=True neither",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a marked test the fixture, whether it asks for it by name or not: it would go live without."""
    marker, names = item.get_closest_marker(_MARKER), getattr(item, "fixturenames", None)
    if marker is None or marker.kwargs.get("live") or names is None or _MARKER in names:
        return
    # Behind fixtures of wider scopes, as pytest sorts them; it tells scopes nowhere else.
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    at = next(
        (n for n, name in enumerate(names) if name in known and known[name][-1].scope == "function"),
        len(names),
    )
    # The list is that of all tests that were made of one function.
    item.fixturenames = [*names[:at], _MARKER, *names[at:]]  # type: ignore[attr-defined]


@pytest.fixture
def thoughtflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taped]:
    """Play the test's cassette to every traced client, or record one; gives the session to be asked."""
    from tfclient.errors import TfclientError
    from tfclient.testing.taped import NotTaped

    taped = _begun(request, tmp_path_factory.mktemp("thoughtflow") / "store")
    if isinstance(taped, str):
        pytest.fail(taped, pytrace=False)
    request.node.stash[_TAPED] = taped
    yield taped
    refused = ""
    try:
        taped.over(request.node.stash.get(_OUTCOME, "failed"))
    except (NotTaped, TfclientError) as error:
        refused = str(error)
    if refused:
        pytest.fail(refused, pytrace=False)


def _begun(request: pytest.FixtureRequest, store: Path) -> Taped | str:
    """Return the test on tape, or why it cannot be: said where no exception is handled, pytest prints it once."""
    from tfclient.errors import TfclientError
    from tfclient.importing.cassette import NotACassette
    from tfclient.testing.taped import NotTaped, Taped
    from tfstore.errors import StoreError

    try:
        taped = Taped(_wanted(request), store)
        taped.begin()
    except (NotTaped, NotACassette, TfclientError, StoreError) as error:
        return str(error)
    return taped


def _wanted(request: pytest.FixtureRequest) -> Wanted:
    from tfclient.testing.cassette_places import cassette_of
    from tfclient.testing.taped import NotTaped, Wanted, age_of, settings_of

    config, node = request.config, request.node
    marker = node.get_closest_marker(_MARKER)
    given: dict[str, Any] = {} if marker is None else dict(marker.kwargs)
    for wrong in (*(() if marker is None else marker.args), *(each for each in given if each not in _TAKEN)):
        raise NotTaped(f"@pytest.mark.{_MARKER} does not take {wrong!r}: give {', '.join(_TAKEN)} by name.")
    inside = node.nodeid.partition("::")[2]
    cassette = given.get("cassette")
    age = config.getoption("tf_max_age") or config.getini("tf_max_age")
    return Wanted(
        test=node.nodeid,
        typed=f"{os.path.relpath(node.path, config.invocation_params.dir)}::{inside}",
        cassette=cassette_of(node.path, inside.replace("::", "."))
        if cassette is None
        else node.path.parent / Path(cassette),
        mode=settings_of(_mode(config, given)),
        match=given.get("match", "alike"),
        ignore=given.get("ignore", ()),
        repeats=bool(given.get("repeats", False)),
        allow_unplayed=bool(given.get("allow_unplayed", False)),
        update_flows=bool(config.getoption("tf_update_flows")),
        max_age=age_of(age) if age else None,
    )


def _mode(config: pytest.Config, given: dict[str, Any]) -> str:
    """Say how to record: by the command line, by the marker, by the settings; pytest-recording's own word counts."""
    typed = config.getoption("tf_record") or config.getoption("record_mode", None)
    return str(typed or given.get("record") or config.getini("tf_record") or "none")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep how the test went, and tell of its session where it failed, if only when all was over."""
    report = yield
    taped = item.stash.get(_TAPED, None)
    if taped is None:
        return report
    if call.when == "call" or (call.when == "setup" and not report.passed):
        item.stash[_OUTCOME] = "xfailed" if report.skipped and hasattr(report, "wasxfail") else report.outcome
    if report.failed and not item.stash.get(_IS_TOLD, False):
        item.stash[_IS_TOLD] = True
        report.sections.append(("thoughtflow", _told(taped)))
    return report


def _told(taped: Taped) -> str:
    try:
        return taped.failure()
    except Exception as error:  # noqa: BLE001 - the test's own failure is what counts
        return f"The session could not be told ({type(error).__name__}: {error})."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Refuse calls that would cost money, where that is wanted."""
    if not item.config.getini("tf_block_live") or _may_go_live(item):
        return (yield)
    from tfclient import playing
    from tfclient.testing.live_block import LiveBlock, WouldGoLive

    block = LiveBlock()
    playing.begin(block)
    try:
        result = yield
    finally:
        playing.end(block)
    if block.tried:
        # The code under test went on all the same.
        raise WouldGoLive
    return result


def _may_go_live(item: pytest.Item) -> bool:
    marker = item.get_closest_marker(_MARKER)
    return _TAPED in item.stash or (marker is not None and bool(marker.kwargs.get("live")))
