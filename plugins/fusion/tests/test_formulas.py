"""Each method against its formula, written again in exact fractions, through the retriever."""

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import Evidence, QueryBundle, ScoreKind, ScoreSpec
from retrieverkit_fusion import FusionRetriever

ORDINARY = st.one_of(st.integers(-20, 20).map(float), st.floats(-1e6, 1e6))
ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)
METHODS = ["rrf", "relative_score", "dist_based_score", "simple"]


def lists(scores):
    """Return lists of (id, score or None) in falling order, ids from a few so that lists overlap."""
    one = st.dictionaries(st.sampled_from("abcdefghij"), st.one_of(scores, scores, st.none()), max_size=8)
    return one.map(in_order)


def in_order(found, higher_is_better=True):
    known = sorted((item for item in found.items() if item[1] is not None), key=lambda item: item[1])
    unknown = [item for item in found.items() if item[1] is None]
    ordered = known[::-1] if higher_is_better else known
    middle = len(ordered) // 2  # a leg may put what it cannot score anywhere
    return ordered[:middle] + unknown + ordered[middle:]


def min_max(scores):
    low, high = min(scores.values()), max(scores.values())
    return {i: 1 if all_equal(scores) else (s - low) / (high - low) for i, s in scores.items()}


def all_equal(scores):
    low, high = min(scores.values()), max(scores.values())
    return high - low <= Fraction(1, 10**6) * max(abs(low), abs(high))


def three_sigma(scores):
    if all_equal(scores):
        return dict.fromkeys(scores, 1)
    mean, sd = float(statistics.mean(scores.values())), statistics.pstdev(map(float, scores.values()))
    low, high = mean - 3 * sd, mean + 3 * sd
    return {i: min(1.0, max(0.0, (float(s) - low) / (high - low))) for i, s in scores.items()}


def oracle(method, found, weights, k=60):
    """Return the fused score by id, or None for a node without one."""
    weights = [Fraction(weight) for weight in weights]
    total = sum(weights)
    fused = {}
    for leg, weight in zip(found, weights, strict=True):
        if weight == 0:
            continue
        scores = {i: Fraction(s) for i, s in leg if s is not None}
        if method == "rrf":
            asked = sum(1 for w in weights if w)
            worth = {i: weight * asked / total / (k + rank) for rank, (i, _) in enumerate(leg, 1)}
        elif method == "simple":
            w = weight / max(weights)
            worth = {i: s * w if s >= 0 else s / w for i, s in scores.items()}
        else:
            normal = (min_max if method == "relative_score" else three_sigma)(scores) if scores else {}
            worth = {i: float(weight / total) * float(x) for i, x in normal.items()}
        for i, _ in leg:
            fused.setdefault(i, [])
            if i in worth:
                fused[i].append(worth[i])
    join = max if method == "simple" else sum
    return {i: float(join(parts)) if parts else None for i, parts in fused.items()}


def fuse(listed, method, found, weights=None, *, higher_is_better=True, **settings):
    legs = [listed(f"leg{n}", leg, higher_is_better=higher_is_better) for n, leg in enumerate(found)]
    return FusionRetriever(legs, method=method, weights=weights, top_k=100, **settings).retrieve("q")


def scores_of(result):
    return {hit.node_id: hit.score for hit in result}


def same_scores(one, other, rel=1e-9, abs=1e-9):
    assert one.keys() == other.keys()
    for i, score in one.items():
        assert (score is None) == (other[i] is None)
        assert score is None or math.isclose(score, other[i], rel_tol=rel, abs_tol=abs), (i, score, other[i])


WEIGHTS = st.one_of(st.integers(0, 9).map(float), st.floats(0.01, 100))


@st.composite
def weighted_lists(draw, scores=ORDINARY):
    found = draw(st.lists(lists(scores), min_size=1, max_size=4))
    weights = draw(st.lists(WEIGHTS, min_size=len(found), max_size=len(found)).filter(any))
    return found, weights


@pytest.mark.parametrize("method", METHODS)
@given(case=weighted_lists())
def test_every_method_is_its_formula(listed, method, case):
    found, weights = case
    result = fuse(listed, method, found, weights)
    same_scores(scores_of(result), oracle(method, found, weights))


@given(case=weighted_lists(), k=st.integers(0, 1000))
def test_k_of_rrf_counts(listed, case, k):
    found, weights = case
    same_scores(scores_of(fuse(listed, "rrf", found, weights, rrf_k=k)), oracle("rrf", found, weights, k))


