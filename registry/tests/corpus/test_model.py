"""Any series of changes, against a dictionary."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.filters import fields_of
from retrieverkit_core.nodes import Document, Node

doc_ids = st.sampled_from("abcdef")
values = st.sampled_from([1, 2.5, True, None, "x", "2020-01-01", ["x", 1], {"k": 1}])
contents = st.tuples(
    st.text(max_size=5), st.dictionaries(st.sampled_from(["p", "q"]), values, max_size=2), st.integers(0, 3)
)


def made(doc_id, content):
    text, metadata, pieces = content
    nodes = [Node(f"{text}{i}", f"{doc_id}#{i}", dict(metadata)) for i in range(pieces)]
    return Document(text, doc_id, dict(metadata)), nodes


class CorpusMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "corpus.sqlite"
        self.corpus = SQLiteCorpus.open(self.path)
        self.model = {}
        self.history = [(self.corpus.head(), {})]
        self.forgotten = []

    def teardown(self):
        self.corpus.close()
        shutil.rmtree(self.folder)

    def stored(self):
        with self.corpus.snapshot() as snapshot:
            return {item.ordinal: item.node for item in snapshot.nodes()}

    def remember(self):
        if self.corpus.head() != self.history[-1][0]:
            self.history.append((self.corpus.head(), self.stored()))

    @rule(documents=st.dictionaries(doc_ids, contents, max_size=4))
    def replace(self, documents):
        given = [made(doc_id, content) for doc_id, content in documents.items()]
        same = {doc.id for doc, nodes in given if repr(self.model.get(doc.id)) == repr((doc, nodes))}
        report = self.corpus.replace(given)
        assert set(report.unchanged) == same
        assert set(report.added) == documents.keys() - self.model.keys()
        assert set(report.changed) == documents.keys() & self.model.keys() - same
        self.model.update({doc.id: (doc, nodes) for doc, nodes in given})
        self.remember()

    @rule(ids=st.lists(doc_ids, max_size=3))
    def delete(self, ids):
        report = self.corpus.delete(ids)
        assert set(report.removed) == set(ids) & self.model.keys()
        assert set(report.missing) == set(ids) - self.model.keys()
        for doc_id in ids:
            self.model.pop(doc_id, None)
        self.remember()

    @rule()
    def reopen(self):
        self.corpus.close()
        self.corpus = SQLiteCorpus.open(self.path)

    @rule()
    def keep_a_copy(self):
        self.corpus.close()
        shutil.copy(self.path, self.folder / "copy")
        self.kept = (dict(self.model), list(self.history))
        self.corpus = SQLiteCorpus.open(self.path)

    @precondition(lambda self: (self.folder / "copy").exists())
    @rule()
    def put_the_copy_back(self):
        self.corpus.close()
        shutil.copy(self.folder / "copy", self.path)
        held = {cursor for cursor, _ in self.kept[1]}
        self.forgotten += [(cursor, before) for cursor, before in self.history if cursor not in held]
        self.model, self.history = dict(self.kept[0]), list(self.kept[1])
        self.corpus = SQLiteCorpus.open(self.path)

    @invariant()
    def agrees_with_the_model(self):
        nodes = {node.id: node for _, nodes in self.model.values() for node in nodes}
        stored = self.stored()
        assert {node.id: repr(node) for node in stored.values()} == {i: repr(node) for i, node in nodes.items()}
        assert len(stored) == self.corpus.count() == len(nodes)
        assert self.corpus.fetch(list(stored)) == list(stored.values())
        assert self.corpus.get(list(nodes)) == list(nodes.values())
        assert {i: self.corpus.document(i) for i in self.corpus.document_ids()} == {
            i: doc for i, (doc, _) in self.model.items()
        }
        kinds = {}
        for node in nodes.values():
            for key, kind in fields_of(node.metadata):
                kinds.setdefault(key, set()).add(kind)
        assert self.corpus.fields() == kinds
        assert self.corpus.check() == []

    @invariant()
    def every_place_leads_to_now(self):
        """Removed and added since any place, applied to what was there then, give what is there now.

        A place of another time line is not held, unless the same changes have led to it again.
        """
        stored = self.stored()
        assert all(self.corpus.holds(cursor) for cursor, _ in self.history)
        with self.corpus.snapshot() as snapshot:
            for cursor, before in [*self.history, *self.forgotten]:
                if not self.corpus.holds(cursor):
                    continue
                removed = set(snapshot.removed(cursor))
                added = {item.ordinal: item.node for item in snapshot.added(cursor)}
                assert {o: n for o, n in before.items() if o not in removed} | added == stored
                assert not removed & added.keys()


TestCorpus = CorpusMachine.TestCase
TestCorpus.settings = settings(max_examples=settings.default.max_examples // 2, stateful_step_count=20)
