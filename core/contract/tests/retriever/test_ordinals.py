"""`Found`: nodes known by ordinal, checked, cut and only then read."""

import asyncio
import pickle
import threading

import pytest

from retrieverkit_core import (
    BaseRetriever,
    Cursor,
    Evidence,
    Found,
    IndexNode,
    Node,
    NodeWithScore,
    Observers,
    ScoreKind,
    ScoreSpec,
    hookimpl,
)
from retrieverkit_core.errors import DerivedIndexError, PluginContractError, RetrievalError

BM25 = ScoreSpec(ScoreKind.BM25, lower_bound=0.0)


class Shelf:
    """A corpus of nodes by ordinal that counts what is read."""

    def __init__(self, count=50):
        self.nodes = {n: Node(id=f"n{n}", text=f"text {n}", metadata={"n": n}) for n in range(1, count + 1)}
        self.read = []
        self.seq = 0

    def head(self):
        return Cursor("shelf", self.seq, "")

    def fetch(self, ordinals):
        self.read += ordinals
        return [self.nodes.get(ordinal) for ordinal in ordinals]


class Finds(BaseRetriever):
    scores = BM25
    default_top_k = 5

    def __init__(self, shelf, pairs, pushes=True, disown=None, **base):
        super().__init__(**base)
        self.shelf, self.pairs, self.pushes, self.disown = shelf, pairs, pushes, disown
        self.asked = 0

    def can_push(self, filter):
        return self.pushes

    def _retrieve(self, query_bundle):
        self.asked += 1
        pairs = self.pairs() if callable(self.pairs) else self.pairs
        if self.pushes and query_bundle.filters is not None:
            pairs = [pair for pair in pairs if query_bundle.filters.admits(self.shelf.nodes[pair[0]])]
        return Found(pairs[: query_bundle.top_k], self.shelf, self.shelf.head(), notes=("told",), disown=self.disown)


RANKED = [(n, float(100 - n)) for n in range(1, 51)]


def run(how, retriever, query="q", **limits):
    if how == "sync":
        return retriever.retrieve(query, **limits)
    return asyncio.run(retriever.aretrieve(query, **limits))


ways = pytest.mark.parametrize("how", ["sync", "async"])


@ways
def test_only_what_is_returned_is_read(how):
    shelf = Shelf()
    result = run(how, Finds(shelf, RANKED), top_k=3)
    assert [(hit.node_id, hit.score) for hit in result] == [("n1", 99.0), ("n2", 98.0), ("n3", 97.0)]
    assert [evidence for hit in result for evidence in hit.evidence][1] == ("Finds", 2, 98.0)
    assert result.notes == ("told",)
    assert shelf.read == [1, 2, 3]


@ways
def test_filters_that_are_pushed_are_checked_on_what_is_returned_alone(how):
    shelf = Shelf()
    result = run(how, Finds(shelf, RANKED), top_k=3, filters="n > 10")
    assert [hit.metadata["n"] for hit in result] == [11, 12, 13]
    assert shelf.read == [11, 12, 13]
    shelf.read.clear()
    result = run(how, Finds(shelf, RANKED, pushes=False), top_k=3, filters="n > 40")
    assert [hit.metadata["n"] for hit in result] == [41, 42, 43]
    assert set(shelf.read) == set(range(1, 51))


def test_a_leak_is_taken_out_and_made_good():
    shelf = Shelf()
    leaky = Finds(shelf, RANKED)
    leaky._retrieve = lambda query: Found(RANKED[: query.top_k], shelf, shelf.head())
    result = leaky.retrieve("q", top_k=3, scope="n >= 5")
    assert [hit.metadata["n"] for hit in result] == [5, 6, 7]
    assert result.filters.leaked == ("n1", "n2", "n3", "n4")
    assert "4 hits" in result.warnings[0]


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([(1, 1.0), (2, 2.0)], "order"),
        ([(1, -1.0)], "outside"),
        ([(1, float("nan"))], "score"),
        ([(1, 1)], "score"),
        ([(0, 1.0)], "ordinal"),
        ([("a", 1.0)], "ordinal"),
        ([(True, 1.0)], "ordinal"),
        ([1, 2], "pair"),
    ],
)
def test_what_is_found_is_checked_as_hits_are(pairs, told):
    with pytest.raises(PluginContractError, match=told):
        Finds(Shelf(), pairs).retrieve("q")


def test_found_without_a_corpus_breaks_the_contract():
    retriever = Finds(Shelf(), RANKED)
    retriever._retrieve = lambda query: Found([(1, 1.0)])
    with pytest.raises(PluginContractError, match="no corpus"):
        retriever.retrieve("q")


def test_an_ordinal_that_comes_twice_counts_once():
    shelf = Shelf()
    result = Finds(shelf, [(1, 9.0), (1, 8.0), *((n, 7.0) for n in range(2, 40))]).retrieve("q", top_k=2)
    assert [hit.node_id for hit in result] == ["n1", "n2"]
    assert [evidence.rank for evidence in result[0].evidence] == [1, 2]


