import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node, NodeRelationship
from retrieverkit_indexing.metadata import MetadataIndex
from retrieverkit_indexing.metadata import _reader as reader_module

oracle = pytest.importorskip("retrieverkit_testkit.filters_oracle", reason="needs retrieverkit-testkit")
unhurried = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def passing(corpus, tree):
    """The ordinals that pass, by the oracle; the compiled rule must say the same."""
    plain = tree.model_dump(mode="json")
    found = [o for o, node in sorted(corpus.stored.items()) if oracle.oracle_matches(plain, node.metadata)]
    assert found == [o for o, node in sorted(corpus.stored.items()) if tree.matches(node.metadata)]
    return found


@given(
    metadatas=st.lists(oracle.metadatas(), max_size=12),
    trees=st.lists(oracle.filter_trees(), min_size=1, max_size=12),
)
@settings(max_examples=3 * settings.default.max_examples, **unhurried)
def test_every_tree_gives_what_the_rules_say(new_corpus, tmp_path_factory, metadatas, trees):
    corpus = new_corpus()
    for i, metadata in enumerate(metadatas):
        corpus.add(Node(id=str(i), metadata=metadata))
    reader = MetadataIndex(corpus, tmp_path_factory.mktemp("s")).reader()
    for tree in trees:
        assert reader.ordinals_of(tree).tolist() == passing(corpus, tree), tree


@given(values=st.lists(oracle.scalars(), min_size=8, max_size=40), leaf=oracle.leaves())
@settings(max_examples=3 * settings.default.max_examples, **unhurried)
def test_values_of_every_kind_in_one_field(new_corpus, tmp_path_factory, values, leaf):
    corpus = new_corpus()
    for i, value in enumerate(values):
        corpus.add(Node(id=str(i), metadata={leaf["key"]: value if i % 3 else [value, values[i - 1]]}))
    reader = MetadataIndex(corpus, tmp_path_factory.mktemp("s")).reader()
    tree = MetadataFilters([leaf])
    assert reader.ordinals_of(tree).tolist() == passing(corpus, tree)


IDS = st.sampled_from([f"n{i}" for i in range(30)])


@pytest.fixture
def machine(new_corpus, tmp_path_factory):
    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.corpus = new_corpus()
            self.folder = tmp_path_factory.mktemp("machine")
            self.reopen()

        @rule(added=st.dictionaries(IDS, oracle.metadatas(), min_size=1, max_size=15))
        def add(self, added):
            for node_id, metadata in added.items():
                self.corpus.add(Node(id=node_id, metadata=metadata))

        @rule(ids=st.sets(IDS, min_size=1, max_size=4))
        def delete(self, ids):
            self.corpus.delete(*ids)

        @rule()
        def reopen(self):
            self.index = MetadataIndex(self.corpus, self.folder)

        @rule(trees=st.lists(oracle.filter_trees(), min_size=1, max_size=4))
        def ask(self, trees):
            reader = self.index.reader()
            for tree in trees:
                assert reader.ordinals_of(tree).tolist() == passing(self.corpus, tree)
            assert len(reader.segments) <= 6
            assert self.index.status().rebuilds == 0 and self.index.check() == []

    return Machine


def test_it_follows_the_corpus(machine):
    run_state_machine_as_test(
        machine, settings=settings(max_examples=settings.default.max_examples // 2, stateful_step_count=30, **unhurried)
    )


def test_segments_stay_few_and_removed_nodes_are_forgotten(new_corpus, tmp_path):
    corpus = new_corpus()
    for i in range(500):
        corpus.add(Node(id=f"n{i}", metadata={"i": i}))
    index = MetadataIndex(corpus, tmp_path)
    index.reader()
    sizes = set()
    for i in range(500, 620):
        corpus.add(Node(id=f"n{i}", metadata={"i": i}))
        sizes.add(len(index.reader().segments))
    assert max(sizes) <= 8
    before = index.reader()
    corpus.delete(*(f"n{i}" for i in range(150)))
    after = index.reader()
    corpus.delete(*(f"n{i}" for i in range(150, 200)))
    last = index.reader()
    every = MetadataFilters.parse("i >= 0")
    assert [int(r.allowed(every).sum()) for r in (before, after, last)] == [620, 470, 420]
    assert [len(r.ordinals) for r in (before, after, last)] == [620, 620, 420]
    assert index.status().rebuilds == 0


def test_recent_answers_are_kept_and_few(new_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(reader_module, "_REMEMBERED_TREES", 3)
    corpus = new_corpus()
    corpus.add(Node(id="a", metadata={"i": 1}))
    reader = MetadataIndex(corpus, tmp_path).reader()
    trees = [MetadataFilters.parse(f"i == {i}") for i in range(5)]
    answers = [reader.allowed(tree) for tree in trees]
    assert reader.allowed(trees[4]) is answers[4] and reader.allowed(trees[0]) is not answers[0]
    assert len(reader._answers) == 3
    with pytest.raises(ValueError):
        answers[0][0] = True


def test_a_node_with_very_many_keys(new_corpus, tmp_path):
    corpus = new_corpus()
    corpus.add(Node(id="wide", metadata={f"key{i}": i for i in range(20_000)}))
    for i in range(2000):
        corpus.add(Node(id=f"n{i}", metadata={"x": 1}))
    reader = MetadataIndex(corpus, tmp_path).reader()
    assert reader.allowed(MetadataFilters.parse("key19999 == 19999")).sum() == 1
    assert reader.allowed(MetadataFilters.parse("is_empty(key7)")).sum() == 2000


def test_nodes_are_found_by_their_ids(new_corpus, tmp_path):
    corpus = new_corpus()
    for i in range(9):
        corpus.add(Node(id=f"n{i}", relationships={NodeRelationship.SOURCE: f"d{i % 3}"}))
    index = MetadataIndex(corpus, tmp_path)
    for tree, names in (("_node_id == 'n3'", ["n3"]), ("_doc_id in ['d1']", ["n1", "n4", "n7"])):
        ordinals = index.reader().ordinals_of(MetadataFilters.parse(tree)).tolist()
        assert [node.id for node in corpus.fetch(ordinals)] == names
        corpus.add(Node(id="more", relationships={NodeRelationship.SOURCE: "d9"}))


def test_damage_is_noticed_and_mended(new_corpus, tmp_path):
    corpus = new_corpus()
    for i in range(50):
        corpus.add(Node(id=f"n{i}", metadata={"i": i, "tags": ["a", i]}))
    tree = MetadataFilters.parse("i < 10 and contains(tags, 'a')")
    for pattern in ("*.bin", "*.json", "layout.json", "removed.i64", "CURRENT"):
        for harm in (lambda data: data[: len(data) // 2], lambda data: data[:-1] + bytes([255 ^ data[-1]])):
            index = MetadataIndex(corpus, tmp_path)
            corpus.delete("n49")
            corpus.add(Node(id="n49", metadata={"i": 49}))
            index.reader()
            path = next(tmp_path.rglob(pattern))
            data = path.read_bytes()
            path.unlink()
            path.write_bytes(harm(data + b"x"))
            assert index.check() != []
            assert len(index.reader().ordinals_of(tree)) == 10
            assert index.check() == []


def test_importing_core_loads_no_numpy():
    code = "import sys, retrieverkit_core, retrieverkit_core.filters; print('numpy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
