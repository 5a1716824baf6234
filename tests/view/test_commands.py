"""``tfclient view`` and ``tfclient html``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner, Result

from tests.view.conftest import FAILING
from tests.view.making import failing
from tfclient.cli.app import app
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store", create=True)
    store.put(failing())
    return store


def run(store: Store, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--store", str(store.paths.root)], env={"COLUMNS": "200"})


def test_html_writes_the_page(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = run(store, "html", "last", "-o", str(file))
    assert done.exit_code == 0
    assert done.stdout == f"{file}\n"
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_html_as_json_and_into_a_folder(store: Store, tmp_path: Path) -> None:
    done = run(store, "html", "7f3a", "-o", str(tmp_path), "--json")
    file = tmp_path / f"{FAILING}.html"
    assert json.loads(done.stdout) == {
        "session_id": FAILING,
        "path": str(file),
        "bytes": len(file.read_bytes()),
    }


def test_html_goes_to_stdout(store: Store) -> None:
    assert run(store, "html", FAILING, "-o", "-").stdout.startswith("<!doctype html>")


def test_html_where_nothing_can_be_written_is_a_sentence(store: Store, tmp_path: Path) -> None:
    done = run(store, "html", FAILING, "-o", str(tmp_path / "no" / "such" / "folder.html"))
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["html", "view"])
def test_an_unknown_session_is_a_sentence(store: Store, command: str) -> None:
    done = run(store, command, "sess_nowhere")
    assert done.exit_code == 2
    assert "No session 'sess_nowhere'" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["html", "view"])
def test_no_store_is_a_sentence(tmp_path: Path, command: str) -> None:
    done = CliRunner().invoke(app, [command, "last", "--store", str(tmp_path / "nowhere")])
    assert done.exit_code == 1
    assert "There is no store at" in done.stderr


@pytest.mark.parametrize("command", ["html", "view"])
@pytest.mark.parametrize(
    ("damage", "words"), [("thoughtflow/7", "upgrade tfclient"), ("thoughtflow/1\x00", "cannot be read")]
)
def test_a_document_that_cannot_be_read_is_a_sentence(
    store: Store, command: str, damage: str, words: str
) -> None:
    path = store.paths.document(FAILING)
    path.write_text(path.read_text().replace("thoughtflow/1", damage))
    done = run(store, command, FAILING)
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["html", "view"])
def test_a_missing_extra_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    from tfclient.view import page

    page._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = run(store, command, FAILING)
    assert done.exit_code == 1
    assert "pip install 'tfclient[view]'" in done.stderr


def test_view_says_where_the_page_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []

    def serve(store: Store, session_id: str | None, **options: Any) -> None:
        options.pop("ready")("http://127.0.0.1:1/token/")
        served.append((store.paths.root, session_id, options))

    monkeypatch.setattr("tfclient.view.serve", serve)
    done = run(store, "view", "last", "--port", "8123", "--no-browser")
    assert done.stdout == "http://127.0.0.1:1/token/\n"
    options = {"port": 8123, "open_browser": False, "read_only": False, "price": None}
    assert served == [(store.paths.root, FAILING, options)]
    line = run(store, "view", "--json").stdout
    assert line.count("\n") == 1
    assert json.loads(line) == {"address": "http://127.0.0.1:1/token/", "session_id": None}
    assert run(store, "view", "--read-only").exit_code == 0
    assert [each[2] for each in served[1:]] == [
        {"port": 0, "open_browser": True, "read_only": read_only, "price": None}
        for read_only in (False, True)
    ]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
def test_view_serves_until_it_is_interrupted(store: Store) -> None:
    pytest.importorskip("uvicorn")
    code = "from tfclient.cli import main; main()"
    command = [sys.executable, "-c", code, "view", "last", "--no-browser", "--store", str(store.paths.root)]
    with subprocess.Popen(  # noqa: S603 - our own code
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urlopen(f"{address}api/sessions") as answer:  # noqa: S310 - our own
            assert json.load(answer)["total"] == 1
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in told
