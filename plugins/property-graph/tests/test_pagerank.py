"""PageRank against the solution of its equation, and names that are alike against all pairs."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_property_graph.graph.arrays import GraphArrays, Labels, Mentions, Relations, Supports
from retrieverkit_property_graph.ppr.likeness import MOST_SHARING, MOST_WORDS, like_names
from retrieverkit_property_graph.ppr.network import Network
from retrieverkit_property_graph.ppr.pagerank import RESTART, powers, pushes

ENTITIES, PASSAGES = 6, 4


def ints(values):
    return np.array(values, np.int64)


def network_of(relations, mentions, likes):
    nothing = ints([])
    arrays = GraphArrays(
        np.arange(ENTITIES),
        np.ones(ENTITIES, np.int64),
        np.arange(PASSAGES),
        Relations(ints([r[0] for r in relations]), ints([r[1] for r in relations]), np.arange(len(relations))),
        Labels(nothing, nothing, nothing),
        Mentions(ints([m[0] for m in mentions]), ints([m[1] for m in mentions])),
        Supports(nothing, nothing),
    )
    pairs = ints([like[:2] for like in likes]).reshape(-1, 2)
    return Network(arrays, list("abcdef"), pairs, np.array([like[2] for like in likes], np.float64))


def solved(relations, mentions, likes, start):
    """Solve the equation with a dense matrix."""
    weights = np.zeros((ENTITIES + PASSAGES,) * 2)
    edges = [(one, other, 1.0) for one, other in relations if one != other]
    edges += [(entity, ENTITIES + passage, 1.0) for entity, passage in mentions]
    for one, other, weight in [*edges, *likes]:
        weights[one, other] += weight
        weights[other, one] += weight
    strength = weights.sum(axis=0)
    along = weights / np.where(strength > 0, strength, 1)
    return np.linalg.solve(np.eye(len(weights)) - (1 - RESTART) * along, RESTART * start / start.sum()), strength


entity = st.integers(0, ENTITIES - 1)
networks = st.tuples(
    st.lists(st.tuples(entity, entity), max_size=8),
    st.lists(st.tuples(entity, st.integers(0, PASSAGES - 1)), max_size=8, unique=True),
    st.lists(st.tuples(st.integers(0, 2), st.integers(3, ENTITIES - 1), st.sampled_from([0.5, 0.75])), max_size=3),
)
starts = st.lists(st.sampled_from([0.0, 0.0, 0.05, 1.0, 3.0]), min_size=10, max_size=10).filter(any)


@given(networks, starts)
def test_power_iteration_solves_the_equation(edges, start):
    start = np.array(start)
    expected, _ = solved(*edges, start)
    assert np.allclose(powers(network_of(*edges), start).of, expected, atol=1e-8)


@given(networks, starts, st.sampled_from([0.1, 1e-3, 1e-6]))
def test_forward_push_is_as_near_as_it_says(edges, start, until):
    start = np.array(start)
    expected, strength = solved(*edges, start)
    near = pushes(network_of(*edges), start, until)
    lacking = expected - near.of
    assert (lacking >= -1e-12).all()
    assert (lacking <= near.until * strength + 1e-12).all()


words = st.sampled_from(["a", "b", "c", "d", "e", "f"])


@given(st.lists(st.lists(words, min_size=1, max_size=4).map(" ".join), max_size=12))
def test_like_names_share_half_of_their_words(keys):
    expected = {}
    for one, other in combinations(range(len(keys)), 2):
        mine, yours = set(keys[one].split()), set(keys[other].split())
        likeness = len(mine & yours) / len(mine | yours)
        if likeness >= 0.5:
            expected[one, other] = likeness
    pairs, likeness = like_names(keys)
    assert dict(zip(map(tuple, pairs.tolist()), likeness.tolist(), strict=True)) == expected
    assert [*map(tuple, pairs.tolist())] == sorted(expected)


def test_a_word_that_very_many_names_share_makes_none_alike():
    keys = [f"street {number}" for number in range(MOST_SHARING)]
    assert len(like_names([*keys, "street"])[0]) == 0
    assert len(like_names([*keys[1:], "street"])[0]) == MOST_SHARING - 1


def test_a_name_of_very_many_words_is_like_no_other():
    long = " ".join(f"word{number}" for number in range(MOST_WORDS))
    assert len(like_names([long, f"{long} more"])[0]) == 0
    assert len(like_names([long, long.replace("word0", "more")])[0]) == 1