@ways
def test_a_node_that_is_gone_by_then_is_searched_again(how):
    shelf = Shelf()
    finds = Finds(shelf, lambda: [pair for pair in RANKED if pair[0] in shelf.nodes])
    fetch, gone = shelf.fetch, [2, 4]

    def removed_meanwhile(ordinals):
        if gone:
            del shelf.nodes[gone.pop(0)]
            shelf.seq += 1
        return fetch(ordinals)

    shelf.fetch = removed_meanwhile
    assert [hit.node_id for hit in run(how, finds, top_k=4)] == ["n1", "n3", "n5", "n6"]
    assert finds.asked == 3


def test_nodes_that_vanish_without_end_are_left_out():
    shelf = Shelf()
    finds = Finds(shelf, RANKED)
    fetch = shelf.fetch

    def always_one_less(ordinals):
        shelf.seq += 1
        shelf.nodes.pop(1, None)
        return fetch(ordinals)

    shelf.fetch = always_one_less
    assert [hit.node_id for hit in finds.retrieve("q", top_k=3)] == ["n2", "n3", "n4"]
    assert finds.asked >= 5


@ways
def test_an_index_that_names_what_never_was_is_disowned_once_and_then_an_error(how):
    shelf, reasons = Shelf(), []
    finds = Finds(shelf, [(999, 1.0)], disown=reasons.append)
    with pytest.raises(DerivedIndexError):
        run(how, finds)
    assert len(reasons) == 1
    mended = Finds(shelf, [(999, 1.0)], disown=lambda reason: setattr(mended, "pairs", RANKED))
    assert len(run(how, mended)) == 5


def test_index_nodes_among_what_was_found_lead_on():
    shelf = Shelf()
    shelf.nodes[1] = IndexNode(id="pointer", index_id="key")
    retriever = Finds(shelf, RANKED, object_map={"key": Node(id="behind", metadata={"n": 7})})
    assert [hit.node_id for hit in retriever.retrieve("q", top_k=2)] == ["behind", "n2"]
    assert [hit.node_id for hit in retriever.retrieve("q", top_k=2, filters="n == 7")] == ["behind", "n7"]


@pytest.mark.parametrize("how", ["sync", "async", "batch"])
def test_a_corpus_that_cannot_be_read_is_the_failure_of_the_retrieval(how):
    shelf = Shelf()

    def broken(ordinals):
        raise OSError(5, "input/output error")

    shelf.fetch = broken
    finds = Finds(shelf, RANKED)
    with pytest.raises(RetrievalError) as caught:
        finds.retrieve_many(["q"]) if how == "batch" else run(how, finds)
    error = getattr(caught.value, "errors", {0: caught.value})[0]
    assert isinstance(error, RetrievalError)
    assert isinstance(error.__cause__, OSError)


# Candidates: the same call, not yet read


def test_candidates_are_read_when_somebody_looks():
    shelf = Shelf()
    result = Finds(shelf, RANKED).candidates(_query())
    assert len(result) == 5
    assert bool(result)
    assert result.outcome.value == "ok"
    assert [ordinal for ordinal, _ in result.found] == [1, 2, 3, 4, 5]
    assert shelf.read == []
    assert [hit.node_id for hit in result[1:3]] == ["n2", "n3"]
    assert shelf.read == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "look",
    [
        list,
        repr,
        str,
        lambda r: r[0],
        lambda r: r == [],
        lambda r: r + [],
        lambda r: None in r,
        lambda r: list(reversed(r)),
        lambda r: r.copy(),
        lambda r: sorted(r, key=lambda hit: hit.node_id),
        lambda r: [*r],
        lambda r: r.nodes,
        lambda r: r.as_dict(),
        lambda r: r._repr_html_(),
        lambda r: pickle.loads(pickle.dumps(r)),
        lambda r: r.pop(),
        lambda r: r.append(r),
        lambda r: r.sort(key=lambda hit: hit.node_id),
        lambda r: list(zip(r, r)),
        lambda r: max(r, key=lambda hit: hit.score),
    ],
)
def test_every_way_to_look_reads(look):
    shelf = Shelf()
    result = Finds(shelf, RANKED).candidates(_query())
    look(result)
    assert shelf.read == [1, 2, 3, 4, 5]
    assert len(list(result)) >= 4


@pytest.mark.parametrize(
    "join",
    [
        lambda one, other: [] + other,
        lambda one, other: one[:0] + other,
        lambda one, other: [*one[:0], *other],
        lambda one, other: other if one == other else [],
        lambda one, other: one.__iadd__(other)[5:],
        lambda one, other: (one + other)[5:],
    ],
)
def test_candidates_beside_another_list_are_read_too(join):
    one, other = (Finds(Shelf(), RANKED).candidates(_query()) for _ in range(2))
    assert [hit.node_id for hit in join(one, other)] == ["n1", "n2", "n3", "n4", "n5"]


