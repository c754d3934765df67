import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import BudgetExceededError, OptionError
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Node
from retrieverkit_core.result import LegState, Outcome
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_property_graph import PprRetriever
from retrieverkit_property_graph.ppr import pagerank
from retrieverkit_testkit.memory_corpus import MemoryCorpus


def node(node_id, *triples, **metadata):
    return Node(text="", id=node_id, metadata={"triples": [list(triple) for triple in triples], **metadata})


FILMS = (
    node("film", ("Solaris", "directed by", "Andrei Tarkovsky")),
    node("director", ("Andrei Tarkovsky", "born in", "Zavrazhye")),
    node("village", ("Zavrazhye", "lies on", "the Volga")),
    node("other", ("Jaws", "directed by", "Steven Spielberg")),
)


class Says(BaseRetriever):
    """Finds what it is made with."""

    name = "says"
    scores = ScoreSpec(ScoreKind.BM25)

    def __init__(self, corpus, scores, error=None):
        super().__init__()
        self._corpus, self._scores, self._error = corpus, scores, error
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        if self._error is not None:
            raise self._error
        ids = sorted(self._scores, key=lambda each: -(self._scores[each] or 0))
        found = [node for node in self._corpus.get(ids) if node is not None]
        return [NodeWithScore(node, self._scores[node.id]) for node in found]


def ids(result):
    return [hit.node_id for hit in result]


@pytest.fixture
def over(tmp_path):
    made = []

    def make(*nodes, passages=None, **options):
        corpus = MemoryCorpus(f"c{len(made)}")
        corpus.add(*nodes)
        made.append(corpus)
        leg = passages and passages(corpus)
        return PprRetriever(corpus, tmp_path / corpus.corpus_id, leg, extract="given", **options)

    return make


def test_it_finds_what_the_query_does_not_name(over):
    result = over(*FILMS, facts=1).retrieve("the director of Solaris")
    assert ids(result) == ["film", "director", "village"]
    assert 1 > result[0].score > result[1].score > result[2].score > 0


def test_the_evidence_leads_from_a_relation_near_the_query_to_the_hit(over):
    result = over(*FILMS, facts=1).retrieve("the director of Solaris")
    (evidence,) = result[2].evidence
    assert evidence.leg == "graph_ppr"
    assert evidence.rank == 3
    path = evidence.details["paths"][0]
    assert [step["relation"] for step in path] == ["directed by", "born in"]
    assert path[1] == {
        "subject": "Andrei Tarkovsky",
        "relation": "born in",
        "object": "Zavrazhye",
        "nodes": ["director"],
    }
    assert evidence.details["entities"][0] == "Zavrazhye"


def test_names_that_are_alike_are_joined(over):
    nodes = (
        node("a", ("Solaris", "directed by", "Andrei A. Tarkovsky")),
        node("b", ("Tarkovsky Andrei", "is", "tall")),
    )
    assert ids(over(*nodes, facts=1).retrieve("Solaris")) == ["a", "b"]
    assert ids(over(*nodes, facts=1, synonyms=False).retrieve("Solaris")) == ["a"]


def test_what_shares_no_word_with_any_relation_finds_nothing_and_says_so(over):
    result = over(*FILMS).retrieve("quantum")
    assert result.outcome is Outcome.EMPTY
    assert result.notes == ("graph_ppr: no relation has a word of the query",)


def test_passages_that_another_retriever_finds_are_where_the_walk_starts_too(over):
    retriever = over(
        *FILMS, node("alone"), passages=lambda corpus: Says(corpus, {"other": 9.0, "alone": 7.0, "film": 1.0}), facts=1
    )
    result = retriever.retrieve("the director of Solaris", top_k=10)
    assert set(ids(result)) == {"film", "director", "village", "other", "alone"}
    assert ids(result)[0] == "film"
    assert [leg.name for leg in result.legs] == ["says"]
    heavier = over(*FILMS, passages=lambda corpus: Says(corpus, {"other": 9.0, "film": 1.0}), facts=1, passage_weight=5)
    assert ids(heavier.retrieve("the director of Solaris"))[0] == "other"


def test_with_no_weight_the_other_retriever_is_not_asked(over):
    legs = []

    def leg(corpus):
        legs.append(Says(corpus, {"other": 1.0}))
        return legs[-1]

    result = over(*FILMS, passages=leg, passage_weight=0).retrieve("the director of Solaris")
    assert "other" not in ids(result)
    assert legs[0].asked == []
    assert result.outcome is Outcome.OK


