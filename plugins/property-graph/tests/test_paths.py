"""Walks against a brute-force oracle over the triples themselves."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core.nodes import Node
from retrieverkit_property_graph.extraction.given import GivenTriples
from retrieverkit_property_graph.graph.index import GraphIndex
from retrieverkit_property_graph.paths import as_json, walk
from retrieverkit_testkit.memory_corpus import MemoryCorpus

NAMES = [f"e{n}" for n in range(7)]
TRIPLES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["knows", "likes"]), st.sampled_from(NAMES)), max_size=14
)


def graph_of(nodes, folder):
    """Return a corpus with a node for each list of triples, and the reader of its graph."""
    corpus = MemoryCorpus()
    corpus.add(
        *(Node(text=f"t{at}", id=f"n{at}", metadata={"triples": [*map(list, own)]}) for at, own in enumerate(nodes))
    )
    return corpus, GraphIndex(corpus, folder, GivenTriples())


def told(steps):
    return [(step["subject"], step["relation"], step["object"]) for step in steps]


def distances(triples, starts):
    """Return how many relations each one is away from the nearest start, by breadth-first search."""
    known = dict.fromkeys(starts, 0)
    queue = deque(starts)
    while queue:
        at = queue.popleft()
        for subject, _, object_ in triples:
            for here, there in ((subject, object_), (object_, subject)):
                if here == at and there not in known:
                    known[there] = known[at] + 1
                    queue.append(there)
    return {
        triple: 1 + min(known[end] for end in (triple[0], triple[2]) if end in known)
        for triple in triples
        if triple[0] in known or triple[2] in known
    }


@settings(max_examples=30, deadline=None)
@given(nodes=st.lists(TRIPLES, min_size=1, max_size=3), starts=st.permutations(NAMES), depth=st.integers(1, 4))
def test_each_relation_is_reached_once_by_a_shortest_path(tmp_path_factory, nodes, starts, depth):
    corpus, index = graph_of(nodes, tmp_path_factory.mktemp("graph"))
    with index.reader().view(None) as view:
        there = view.find(starts[:2])
        known = [name for name in starts[:2] if name in there]
        paths = walk(view, [there[name] for name in known], depth=depth, limit=1000)
        steps = [told(path) for path in as_json(view, paths, corpus)]
        shorter = walk(view, [there[name] for name in known], depth=depth, limit=3)
    away = {triple: far for triple, far in distances({t for own in nodes for t in own}, known).items() if far <= depth}
    assert {path[-1]: len(path) for path in steps} == away
    assert len(steps) == len(away)
    assert [len(path) for path in steps] == sorted(len(path) for path in steps)
    assert shorter == paths[:3]
    for path in steps:
        reached = set(known)
        for subject, _, object_ in path:
            assert reached & {subject, object_}
            reached |= {subject, object_}


def test_an_entity_with_very_many_relations_leaves_room_for_the_others(tmp_path):
    hub = [("hub", "has", f"part {n}") for n in range(50)]
    corpus, index = graph_of([hub, [("rim", "is", "round"), ("rim", "is", "thin")]], tmp_path)
    with index.reader().view(None) as view:
        there = view.find(["hub", "rim"])
        paths = walk(view, [there["hub"], there["rim"]], limit=5)
        steps = as_json(view, paths, corpus)
    assert [told(path)[0][2] for path in steps] == ["part 0", "round", "part 1", "thin", "part 10"]


def test_a_step_names_nodes_that_support_it_and_none_that_may_not_be_seen(tmp_path):
    corpus, index = graph_of([[("Ada", "wrote", "notes")]] * 5, tmp_path)
    with index.reader().view([2, 4]) as view:
        (path,) = walk(view, view.find(["ADA"]).values())
        assert as_json(view, [path], corpus) == [
            [{"subject": "Ada", "relation": "wrote", "object": "notes", "nodes": ["n1", "n3"]}]
        ]
    with index.reader().view(None) as view:
        ((step,),) = as_json(view, walk(view, view.find(["ada"]).values()), corpus)
        assert step["nodes"] == ["n0", "n1", "n2"]
        corpus.delete("n1")
        ((step,),) = as_json(view, walk(view, view.find(["ada"]).values()), corpus)
        assert step["nodes"] == ["n0", "n2"]


@pytest.mark.parametrize("limits", [{"limit": 0}, {"depth": 0}])
def test_no_depth_or_no_room_is_no_path(tmp_path, limits):
    _, index = graph_of([[("Ada", "wrote", "notes")]], tmp_path)
    with index.reader().view(None) as view:
        assert walk(view, view.find(["Ada"]).values(), **limits) == []
        assert walk(view, []) == []