def test_a_look_that_fails_is_not_an_empty_answer():
    shelf = Shelf()
    result = Finds(shelf, RANKED).candidates(_query())
    fetch = shelf.fetch
    shelf.fetch = lambda ordinals: 1 / 0
    for _ in range(2):
        with pytest.raises(RetrievalError, match="ZeroDivisionError"):
            list(result)
        assert len(result) == 5
    shelf.fetch = fetch
    assert len(list(result)) == 5


def test_threads_that_look_at_once_see_the_same():
    shelf, seen = Shelf(), []
    reading, go_on = threading.Event(), threading.Event()
    result = Finds(shelf, RANKED).candidates(_query())
    fetch = shelf.fetch

    def slowly(ordinals):
        reading.set()
        go_on.wait(60)
        return fetch(ordinals)

    shelf.fetch = slowly
    looks = [threading.Thread(target=lambda: seen.append(len(list(result)))) for _ in range(2)]
    looks[0].start()
    reading.wait(60)
    looks[1].start()
    looks[1].join(0.05)
    go_on.set()
    for look in looks:
        look.join()
    assert seen == [5, 5]
    assert shelf.read == [1, 2, 3, 4, 5]


def test_candidates_whose_nodes_are_gone_by_the_look_are_searched_again():
    shelf = Shelf()
    retriever = Finds(shelf, lambda: [(n, 1.0) for n in shelf.nodes])
    result = retriever.candidates(_query())
    del shelf.nodes[2]
    shelf.seq += 1
    assert [hit.node_id for hit in result] == ["n1", "n3", "n4", "n5", "n6"]
    assert retriever.asked == 2


def test_candidates_that_never_were_are_an_error_at_the_look():
    result = Finds(Shelf(2), RANKED).candidates(_query())
    with pytest.raises(DerivedIndexError):
        list(result)


def test_candidates_that_must_be_looked_at_bring_their_nodes():
    shelf = Shelf()
    result = Finds(shelf, RANKED, pushes=False).candidates(_query(filters="n > 45"))
    assert result.found is None
    assert [hit.metadata["n"] for hit in result] == [46, 47, 48, 49, 50]


def test_observers_see_candidates_and_read_only_what_they_look_at():
    shelf, lengths, seen = Shelf(), [], []

    class Counts:
        @hookimpl
        def on_retrieve_end(self, result):
            lengths.append(len(result))

    class Looks:
        @hookimpl
        def on_retrieve_end(self, result):
            seen.extend(hit.text for hit in result)

    Finds(shelf, RANKED, hooks=Observers.of(Counts())).candidates(_query())
    assert (lengths, shelf.read) == ([5], [])
    Finds(shelf, RANKED, hooks=Observers.of(Looks())).candidates(_query())
    assert seen == [f"text {n}" for n in range(1, 6)]


def _query(**limits):
    from retrieverkit_core import QueryBundle

    return QueryBundle.of("q", **limits)


def test_hits_of_a_retriever_without_ordinals_are_candidates_too():
    class Plain(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [NodeWithScore(Node(id="a"), 1.0)]

    result = Plain().candidates(_query())
    assert result.found is None
    assert result[0].node_id == "a"


@ways
def test_what_a_leg_says_of_a_hit_comes_with_its_evidence(how):
    class Tells(Finds):
        def _retrieve(self, query_bundle):
            found = super()._retrieve(query_bundle)
            said = [(Evidence("Tells", at, s, {"lines": [at]}),) for at, (_, s) in enumerate(found.pairs, 1)]
            return found.with_pairs(found.pairs, said)

    result = run(how, Tells(Shelf(), RANKED), top_k=2)
    for read in (result, pickle.loads(pickle.dumps(result))):
        second = read[1].evidence[0]
        assert second == ("Tells", 2, 98.0)
        assert second.details == {"lines": [2]}
    assert "Tells #2 (98), line 2\n" in str(result)
    assert result.as_dict()["hits"][1]["evidence"] == [
        {"leg": "Tells", "rank": 2, "score": 98.0, "details": {"lines": [2]}}
    ]


def as_hits(shelf, evidences):
    return [NodeWithScore(shelf.nodes[1], 1.0, each) for each in evidences]


def as_found(shelf, evidences):
    return Found([(1, 1.0)] * len(evidences), shelf, shelf.head(), evidence=evidences)


def behind_index_nodes(shelf, evidences):
    leads = [IndexNode(id=f"i{at}", index_id=f"i{at}", obj=shelf.nodes[1]) for at in range(len(evidences))]
    return [NodeWithScore(node, 1.0, each) for node, each in zip(leads, evidences, strict=True)]


@pytest.mark.parametrize("give", [as_hits, as_found, behind_index_nodes])
def test_a_node_that_is_found_a_thousand_times_is_not_compared_with_itself_a_million_times(give):
    compared = 0

    class Leg(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            nonlocal compared
            compared += 1
            return str(self) == str(other)

    class Floods(BaseRetriever):
        def _retrieve(self, query_bundle):
            return give(Shelf(), [((Leg("a"), at // 2, 1.0),) for at in range(2000)])

    (hit,) = Floods().retrieve("q")
    assert [(each.leg, each.rank) for each in hit.evidence] == [("a", rank) for rank in range(1000)]
    assert compared < 20_000
