"""A program run as Python runs it, in this process; neither typer nor rich is loaded for it."""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import pkgutil
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from tfclient.at_import import VARIABLE, install_when_imported

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import CodeType, TracebackType


def wanted(arguments: list[str]) -> tuple[list[str], bool] | None:
    """Return the program with its arguments, and whether it is a module; None if typer has to say something.

    Args:
        arguments: the command's, behind ``run``.

    Example:
        >>> wanted(["-m", "http.server", "8000"]), wanted(["--help"])
        ((['http.server', '8000'], True), None)
    """
    as_module = arguments[:1] == ["-m"]
    program = arguments[as_module:]
    return None if not program or program[0].startswith("-") else (program, as_module)


def run_program(argv: list[str], *, as_module: bool) -> None:
    """Run a program as ``__main__``, with the seams put on its clients.

    Args:
        argv: the program, and its arguments.
        as_module: the program is the name of a module, not a path.

    Raises:
        SystemExit: there is no such program; or the program's own.
    """
    os.environ[VARIABLE] = "1"
    install_when_imported()
    try:
        sys.argv = argv
        main, code = _module(argv[0]) if as_module else _script(argv[0])
        sys.modules["__main__"] = main
        exec(code, main.__dict__)  # noqa: S102 - that is what running it means
    except SystemExit:
        raise
    except BaseException:
        # Python itself is to say it, and to end as it does; only not by way of us.
        sys.excepthook = _without_us(sys.excepthook)
        raise


def _script(path: str) -> tuple[ModuleType, CodeType]:
    where = os.path.abspath(path)  # noqa: PTH100 - a link is what it was called
    importer = pkgutil.get_importer(where)
    if importer is not None:
        # A folder or an archive with a `__main__` in it.
        _path(where)
        spec = importer.find_spec("__main__", None)
        if spec is None:
            _no(f"can't find '__main__' module in {where!r}", 1)
        return _of(spec, path)
    _path(os.path.dirname(os.path.realpath(where)))  # noqa: PTH120 - as `os` has it
    try:
        with io.open_code(where) as file:
            text = file.read()
    except OSError as error:
        _no(f"can't open file {where!r}: [Errno {error.errno}] {error.strerror}", 2)
    main = _main(file=where, package=None)
    if where.endswith(".pyc"):
        main.__loader__ = compiled = SourcelessFileLoader("__main__", where)
        return main, _there(compiled.get_code("__main__"), path)
    main.__loader__ = SourceFileLoader("__main__", where)
    return main, compile(text, where, "exec", dont_inherit=True)


def _module(name: str) -> tuple[ModuleType, CodeType]:
    sys.argv[0] = "-m"
    _path(os.getcwd())  # noqa: PTH109 - as `os` has it
    spec = _found(name)
    if spec is not None and spec.submodule_search_locations is not None:
        inside = _found(f"{name}.__main__")
        if inside is None:
            _no(f"No module named {name}.__main__; {name!r} is a package and cannot be directly executed", 1)
        spec = inside
    if spec is None:
        _no(f"No module named {name}", 1)
    return _of(spec, name)


def _found(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        if isinstance(error, ImportError) and not f"{name}.".startswith(f"{error.name}."):
            raise  # what it imports is not there
        _no(f"Error while finding module specification for {name!r} ({type(error).__name__}: {error})", 1)


def _of(spec: ModuleSpec, name: str) -> tuple[ModuleType, CodeType]:
    loader: Any = spec.loader
    code = loader.get_code(spec.name) if hasattr(loader, "get_code") else None
    main = _main(file=spec.origin, package=spec.parent)
    main.__spec__, main.__loader__ = spec, loader
    main.__dict__["__cached__"] = spec.cached
    if sys.argv[0] == "-m":
        sys.argv[0] = spec.origin or name
    return main, _there(code, name)


def _main(*, file: str | None, package: str | None) -> ModuleType:
    main = ModuleType("__main__")
    main.__package__ = package
    main.__dict__.update(__file__=file, __cached__=None, __builtins__=builtins, __annotations__={})
    return main


def _path(first: str) -> None:
    """Put first where imports are looked for, in place of where the command lies."""
    if not sys.flags.safe_path:
        sys.path[:1] = [first]


def _there(code: CodeType | None, name: str) -> CodeType:
    return _no(f"No code object available for {name}", 1) if code is None else code


def _no(what: str, status: int) -> NoReturn:
    sys.stderr.write(f"tfclient run: {what}\n")
    raise SystemExit(status)


def _without_us(hook: Any) -> Any:
    def shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.excepthook = hook
        rest = each = trace
        while each is not None:
            of, each = each.tb_frame.f_code, each.tb_next
            if of in {run_program.__code__, _script.__code__}:
                rest = each
        hook(kind, error.with_traceback(rest), rest)

    return shown
