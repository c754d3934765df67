"""`ensemble`, `recursive`, `diversify`, `exclude` and `pinned`."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_compose import (
    DiversifyRetriever,
    EnsembleRetriever,
    ExcludeRetriever,
    PinnedRetriever,
    RecursiveRetriever,
    RerankRetriever,
)
from retrieverkit_core import IndexNode, Node, NodeRelationship, NodeWithScore
from retrieverkit_core.errors import (
    ConfigError,
    DeadlineExceededError,
    FilterError,
    FilterTypeError,
    OptionError,
    RecursionLimitError,
    UnknownFieldError,
)
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_testkit.models import ScriptedModel

HOW = st.sampled_from(["sync", "async"])


def asked(retriever, query, how="sync", **limits):
    if how == "sync":
        return retriever.retrieve(query, **limits)
    return asyncio.run(retriever.aretrieve(query, **limits))


def ids(result):
    return [hit.node_id for hit in result]


def of_document(name, document, **metadata):
    return Node(id=name, text=name, metadata=metadata, relationships={NodeRelationship.SOURCE: document})


def corpus_of(*nodes):
    corpus = MemoryCorpus()
    corpus.add(*nodes)
    return corpus


# diversify


@given(
    kinds=st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30),
    most=st.integers(1, 3),
    top_k=st.integers(1, 12),
    how=HOW,
    by_field=st.booleans(),
)
def test_at_most_so_many_of_each_kind_and_as_many_as_asked_for(listed, kinds, most, top_k, how, by_field):
    nodes = [
        of_document(f"n{n}", None if by_field else kind, **({"kind": [kind]} if kind and by_field else {}))
        for n, kind in enumerate(kinds)
    ]
    for node in nodes:
        if node.relationships[NodeRelationship.SOURCE] is None:
            node.relationships = {}
    more = {"field": "kind"} if by_field else {}
    retriever = DiversifyRetriever(listed(nodes), most=most, candidates=2, **more)
    result = asked(retriever, "query", how, top_k=top_k)
    seen, expected = Counter(), []
    for n, kind in enumerate(kinds):
        seen[kind] += 1
        if kind is None or seen[kind] <= most:
            expected.append(f"n{n}")
    assert ids(result) == expected[:top_k]
    if any("left out" in note for note in result.notes):
        assert len(expected) < len(kinds)


# exclude


def test_what_is_excluded_is_never_found_whatever_the_query_filters(listed):
    nodes = [Node(id=f"n{n}", metadata={"n": n, "state": "draft" if n % 2 else "final"}) for n in range(6)]
    inner = listed(nodes)
    retriever = ExcludeRetriever(inner, "state == 'draft'")
    for how in ("sync", "async"):
        assert ids(asked(retriever, "query", how, filters="n > 0")) == ["n2", "n4"]
        assert ids(asked(retriever, "query", how, filters="state == 'draft'")) == []
    leads = IndexNode(id="leads", text="leads", index_id="x")
    mapped = listed([leads, nodes[0]], object_map={"x": nodes[1]})
    assert ids(ExcludeRetriever(mapped, "state == 'draft'").retrieve("query")) == ["n0"]
    assert retriever.plan("query").parts[0].name == "listed"
    with pytest.raises(FilterError):
        ExcludeRetriever(inner, "state ==")
    with pytest.raises(OptionError, match="would not be excluded"):
        ExcludeRetriever(listed([leads]), "state == 'draft'", object_map={"x": nodes[1]})


@pytest.mark.needs("retrieverkit_bm25")
def test_what_an_object_map_leads_to_is_excluded_too():
    from retrieverkit import Index

    objects = {"draft": Node(id="draft", metadata={"state": "draft"}), "final": Node(id="final")}
    nodes = [IndexNode(id=f"to {name}", text="pump", index_id=name) for name in objects]
    with Index.from_nodes([*nodes, Node(id="n", text="a pump", metadata={"state": "final"})]) as index:
        retriever = index.as_retriever("exclude(bm25, what=\"state == 'draft'\")", object_map=objects)
        assert sorted(ids(retriever.retrieve("pump"))) == ["final", "n"]


def test_a_model_is_asked_once_however_many_hits_are_left_out(listed):
    nodes = [Node(id=f"n{n}", text=f"query {n}", metadata={"kind": "a"}) for n in range(9)]
    model = ScriptedModel(by_words)
    inner = RerankRetriever(listed(nodes), by="llm", llm=model, candidates=5)
    retriever = DiversifyRetriever(inner, field="kind", candidates=5)
    assert len(retriever.retrieve("query")) == 1
    assert len(model.asked) == retriever.plan("query").total("llm_calls") == 1


def test_a_field_that_no_hit_has_is_told(listed):
    nodes = [Node(id=f"n{n}", metadata={"kind": "a"}) for n in range(3)]
    misspelt = DiversifyRetriever(listed(nodes), field="knid").retrieve("query")
    assert ids(misspelt) == ["n0", "n1", "n2"]
    assert misspelt.warnings == ("no hit has the metadata field 'knid', so none was left out",)
    assert DiversifyRetriever(listed(nodes), field="kind").retrieve("query").warnings == ()


# pinned


def test_pinned_nodes_come_first_where_they_pass(listed):
    nodes = [Node(id=f"n{n}", metadata={"n": n}) for n in range(5)]
    inner, corpus = listed(nodes[:4]), corpus_of(*nodes)
    retriever = PinnedRetriever(inner, corpus, ["n4", "n2", "gone", "n4"])
    for how in ("sync", "async"):
        result = asked(retriever, "query", how)
        assert ids(result) == ["n4", "n2", "n0", "n1", "n3"]
        assert result.warnings == ("1 of 3 pinned ids are not in the index",)
        assert [hit.score for hit in result] == [None, None, 1.0, 1.0, 1.0]
        assert [(e.leg, e.rank) for e in result[1].evidence] == [("pinned", 2), ("listed", 3)]
        assert ids(asked(retriever, "query", how, filters="n < 3", top_k=2)) == ["n2", "n0"]
        scoped = asked(retriever, "query", how, scope="n < 1")
        assert ids(scoped) == ["n0"] and scoped.warnings == ()
    mapped = PinnedRetriever(listed(nodes[:2]), corpus, ["n4"], object_map={"x": nodes[0]})
    assert ids(mapped.retrieve("query", filters="n < 4")) == ["n0", "n1"]
    some = PinnedRetriever(inner, corpus, ["n4"], when=["opening hours"])
    assert ids(some.retrieve("What are the OPENING hours?"))[0] == "n4"
    assert ids(some.retrieve("hours of opening"))[0] == "n0"
    with pytest.raises(OptionError):
        PinnedRetriever(inner, corpus, [])


# recursive


@given(how=HOW, chain=st.integers(1, 5))
def test_index_nodes_lead_to_the_nodes_that_they_name(listed, how, chain):
    base = Node(id="base", text="base", metadata={"ok": True})
    links = [IndexNode(id=f"i{n}", index_id=f"i{n + 1}" if n + 1 < chain else "base") for n in range(chain)]
    other = IndexNode(id="other", index_id="base")
    hits = [NodeWithScore(links[0], 0.9), NodeWithScore(other, 0.8), NodeWithScore(Node(id="plain"), 0.7)]
    result = asked(RecursiveRetriever(listed(hits), corpus_of(base, other, *links)), "query", how)
    assert [(hit.node_id, hit.score) for hit in result] == [("base", 0.9), ("plain", 0.7)]
    assert result[0].evidence[0].details["through"] == [link.id for link in links]
    assert {(each.leg, each.rank) for each in result[0].evidence} == {("listed", 1), ("listed", 2)}


def test_index_nodes_to_nowhere_to_what_is_hidden_and_in_a_circle(listed):
    nowhere = IndexNode(id="nowhere", index_id="gone", metadata={"ok": True})
    hidden = Node(id="hidden", metadata={"ok": False})
    leads = IndexNode(id="leads", index_id="hidden", metadata={"ok": True})
    inner = listed([nowhere, leads])
    result = RecursiveRetriever(inner, corpus_of(nowhere, leads, hidden)).retrieve("query", filters="ok == true")
    assert result.notes == () and ids(result) == ["nowhere"] and "1 of 2 hits lead to no node" in result.warnings[0]
    one, two = IndexNode(id="one", index_id="two"), IndexNode(id="two", index_id="one")
    with pytest.raises(RecursionLimitError):
        RecursiveRetriever(listed([one]), corpus_of(one, two)).retrieve("query")


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_metadata_field_names_the_node_that_a_hit_stands_for(listed, how):
    seven, page = Node(id="7", text="seven"), Node(id="page", text="page", metadata={"open": True})
    asked_of = [
        Node(id="q1", metadata={"answer": "page", "open": True}),
        Node(id="q2", metadata={"answer": 7}),
        Node(id="q3", metadata={"answer": "page"}),
        Node(id="q4", metadata={"answer": "gone", "open": True}),
        Node(id="q5", metadata={"answer": ""}),
    ]
    corpus = corpus_of(seven, page, *asked_of)
    retriever = RecursiveRetriever(listed(asked_of), corpus, field="answer")
    result = asked(retriever, "query", how)
    assert ids(result) == ["page", "7", "q4", "q5"] and result.notes == ()
    assert result.warnings == ("1 of 5 hits lead to no node of the index; they stay",)
    assert ids(asked(retriever, "query", how, filters="open == true")) == ["page", "q4"]
    assert ids(asked(retriever, "query", how, scope="_node_id in ['q2', 'q5']")) == ["q5"]
    misspelt = asked(RecursiveRetriever(listed(asked_of), corpus, field="answers"), "query", how)
    assert ids(misspelt) == ["q1", "q2", "q3", "q4", "q5"]
    assert misspelt.notes == ("no hit has the metadata field 'answers'",)
    one, two = (Node(id=name, metadata={"answer": other}) for name, other in (("one", "two"), ("two", "one")))
    with pytest.raises(RecursionLimitError):
        asked(RecursiveRetriever(listed([one]), corpus_of(one, two), field="answer"), "query", how)
    root, leaf = Node(id="1", metadata={"answer": 1}), Node(id="2", metadata={"answer": 1})
    itself = RecursiveRetriever(listed([leaf, root, page]), corpus_of(root, leaf, page), field="answer")
    assert ids(asked(itself, "query", how)) == ["1", "page"] and not asked(itself, "query", how).warnings
    assert ids(asked(itself, "query", how, filters="_node_id != '1'")) == ["page"]


@given(
    how=HOW,
    years=st.lists(st.integers(1, 3), min_size=1, max_size=30),
    leads=st.lists(st.integers(0, 29), max_size=40),
    owner=st.lists(st.booleans(), min_size=40, max_size=40),
    top_k=st.integers(1, 8),
)
def test_filters_hold_for_what_is_led_to_and_the_scope_for_both(listed, how, years, leads, owner, top_k):
    bases = [Node(id=f"b{n}", metadata={"year": year, "mine": True}) for n, year in enumerate(years)]
    leads = [at for at in leads if at < len(bases)]
    links = [IndexNode(id=f"i{n}", index_id=f"b{at}", metadata={"mine": owner[n]}) for n, at in enumerate(leads)]
    every = [*links, *bases]
    inner = listed([NodeWithScore(node, 1 - at / 100) for at, node in enumerate(every)])
    retriever = RecursiveRetriever(inner, corpus_of(*every))
    expected = []
    for node in every:
        base = bases[int(node.index_id[1:])] if isinstance(node, IndexNode) else node
        if node.metadata["mine"] and base.metadata["year"] >= 2 and base.id not in expected:
            expected.append(base.id)
    result = asked(retriever, "query", how, filters="year >= 2", scope="mine == true", top_k=top_k)
    assert ids(result) == expected[:top_k]


def test_what_passes_filters_is_found_however_far_down(listed):
    bases = [Node(id=f"b{n}", metadata={"year": n}) for n in range(1000)]
    links = [IndexNode(id=f"i{n}", index_id=f"b{n}") for n in range(1000)]
    inner = listed([NodeWithScore(link, 1 - at / 1000) for at, link in enumerate(links)])
    retriever = RecursiveRetriever(inner, corpus_of(*bases, *links))
    assert ids(retriever.retrieve("query", filters="year >= 990", top_k=3)) == ["b990", "b991", "b992"]
    assert [query.top_k for query in inner.asked] == [100, 400, 1600]


@pytest.mark.needs("retrieverkit_bm25")
def test_filters_of_index_nodes_in_an_index(tmp_path):
    from retrieverkit import Index

    nodes = [
        Node(id="old", text="the story", metadata={"year": 1990}),
        Node(id="new", text="the tale", metadata={"year": 2020}),
        IndexNode(id="q1", text="what about the pump?", index_id="old"),
        IndexNode(id="q2", text="why did the pump stop?", index_id="new"),
    ]
    with Index.from_nodes(nodes, tmp_path / "i.rk") as index:
        retriever = index.as_retriever("recursive(bm25)")
        result = retriever.retrieve("pump", filters="year >= 2000")
        assert ids(result) == ["new"] and result.notes == () and result.filters.leaked == ()
        assert ids(asyncio.run(retriever.aretrieve("pump", filters="year >= 2000"))) == ["new"]
        with pytest.raises(UnknownFieldError):
            retriever.retrieve("pump", filters="yaer >= 2000")
        with pytest.raises(FilterTypeError):
            retriever.retrieve("pump", filters="year >= 'late'")
        windows = index.retrieve("pump", "recursive(sentence_window(bm25))", filters="year >= 2000")
        assert ids(windows) == [] and "filters and scope hold for index nodes themselves" in windows.notes[0]


# ensemble and the modes in strings


@pytest.mark.needs("retrieverkit_bm25")
def test_cuttings_that_the_index_does_not_have_are_refused(tmp_path):
    from retrieverkit import Document, Index

    with Index.create(tmp_path / "a.rk", splitter="hierarchical(sizes=[200, 60])") as index:
        index.add(Document("The pump is frozen. " * 20, id="cut"))
        assert [leg.name for leg in index.retrieve("pump", "ensemble(bm25)").legs] == ["bm25, level 0", "bm25, level 1"]
        with pytest.raises(OptionError, match="2 cuttings, 0 to 1, and none of"):
            index.as_retriever("ensemble(bm25, levels=[0, 2])")
    with Index.create(tmp_path / "b.rk", splitter="hierarchical") as index:
        assert len(index.as_retriever("ensemble(bm25, levels=[0, 2])").plan("pump").parts) == 2
        with pytest.raises(OptionError, match="3 cuttings, 0 to 2"):
            index.as_retriever("ensemble(bm25, levels=[3])")


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.parametrize("mode", ["ensemble(bm25)", "auto_merging(bm25)"])
def test_nodes_that_no_splitter_has_cut_are_found_beside_those_that_are(tmp_path, mode):
    from retrieverkit import Document, Index

    with Index.create(tmp_path / "a.rk", splitter="hierarchical(sizes=[200, 60])") as index:
        index.add(Document("The pump is frozen. " * 20, id="cut", metadata={"tenant": "a"}))
        index.add_nodes([Node(id="whole", text="a pump of our own", metadata={"tenant": "b"})])
        assert "whole" in ids(index.retrieve("pump of our own", mode))
        assert ids(index.retrieve("pump", mode, scope="tenant == 'b'")) == ["whole"]


@pytest.mark.needs("retrieverkit_bm25")
def test_modes_in_a_string(tmp_path):
    from retrieverkit import Document, Index

    text = "\n\n".join(f"Part {n}: the pump of turbine {n} freezes with ice." for n in range(9))
    documents = [
        Document(text, id="long", metadata={"n": 1}),
        Document("A frozen pump.", id="short", metadata={"n": 2}),
    ]
    with Index.from_documents(documents, tmp_path / "a.rk", splitter="hierarchical(sizes=[400, 120, 60])") as index:
        retriever = index.as_retriever("ensemble(bm25)")
        result = retriever.retrieve("pump turbine 4")
        assert [leg.name for leg in result.legs] == ["bm25, level 0", "bm25, level 1", "bm25, level 2"]
        assert {hit.metadata["node_level"] for hit in result} > {0}
        assert ids(asyncio.run(retriever.aretrieve("pump turbine 4"))) == ids(result)
        assert {hit.ref_doc_id for hit in retriever.retrieve("pump", filters="n == 2")} == {"short"}
        assert len(retriever.retrieve("pump", filters="n == 2")[0].evidence) == 3
        assert len(retriever.plan("pump").parts) == 3 and retriever.plan("pump").complete
        with pytest.raises(OptionError, match="one twice"):
            index.as_retriever("ensemble(bm25, levels=[0, 0])")
        one_each = index.retrieve("pump", "diversify(bm25)")
        assert sorted(hit.ref_doc_id for hit in one_each) == ["long", "short"]
        without = index.retrieve("pump", "exclude(bm25, what=\"_doc_id == 'long'\")")
        assert {hit.ref_doc_id for hit in without} == {"short"}
        assert ids(index.retrieve("turbine", "pinned(bm25, ids=['short'])"))[0] == "short"
        with pytest.raises(UnknownFieldError):
            index.retrieve("pump", "exclude(bm25, what=\"stat == 'draft'\")")
        with pytest.raises(OptionError):
            index.as_retriever("exclude(bm25, what='==')")
    nodes = [Node(id="base", text="the long story"), IndexNode(id="q", text="what about the pump?", index_id="base")]
    with Index.from_nodes(nodes) as index:
        assert ids(index.retrieve("pump", "recursive(bm25)")) == ["base"]
        with pytest.raises(ConfigError, match="splitter='hierarchical'"):
            index.as_retriever("ensemble(bm25)")


@pytest.mark.needs("retrieverkit_bm25")
@pytest.mark.parametrize(
    "mode",
    [
        "sentence_window(bm25(top_k=2))",
        "recursive(bm25(top_k=2))",
        "exclude(bm25(top_k=2), what=\"_doc_id == 'x'\")",
        "pinned(bm25(top_k=2), ids=['n1'], when=['never'])",
        "shadow(bm25(top_k=2), bm25)",
    ],
)
def test_the_top_k_that_is_written_within_counts(mode):
    from retrieverkit import Index

    with Index.from_nodes([Node(id=f"n{n}", text=f"pump {n}") for n in range(6)]) as index:
        assert len(index.retrieve("pump", mode)) == 2
        assert len(index.retrieve("pump", mode, top_k=4)) == 4
        with pytest.raises(OptionError, match="finds 2 hits at most"):
            index.as_retriever(mode, top_k=3)
        assert len(index.as_retriever(mode, top_k=1).retrieve("pump")) == 1
        with pytest.raises(OptionError, match="leave it out"):
            index.as_retriever("diversify(bm25(top_k=2))")
        routed = index.retrieve(
            "pump", "router(bm25(top_k=2), exclude(bm25, what='is_empty(_doc_id)'), rules=[['pump'], []])"
        )
        assert len(routed) == 5 and "also bm25(top_k=2)" in routed.notes[-1] + routed.notes[0]


def test_deadlines(hangs):
    corpus = MemoryCorpus()
    for retriever in (
        DiversifyRetriever(hangs),
        ExcludeRetriever(hangs, "n == 1"),
        PinnedRetriever(hangs, corpus, ["x"]),
        RecursiveRetriever(hangs, corpus),
        EnsembleRetriever(hangs, corpus, levels=[0]),
    ):
        for how in ("sync", "async"):
            with pytest.raises(DeadlineExceededError):
                asked(retriever, "query", how, timeout=0.05)