@pytest.mark.parametrize("method", METHODS)
@given(case=weighted_lists())
def test_hits_fall_by_score_and_ties_by_best_rank_then_leg(listed, method, case):
    found, weights = case
    result = fuse(listed, method, found, weights)
    ranks = [[i for i, _ in leg] if weight else [] for leg, weight in zip(found, weights, strict=True)]

    def key(hit):
        best = min((leg.index(hit.node_id), at) for at, leg in enumerate(ranks) if hit.node_id in leg)
        return (math.inf if hit.score is None else -hit.score, *best)

    assert [hit.node_id for hit in result] == [hit.node_id for hit in sorted(result, key=key)]


@pytest.mark.parametrize("method", METHODS)
@given(case=weighted_lists(ANY_FINITE))
def test_no_finite_score_breaks_a_method(listed, method, case):
    found, weights = case
    result = fuse(listed, method, found, weights)
    assert all(hit.score is None or math.isfinite(hit.score) for hit in result)
    assert {hit.node_id for hit in result} == {
        i for leg, weight in zip(found, weights, strict=True) if weight for i, _ in leg
    }
    if method in ("relative_score", "dist_based_score"):
        assert all(hit.score is None or 0 <= hit.score <= 1 for hit in result)


@pytest.mark.parametrize("weights", [[5e-324, 1.7e308], [1e-320, 1e-320], [1.7e308, 1.7e308]])
@pytest.mark.parametrize("method", METHODS)
def test_no_finite_weight_breaks_a_method(listed, method, weights):
    found = [[("a", 1e308), ("b", -1e308)], [("b", 3.0), ("c", -1e-300)]]
    result = fuse(listed, method, found, weights)
    assert all(math.isfinite(hit.score) for hit in result)
    if weights[0] == weights[1]:
        assert scores_of(result) == scores_of(fuse(listed, method, found))


