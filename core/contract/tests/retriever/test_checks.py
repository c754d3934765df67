"""What core lets through of what an author returns."""

import math

import pytest

from retrieverkit_core import NodeWithScore, QueryBundle
from retrieverkit_core.errors import PluginContractError, QueryError, RetrievalError


@pytest.mark.parametrize(
    "value",
    [None, "text", 3, {"a": 1}, iter([]), [None], ["text"], [("id", 1.0)], [NodeWithScore("no node", 1.0)]],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_sequence_of_hits_breaks_the_contract(returns, value):
    retriever = returns(value)
    retriever.distribution = "some-dist 1.0"
    with pytest.raises(PluginContractError, match="some-dist 1.0"):
        retriever.retrieve("q")


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, "1.0", True, 1j])
def test_scores_are_finite_numbers(returns, make_hit, score):
    with pytest.raises(PluginContractError):
        returns([make_hit("a", score)]).retrieve("q")


def test_declared_order_and_bounds_are_checked(returns, make_hit, similarity):
    retriever = returns([make_hit("a", 0.1), make_hit("b", 0.9)])
    assert [h.node_id for h in retriever.retrieve("q")] == ["a", "b"]
    retriever.scores = similarity
    with pytest.raises(PluginContractError, match="order"):
        retriever.retrieve("q")
    retriever.value = [make_hit("a", 1.5)]
    with pytest.raises(PluginContractError, match="outside"):
        retriever.retrieve("q")


def test_bounds_are_checked_where_the_ends_have_no_score(returns, make_hit, similarity):
    retriever = returns([make_hit("a"), make_hit("b", 7.0), make_hit("c")])
    retriever.scores = similarity
    with pytest.raises(PluginContractError, match="outside"):
        retriever.retrieve("q")
    retriever.value = [make_hit("a"), make_hit("b")]
    assert len(retriever.retrieve("q")) == 2


def test_duplicates_first_wins_and_evidence_is_merged(returns, make_hit):
    first, second = make_hit("a", 0.1), make_hit("a", 0.9)
    result = returns([first, make_hit("b", 0.5), second]).retrieve("q")
    assert [(h.node_id, h.score) for h in result] == [("a", 0.1), ("b", 0.5)]
    assert [(e.rank, e.score) for e in result[0].evidence] == [(1, 0.1), (3, 0.9)]
    assert first.evidence == ()


def test_score_zero_and_none_stay_what_they_are(returns, make_hit):
    result = returns([make_hit("a", 0.0), make_hit("b", None)]).retrieve("q")
    assert [h.score for h in result] == [0.0, None]
    assert result[1].get_score() == 0.0
    with pytest.raises(ValueError, match="no score"):
        result[1].get_score(raise_error=True)


@pytest.mark.parametrize(("top_k", "n"), [(0, 0), (1, 1), (3, 3), (10**9, 5), (None, 5)])
def test_top_k_bounds(returns, make_hit, top_k, n):
    retriever = returns([make_hit(str(i)) for i in range(5)])
    assert len(retriever.retrieve(QueryBundle("q", top_k=top_k))) == n


def test_default_top_k_is_used_and_can_be_raised(returns, make_hit):
    retriever = returns([make_hit(str(i)) for i in range(5)])
    retriever.default_top_k = 2
    assert len(retriever.retrieve("q")) == 2
    assert len(retriever.retrieve(QueryBundle("q", top_k=4))) == 4
    assert [q.top_k for q in retriever.asked] == [2, 4]


@pytest.mark.parametrize("bad", [None, 123, b"bytes", ["a"]])
def test_what_is_no_query_is_refused(returns, bad):
    with pytest.raises(QueryError):
        returns([]).retrieve(bad)


@pytest.mark.parametrize(
    "limits",
    [
        {"top_k": -1},
        {"top_k": 1.5},
        {"top_k": True},
        {"timeout": 0},
        {"timeout": math.nan},
        {"timeout": "1"},
        {"embedding": []},
        {"embedding": [math.nan]},
        {"embedding": "no"},
        {"custom_embedding_strs": "one"},
        {"filters": {"key": "a"}},
        {"scope": "tenant == 'a'"},
    ],
    ids=repr,
)
def test_bad_limits_are_refused(limits):
    with pytest.raises(QueryError):
        QueryBundle("q", **limits)


def test_a_query_of_millions_of_characters_is_refused():
    with pytest.raises(QueryError, match="characters"):
        QueryBundle("x" * 3_000_000)


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u3000"])
def test_blank_queries_find_nothing_unless_the_mode_answers_them(returns, make_hit, blank):
    retriever = returns([make_hit("a")])
    assert retriever.retrieve(blank) == []
    assert retriever.asked == []
    assert len(retriever.retrieve(QueryBundle(blank, embedding=[1.0]))) == 1
    retriever.answers_blank = True
    assert len(retriever.retrieve(blank)) == 1


def test_query_bundles_never_change():
    query = QueryBundle("q", top_k=1)
    with pytest.raises(AttributeError):
        query.top_k = 2
    with pytest.raises(QueryError):
        query.replace(topk=2)
    assert query.replace(top_k=2) == QueryBundle("q", top_k=2)


def test_an_authors_error_is_chained_and_named(make_hit):
    from retrieverkit_core import BaseRetriever

    class Fails(BaseRetriever):
        def _retrieve(self, query_bundle):
            raise KeyError("boom")

    with pytest.raises(RetrievalError, match=r"Fails.*boom") as caught:
        Fails().retrieve("q")
    assert isinstance(caught.value.__cause__, KeyError)


def test_final_methods_cannot_be_overridden_and_one_implementation_is_needed():
    from retrieverkit_core import BaseRetriever

    with pytest.raises(TypeError, match="final"):
        type("Bad", (BaseRetriever,), {"retrieve": lambda self, q: []})
    with pytest.raises(TypeError, match="neither"):
        type("Empty", (BaseRetriever,), {})()


def test_a_subclass_that_skips_super_init_still_works(make_hit):
    from retrieverkit_core import BaseRetriever

    class Skips(BaseRetriever):
        def __init__(self):
            pass

        def _retrieve(self, query_bundle):
            return [make_hit("a", 1.0)]

    assert len(Skips().retrieve("q")) == 1


def test_results_tell_how_they_came_about(returns, make_hit):
    result = returns([make_hit("<b>", 1.0)]).retrieve("q & a")
    assert (result.outcome.value, result.legs[0].name, result.legs[0].n) == ("ok", "Returns", 1)
    assert result.as_dict()["hits"][0]["evidence"] == [{"leg": "Returns", "rank": 1, "score": 1.0}]
    assert "<b>" not in result._repr_html_().replace("<b>RetrievalResult</b>", "").replace("<b>warning:</b>", "")
    assert "Returns #1" in str(result)
    assert returns([]).retrieve("q").outcome.value == "empty"
