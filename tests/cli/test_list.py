"""``tfclient list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.making import GOING_ON, HOSTILE, WEATHER, a_store, run, weather

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.store import Store


def test_newest_first(store: Store) -> None:
    rows = run("list", "--store", store.paths.root, "--json").json

    assert [row["session_id"] for row in rows] == [GOING_ON, HOSTILE, WEATHER]


def test_json_rows(store: Store) -> None:
    rows = run("list", "--store", store.paths.root, "--json").json

    assert rows[2] == {
        "session_id": WEATHER,
        "title": "Weather agent",
        "status": "closed",
        "result": "failed",
        "end_reason": None,
        "started_at": "2026-09-02T09:14:00.000Z",
        "ended_at": None,
        "duration_ms": 17_600,
        "runs": 4,
        "model_calls": 7,
        "tool_calls": 4,
        "tool_errors": 1,
        "errors": 2,
        "models": {"gpt-4.1": 7},
        "tools": {"get_weather": 3, "send_email": 1},
        "usage": {
            "input_tokens": 4_467,
            "output_tokens": 349,
            "cached_tokens": 0,
            "reasoning_tokens": 0,
            "total_tokens": 4_816,
            "audio_input_tokens": 0,
            "audio_output_tokens": 0,
        },
        "cut_off": {},
        "failure": None,
        "waits_for": {},
        "answer": "Oslo : 7 °C.",
        "metadata": {},
        "metadata_cut": False,
        "notes": {"count": 0, "score": None, "scored": 0, "tags": {}},
        "replay": None,
        "all_played": False,
        "played_calls": 0,
        "played_usage": dict.fromkeys(rows[2]["usage"], 0),
        "raw": False,
        "retries": 1,
        "drift": None,
    }


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--failed"], [WEATHER]),
        (["--tool", "send_email"], [WEATHER]),
        (["--tool", "no_such_tool"], []),
        (["--model", "gpt-4.1"], [WEATHER]),
        (["--since", "1h"], [GOING_ON]),
        (["--since", "150m"], [GOING_ON, HOSTILE]),
        (["--since", "2026-09-02T10:00:00Z"], [GOING_ON, HOSTILE]),
        (["--since", "2026-09-03"], []),
        (["-n", "2"], [GOING_ON, HOSTILE]),
        (["--failed", "--since", "1h"], []),
        (["--error-class", "rate_limit"], [WEATHER]),
        (["--error-class", "tool"], [WEATHER]),
        (["--error-class", "timeout"], []),
        (["--grep", "BERGEN"], [WEATHER]),
        (["--grep", "still talking"], [GOING_ON]),
        (["--grep", "東京"], [HOSTILE]),
        (["--grep", "no such text"], []),
        (["--grep", "hello", "--failed"], []),
        (["--grep", "Bergen", "--error-class", "rate_limit", "-n", "1"], [WEATHER]),
    ],
)
def test_filters(store: Store, filters: list[str], found: list[str]) -> None:
    outcome = run("list", "--store", store.paths.root, "--json", *filters)

    assert outcome.code == 0
    assert [row["session_id"] for row in outcome.json] == found


def test_says_that_there_are_more(store: Store) -> None:
    outcome = run("list", "--store", store.paths.root, "-n", "2")

    assert len(outcome.out.splitlines()) == 3
    assert "There are older ones: --all" in outcome.err


def test_shows_twenty_and_with_all_every_one(tmp_path: Path) -> None:
    sessions = [weather() for _ in range(25)]
    for number, session in enumerate(sessions):
        session.session_id = f"sess_20260902T0914{number:02}Z_{number:08x}"
    root = a_store(tmp_path / "store", *sessions).paths.root

    assert len(run("list", "--store", root).out.splitlines()) == 1 + 20
    assert len(run("list", "--store", root, "--all").out.splitlines()) == 1 + 25
    assert len(run("list", "--store", root, "--json").json) == 25


def test_an_empty_store(tmp_path: Path) -> None:
    root = a_store(tmp_path / "store").paths.root

    outcome = run("list", "--store", root)

    assert (outcome.code, outcome.out) == (0, "")
    assert f"No sessions in {root} yet." in outcome.err
    assert run("list", "--store", root, "--json").json == []


def test_since_must_be_a_moment(store: Store) -> None:
    outcome = run("list", "--store", store.paths.root, "--since", "yesterday")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--since 'yesterday' is no moment: give 30m, 2h" in outcome.err
    long_ago = run("list", "--since", "999999w", "--store", store.paths.root)
    assert (long_ago.code, "--since '999999w' is no moment" in long_ago.err) == (2, True)


@pytest.mark.parametrize("command", ["list", "dataset"])
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("--since", "yesterday"), "--since 'yesterday' is no moment"),
        (("--error-class", "ratelimit"), "--error-class 'ratelimit' is unknown"),
        (("--meta", "user"), "--meta 'user' is no key and value"),
        (("--score", "good"), "score"),
    ],
)
def test_what_is_typed_is_looked_at_before_the_store(
    command: str, typed: tuple[str, str], words: str, tmp_path: Path
) -> None:
    outcome = run(command, "--store", tmp_path / "nowhere", *typed)

    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert "nowhere" not in outcome.err


def test_error_classes_are_those_that_there_are(store: Store) -> None:
    outcome = run("list", "--store", store.paths.root, "--error-class", "ratelimit")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("--error-class 'ratelimit' is unknown: give one of provider, ")


def test_what_could_not_be_looked_through_is_told(store: Store) -> None:
    store.paths.document(WEATHER).write_text('{"Hello"', encoding="utf-8")

    outcome = run("list", "--store", store.paths.root, "--grep", "hello", "--json")

    assert outcome.code == 1
    assert [row["session_id"] for row in outcome.json] == [GOING_ON]
    assert f"The document of session {WEATHER}" in outcome.err


def test_a_document_that_cannot_be_read_is_told(store: Store) -> None:
    store.paths.document(WEATHER).write_text("{", encoding="utf-8")

    outcome = run("list", "--store", store.paths.root, "--json")

    assert outcome.code == 1
    assert [row["session_id"] for row in outcome.json] == [GOING_ON, HOSTILE]
    assert outcome.err.count(f"The document of session {WEATHER}") == 1


def test_an_index_that_is_gone_is_made_again(store: Store) -> None:
    before = run("list", "--store", store.paths.root, "--json").json
    for path in store.paths.root.glob("*index*"):
        path.unlink()

    assert run("list", "--store", store.paths.root, "--json").json == before


def marked(root: Path) -> Path:
    """Make a store whose sessions have metadata, one of them of the worst kind."""
    ada, bob, bad = weather(), weather(), weather()
    ada.metadata = {"user": "ada", "try": 2}
    bob.metadata = {"user": "bob"}
    bad.metadata = {"user": "ada", "blob": "\x1b[2J\x00\n\u202e" * 200_000, "n\tl": "a\nb"}
    for number, session in enumerate((ada, bob, bad)):
        session.session_id = f"sess_20260902T0914{number:02}Z_{number:08x}"
        session.summary.usage.total_tokens = (3, 1, 2)[number]
        session.duration_ms = (1, 5, 3)[number]
    bad.title = "\x1b[2J\x00 title\n" + "x" * 100_000
    return a_store(root, ada, bob, bad).paths.root


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--meta", "user=ada"], "20"),
        (["--meta", "user=ada", "--meta", "try=2"], "0"),
        (["--meta", "user=eve"], ""),
        (["--sort", "tokens"], "021"),
        (["--sort", "time"], "120"),
        (["--sort", "time", "-n", "1"], "1"),
        (["--sort", "time", "-n", "1", "--grep", "Bergen"], "1"),
        (["--thread", "00000001"], "1"),
    ],
)
def test_by_metadata_and_by_what_they_took(tmp_path: Path, options: list[str], found: str) -> None:
    rows = run("list", "--store", marked(tmp_path / "store"), "--json", *options).json

    assert "".join(row["session_id"][-1] for row in rows) == found


def test_the_columns_that_are_asked_for(tmp_path: Path) -> None:
    root = marked(tmp_path / "store")

    outcome = run("list", "--store", root, "--columns", "id,meta.user,answer, tokens", "--sort", "tokens")

    assert outcome.out.splitlines()[0].split() == ["ID", "META.USER", "ANSWER", "TOKENS"]
    assert outcome.out.splitlines()[1].split() == ["00000000", "ada", "Oslo", ":", "7", "°C.", "3"]


@pytest.mark.parametrize("columns", [0, 40, 80, 200])
def test_metadata_and_titles_of_any_kind_break_no_line(tmp_path: Path, columns: int) -> None:
    root = marked(tmp_path / "store")

    out = run(
        "list", "--store", root, "--columns", "id,title,metadata,meta.blob", columns=columns or None
    ).out

    assert len(out.splitlines()) == 4
    assert not any(each in out for each in "\x1b\x00\u202e")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--columns", "id,price"], "--columns 'price' is unknown: give some of id, title, "),
        (["--columns", ","], "--columns names none"),
        (["--columns", "id", "--json"], "--columns is for the table"),
        (["--meta", "user"], "--meta 'user' is no key and value: write --meta user=ada."),
        (["--sort", "price"], "give tokens, time or cost"),
        (["--sort", "age"], "--sort 'age' is unknown: give tokens, time or cost."),
        (["--thread", "nothing"], "nothing"),
    ],
)
def test_what_cannot_be_meant_is_told(store: Store, options: list[str], said: str) -> None:
    outcome = run("list", "--store", store.paths.root, *options)

    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def test_where_no_terminal_is_nothing_is_cut(tmp_path: Path) -> None:
    session = weather()
    session.title = "long " * 100 + "end"
    root = a_store(tmp_path / "store", session).paths.root

    piped = run("list", "--store", root, columns=None).out

    assert session.title in piped
    assert WEATHER in piped
    assert all(line == line.rstrip() or len(line) < 900 for line in piped.splitlines())
    assert session.title in run("show", "--store", root, columns=None).out
    assert session.title not in run("list", "--store", root, columns=80).out