@pytest.mark.parametrize("method", METHODS)
@given(case=weighted_lists(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_legs_changes_no_score(listed, method, case, order):
    pairs = list(zip(*case, strict=True))
    shuffled = order.sample(pairs, len(pairs))
    one, other = (fuse(listed, method, *zip(*each, strict=True)) for each in (pairs, shuffled))
    same_scores(scores_of(one), scores_of(other), rel=1e-14)


@pytest.mark.parametrize("method", METHODS)
@given(found=st.lists(lists(ORDINARY), min_size=1, max_size=4), weight=st.floats(1e-3, 1e3))
def test_equal_weights_are_no_weights(listed, method, found, weight):
    assert fuse(listed, method, found, [weight] * len(found)) == fuse(listed, method, found)


@pytest.mark.parametrize("method", METHODS)
@given(case=weighted_lists(), power=st.integers(-20, 20))
def test_the_unit_of_the_weights_does_not_matter(listed, method, case, power):
    found, weights = case
    assert fuse(listed, method, found, weights) == fuse(listed, method, found, [w * 2.0**power for w in weights])


@pytest.mark.parametrize("method", METHODS)
def test_swapped_weights_change_the_ranking(listed, method):
    found = [[("a", 9.0), ("b", 5.0), ("c", 1.0)], [("c", 9.0), ("b", 5.0), ("a", 1.0)]]
    ranked = [[hit.node_id for hit in fuse(listed, method, found, weights)] for weights in ([4, 1], [1, 4])]
    assert ranked[0][0] == "a"
    assert ranked[1][0] == "c"


@pytest.mark.parametrize("method", METHODS)
@given(case=weighted_lists())
def test_a_leg_of_weight_0_is_as_if_it_were_not_there(listed, method, case):
    found, weights = case
    kept = [(leg, weight) for leg, weight in zip(found, weights, strict=True) if weight]
    assert fuse(listed, method, found, weights) == fuse(listed, method, *map(list, zip(*kept, strict=True)))


@pytest.mark.parametrize("method", ["relative_score", "dist_based_score", "simple"])
@given(case=weighted_lists())
def test_distances_rank_like_their_negatives(listed, method, case):
    found, weights = case
    similar = fuse(listed, method, found, weights)
    distances = [[(i, None if s is None else -s) for i, s in leg] for leg in found]
    distant = fuse(listed, method, distances, weights, higher_is_better=False)
    assert [hit.node_id for hit in similar] == [hit.node_id for hit in distant]
    sign = -1 if method == "simple" else 1
    assert [h.score for h in distant] == [None if h.score is None else sign * h.score for h in similar]


@pytest.mark.parametrize("method", METHODS)
def test_empty_lists_and_single_hits_are_defined(listed, method):
    assert fuse(listed, method, [[], []]) == []
    alone = fuse(listed, method, [[("a", -3.0)], []])
    expected = {"rrf": 1 / 61, "relative_score": 0.5, "dist_based_score": 0.5, "simple": -3.0}
    assert [(hit.node_id, hit.score) for hit in alone] == [("a", expected[method])]


def test_rrf_of_the_paper(listed):
    found = [[("a", 3.0), ("b", 2.0)], [("b", 0.9), ("c", 0.1)]]
    assert scores_of(fuse(listed, "rrf", found)) == {"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62}


def test_no_score_is_not_0(listed):
    found = [[("a", -1.0), ("b", None), ("c", -2.0)]]
    assert scores_of(fuse(listed, "relative_score", found)) == {"a": 1.0, "c": 0.0, "b": None}
    assert [hit.node_id for hit in fuse(listed, "simple", found)] == ["a", "c", "b"]
    assert [hit.node_id for hit in fuse(listed, "rrf", found)] == ["a", "b", "c"]


def test_a_node_is_its_id(listed):
    same_text = [[("a", 1.0)], [("b", 1.0)]]
    legs = [listed(f"leg{n}", leg) for n, leg in enumerate(same_text)]
    for leg in legs:
        leg.found[0].node.text = "the same text"
    assert [hit.node_id for hit in FusionRetriever(legs).retrieve("q")] == ["a", "b"]


def test_evidence_of_every_leg_is_kept_with_rank_and_raw_score(listed):
    words = listed("bm25", [("a", 12.5), ("b", 3.0)], kind=ScoreKind.BM25)
    near = listed("vector", [("b", 0.9), ("a", 0.1)], kind=ScoreKind.SIMILARITY)
    again = listed("bm25", [("b", 7.0)], kind=ScoreKind.BM25)
    fused = FusionRetriever([words, near, again])
    assert [tuple(e) for e in fused.retrieve("q")[0].evidence] == [
        ("bm25", 2, 3.0),
        ("vector", 1, 0.9),
        ("bm25#2", 1, 7.0),
    ]
    outer = FusionRetriever([FusionRetriever([words, near]), again]).retrieve("q")
    first = next(hit for hit in outer if hit.node_id == "a")
    assert [e.leg for e in first.evidence] == ["fusion", "fusion/bm25", "fusion/vector"]
    assert first.evidence[1] == ("fusion/bm25", 1, 12.5)


def test_what_a_leg_says_of_a_hit_is_kept(listed):
    words = listed("bm25", [("a", 12.5), ("b", 3.0)], kind=ScoreKind.BM25)
    words.found[0] = words.found[0].with_score(12.5, (Evidence("bm25", 1, 12.5, {"keywords": ["ice"]}),))
    inner = FusionRetriever([words, listed("vector", [("b", 0.9), ("a", 0.1)])])
    assert [e.details for e in inner.retrieve("q")[0].evidence] == [{"keywords": ["ice"]}, {}]
    outer = FusionRetriever([inner, listed("other", [])]).retrieve("q")
    assert {e.leg: e.details for e in outer[0].evidence} == {
        "fusion": {},
        "fusion/bm25": {"keywords": ["ice"]},
        "fusion/vector": {},
    }


@pytest.mark.parametrize("method", METHODS)
def test_what_legs_share_is_not_changed(listed, method):
    one, other = listed("one", [("a", 3.0), ("b", 1.0)]), listed("other", [])
    other.found = one.found
    fused = FusionRetriever([one, other], method=method)
    first = fused.retrieve("q")
    assert first == fused.retrieve("q")
    assert [(hit.node_id, hit.score, hit.evidence) for hit in one.found] == [("a", 3.0, ()), ("b", 1.0, ())]
    assert [hit.score for hit in one.retrieve("q")] == [3.0, 1.0]


def test_legs_are_asked_for_candidates_and_the_answer_is_cut(listed):
    many = [(f"n{n}", float(-n)) for n in range(500)]
    leg, own = listed("leg", many), listed("own", many, default_top_k=7)
    fused = FusionRetriever([leg, own], candidates=[20, None], top_k=3)
    assert len(fused.retrieve("q")) == 3
    assert len(fused.retrieve(QueryBundle("q", top_k=50))) == 50
    assert [bundle.top_k for bundle in leg.asked] == [20, 50]
    assert [bundle.top_k for bundle in own.asked] == [7, 7]
    assert fused.retrieve(QueryBundle("q", top_k=0)) == []
    assert len(FusionRetriever([leg]).retrieve(QueryBundle("q", top_k=10**9))) == 500


@pytest.mark.parametrize("method", ["relative_score", "dist_based_score"])
def test_scores_that_differ_by_rounding_alone_are_equal(listed, method):
    one = listed("one", [("b", 0.7482924963223966), ("a", 0.7482924963223961)])
    two = listed("two", [("a", 0.18232159316539764), ("b", 0.18232159316539764)])
    one.scores = two.scores = ScoreSpec(ScoreKind.SIMILARITY)
    assert [hit.score for hit in FusionRetriever([one, two], method=method).retrieve("q")] == [1.0, 1.0]
