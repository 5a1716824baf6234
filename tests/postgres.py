"""A real PostgreSQL for the tests: started as an ordinary user, on loopback, at a port that was free, and stopped.

All processes of one run of pytest share it; each test has a schema of its own.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tfstore.postgres.address import Address

REQUIRED = os.environ.get("TFCLIENT_POSTGRES") == "required"
"""Whether these tests must not be skipped."""

_COUNT = itertools.count(1)
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
    "jit": "off",
}


def programs() -> Path | None:
    """Return the folder of the server's programs: ``initdb`` and ``pg_ctl`` are on no path on Debian."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[4]))
    if found:
        return found[-1].parent
    beside = shutil.which("initdb")
    return None if beside is None else Path(beside).resolve().parent


def why_not() -> str:
    """Return why no server can be started here; nothing if one can."""
    try:
        import psycopg  # noqa: F401 - whether it is there
    except ImportError:
        return "psycopg is not installed: pip install 'tfclient[postgres]'"
    if programs() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    if os.geteuid() == 0 and _user() is None:
        return "PostgreSQL does not run as root, and there is no user `postgres`"
    return ""


class Server:
    """A server in a folder of its own."""

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        self.folder = folder
        self.port = port
        self.settings = {**_SETTINGS, **settings}

    @classmethod
    def start(cls, **settings: str) -> Server:
        """Make and start one, quick and not durable, unless these settings say otherwise."""
        folder = Path(tempfile.mkdtemp(prefix="tfpg-"))
        if (user := _user()) is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        _run(
            "initdb",
            "-D",
            str(data),
            "-U",
            "tf",
            "--auth=trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
        )
        for _ in range(5):
            with socket.socket() as found:
                found.bind(("127.0.0.1", 0))
                server = cls(folder, found.getsockname()[1], **settings)
            if server.up():
                server.watch()
                return server
        raise RuntimeError((folder / "log").read_text(errors="replace"))

    def up(self) -> bool:
        """Start it, in its folder and at its port; False if it does not come up."""
        settings = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        options = f"-p {self.port} -c unix_socket_directories={self.folder} {settings}"
        log = str(self.folder / "log")
        try:
            _run(
                "pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "-t", "60", "start"
            )
        except subprocess.CalledProcessError:
            return False
        return True

    def watch(self) -> None:
        """Have it stopped if the run of pytest is killed before it can: nobody else would."""
        run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
        stop = f"'{programs()}/pg_ctl' -D '{self.folder}/data' -m immediate stop; rm -rf '{self.folder}'"
        waiting = f"while ps -p {run} && test -d '{self.folder}'; do sleep 2; done; {stop}"
        _start("sh", "-c", waiting)

    def down(self, mode: str = "fast") -> None:
        """Stop it."""
        _run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "-t", "60", "stop")

    def remove(self) -> None:
        """Stop it, and leave nothing."""
        self.down("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, schema: str = "thoughtflow", *, user: str = "tf", **more: str) -> str:
        """Return the address of a schema, which need not be there."""
        asked = "&".join(f"{name}={value}" for name, value in {"schema": schema, **more}.items())
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres?{asked}"

    def new_url(self) -> str:
        """Return the address of a schema that is not there."""
        return self.url(f"t{os.getpid()}_{next(_COUNT)}")


def ask(url: str, sql: str, *values: Any) -> list[Any]:
    """Return the rows of a question; it may change things too."""
    from tfstore.postgres.connecting import connect

    with connect(Address.of(url), reads_only=False) as connection:
        cursor = connection.execute(sql.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all workers share; the last that needs it stops it."""
    if reason := why_not():
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    base = tmp_path_factory.getbasetemp()
    shared = base if os.environ.get("PYTEST_XDIST_WORKER") is None else base.parent
    state, lock = shared / "postgres.json", FileLock(shared / "postgres.lock")
    with lock:
        there = json.loads(state.read_text()) if state.exists() else None
        if there is None:
            started = Server.start()
            there = {"folder": str(started.folder), "port": started.port, "users": 0}
        state.write_text(json.dumps({**there, "users": there["users"] + 1}))
        server = Server(Path(there["folder"]), there["port"])
    yield server
    with lock:
        there = json.loads(state.read_text())
        if there["users"] == 1:
            state.unlink()
            server.remove()
        else:
            state.write_text(json.dumps({**there, "users": there["users"] - 1}))


@pytest.fixture
def database(postgres_server: Server) -> str:
    """The address of a schema in which nothing is yet."""
    return postgres_server.new_url()


def _user() -> str | None:
    """Return who the server runs as, if it must be somebody else than we are."""
    if os.geteuid() != 0:
        return None
    import pwd

    names = {each.pw_name for each in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def _start(program: str, *arguments: str) -> None:
    """Start a program that goes on by itself, as the server's user."""
    started = subprocess.Popen([program, *arguments], start_new_session=True, **_apart())  # noqa: S603 - our own words
    started.returncode = 0  # nobody waits for it


def _run(program: str, *arguments: str) -> None:
    folder = programs()
    assert folder is not None
    subprocess.run([str(folder / program), *arguments], check=True, **_apart())  # noqa: S603 - the server's own


def _apart() -> dict[str, Any]:
    """Return how programs of the server are run: quietly, and never as root."""
    name = _user()
    user = {} if name is None else {"user": name, "group": _group(name), "extra_groups": []}
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    return {"cwd": "/", "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}, **quiet, **user}


def _group(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_gid
