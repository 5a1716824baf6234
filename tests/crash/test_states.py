"""Opening, recording, ending, crashing, recovering, packing, rebuilding, in any order: the store stays true."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.crash.program import answer
from tfclient.finishing.last_steps import claim_and_write
from tfclient.finishing.live import LiveSession
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.finishing.recovery import recover, unarchived
from tfstore.document.json_text import compact
from tfstore.journal.reading import Segment
from tfstore.store import Store

IDS = st.sampled_from(["sess_a", "sess_b", "sess_c"])


class Keeping(RuleBasedStateMachine):
    """Writers come and go in three sessions; the model is what each acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.store = Store(self.root, create=True)
        self.writing: dict[str, list[Segment]] = {}
        self.asked: dict[str, list[str]] = {}
        self.count = 0
        self.now = 1_788_340_440_000_000

    def teardown(self) -> None:
        for segments in self.writing.values():
            for segment in segments:
                segment.close()
        shutil.rmtree(self.root)

    def tell(self, segment: Segment, *entries: dict[str, Any]) -> None:
        self.now += 1000
        segment.append(*({"at": self.now, "mono": 1, **entry} for entry in entries))

    @rule(session_id=IDS)
    def open(self, session_id: str) -> None:
        segment = Segment.open(self.store.paths, session_id)
        self.writing.setdefault(session_id, []).append(segment)
        self.asked.setdefault(session_id, [])
        self.tell(segment, {"type": "session.started", "journal_version": 1, "title": session_id})

    @precondition(lambda self: self.living())
    @rule(data=st.data(), answered=st.booleans())
    def record(self, data: st.DataObject, *, answered: bool) -> None:
        session_id, segment = data.draw(st.sampled_from(self.living()))
        self.count += 1
        question = f"question_{self.count}"
        call, exchange = f"c{self.count}", f"c{self.count}.1"
        sent = {"type": "attempt.sent", "call": call, "exchange_id": exchange, "n": 1, "method": "POST"}
        url, body = (
            "https://api.openai.com/v1/responses",
            {"text": compact({"model": "m", "input": question}).decode()},
        )
        self.tell(
            segment,
            {"type": "call.started", "call": call, "method": "POST", "path": "/responses", "stream": False},
            {**sent, "url": url, "headers": {}, "body": body},
        )
        self.asked[session_id].append(question)
        if answered:
            told = {"text": compact(answer(question)).decode()}
            entry = {"type": "attempt.answered", "exchange_id": exchange, "status": 200, "headers": {}}
            self.tell(segment, {**entry, "body": told, "complete": True})

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        session_id, segment = data.draw(st.sampled_from(self.living()))
        self.tell(segment, {"type": "session.ended", "end_reason": "closed"})
        segment.close()
        self.writing[session_id].remove(segment)
        claim_and_write(LiveSession(self.store, session_id))

    @precondition(lambda self: self.living())
    @rule(data=st.data(), torn=st.binary(max_size=30))
    def crash(self, data: st.DataObject, torn: bytes) -> None:
        session_id, segment = data.draw(st.sampled_from(self.living()))
        self.writing[session_id].remove(segment)
        segment.close()
        with segment.path.open("ab") as file:
            file.write(torn.replace(b"\n", b""))

    @rule()
    def recover_all(self) -> None:
        list(recover(self.store))
        assert unarchived(self.store) == []

    @precondition(lambda self: self.store.recorded())
    @rule(data=st.data())
    def rebuild_one(self, data: st.DataObject) -> None:
        session_id = data.draw(st.sampled_from(self.store.recorded()))
        rebuild(self.store, session_id)
        assert not rebuild(self.store, session_id).changed

    @precondition(lambda self: self.store.recorded())
    @rule(data=st.data())
    def lose_what_can_be_made_again(self, data: st.DataObject) -> None:
        session_id = data.draw(st.sampled_from(self.store.recorded()))
        if not any(segments for name, segments in self.writing.items() if name == session_id):
            self.store.paths.document(session_id).unlink(missing_ok=True)
            self.store.paths.diagram(session_id).unlink(missing_ok=True)
            rebuild(self.store, session_id)

    @invariant()
    def all_that_was_acknowledged_is_there(self) -> None:
        for session_id, questions in self.asked.items():
            entries, report = self.store.journal(session_id)
            sent = [entry["body"]["text"] for entry in entries if entry["type"] == "attempt.sent"]
            assert len(sent) == len(questions)
            assert all(f'"{question}"' in text for question, text in zip(questions, sent, strict=True))
            assert not report.broken_chain
            assert not report.gaps

    @invariant()
    def closed_documents_tell_all_of_it(self) -> None:
        for session_id in self.store.ids():
            session = self.store.get(session_id)
            if (
                session.status == "closed"
                and session_id not in unarchived(self.store)
                and not self.alive(session_id)
            ):
                assert [run.input_text for run in session.runs] == self.asked[session_id]
                assert {each.kind for each in verify(self.store, session_id).problems} <= {"torn"}
                assert self.store.paths.diagram(session_id).is_file()
                assert {row.session_id: row.status for row in self.store.list()}[session_id] == "closed"

    def living(self) -> list[tuple[str, Segment]]:
        return [(name, segment) for name, segments in self.writing.items() for segment in segments]

    def alive(self, session_id: str) -> bool:
        return bool(self.writing.get(session_id))


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(
    max_examples=300 if os.environ.get("TFCLIENT_LONG_TESTS") else 25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
