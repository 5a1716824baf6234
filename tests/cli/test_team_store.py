"""The commands over a database: what they print of a folder, and what they say where they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.golden import OUTPUTS, golden
from tests.cli.making import GOING_ON, HOSTILE, WEATHER, a_store, going_on, hostile, run, weather
from tests.store.postgres.making import CONTINUED, a_full_store, migrated, sync
from tfclient import open_store
from tfclient.opening import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Server


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, postgres_server: Server) -> str:
    """The address of what the golden outputs are made of."""
    url = postgres_server.new_url()
    migrated(url)
    sync(a_store(tmp_path_factory.mktemp("golden") / "store", weather(), hostile(), going_on()), url)
    return url


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, postgres_server: Server) -> tuple[str, str]:
    """A folder with something of everything, and the address of the same."""
    folder, url = a_full_store(tmp_path_factory.mktemp("full") / "store"), postgres_server.new_url()
    migrated(url)
    sync(folder, url)
    return str(folder.paths.root), url


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_output_is_that_of_a_folder(team: str, name: str) -> None:
    columns, arguments = OUTPUTS[name]

    outcome = run(*arguments, "--store", team, columns=columns)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == golden(name).read_text(encoding="utf-8")


ALIKE = [
    ["list", "--json"],
    ["list", "--noted"],
    ["list", "--tag", "bug", "--score", "<1"],
    ["list", "--thread", CONTINUED],
    ["list", "--grep", "umbrella", "--odd", "--json"],
    ["list", "--meta", "user=ada"],
    ["show", CONTINUED, "1.1"],
    ["show", WEATHER, "--prompt", "1.4"],
    ["show", "last"],
    ["note", CONTINUED, "--list"],
    ["findings", WEATHER],
    ["text", WEATHER, "--budget", "400"],
    ["expand", WEATHER, "1.4"],
    ["why", WEATHER, "1.9", "--json"],
    ["stats", "--by", "tag"],
    ["d2", WEATHER, "-o", "-"],
    *(["export", form, WEATHER, "-o", "-"] for form in ("atif", "chat-jsonl", "csv", "markdown", "sts")),
    ["export", "csv", "--failed", "-o", "-"],
]


@pytest.mark.parametrize("arguments", ALIKE, ids=" ".join)
def test_other_commands_answer_alike(full: tuple[str, str], arguments: list[str]) -> None:
    of_folder, of_database = (run(*arguments, "--store", store) for store in full)

    assert of_database.out == of_folder.out
    assert of_folder.out
    assert of_database.code == of_folder.code


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["vcr", WEATHER], "export vcr"),
        (["otlp-json", WEATHER, "-o", "-"], "export otlp-json"),
        (["--pending", "--otlp", "http://127.0.0.1:1"], "export --otlp"),
    ],
)
def test_what_needs_the_machine_that_recorded_says_so(team: str, arguments: list[str], named: str) -> None:
    outcome = run("export", *arguments, "--store", team, columns=200)

    assert (outcome.code, outcome.out) == (2, "")
    assert (
        outcome.err
        == f"This store is a database; `{named}` needs the machine that records, and its folder.\n"
    )


def test_one_stores_sessions_are_meant_by_its_name(tmp_path: Path, database: str) -> None:
    migrated(database)
    for name in ("ci-1", "ada"):
        store = a_store(tmp_path / name, weather())
        if name == "ada":
            store.put(hostile())
        sync(store, database, name=name)

    several = run("show", WEATHER, "--store", database, columns=300)
    of_one = run("show", WEATHER, "--store", database, "--source", "ci-1")

    assert (several.code, "--source NAME" in several.err) == (1, True)
    assert (of_one.code, of_one.out) == (0, run("show", WEATHER, "--store", tmp_path / "ci-1").out)
    listed = run("list", "--source", "ada", "--json", "--store", f"{database}&application_name=x").json
    assert [each["session_id"] for each in listed] == [HOSTILE, WEATHER]
    assert run("pin", WEATHER, "--incident", "outage", "--store", database, "--source", "ada").code == 0
    nobody = run("list", "--store", database, "--source", "a&schema=b", columns=300)
    assert (nobody.code, "no store of the name 'a&schema=b'" in nobody.err) == (1, True)
    folder = run("list", "--store", tmp_path / "ci-1", "--source", "ada")
    assert (folder.code, "give that with --store postgresql://" in folder.err) == (2, True)


def test_what_cannot_be_sent_is_told_and_sync_is_the_word(tmp_path: Path, database: str) -> None:
    root = a_full_store(tmp_path / "store").paths.root

    before = run("sync", database, "--store", root)
    assert before.code == 1
    assert "`tfclient sync URL --migrate` makes the tables" in " ".join(before.err.split())
    dry = run("sync", database, "--store", root, "--dry-run", "--migrate")
    assert dry.code == 1

    first = run("sync", database, "--migrate", "--name", "ada", "--store", root, columns=200)
    assert (first.code, "Migrated: 0001_sessions." in first.err and "0002" in first.err) == (0, True)
    assert first.out.startswith("8 sessions, ")
    assert first.out.rstrip().endswith(" as ada; 0 were there.")
    assert "1 session going on: --live" in first.err
    told = run("sync", database, "--live", "--store", root, "--json").json
    assert (told["sent"], told["same"], told["source"], told["dry_run"]) == (1, 8, "ada", False)
    assert run("list", "--store", database).code == 1  # one of its documents is none
    assert GOING_ON[-8:] in run("list", "--store", database, columns=200).out


def test_the_database_may_be_named_by_the_environment(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_store(tmp_path / "store", weather()).paths.root
    nameless = run("sync", "--store", root)
    monkeypatch.setenv("THOUGHTFLOW_SYNC", database)

    assert (nameless.code, "set THOUGHTFLOW_SYNC" in nameless.err) == (2, True)
    assert run("sync", "--migrate", "--store", root, "--json").json["sent"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mysql://h/d"], "it is no address such as postgresql://user@host/name"),
        (["postgresql://h:port/d"], "its host or port cannot be read"),
        (["postgresql://h/d?schema=A;B"], "is no name of small letters"),
        (["postgresql://127.0.0.1:1/d"], "Connection refused"),
        (["postgresql://127.0.0.1:1/d", "--blobs", "much"], "--blobs 'much' is no size"),
        (["postgresql://127.0.0.1:1/d", "--watch", "--dry-run"], "give one of them"),
        (["postgresql://127.0.0.1:1/d", "--since", "whenever"], "is no moment"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    root = a_store(tmp_path / "store", weather()).paths.root

    outcome = run("sync", *arguments, "--store", root, columns=400)

    assert outcome.code in {1, 2}
    assert said in " ".join(outcome.err.split())


def test_a_database_is_opened_by_programs_too(team: str) -> None:
    with open_database(team) as store:
        assert store.get(WEATHER) == open_store(team).get(WEATHER)
        assert "postgresql://tf@127.0.0.1" in store.where


def test_watching_sends_what_ends_later_and_outlives_a_lost_connection(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path / "store", weather())
    migrated(database)
    from tfstore.errors import DatabaseLost
    from tfstore.postgres.syncing import Sync

    looks: list[str] = []
    whole = Sync.run

    def run_once(self: Sync, *arguments: object, **more: object) -> object:
        looks.append("look")
        if len(looks) == 2:
            raise DatabaseLost("postgresql://somewhere", "it went away")
        return whole(self, *arguments, **more)  # type: ignore[arg-type]

    def sleep(_: float) -> None:
        if len(looks) == 1:
            store.put(hostile())
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Sync, "run", run_once)
    monkeypatch.setattr("tfclient.cli.commands.sharing.sync.pause", sleep)

    outcome = run("sync", database, "--watch", "--store", store.paths.root, columns=200)

    assert outcome.code == 0
    assert [line.split(",")[0] for line in outcome.out.splitlines()] == ["1 session", "1 session"]
    assert "it went away" in outcome.err


def test_whoever_is_interrupted_says_what_is_left(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path / "store", weather(), hostile())
    migrated(database)
    from tfstore.postgres import sending, syncing

    monkeypatch.setattr(syncing, "BATCH", 1)
    whole, calls = sending.send, list[object]()

    def send(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(syncing, "send", send)
        outcome = run("sync", database, "--store", store.paths.root, columns=200)
    assert (outcome.code, outcome.err.startswith("Interrupted: what was sent is there")) == (130, True)
    assert run("sync", database, "--json", "--store", store.paths.root).json["sent"] == 1


def test_old_sessions_leave_the_database_and_pinned_ones_stay(tmp_path: Path, database: str) -> None:
    store = a_store(tmp_path / "store", weather(), hostile())
    migrated(database)
    sync(store, database)

    pinned = run("pin", WEATHER, "--incident", "outage", "--store", database, columns=200)
    dry = run("prune", "--documents", "1h", "--events", "1h", "--store", database, "--dry-run", "--json")
    done = run("prune", "--documents", "1h", "--events", "1h", "--store", database, columns=200)

    assert (pinned.code, pinned.out.split(" is ")[1]) == (0, "pinned for outage.\n")
    assert (dry.json["documents"], dry.json["sessions"], dry.json["dry_run"]) == (1, 1, True)
    assert done.out.startswith(
        "1 document, the steps' JSON of 0 sessions and 1 session removed from postgresql://"
    )
    assert [row["session_id"] for row in run("list", "--json", "--store", database).json] == [WEATHER]
    assert run("unpin", WEATHER, "--store", database).code == 0
    assert run("prune", "--events", "1h", "--store", database, "--json").json["sessions"] == 1


def test_what_goes_is_written_to_an_archive_and_the_file_says_what_may_go(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path / "store", weather(), hostile())
    migrated(database)
    sync(store, database)
    config = tmp_path / "kept.toml"
    config.write_text(f'[retention]\ndocuments = "1h"\nolder_than = "1h"\narchive = "{tmp_path / "cold"}"\n')
    monkeypatch.setenv("THOUGHTFLOW_CONFIG", str(config))

    dry = run("prune", "--store", database, "--dry-run", "--json").json
    done = run("prune", "--store", database, columns=300)

    assert (dry["documents"], dry["archived"]) == (2, [])
    first, *files = done.out.splitlines()
    assert first.startswith(
        "2 documents, the steps' JSON of 0 sessions and 0 sessions removed from postgresql://"
    )
    assert files
    assert all(each.startswith(f"{tmp_path / 'cold'}/2026-") and each.endswith(".zip") for each in files)
    assert len(list((tmp_path / "cold").rglob("*.sha256"))) == len(files)
    show = run("show", WEATHER, "--mode", "display", "--store", database, columns=400)
    assert (show.code, "was pruned from the database; left are its row" in show.err) == (1, True)
    # What is typed is all that is meant.
    assert run("prune", "--events", "9999d", "--store", database, "--json").json["sessions"] == 0
    assert len(run("prune", "--store", store.paths.root, "--dry-run", "--json").json["removed"]) == 2


def test_sessions_are_deleted_from_a_database(tmp_path: Path, database: str) -> None:
    store = a_store(tmp_path / "store", weather(), hostile())
    migrated(database)
    sync(store, database)
    run("pin", WEATHER, "--incident", "outage", "--store", database)

    none = run("delete", WEATHER, "nobody", "--store", database)
    some = run("delete", WEATHER, HOSTILE, "--store", database, columns=300)
    last = run("delete", WEATHER, "--pinned", "--store", database, "--json")

    assert (none.code, "'nobody'" in none.err) == (2, True)
    assert (some.code, some.out.startswith(f"{HOSTILE} is deleted from postgresql://")) == (1, True)
    assert f"Session {WEATHER} is pinned for outage and stays" in some.err
    assert last.json["deleted"] == [WEATHER]
    assert run("list", "--store", database, "--json").json == []


def test_what_is_pinned_here_is_pinned_there_and_told_everywhere(tmp_path: Path, database: str) -> None:
    store = a_store(tmp_path / "store", weather(), hostile())
    root = store.paths.root
    key = "sk-proj-" + "a1B2" * 12

    told = run("pin", WEATHER, "--incident", "outage", "--note", f"key {key}", "--store", root, columns=200)
    assert (told.code, told.out) == (0, f"{WEATHER} is pinned for outage.\n")
    assert "something was replaced" in told.err
    assert run("sync", database, "--migrate", "--store", root, "--json").json["pins"] == 1
    for place in (str(root), database):
        (row,) = run("list", "--pinned", "--json", "--store", place).json
        assert (row["session_id"], row["pinned"][0]["incident"]) == (WEATHER, "outage")
        shown = run("show", WEATHER, "--store", place, columns=200).out
        assert "pinned for outage: key <redacted:openai_key>" in shown
        refused = run("delete", WEATHER, "--store", str(root), columns=200)
        assert (refused.code, "is pinned for outage and stays" in refused.err) == (1, True)
    assert (
        run("prune", "--older-than", "1m", "--store", root, "--json").json["removed"][0]["session_id"]
        != WEATHER
    )

    # What was pinned in the database itself stays; the machine takes back its own.
    run("pin", WEATHER, "--incident", "theirs", "--store", database)
    assert run("unpin", WEATHER, "--store", root).out == f"{WEATHER} is no longer pinned.\n"
    assert run("unpin", WEATHER, "--store", root).out == f"{WEATHER} was not pinned.\n"
    assert run("sync", database, "--store", root, "--json").json["pins"] == 1
    (row,) = run("list", "--pinned", "--json", "--store", database).json
    assert [each["incident"] for each in row["pinned"]] == ["theirs"]
    assert run("sync", database, "--store", root, "--json").json["pins"] == 0
    assert run("unpin", WEATHER, "--incident", "theirs", "--store", database).code == 0
    assert run("list", "--pinned", "--json", "--store", database).json == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prune", "--older-than", "1h", "--store", "postgresql://h/d"], "Of a database say what may go"),
        (["prune", "--documents", "soon", "--store", "postgresql://h/d"], "--documents 'soon' is no age"),
        (["prune", "--documents", "1h"], "are of a database"),
        (["prune", "--archive", "x"], "are of a database"),
        (
            ["prune", "--store", "postgresql://h/d"],
            "in `retention` of the file that THOUGHTFLOW_CONFIG names",
        ),
        (["prune", "--events", "1h", "--archive", "s3://x", "--store", "postgresql://h/d"], "needs fsspec"),
    ],
)
def test_what_cannot_be_pruned_or_pinned_is_said(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "fsspec" else name)
    outcome = run(*arguments, columns=200)

    assert (outcome.code, said in outcome.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("missing.toml", None, "No such file"),
        ("bad.toml", "retention = ", "cannot be used"),
        ("bad.json", "{", "cannot be used"),
        ("list.json", "[]", "it holds no table"),
        ("number.toml", "[retention]\ndocuments = 30", 'such as documents = "30d"'),
        ("age.toml", '[retention]\nolder_than = "soon"', "is no age"),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str | None, said: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("THOUGHTFLOW_CONFIG", str(path))

    outcome = run("prune", "--store", a_store(tmp_path / "store").paths.root, columns=400)

    assert (outcome.code, said in outcome.err) == (2, True)
