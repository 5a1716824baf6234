"""A session as a bundle: a store in a zip, with what is to be known of it before it is passed on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from tfclient.export.derived import Asked, Derived, derive
from tfclient.export.replayable import Replayable, replayable
from tfclient.finishing.rebuilding import verify
from tfstore.bundles import manifest
from tfstore.bundles.manifest import Listed
from tfstore.bundles.zipping import Member, write_zip
from tfstore.disk.files import unfinished
from tfstore.disk.paths import open_private
from tfstore.document.json_text import readable
from tfstore.document.labels import SCHEMA_VERSION
from tfstore.errors import StoreError
from tfstore.journal import archive
from tfstore.journal.reading import live_writers
from tfstore.journal.segment_reader import segment_files
from tfstore.keeping.blob_uses import placed
from tfstore.keeping.doctor import examine
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfstore.document.documents import Json, Session
    from tfstore.keeping.problems import Problem

_NO_RULE: Final = (
    *("names of people", "postal addresses and telephone numbers", "names of hosts, IP addresses and URLs"),
    *("file paths that begin nowhere (src/app.py)", "what is in pictures, sound and other files"),
)
_ASKED_FOR: Final = {"paths": "absolute file paths", "emails": "e-mail addresses"}
_OF_CONTENT: Final = (
    *("names of tools and models, ids, URLs", "words so short that they can be guessed from their hash"),
)

_README: Final = """\
{name}: a recorded session, as a bundle of tfclient.

To look at it:

    pip install "tfclient[view]"
    tfclient open {file} show
    tfclient open {file} view

Each command runs on a private copy; nothing of this file is run, and it is looked at before it is used.

