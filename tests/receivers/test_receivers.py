"""What real receivers show of our sessions: run by ``make receivers``, outside of the suite."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.making import run
from tests.receivers.servers import FOLDER, Server, free_port, program, running
from tfstore.store import Store

pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="real receivers are asked by `make receivers`"),
    pytest.mark.timeout(900),
]

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "recordings"
DEMO_TOKENS, DEMO_DOLLARS = (6441, 486), 0.00554895

VALIDATE = """
import json, sys
from phoenix.trace.gen_ai.__generated__ import models
shapes = {"gen_ai.input.messages": models.InputMessages, "gen_ai.output.messages": models.OutputMessages,
          "gen_ai.system_instructions": models.SystemInstructions, "gen_ai.tool.definitions": models.ToolDefinitions}
count = 0
for line in open(sys.argv[1], encoding="utf-8"):
    for resource in json.loads(line)["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for each in span["attributes"]:
                    if each["key"] in shapes:
                        shapes[each["key"]].model_validate(json.loads(each["value"]["stringValue"]))
                        count += 1
print(count)
"""


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("phoenix"), free_port()
    environment = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    command = [str(program("phoenix", "phoenix")), "serve"]
    with running(command, f"http://127.0.0.1:{port}", "/healthz", folder, environment) as server:
        yield server


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    command = [str(program("mlflow", "mlflow")), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'm.db'}"]
    with running(command, f"http://127.0.0.1:{port}", "/health", folder) as server:
        yield server


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("demo") / "store"
    assert run("demo", "--store", folder).code == 0
    return Store(folder)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Store:
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings at {RECORDINGS}")
    folder = tmp_path_factory.mktemp("recordings") / "store"
    assert run("import", RECORDINGS, "--store", folder).code == 0
    return Store(folder)


def settled(ask: Callable[[], Any], wanted: Any) -> Any:
    """Return what a receiver says as soon as it says what is wanted: it stores after it has answered."""
    pause, said = threading.Event(), None
    for _ in range(300):
        said = ask()
        if said == wanted:
            break
        pause.wait(0.2)
    return said


def in_phoenix(server: Server, project: str) -> dict[str, Any]:
    asked = (
        "{projects{edges{node{name traceCount recordCount tokenCountPrompt tokenCountCompletion "
        "costSummary{total{cost}}}}}}"
    )
    edges = server.get("/graphql", {"query": asked})["data"]["projects"]["edges"]
    node = next((each["node"] for each in edges if each["node"]["name"] == project), None)
    if node is None:
        return {}
    cost = node["costSummary"]["total"]["cost"]
    return {
        "traces": node["traceCount"],
        "spans": node["recordCount"],
        "tokens": (node["tokenCountPrompt"], node["tokenCountCompletion"]),
        "dollars": None if cost is None else round(cost, 8),
    }


def in_mlflow(server: Server, session_ids: list[str] | None = None) -> dict[str, Any]:
    only = "" if session_ids is None else f"where session_id in ({','.join('?' * len(session_ids))})"
    with sqlite3.connect(f"file:{server.folder / 'm.db'}?mode=ro", uri=True) as database:
        traces, sessions, sent, received, dollars = database.execute(
            "select count(*), count(distinct session_id), sum(input_tokens), sum(output_tokens), "  # noqa: S608
            f"sum(total_cost) from trace_info {only}",
            session_ids or (),
        ).fetchone()
    return {
        "traces": traces,
        "sessions": sessions,
        "tokens": (sent, received),
        "dollars": dollars and round(dollars, 8),
    }


def totals(store: Store) -> tuple[int, int, tuple[int, int]]:
    """Return sessions, runs that are no tool's, and tokens."""
    rows = store.list()
    tokens = sum(row.usage.input_tokens for row in rows), sum(row.usage.output_tokens for row in rows)
    return len(rows), sum(row.runs for row in rows), tokens


def export(store: Store, server: Server, header: str, *more: str) -> dict[str, Any]:
    outcome = run(
        "export",
        "--pending",
        "--otlp",
        server.url,
        "--header",
        header,
        *more,
        "--json",
        "--store",
        store.paths.root,
    )
    assert outcome.code == 0, outcome.err
    told: dict[str, Any] = outcome.json
    return told


def test_the_demo_in_phoenix(demo: Store, phoenix: Server) -> None:
    sent = export(demo, phoenix, "x-project-name=demo")
    wanted = {"traces": 4, "spans": sent["spans"], "tokens": DEMO_TOKENS, "dollars": DEMO_DOLLARS}

    assert settled(lambda: in_phoenix(phoenix, "demo"), wanted) == wanted
    assert export(demo, phoenix, "x-project-name=demo", "--again")["sessions"] == 1
    assert settled(lambda: in_phoenix(phoenix, "demo"), wanted) == wanted
    told = phoenix.get(
        "/graphql",
        {
            "query": "{projects{edges{node{name spans(first:50){edges{node{name statusCode statusMessage}}}}}}}"
        },
    )
    [project] = [each["node"] for each in told["data"]["projects"]["edges"] if each["node"]["name"] == "demo"]
    spans = [each["node"] for each in project["spans"]["edges"]]
    failed = [each for each in spans if each["statusCode"] == "ERROR"]
    assert sorted(each["name"] for each in failed) == [
        "chat gpt-5.4-mini",
        "execute_tool book_table",
        "execute_tool opening_hours",
        "invoke_agent",
    ]
    assert any("takes no bookings online" in each["statusMessage"] for each in failed)


def test_the_demo_in_mlflow(demo: Store, mlflow: Server) -> None:
    export(demo, mlflow, "x-mlflow-experiment-id=0")
    ids = demo.ids()
    wanted = {"traces": 4, "sessions": 1, "tokens": DEMO_TOKENS, "dollars": DEMO_DOLLARS}

    assert settled(lambda: in_mlflow(mlflow, ids), wanted) == wanted
    assert export(demo, mlflow, "x-mlflow-experiment-id=0", "--again")["sessions"] == 1
    assert settled(lambda: in_mlflow(mlflow, ids), wanted) == wanted


def test_all_recordings_in_phoenix(recordings: Store, phoenix: Server) -> None:
    sessions, runs, tokens = totals(recordings)
    sent = export(recordings, phoenix, "x-project-name=recordings")
    assert sent["sessions"] == sessions

    def counts() -> dict[str, Any]:
        return {name: each for name, each in in_phoenix(phoenix, "recordings").items() if name != "dollars"}

    wanted = {"traces": runs, "spans": sent["spans"], "tokens": tokens}
    assert settled(counts, wanted) == wanted
    assert export(recordings, phoenix, "x-project-name=recordings", "--again")["sessions"] == sessions
    assert settled(counts, wanted) == wanted
    print(f"\nPhoenix: {sessions} sessions, {runs} traces, {sent['spans']} spans, {tokens} tokens")  # noqa: T201


def test_all_recordings_in_mlflow(recordings: Store, mlflow: Server) -> None:
    sessions, runs, tokens = totals(recordings)
    ids = recordings.ids()
    assert export(recordings, mlflow, "x-mlflow-experiment-id=0")["sessions"] == sessions

    def counts() -> dict[str, Any]:
        return {name: each for name, each in in_mlflow(mlflow, ids).items() if name != "dollars"}

    wanted = {"traces": runs, "sessions": sessions, "tokens": tokens}
    assert settled(counts, wanted) == wanted
    print(f"\nmlflow: {sessions} sessions, {runs} traces, {tokens} tokens")  # noqa: T201


@pytest.mark.parametrize("content", ["full", "new"])
def test_what_phoenix_makes_of_messages(recordings: Store, tmp_path: Path, content: str) -> None:
    """Every attribute of all recordings is of the form of the conventions' own models."""
    path = tmp_path / "all.jsonl"
    assert (
        run(
            "export", "otlp-json", "--all", "--content", content, "--store", recordings.paths.root, "-o", path
        ).code
        == 0
    )
    checked = subprocess.run(  # noqa: S603 - what the Makefile installed
        [str(program("phoenix", "python")), "-c", VALIDATE, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr[-3000:]
    assert int(checked.stdout) > 2_000


def test_a_collector_passes_both_links_of_a_fork_on(tmp_path: Path) -> None:
    assert run("import", ROOT / "cassettes" / "fork.yaml", "--store", tmp_path / "store").code == 0
    port = free_port()
    agent = next(program("rotel", "python").parents[1].glob("lib/*/site-packages/rotel/rotel-agent"))
    command = [str(agent), "start", "--otlp-http-endpoint", f"127.0.0.1:{port}"]
    command += ["--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}", "--debug-log", "traces"]
    command += ["--debug-log-verbosity", "detailed", "--exporter", "blackhole"]
    with running(command, f"http://127.0.0.1:{port}", "", tmp_path) as rotel:
        assert run("export", "last", "--otlp", rotel.url, "--store", tmp_path / "store").code == 0
        found = settled(lambda: links_in(rotel.output.read_text("utf-8", "replace")), ["continues", "fork"])
    text = rotel.output.read_text("utf-8", "replace")

    assert found == ["continues", "fork"]
    lines = text.splitlines()
    spans = {
        lines[place + 2].rpartition(":")[2].strip()
        for place, line in enumerate(lines)
        if line.startswith("SpanLink #")
    }
    assert len(spans) == 1
    assert json.dumps(sorted(spans))


def links_in(text: str) -> list[str]:
    return [
        line.rpartition("Str(")[2].rstrip(")") for line in text.splitlines() if "thoughtflow.link: " in line
    ]


def test_a_receiver_that_is_killed_in_the_middle(recordings: Store, tmp_path: Path) -> None:
    port = free_port()
    command = [str(program("mlflow", "mlflow")), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path / 'm.db'}"]
    arguments = [
        "export",
        "--pending",
        "--otlp",
        f"http://127.0.0.1:{port}",
        "--header",
        "x-mlflow-experiment-id=0",
    ]
    arguments += ["--since", "2026-06-01", "--json", "--store", str(recordings.paths.root)]
    told: list[Any] = []
    with running(command, f"http://127.0.0.1:{port}", "/health", tmp_path) as server:
        thread = threading.Thread(target=lambda: told.append(run(*arguments)))
        thread.start()
        settled(
            lambda: server.folder.joinpath("m.db").exists() and in_mlflow(server)["traces"] > 5, wanted=True
        )
    thread.join(120)
    assert (told[0].code, told[0].json["left"] > 0) == (1, True)
    with running(command, f"http://127.0.0.1:{port}", "/health", tmp_path) as server:
        rest = run(*arguments)
        assert (rest.code, rest.json["left"]) == (0, 0)
        sessions = told[0].json["sessions"] + rest.json["sessions"]
        assert in_mlflow(server)["sessions"] == sessions
