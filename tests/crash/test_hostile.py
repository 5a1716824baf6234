"""Documents, journals and cassettes made to harm: bounded cost, a sentence, and nothing outside of the store."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.making import run
from tests.crash.program import SESSION
from tfclient.finishing.recovery import recover, unarchived
from tfclient.importing.cassette import NotACassette, read_cassette
from tfstore.disk.paths import StorePaths
from tfstore.document.json_text import compact
from tfstore.errors import CorruptDocument, InvalidSessionId
from tfstore.journal.reading import read_entries
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1024 * 1024
MUCH = b"a hundred megabytes"
"""Stands for them until they are written: all workers hold what stands here."""

ALIASES = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
MERGES = "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
INTERACTION = """version: 1
interactions:
- request: {method: %s, uri: %s, headers: %s, body: %s}
  response: {status: {code: 200}, headers: {}, body: {string: ''}}
"""

CASSETTES = {
    "aliases in a body": "a: &a [x]\n"
    + ALIASES
    + INTERACTION % ("POST", "http://h/v1/responses", "{}", "*k"),
    "aliases in a header": "a: &a [x]\n"
    + ALIASES
    + INTERACTION % ("POST", "http://h/v1/responses", "{x: *k}", "''"),
    "aliases in the method": "a: &a [x]\n"
    + ALIASES
    + INTERACTION % ("*k", "http://h/v1/responses", "{}", "''"),
    "merge keys": "a: &a {x: 1}\n" + MERGES + INTERACTION % ("POST", "http://h/v1/responses", "*k", "''"),
    "an object of python": "interactions: !!python/object/apply:os.system ['touch owned']\n",
    "depth": "interactions: " + "[" * 2_000_000,
    "depth in blocks": "".join(f"{' ' * n}a:\n" for n in range(1500)),
    "a list of nothing": "interactions: [1, null, [], {}]\n",
    "a list that holds itself": "interactions: &a [*a]\n",
    "no text": "\x00\x01",
}


def written(file: Path, data: bytes) -> None:
    before, much, after = data.partition(MUCH)
    with file.open("wb") as out:
        out.write(before)
        for _ in range(100 if much else 0):
            out.write(b"x" * MEGABYTE)
        out.write(after)


@pytest.fixture
def measured() -> Iterator[None]:
    """What is done in the test may take some megabytes, not more."""
    try:
        _MOST.write_text("5")
    except OSError:
        # Elsewhere than on Linux it is not measured.
        yield
        return
    before = _most_memory()
    yield
    assert _most_memory() - before < 150 * MEGABYTE


_MOST = Path("/proc/self/clear_refs")
"""Where 5 is written, the most memory that the process had is what it has now."""


def _most_memory() -> int:
    """Bytes; ``tracemalloc`` would take several times the time of what it measures."""
    (kilobytes,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("name", CASSETTES)
@pytest.mark.timeout(60)
def test_a_hostile_cassette_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    cassette = tmp_path / "hostile.yaml"
    cassette.write_text(CASSETTES[name])

    with pytest.raises(NotACassette, match="is not a cassette: ") as caught:
        read_cassette(cassette)

    assert len(str(caught.value)) < 2000
    outcome = run("import", cassette, "--store", tmp_path / "store")
    assert outcome.code == 1
    assert "Traceback" not in outcome.err


def test_a_cassette_beyond_bounds_is_not_read(tmp_path: Path) -> None:
    cassette = tmp_path / "large.yaml"
    with cassette.open("wb") as file:
        file.truncate(10**10)

    with pytest.raises(NotACassette, match="it is longer than"):
        read_cassette(cassette)


LINES = {
    "a hundred megabytes": MUCH + b"\n",
    "a hundred megabytes without an end": MUCH,
    "depth": b'{"seq":1,"at":1,"type":"annotation","data":' + b"[" * 500_000 + b"]" * 500_000 + b"}\n",
    "keys twice": b'{"seq":1,"at":1,"type":"call.started","call":"a","call":[],"type":"annotation"}\n',
    "no number": b'{"seq":1,"at":NaN,"type":"session.started"}\n{"seq":Infinity,"at":1,"type":"x"}\n',
    "a huge number": b'{"seq":1,"at":1' + b"0" * 4000 + b',"type":"session.started"}\n',
    "digits without end": b'{"seq":1,"at":' + b"1" * 100_000 + b',"type":"session.started"}\n',
    "half a pair": b'{"seq":1,"at":1,"type":"session.started","title":"\\ud800 \\udfff","metadata":{"\\ud800":1}}\n',
    "wrong types": b'{"seq":1,"at":1,"type":"attempt.sent","call":{"a":1},"exchange_id":[],"body":7,"headers":3}\n'
    b'{"seq":2,"at":2,"type":"attempt.answered","exchange_id":{},"status":"x","body":[]}\n'
    b'{"seq":3,"at":3,"type":"session.started","title":{},"metadata":[],"runtime":7,"redaction":[]}\n',
    "a way out": b'{"seq":1,"at":1,"type":"session.started","session_id":"../../../out","title":"../../../out"}\n',
}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("name", LINES)
@pytest.mark.timeout(60)
def test_a_hostile_journal_is_finished_and_packed(name: str, tmp_path: Path) -> None:
    """What can be read of it makes a document; nothing of it goes anywhere else."""
    store = Store(tmp_path / "inner" / "store", create=True)
    folder = store.paths.make_journal_of(SESSION)
    written(folder / "hostile.jsonl", LINES[name])

    (session,) = recover(store)

    assert (session.session_id, session.status) == (SESSION, "closed")
    assert store.get(SESSION).status == "closed"
    assert unarchived(store) == []
    assert store.paths.archived(SESSION).is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"inner"}
    assert {path.name for path in (tmp_path / "inner").iterdir()} == {"store"}
    for command in (["show", SESSION], ["list"], ["verify", SESSION], ["doctor"], ["d2", SESSION]):
        outcome = run(*command, "--store", store.paths.root)
        assert outcome.code in {0, 1}
        assert "Traceback" not in outcome.err


DOCUMENTS = {
    "a hundred megabytes": b'{"schema_version":"thoughtflow/1","title":"' + MUCH,
    "depth": b'{"schema_version":"thoughtflow/1","runs":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
    "another form": b'{"schema_version":"thoughtflow/1","session_id":"s","runs":{"a":1}}',
    "a list": b"[1]",
    "nothing": b"",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_a_sentence(name: str, tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    written(store.paths.document(SESSION), DOCUMENTS[name])

    with pytest.raises(CorruptDocument, match=SESSION) as caught:
        store.get(SESSION)

    assert len(str(caught.value)) < 2000
    assert run("show", SESSION, "--store", tmp_path).code == 1
    assert run("list", "--store", tmp_path).code in {0, 1}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=40)
    | st.sampled_from(["../x", "/etc/passwd", "a/b", "..", ".", "a\x00b", "con\n", "x" * 300])
)
def test_no_id_leaves_the_store(tmp_path: Path, name: str) -> None:
    paths = StorePaths(tmp_path / "store")
    for place in (
        paths.document,
        paths.diagram,
        paths.journal_of,
        paths.archived,
        paths.earlier,
        paths.claim,
    ):
        try:
            path = place(name)
        except InvalidSessionId:
            continue
        assert os.path.normpath(path) == str(path)
        assert paths.root in path.parents


@pytest.mark.parametrize("place", ["sessions", "journal", "archive", "blobs", "catalog"])
def test_a_link_in_the_place_of_a_folder_is_not_followed(place: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "store"
    root.mkdir()
    (root / place).symlink_to(outside, target_is_directory=True)
    if place != "sessions":
        (root / "sessions").mkdir()

    outcome = run("demo", "--store", root)

    assert list(outside.iterdir()) == []
    assert "Traceback" not in outcome.err


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_entries_of_any_shape_make_a_document(tmp_path: Path, data: st.DataObject) -> None:
    """Fields of the right names and any values: the projection bears them all."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["text", "base64", "same", "id"]), inner, max_size=3)
        ),
        max_leaves=5,
    )
    names = [
        "call",
        "exchange_id",
        "path",
        "method",
        "url",
        "body",
        "data",
        "status",
        "headers",
        "tool",
        "call_id",
    ]
    names += [
        "error",
        "ending",
        "redactions",
        "title",
        "metadata",
        "kind",
        "response_id",
        "name",
        "result",
        "arguments",
    ]
    kinds = [
        "session.started",
        "call.started",
        "attempt.sent",
        "attempt.answered",
        "stream.chunk",
        "attempt.ended",
    ]
    kinds += ["call.ended", "tool.started", "tool.ended", "annotation", "session.ended", "something.else"]
    entry = st.fixed_dictionaries(
        {"type": st.sampled_from(kinds), "at": st.integers(0, 10**16)},
        optional={name: values | st.sampled_from(["c1", "c1.1", "/responses"]) for name in names},
    )
    entries = data.draw(st.lists(entry, max_size=12))
    store = Store(tmp_path / f"{os.urandom(8).hex()}", create=True)
    folder = store.paths.make_journal_of(SESSION)
    lines = [compact({**each, "seq": number}) + b"\n" for number, each in enumerate(entries, 1)]
    (folder / "w.jsonl").write_bytes(b"".join(lines))
    if entries:
        (session,) = recover(store)
        assert session.status == "closed"
        assert len(read_entries(store.paths, SESSION)[0]) >= len(entries)
