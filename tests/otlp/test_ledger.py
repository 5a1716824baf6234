"""The ledger: whenever the process dies, nothing is lost, and one session is sent twice at most."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.making import run
from tests.otlp.making import closed_sessions
from tests.otlp.receiver import Receiver
from tfclient.otlp.endpoint import endpoint_of
from tfstore.disk.export_ledger import ExportLedger, Line
from tfstore.keeping.deleting import delete
from tfstore.keeping.waiting import waiting_since_begun
from tfstore.store import Store

DIES = """
import os, signal, sys
from tfclient.cli import main
from tfstore.disk import export_ledger
store, url, number, half = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
writes = 0
write = os.write

class Os:
    def __getattr__(self, name):
        return getattr(os, name)

    def write(self, descriptor, data):
        global writes
        writes += 1
        if writes == number:
            write(descriptor, data[: {"before": 0, "half": len(data) // 2, "after": len(data)}[half]])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(descriptor, data)

export_ledger.os = Os()
sys.argv = ["tfclient", "export", "--pending", "--otlp", url, "--store", store]
main()
"""


def ledger_at(store: Store, url: str) -> ExportLedger:
    endpoint = endpoint_of(url)
    return ExportLedger(store.paths, endpoint.target, endpoint.shown)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("half", ["before", "half", "after"])
def test_killed_at_every_write(receiver: Receiver, tmp_path: Path, half: str) -> None:
    store = closed_sessions(tmp_path / "store", 3)
    for number in (1, 2, 3):
        arguments = [str(store.paths.root), receiver.url, str(number), half]
        # One dies at its first write, the next at its second, and so on: at each of the file's lines once.
        died = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-c", DIES, *arguments], capture_output=True, timeout=60, check=False
        )
        if died.returncode == 0:
            break
        assert died.returncode == -signal.SIGKILL, died.stderr
    assert run("export", "--pending", "--otlp", receiver.url, "--store", store.paths.root).code == 0

    assert set(ledger_at(store, receiver.url).read()) == {"sess_1", "sess_2", "sess_3"}
    sent = [
        {each.key: each.value.string_value for each in got.spans[0].attributes}["session.id"]
        for got in receiver.got
    ]
    assert set(sent) == {"sess_1", "sess_2", "sess_3"}
    # One more for each death, and none for one that came behind the line.
    assert len(sent) <= 3 + 3 * (half != "after")
    assert run("export", "--pending", "--otlp", receiver.url, "--store", store.paths.root).out.startswith(
        "Nothing"
    )


def test_a_torn_line_is_read_past_and_what_follows_is_whole(tmp_path: Path) -> None:
    store = closed_sessions(tmp_path / "store", 1)
    ledger = ledger_at(store, "http://h")
    ledger.confirm("sess_1", "one")
    with ledger.path.open("ab") as file:
        file.write(b'["sess_2", "tw')
    ledger.refuse("sess_3", "three", "full")

    assert ledger.read() == {"sess_1": Line("one"), "sess_3": Line("three", "full")}
    assert json.loads(ledger.path.read_text().splitlines()[0])["endpoint"] == "http://h/v1/traces"


@pytest.mark.parametrize("line", [b"[]", b"7", b"null", b'["a"]', b"[1, 2]", b"\xff\xfe", b'{"endpoint": 7}'])
def test_what_is_no_line_is_read_past(tmp_path: Path, line: bytes) -> None:
    ledger = ledger_at(closed_sessions(tmp_path / "store", 1), "http://h")
    ledger.confirm("sess_1", "one")
    with ledger.path.open("ab") as file:
        file.write(line + b"\n")

    assert ledger.read() == {"sess_1": Line("one")}


def test_deleting_a_session_takes_it_out_of_every_ledger(tmp_path: Path) -> None:
    store = closed_sessions(tmp_path / "store", 2)
    for url in ("http://one", "http://other"):
        ledger_at(store, url).confirm("sess_1", "head")
        ledger_at(store, url).refuse("sess_1", "head", "because")
        ledger_at(store, url).confirm("sess_2", "head")

    delete(store, ["sess_1"])

    for url in ("http://one", "http://other"):
        assert list(ledger_at(store, url).read()) == ["sess_2"]
    assert all(b"sess_1" not in path.read_bytes() for path in store.paths.exports.iterdir())


def test_one_at_a_time(receiver: Receiver, tmp_path: Path) -> None:
    store = closed_sessions(tmp_path / "store", 1)
    with ledger_at(store, receiver.url).alone() as mine:
        assert mine
        outcome = run("export", "--pending", "--otlp", receiver.url, "--store", store.paths.root)

    assert (outcome.code, receiver.got) == (1, [])
    assert "Another process sends to" in outcome.err


def test_what_ended_before_a_ledger_began_waits_not_and_is_told_where_it_was_refused(tmp_path: Path) -> None:
    store = closed_sessions(tmp_path / "store", 3)
    ledger = ledger_at(store, "http://h")
    ledger.confirm("sess_1", "head of sess_1")
    ledger.refuse("sess_2", "head of sess_2", "too large")

    found = waiting_since_begun(store, ledger)

    assert (found.session_ids, found.refused) == ([], {"sess_2": "too large"})