def test_where_the_other_retriever_fails_the_answer_is_partial(over):
    retriever = over(*FILMS, passages=lambda corpus: Says(corpus, {}, ZeroDivisionError("broken")), facts=1)
    for result in (retriever.retrieve("Solaris"), asyncio.run(retriever.aretrieve("Solaris"))):
        assert result.outcome is Outcome.PARTIAL
        assert [leg.state for leg in result.legs] == [LegState.FAILED]
        assert "broken" in str(result.legs[0].error)
        assert ids(result) == ["film", "director", "village"]


def test_a_budget_that_ran_out_is_not_a_part(over):
    spent = BudgetExceededError("llm_calls", 1, 1)
    with pytest.raises(BudgetExceededError):
        over(*FILMS, passages=lambda corpus: Says(corpus, {}, spent)).retrieve("Solaris")


def test_a_retriever_that_gives_no_scores_counts_by_its_ranks(over):
    retriever = over(*FILMS, passages=lambda corpus: Says(corpus, {"village": None, "other": None, "film": None}))
    result = retriever.retrieve("quantum", top_k=10)
    assert ids(result)[0] == "village"
    assert {"village", "other"} <= set(ids(result))


def test_filters_and_scope_reach_the_other_retriever(over):
    nodes = [node(f"n{at}", ("A", "is", f"B{at}"), tenant=at % 2) for at in range(4)]
    legs = []

    def leg(corpus):
        legs.append(Says(corpus, {"n0": 2.0, "n1": 1.0}))
        return legs[-1]

    result = over(*nodes, passages=leg).retrieve("A", scope="tenant == 1")
    assert set(ids(result)) == {"n1", "n3"}
    assert "tenant" in str(legs[0].asked[0].scope)


def test_a_wrong_option_is_refused(over):
    with pytest.raises(OptionError, match="facts"):
        over(*FILMS, facts=-1)


def test_a_plan_asks_no_model(over):
    plan = over(*FILMS, passages=lambda corpus: Says(corpus, {})).plan("Solaris")
    assert plan.total("llm_calls") == plan.total("embedding_calls") == 0
    assert over(*FILMS).plan("Solaris").complete


def test_a_large_graph_is_walked_near_the_start_and_says_how_near(over, monkeypatch):
    exact = over(*FILMS, facts=1).retrieve("the director of Solaris")
    monkeypatch.setattr(pagerank, "EXACT_EDGES", 3)
    near = over(*FILMS, facts=1).retrieve("the director of Solaris")
    assert ids(near) == ids(exact)
    assert "near its start alone" in near.notes[0]
    for one, other in zip(near, exact, strict=True):
        lacks = one.evidence[0].details["lacks_at_most"]
        assert 0 <= other.score - one.score <= lacks < 1e-4


names = st.sampled_from(["Ann Lee", "Lee", "Bob", "Cleo Ray", "Ray", "Dan"])
statements = st.lists(st.tuples(names, st.sampled_from(["knows", "met"]), names), max_size=3)
corpora = st.lists(st.tuples(statements, st.sampled_from(["red", "blue"])), min_size=1, max_size=8)
quietly = settings(max_examples=20, deadline=None)


def described(result):
    return [(hit.node_id, pytest.approx(hit.score, abs=1e-9), hit.evidence[0].details) for hit in result]


@given(corpora, st.sampled_from(["who knows Lee", "Ann met Ray", "Bob Dan"]))
@quietly
def test_what_a_filter_excludes_is_as_if_it_were_not_there(over, contents, query):
    nodes = [node(f"n{at}", *triples, colour=colour) for at, (triples, colour) in enumerate(contents)]
    filtered = over(*nodes).retrieve(query, filters="colour == 'red'", top_k=20)
    alone = over(*(each for each in nodes if each.metadata["colour"] == "red")).retrieve(query, top_k=20)
    assert described(filtered) == described(alone)
    assert filtered.notes == alone.notes


@given(corpora, st.sampled_from(["who knows Lee", "Ann met Ray", "Bob Dan"]))
@quietly
def test_after_changes_it_answers_as_if_made_of_what_is_left(over, contents, query):
    nodes = [node(f"n{at}", *triples, colour=colour) for at, (triples, colour) in enumerate(contents)]
    changed = over(*nodes)
    changed.retrieve(query)
    left = [each for each in nodes if each.metadata["colour"] == "red"]
    changed.index.corpus.delete(*(each.id for each in nodes if each.metadata["colour"] == "blue"))
    assert described(changed.retrieve(query, top_k=20)) == described(over(*left).retrieve(query, top_k=20))


@pytest.mark.parametrize(
    "options", [{"passage_weight": 1e308}, {"passage_weight": float("inf")}, {"facts": 0, "passage_weight": 0}]
)
def test_options_with_which_nothing_could_be_found_are_refused(over, options):
    with pytest.raises(OptionError, match="passage_weight"):
        over(*FILMS, **options)
