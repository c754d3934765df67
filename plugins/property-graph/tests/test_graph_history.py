"""After any history, the graph is the one that is built of what is left; and nobody sees what is another's."""

import tempfile

import hypothesis.strategies as st
import numpy as np
from graph_model import QUERIES, Model, shown_by
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, rule

from retrieverkit_core.nodes import Node, NodeRelationship
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_property_graph.extraction import Together
from retrieverkit_property_graph.extraction.fields import EntityFields
from retrieverkit_property_graph.extraction.given import GivenTriples
from retrieverkit_property_graph.graph import index as graph_index
from retrieverkit_property_graph.graph import writing
from retrieverkit_testkit.memory_corpus import MemoryCorpus

NAMES = ["Acme", "ACME", "acme.", "Bolt", "bolt", "the sea", "Sea, the", "東京", "Zoë\x00", "C#", " screws "]
names = st.sampled_from(NAMES)
properties = st.dictionaries(
    st.sampled_from(["year", "of"]), st.sampled_from([1, "x", None, [2, {"a": 1}]]), max_size=2
)
labels = st.lists(st.sampled_from(["Company", "Place"]), max_size=2)
entities = names | st.builds(lambda n, ls, p: {"name": n, "labels": ls, "properties": p}, names, labels, properties)
relations = st.sampled_from(["acquired", "Acquired", "part of"])
relations |= st.builds(lambda n, p: {"name": n, "properties": p}, relations, properties)
triples = st.tuples(entities, relations, entities).map(list)
triples |= st.builds(lambda s, r, o: {"subject": s, "relation": r, "object": o}, entities, relations, entities)
malformed = st.sampled_from([["a"], 3, ["", "is", "blank"], {"subject": "x"}])
given_triples = st.none() | st.lists(triples | malformed, max_size=4)
metadata = st.builds(
    lambda given, author, title: {"triples": given, "author": author, "title": title},
    given_triples,
    st.sampled_from([None, "Acme", ["Ann", "Bolt"], {"x": 1}]),
    st.sampled_from([None, "The sea"]),
)
texts = st.lists(names, max_size=2).map(" and ".join)
documents = st.sampled_from(["d1", "d2", "d3", "d4"])


TABLES = ("entities", "labels", "forms", "phrases", "relations", "mentions", "supports", "nodes", "terms")


def rows_in(index):
    """Return how many rows each table has, and how often what is counted is used."""
    with index.reader()._database.reading() as connection:
        rows = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        uses = [connection.execute(f"SELECT sum(uses) FROM {table}").fetchone()[0] for table in ("forms", "phrases")]
    return rows, uses


class History(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.corpus = MemoryCorpus()
        self.extractor = Together([GivenTriples(), EntityFields(["author"])])
        self.index = graph_index.GraphIndex(self.corpus, self.folder.name, self.extractor)
        self.here = {}
        self.analyzer = Analyzer("en")
        self.version = 0

    @rule(document=documents, tenant=st.integers(0, 1), pieces=st.lists(texts, min_size=1, max_size=3), own=metadata)
    def put(self, document, tenant, pieces, own):
        self.delete(document)
        self.version += 1
        nodes = [
            Node(
                text=text,
                id=f"{document}v{self.version}#{at}",
                metadata={**{key: value for key, value in own.items() if value is not None}, "tenant": tenant},
                relationships={NodeRelationship.SOURCE: document},
            )
            for at, text in enumerate(pieces)
        ]
        self.corpus.add(*nodes)
        self.here[document] = nodes

    @rule(document=documents)
    def delete(self, document):
        self.corpus.delete(*(node.id for node in self.here.pop(document, ())))

    @rule()
    def look(self):
        self.check(None)
        self.check(0)
        self.check(1)

    def teardown(self):
        self.look()
        with tempfile.TemporaryDirectory() as other:
            fresh = graph_index.GraphIndex(self.corpus, other, self.extractor)
            assert rows_in(self.index) == rows_in(fresh)
        self.folder.cleanup()

    def check(self, tenant):
        stored = list(self.corpus.snapshot().__enter__().nodes())
        said = zip(stored, self.extractor.of_nodes(stored), strict=True)
        seen = [(node.node.id, of) for node, of in said if tenant in (None, node.node.metadata["tenant"])]
        expected = Model(seen, self.analyzer).shown()
        allowed = None
        if tenant is not None:
            allowed = np.array([o for o, node in stored if node.metadata["tenant"] == tenant], np.int64)
        ids = {ordinal: node.id for ordinal, node in stored}
        with self.index.reader().view(allowed) as view:
            assert shown_by(view, NAMES, ids) == expected
            for query in QUERIES:
                every = view.facts(query, 1000)
                assert view.facts(query, 2) == every[:2]
                assert view.facts(query, 2, ties=True) == [fact for fact in every if fact[1] >= every[:2][-1][1]]
            for entity in view.arrays().entities.tolist():
                assert view.relations_of([entity], 1) == view.relations_of([entity])[:1]


class OnlyUpdated(History):
    """No build takes the place of an update, and all is written in small pieces."""

    def __init__(self):
        super().__init__()
        self.index.rebuild_share = 1e9
        self.before = graph_index._AT_ONCE, writing.HELD
        graph_index._AT_ONCE, writing.HELD = 2, 5

    def teardown(self):
        try:
            super().teardown()
            assert self.index.status().rebuilds == 0
        finally:
            graph_index._AT_ONCE, writing.HELD = self.before


few = settings(max_examples=25, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck))
TestHistory = History.TestCase
TestHistory.settings = settings(few, max_examples=8)
TestOnlyUpdated = OnlyUpdated.TestCase
TestOnlyUpdated.settings = few
