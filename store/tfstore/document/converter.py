"""The one cattrs converter: how documents look as JSON, and how JSON becomes documents again.

=================== ==========================================================================
on disk              in Python
=================== ==========================================================================
null                 ``None``; kept in sessions, runs and lineage, left out of steps
absent in a step     the field's default (``None``, empty list, empty object)
a label, a status    the word as it stands, also one that ``labels`` does not know
``error.class``      ``ErrorInfo.class_``
``depends_on: "x"``  ``["x"]`` (early documents wrote one string)
=================== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_origin

from attrs import NOTHING, fields
from cattrs import Converter
from cattrs.fns import identity
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from tfstore.document.documents import (
    Attempt,
    ErrorInfo,
    Integrity,
    Json,
    Latency,
    Played,
    ProgramFailure,
    Redaction,
    RedactionMark,
    Replay,
    Run,
    Session,
    Step,
    Summary,
    Usage,
)
from tfstore.document.labels import SCHEMA_VERSION
from tfstore.errors import NewerDocument

if TYPE_CHECKING:
    from attrs import AttrsInstance

SPARSE = (Step, Attempt, ErrorInfo, Latency, Played, ProgramFailure, Redaction, RedactionMark, Replay)
"""Classes whose null or empty optional fields are left out of the JSON, so that the file stays readable."""

ALWAYS = frozenset({"payload_started", "payload_completed", "origin", "output_index"})

_AS_THEY_ARE: tuple[Any, ...] = (Json, list[str], str | None, int | None)
_EMPTY = frozenset({type(None), str, list, dict})
"""Types whose empty values say nothing; 0 and false do."""


def _is_word(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _configure() -> Converter:
    converter = Converter(prefer_attrib_converters=False)
    # Payloads are JSON already: looking into each of their values would cost more than all the rest.
    converter.register_unstructure_hook_func(lambda cls: cls in _AS_THEY_ARE or _is_word(cls), identity)
    # What a later version or somebody else calls a thing is a word all the same, and no error.
    converter.register_structure_hook_func(_is_word, lambda value, _: str(value))
    # Before what holds them: those ask once.
    seldom = override(omit_if_default=True)
    converter.register_unstructure_hook(
        Usage,
        make_dict_unstructure_fn(Usage, converter, audio_input_tokens=seldom, audio_output_tokens=seldom),
    )
    converter.register_unstructure_hook(
        Summary, make_dict_unstructure_fn(Summary, converter, interruptions=seldom, redactions=seldom)
    )
    converter.register_unstructure_hook(
        Integrity, make_dict_unstructure_fn(Integrity, converter, drift=seldom)
    )
    converter.register_unstructure_hook_factory(lambda cls: cls in SPARSE, _sparse_hook(converter))
    converter.register_unstructure_hook(
        Run, make_dict_unstructure_fn(Run, converter, ended_by=override(omit_if_default=True))
    )
    converter.register_unstructure_hook(Session, _unstructure_session(converter))
    converter.register_structure_hook(Step, _structure_step(converter))
    converter.register_structure_hook(
        ErrorInfo, make_dict_structure_fn(ErrorInfo, converter, class_=override(rename="class"))
    )
    return converter


def _sparse_hook(converter: Converter) -> Callable[[type[AttrsInstance]], Callable[[Any], Json]]:
    def factory(cls: type[AttrsInstance]) -> Callable[[Any], Json]:
        overrides: dict[str, Any] = {
            each.name: override(omit=True)
            for each in fields(cls)
            if each.metadata.get("in_document") is False
        }
        if cls is ErrorInfo:
            overrides["class_"] = override(rename="class")
        dense = make_dict_unstructure_fn(cls, converter, **overrides)
        # A field without a default must be there to be read again: an exception may well have no message.
        required = {each.name.rstrip("_") for each in fields(cls) if each.default is NOTHING}

        def unstructure(value: Any) -> Json:
            return {
                key: part
                for key, part in dense(value).items()
                if part or type(part) not in _EMPTY or key in required or (key in ALWAYS and part is not None)
            }

        return unstructure

    return factory


def _unstructure_session(converter: Converter) -> Callable[[Session], Json]:
    dense = make_dict_unstructure_fn(Session, converter)

    def unstructure(session: Session) -> Json:
        document: Json = dense(session)
        # Not `omit_if_default`, which puts a field behind all others: the runs come last.
        for name in ("failure", "replay", "raw"):
            if not document[name]:
                del document[name]
        return document

    return unstructure


def _structure_step(converter: Converter) -> Callable[[Any, type], Step]:
    dense = make_dict_structure_fn(Step, converter)

    def structure(value: Any, cls: type) -> Step:
        if isinstance(value.get("depends_on"), str):
            value = {**value, "depends_on": [value["depends_on"]]}
        return dense(value, cls)

    return structure


_converter = _configure()


def to_json(session: Session) -> Json:
    """Return the session as the object that its document holds; payloads in it are the session's own.

    Example:
        >>> from tfstore.document.documents import Session
        >>> to_json(Session(session_id="sess_20260101T000000Z_00000000"))["schema_version"]
        'thoughtflow/1'
    """
    document: Json = _converter.unstructure(session)
    return {"schema_version": document.pop("schema_version"), **document}


def run_to_json(run: Run) -> Json:
    """Return one run as it stands in its session's document."""
    return _converter.unstructure(run)  # type: ignore[no-any-return]


def step_to_json(step: Step) -> Json:
    """Return one step as it stands in its session's document."""
    return _converter.unstructure(step)  # type: ignore[no-any-return]


def from_json(document: Json) -> Session:
    """Return the session that a document holds, each step told which session and run it is in.

    Raises:
        NewerDocument: the document was made by a later version of tfclient.
    """
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise NewerDocument(str(document.get("session_id")), version, SCHEMA_VERSION)
    session = _converter.structure(document, Session)
    for run in session.runs:
        for step in run.steps:
            step.session_id, step.run_id = session.session_id, run.run_id
    return session
