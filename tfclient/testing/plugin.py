"""The pytest plugin ``thoughtflow``: recorded-cassette tests of whatever calls a model.

It is loaded wherever pytest and tfclient are installed, so nothing of ours is imported before the fixture is used.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tfclient.testing.taped import Taped, Wanted

_MARKER = "thoughtflow"
_TAPED = pytest.StashKey["Taped"]()
_FAILED = pytest.StashKey[bool]()


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
        "thoughtflow(cassette=None, record=None, match='alike', ignore=(), allow_unplayed=False, live=False): "
        "how the fixture of this name plays or records the test",
    )


@pytest.fixture
def thoughtflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taped]:
    """Play the test's cassette to every traced client, or record one; gives the session to be asked."""
    from tfclient.errors import TfclientError
    from tfclient.importing.cassette import NotACassette
    from tfclient.testing.taped import NotTaped, Taped
    from tfstore.errors import StoreError

    try:
        taped = Taped(_wanted(request), tmp_path_factory.mktemp("thoughtflow") / "store")
        taped.begin()
    except (NotTaped, NotACassette, TfclientError, StoreError) as error:
        pytest.fail(str(error), pytrace=False)
    request.node.stash[_TAPED] = taped
    yield taped
    try:
        taped.over(passed=not request.node.stash.get(_FAILED, True))
    except (NotTaped, TfclientError) as error:
        pytest.fail(str(error), pytrace=False)


def _wanted(request: pytest.FixtureRequest) -> Wanted:
    from tfclient.testing.cassette_places import cassette_of
    from tfclient.testing.taped import Wanted, age_of, settings_of

    config, node = request.config, request.node
    marker = node.get_closest_marker(_MARKER)
    given: dict[str, Any] = {} if marker is None else dict(marker.kwargs)
    name = node.nodeid.partition("::")[2].replace("::", ".")
    cassette = given.get("cassette")
    age = config.getoption("tf_max_age") or config.getini("tf_max_age")
    return Wanted(
        test=node.nodeid,
        cassette=cassette_of(node.path, name) if cassette is None else node.path.parent / Path(cassette),
        mode=settings_of(_mode(config, given)),
        match=given.get("match", "alike"),
        ignore=given.get("ignore", ()),
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
    """Keep whether the test passed, and tell of its session where it did not."""
    report = yield
    taped = item.stash.get(_TAPED, None)
    if call.when == "call":
        item.stash[_FAILED] = not report.passed
        if taped is not None and report.failed:
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