Without tfclient: unpack it as any zip file. sessions/{name}.json is the session, to be read with any
JSON reader; sessions/{name}.d2 its diagram (https://d2lang.com); archive/{name}.tfz its journal,
which `zstd -dc` prints; blobs/ what was too long for the document. page.html shows the session in a browser, without
any network: open it only if you trust whoever gave you this file.

bundle.json lists what is in here, what was replaced, and what no rule looked for. report.json says whether the
session was sound when this was made.
"""


class NotBundled(StoreError):
    """A session that cannot be passed on now; the message says why."""


@frozen
class Bundle:
    """A session ready to be passed on.

    ``recorded_with`` is the redaction policy that it was recorded with; ``recorded`` and ``replaced`` count the values
    that were replaced, by the rule: when it was recorded, and now. ``no_rule`` is what nothing looked for, ``left_out``
    what should be in it and is not, each with why.
    """

    session: Session
    recorded_with: str
    members: list[Member]
    files: list[Listed]
    recorded: Counter[str]
    replaced: Counter[str]
    no_rule: list[str]
    replay: Replayable
    problems: list[Problem]
    derived: Derived | None = None
    left_out: dict[str, str] = field(factory=dict[str, str])

    @property
    def told(self) -> Json:
        """What ``bundle.json`` says besides the files."""
        redaction = self.session.redaction
        derived = self.derived
        return {
            "made_by": {
                "tfclient": _version(),
                "document": SCHEMA_VERSION,
                "journal": 1,
                "archive": archive.FORMAT,
            },
            "redaction": {
                "recorded_with": self.recorded_with,
                "mode": redaction.mode,
                "when_recorded": dict(sorted(self.recorded.items())),
                "now": dict(sorted(self.replaced.items())),
                "no_rule_looks_for": self.no_rule,
                "not_looked_at": 0 if derived is None else derived.not_looked_at,
            },
            "derived_from": None if derived is None else derived.derived_from,
            "replay": self.replay.as_json(),
            "left_out": self.left_out,
        }

    def write(self, target: Path) -> int:
        """Write the bundle, whole or not at all, for nobody else to read; return its bytes.

        Raises:
            OSError: it cannot be written; what was there before is untouched.
        """
        text = manifest.text_of(self.session.session_id, self.told, self.files)
        beside = unfinished(target)
        try:
            with os.fdopen(open_private(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL), "w+b") as file:
                write_zip(file, text, self.members)
            size = beside.stat().st_size
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return size


@contextmanager
def bundled(store: Store, session_id: str, redact: Sequence[Asked] = ()) -> Iterator[Bundle]:
    """Make a session's bundle, to be looked at and written while the block lasts.

    Args:
        store: where the session is; nothing is changed there.
        session_id: which one.
        redact: what is to be replaced besides what was when it was recorded.

    Raises:
        NotBundled: it is not closed.
        NotDerivable: nothing can be replaced in it.
        StoreError, OSError: something cannot be read, or there is no room for a copy.

    Example:
        >>> from tfclient import Recorder, open_store
        >>> folder = Path(tempfile.mkdtemp())
        >>> with Recorder(folder).session(title="A trial") as session:
        ...     session.annotate("note", {"mail": "ada@example.com"})
        >>> _ = session.wait()
        >>> with bundled(open_store(folder), session.id, ["emails"]) as bundle:
        ...     dict(bundle.replaced), bundle.write(folder / "trial.tfbundle") > 0
        ({'email': 1}, True)
    """
    session = store.get(session_id)
    if live_writers(store.paths, session_id) or session.status != "closed":
        raise NotBundled(
            f"Session {session_id} is not closed: a bundle holds what does not change any more. "
            "End it where it is recorded; of one that nobody writes to, `tfclient doctor` says what is wrong."
        )
    with tempfile.TemporaryDirectory(prefix="tfclient-bundle-") as folder:
        copy = Store(Path(folder) / "store", create=True)
        derived = derive(store, session_id, copy, redact) if redact else None
        if derived is None:
            _copy(store, session_id, copy)
        yield _bundle(copy, session_id, derived, session.redaction.mode)


def _copy(store: Store, session_id: str, into: Store) -> None:
    paths = store.paths
    files = [paths.document(session_id), paths.diagram(session_id), paths.archived(session_id)]
    files += segment_files(paths, session_id)
    files += [path for each in placed(store, session_id) if (path := store.blobs.find(each)) is not None]
    for path in files:
        if path.is_file() and not path.is_symlink():
            target = into.paths.root / path.relative_to(paths.root)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(path, target, follow_symlinks=False)


def _bundle(store: Store, session_id: str, derived: Derived | None, recorded_with: str) -> Bundle:
    session = store.get(session_id)
    entries, _ = store.journal(session_id)
    asked = [] if derived is None else derived.derived_from["redact"]
    problems = [*verify(store, session_id).problems, *examine(store)]
    problems = list(dict.fromkeys(_told_anywhere(store, each) for each in problems))
    left_out: dict[str, str] = {}
    page = _page(store, session_id, left_out)
    report = readable({"sound": all(each.harmless for each in problems), "problems": [
        {name: value for name, value in each.as_json().items() if name != "mend"} for each in problems
    ]})  # fmt: skip
    words = _README.format(name=session_id, file=f"{session_id}.tfbundle")
    members = [Member(manifest.README, words.encode()), Member(manifest.REPORT, report)]
    members += [] if page is None else [Member(manifest.PAGE, page)]
    members += _files(store, session_id)
    replaced = Counter[str]() if derived is None else derived.counts
    marks = Counter[str](
        str(each.get("rule"))
        for entry in entries
        for each in entry.get("redactions") or ()
        if isinstance(each, dict) and not each.get("again")
    )
    return Bundle(
        session,
        recorded_with,
        members,
        [each.listed() for each in members],
        marks - replaced,
        replaced,
        _unlooked(session, asked),
        replayable(session, entries, store.blobs, asked if replaced else ()),
        problems,
        derived,
        left_out,
    )


def _files(store: Store, session_id: str) -> Iterator[Member]:
    root = store.paths.root
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if manifest.belongs(name, session_id):
            yield Member(name, path)


def _told_anywhere(store: Store, problem: Problem) -> Problem:
    """Give a problem without the place of the copy in it, which is nobody's, and another one each time."""
    root = store.paths.root
    path = None if problem.path is None else problem.path.relative_to(root)
    return evolve(problem, detail=problem.detail.replace(f"{root}{os.sep}", ""), path=path)


def _page(store: Store, session_id: str, left_out: dict[str, str]) -> bytes | None:
    from tfclient.view import ViewError, html_file

    try:
        return html_file(store, session_id).encode("utf-8", "replace")
    except ViewError as error:
        left_out[manifest.PAGE] = str(error)
        return None


def _unlooked(session: Session, asked: Sequence[str]) -> list[str]:
    if session.redaction.mode == "content":
        return [*_OF_CONTENT]
    keys = ["keys and passwords in texts: it was recorded with redact=None"]
    return [
        *(keys if session.redaction.mode == "none" else []),
        *(words for name, words in _ASKED_FOR.items() if name not in asked),
        *_NO_RULE,
    ]


def _version() -> Any:
    return next((each.version for each in metadata.distributions(name="tfclient")), None)
