"""``tfclient run``: whatever a program does, it does as with Python; and its clients are recorded."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.server.replies import answer
from tests.server.scripted import ScriptedServer
from tfclient.cli.app import app

MAIN = "from tfclient.cli import main; main()"


def python(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Run Python; give its status, what it wrote, and what it complained of."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, *arguments], capture_output=True, check=False, timeout=100, cwd=cwd, text=True
    )
    return done.returncode, done.stdout, done.stderr


def both(*arguments: str, cwd: Path) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """Run a program with Python, and with ``tfclient run``."""
    return python(*arguments, cwd=cwd), python("-c", MAIN, "run", *arguments, cwd=cwd)


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return str(path)


PROGRAMS = {
    "what it sees of itself": """
        import sys
        main = sys.modules["__main__"]
        print(sys.argv, sys.path, __name__, __file__, __spec__ and __spec__.name, __package__, __cached__)
        print(__doc__, __annotations__)
        print(type(__loader__).__name__, __builtins__, main.__dict__ is globals(), sorted(globals()))
        """,
    "what is beside it": "import beside; print(beside.__file__)",
    "a status": "import sys; sys.exit(3)",
    "a last word": "import sys; sys.exit('no more')",
    "an end without a word": "import os; os._exit(7)",
    "an exception": """
        def fail(): raise ValueError("broken")
        def work():
            try: fail()
            except ValueError as error: raise KeyError("lost") from error
        work()
        """,
    "a hook of its own": """
        import sys, traceback
        def hook(kind, error, trace):
            print("hook", kind, error, [each.name for each in traceback.extract_tb(trace)])
            print(error.__traceback__ is trace)
        sys.excepthook = hook
        def fail(): raise ValueError("broken")
        fail()
        """,
    "no Python at all": "def broken(:",
    "another encoding": "# -*- coding: latin-1 -*-\nprint(ascii('é'))",
    "an interrupt": "raise KeyboardInterrupt",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "a signal that Python turns into an interrupt": """
        import os, signal, time
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, flush=True)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
        """,
    "threads and what comes at the end": """
        import atexit, pickle, threading, time
        class Thing: pass
        atexit.register(lambda: print("exit", pickle.loads(pickle.dumps(Thing())).__class__ is Thing))
        def work():
            time.sleep(0.2)
            print("thread", pickle.loads(pickle.dumps(Thing())).__class__ is Thing)
        threading.Thread(target=work).start()
        print("end")
        """,
    "an exception in a thread": """
        import threading
        threading.excepthook = lambda args: print(args.exc_type, args.exc_value)
        thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()
        """,
    "processes": """
        import multiprocessing
        def square(n): return n * n
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(square, [1, 2, 3]))
        """,
    "futures": "from __future__ import annotations\ndef f(x: nothing): pass\nprint(f.__annotations__)",
    "a flag that is also ours": "import sys; print(sys.argv[1:])",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_file(name: str, tmp_path: Path) -> None:
    written(tmp_path / "inside" / "beside.py", "")
    encoding = "latin-1" if "latin-1" in PROGRAMS[name] else "utf-8"
    program = tmp_path / "inside" / "program.py"
    program.write_bytes(textwrap.dedent(PROGRAMS[name]).encode(encoding))
    plain, ours = both("inside/program.py", "--help", "-m", "x", cwd=tmp_path)
    assert ours == plain
    assert not (tmp_path / "inside" / "__pycache__" / f"program.{sys.implementation.cache_tag}.pyc").exists()


@pytest.mark.parametrize("name", ["what it sees of itself", "processes", "an interrupt", "a status"])
@pytest.mark.parametrize("module", ["program", "package", "package.inner"])
def test_a_module(name: str, module: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    for path in (tmp_path / "program.py", package / "__main__.py", package / "inner.py"):
        written(path, PROGRAMS[name])
    written(package / "__init__.py", "")
    if (name, module) == ("processes", "package"):
        pytest.skip("Python itself does not spawn from a package's __main__")
    plain, ours = both("-m", module, "--help", cwd=tmp_path)
    plain_words, our_words = (each[2].replace("\n", " ").split("  File ")[-1] for each in (plain, ours))
    assert (ours[:2], our_words) == (plain[:2], plain_words)


def test_a_folder_and_an_archive(tmp_path: Path) -> None:
    written(tmp_path / "folder" / "__main__.py", PROGRAMS["what is beside it"])
    written(tmp_path / "folder" / "beside.py", "")
    with zipfile.ZipFile(tmp_path / "program.zip", "w") as archive:
        for name in ("__main__.py", "beside.py"):
            archive.write(tmp_path / "folder" / name, name)
    for path in ("folder", "program.zip"):
        plain, ours = both(path, cwd=tmp_path)
        assert ours == plain
        assert plain[0] == 0


def test_a_program_that_is_reached_by_a_link(tmp_path: Path) -> None:
    written(tmp_path / "there" / "program.py", PROGRAMS["what is beside it"])
    written(tmp_path / "there" / "beside.py", "")
    (tmp_path / "link.py").symlink_to(tmp_path / "there" / "program.py")
    plain, ours = both("link.py", cwd=tmp_path)
    assert ours == plain
    assert plain[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing.py",),
        ("-m", "nothing"),
        ("-m", "nothing.inside"),
        ("-m", "empty"),
        ("-m", "json.nothing"),
        ("bare",),
    ],
)
def test_what_is_not_there(arguments: tuple[str, ...], tmp_path: Path) -> None:
    written(tmp_path / "empty" / "__init__.py", "")
    (tmp_path / "bare").mkdir()
    plain, ours = both(*arguments, cwd=tmp_path)
    assert ours[0] == plain[0]
    assert ours[2].startswith("tfclient run: ")
    assert ours[2].partition(": ")[2] == plain[2].partition(": ")[2]


def test_a_module_whose_package_cannot_be_imported(tmp_path: Path) -> None:
    written(tmp_path / "package" / "__init__.py", "import not_there_at_all")
    _, ours = both("-m", "package.inner", cwd=tmp_path)
    assert ours[0] == 1
    assert ours[2].endswith("No module named 'not_there_at_all'\n")


ASKS = """
    import sys
    {first}
    import openai
    client = openai.OpenAI(base_url=sys.argv[1], api_key="k")
    print(client.responses.create(model="m", input="Hi").output_text)
    """


@pytest.mark.parametrize(
    "first",
    [
        "",
        "from openai import OpenAI",
        "import tfclient",
        "from tfclient import TracedOpenAI, Recorder",
        "import tfclient.capture.seams",
        "import importlib.util; assert importlib.util.find_spec('openai').loader.get_source('openai')",
        "import os; os.chdir('/')",
    ],
)
def test_its_clients_are_recorded(
    first: str, server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always(answer("Hello!"))
    monkeypatch.delenv("THOUGHTFLOW_DIR")
    program = written(tmp_path / "program.py", ASKS.format(first=first))
    if "chdir" in first:
        monkeypatch.setenv("THOUGHTFLOW_DIR", str(tmp_path / ".thoughtflow"))
    assert python("-c", MAIN, "run", program, server.url, cwd=tmp_path) == (0, "Hello!\n", "")
    _, said, _ = python("-c", MAIN, "list", "--json", cwd=tmp_path)
    assert '"Hi"' in said


def test_a_program_without_a_client_leaves_nothing(tmp_path: Path, own_environment: Path) -> None:
    program = written(
        tmp_path / "program.py",
        """
        import sys
        heavy = {"openai", "typer", "rich", "tfclient.recorder", "tfclient.capture"}
        print(sorted(heavy & sys.modules.keys()))
        """,
    )
    assert python("-c", MAIN, "run", program, cwd=tmp_path) == (0, "[]\n", "")
    assert not own_environment.exists()


def test_an_environment_without_openai_is_not_our_fault(tmp_path: Path) -> None:
    written(tmp_path / "openai.py", "OpenAI = None")
    program = written(tmp_path / "program.py", "import openai; print(openai.OpenAI, openai.__loader__.name)")
    status, said, complained = python("-c", MAIN, "run", program, cwd=tmp_path)
    assert (status, said) == (0, "None openai\n")
    assert complained.count("Nothing is being recorded") == 1


def test_what_a_program_installs_itself_comes_first(server: ScriptedServer, tmp_path: Path) -> None:
    server.always(answer("Hello!"))
    own = "import tfclient; tfclient.install(tfclient.Recorder('own')); tfclient.install()"
    program = written(tmp_path / "program.py", ASKS.format(first=own))
    assert python("-c", MAIN, "run", program, server.url, cwd=tmp_path)[0] == 0
    assert len(list((tmp_path / "own" / "sessions").glob("*.json"))) == 1


def test_help_and_wrong_usage() -> None:
    assert "PROGRAM" in CliRunner().invoke(app, ["run", "--help"]).output
    for arguments in (["run"], ["run", "--nothing", "x.py"]):
        assert CliRunner().invoke(app, arguments).exit_code == 2


PTH = Path(__file__).parents[2] / "wheel" / "tfclient.pth"


def the_line() -> str:
    """Return what the wheel puts at the start of every interpreter."""
    if PTH.exists():
        return PTH.read_text()
    from importlib.metadata import files

    (installed,) = [each for each in files("tfclient") or () if str(each) == "tfclient.pth"]
    return installed.read_text()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "[False, False, 0]"),
        ("", "[False, False, 0]"),
        ("0", "[True, False, 0]"),
        ("1", "[True, False, 1]"),
    ],
)
def test_what_the_line_in_the_wheel_does(
    value: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "site" / "tfclient.pth", the_line())
    if value is not None:
        monkeypatch.setenv("THOUGHTFLOW_INSTALL", value)
    code = (
        "import site, sys; before = len(sys.meta_path); site.addsitedir('site');"
        "print(['tfclient' in sys.modules, 'openai' in sys.modules, len(sys.meta_path) - before])"
    )
    # `-S`: where the wheel is installed, its line has been read before.
    paths = os.pathsep.join(each for each in sys.path if each)
    monkeypatch.setenv("PYTHONPATH", paths)
    assert python("-S", "-c", code, cwd=tmp_path) == (0, f"{expected}\n", "")


def test_the_variable_records_where_the_wheel_is_installed(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import files

    if not any(str(each) == "tfclient.pth" for each in files("tfclient") or ()):
        pytest.skip("tfclient is not installed from a wheel")
    server.always(answer("Hello!"))
    monkeypatch.setenv("THOUGHTFLOW_INSTALL", "1")
    program = written(tmp_path / "program.py", ASKS.format(first=""))
    assert python(program, server.url, cwd=tmp_path) == (0, "Hello!\n", "")
    assert '"Hi"' in python("-c", MAIN, "list", "--json", cwd=tmp_path)[1]
