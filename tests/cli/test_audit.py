"""``tfclient audit``: what was changed before it was written, and never what it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.cli.making import Outcome, run
from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tests.store.postgres.making import migrated, sync
from tfclient import Recorder, TracedOpenAI, open_store
from tfstore.postgres.address import Address
from tfstore.postgres.connecting import connect
from tfstore.postgres.migrating import migrate, number_of
from tfstore.store import Store

KEY = "sk-proj-abcdefghij0123456789abcdefghij"
PASSWORD = "hunter2hunter2"


@frozen
class Recorded:
    """A store, and its session with keys."""

    root: str
    session: str

    def audit(self, *arguments: str) -> Outcome:
        return run("audit", *arguments, "--store", self.root)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """A session with a key in a prompt, in a streamed answer and in a tool's error; and one without."""
    root = tmp_path_factory.mktemp("audit") / "store"
    recorder = Recorder(root)
    with ScriptedServer() as server:
        client = TracedOpenAI(base_url=server.url, api_key=KEY + "own", recorder=recorder)
        server.script(answer(f"Your key is {KEY}."))

        @client.tool
        def login(user: str) -> None:
            raise ValueError(f"{user} with password={PASSWORD}")

        with recorder.session(title="Keys") as session:
            list(client.responses.create(model="gpt-5-mini", input=f"Is {KEY} mine?", stream=True))
            with pytest.raises(ValueError, match=PASSWORD):
                login("ada")
        with recorder.session(title="Nothing", id="nothing") as other:
            other.annotate("note", "hello")
        assert session.wait(60)
        assert other.wait(60)
        client.close()
        yield Recorded(str(root), session.id)


def test_each_rule_and_place_is_told_with_its_numbers(recorded: Recorded) -> None:
    told = recorded.audit(recorded.session, "--json").json

    found = {(each["rule"], each["path"]): each for each in told["redactions"]}
    assert found["openai_key", "request.body.input"]["count"] == 1
    assert found["openai_key", "request.body.input"]["bytes"] == len(KEY)
    streamed = [each for (rule, path), each in found.items() if rule == "openai_key" and "events" in path]
    assert [(each["count"], each["bytes"]) for each in streamed] == [(1, len(KEY))]
    assert found["header:authorization", "request.headers.authorization"]["action"] == "dropped"
    assert found["key:password", "error.message"]["count"] == 1
    assert (told["mode"], told["modes"]) == ("secrets", ["secrets"])
    assert told["sensitivity"]["user_message.payload_started.text"] == "credential"


def test_the_whole_store_is_told_and_never_a_value(recorded: Recorded) -> None:
    everything = recorded.audit()
    outputs = [everything.out, recorded.audit(recorded.session).out, recorded.audit("--json").out]

    assert "openai_key " in everything.out
    outputs.append(repr(open_store(recorded.root).journal(recorded.session)))
    assert everything.out.splitlines()[-1].startswith("4 values changed")
    for text in (
        *outputs,
        *(path.read_bytes().decode("latin-1") for path in Path(recorded.root).rglob("*.*") if path.is_file()),
    ):
        assert KEY not in text
        assert PASSWORD not in text


def test_a_session_of_which_nothing_was_changed(recorded: Recorded) -> None:
    assert recorded.audit("nothing").out.splitlines()[-1] == "Nothing was changed before it was written."


def test_a_summary_has_the_counts_by_rule_where_there_are_any(recorded: Recorded) -> None:
    found = open_store(recorded.root)
    counts = found.get(recorded.session).summary.redactions

    assert counts == {"key:password": 1, "openai_key": 2}
    assert b'"redactions"' not in found.text("nothing")


def test_metrics_count_by_rule(recorded: Recorded) -> None:
    told = run("metrics", "--store", recorded.root).out

    assert 'thoughtflow_redactions_total{rule="openai_key"} 2\n' in told


def test_a_database_says_the_same(recorded: Recorded, database: str) -> None:
    migrated(database)
    sync(Store(Path(recorded.root)), database)

    for arguments in ([], [recorded.session], [recorded.session, "--json"]):
        told = run("audit", *arguments, "--store", database).out
        assert told.replace(Address.of(database).shown, recorded.root) == recorded.audit(*arguments).out


def test_a_database_of_an_earlier_version_says_what_to_do(database: str) -> None:
    address = Address.of(database)
    with connect(address, reads_only=False) as connection:
        migrate(connection, address, up_to=number_of("redactions_raw") - 1)

    refused = run("audit", "--store", database)

    assert refused.code == 1
    assert "sync URL --migrate" in refused.err
    assert "thoughtflow_redactions_total{" not in run("metrics", "--store", database).out
