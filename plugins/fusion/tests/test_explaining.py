"""What an explanation says of a fusion that does not go as it should."""

import asyncio

import pytest

from retrieverkit_core import Plan
from retrieverkit_core.explain import Code, Status
from retrieverkit_fusion import FusionRetriever, HybridRetriever
from retrieverkit_testkit.models import ScriptedModel


def shape(stage):
    return stage.name, stage.status.value, stage.n_in, stage.n_out, [shape(each) for each in stage.stages]


def fused(listed, *legs, **options):
    made = [listed(name, [(node_id, 1.0 / at) for at, node_id in enumerate(ids, 1)]) for name, ids in legs]
    for leg in made:
        leg._plan = lambda query: Plan("free")
    return FusionRetriever(made, **options)


@pytest.mark.parametrize("method", ["rrf", "relative_score", "dist_based_score", "simple"])
def test_every_method_recombines_and_both_ways_say_the_same(method, listed):
    fusion = fused(listed, ("one", "abcde"), ("two", "edxyz"), method=method, weights=[2, 1], top_k=3)
    result = fusion.retrieve("q", explain=True)
    told = result.explain()
    awaited = asyncio.run(fusion.aretrieve("q", explain=True)).explain()
    assert told.hits == awaited.hits
    assert shape(told.root) == shape(awaited.root)
    for hit, each in zip(result, told.hits, strict=True):
        assert each.score.value == each.score.recombined() == hit.score
        assert [(place.leg, place.rank, place.score) for place in each.legs] == list(hit.evidence)
    assert told.root.stages[-2].name == "fuse"
    assert told.root.stages[-2].n_in == 8


def test_a_leg_that_failed_and_one_that_was_not_asked(listed, calls):
    def fail(query):
        raise OSError("no disk")

    legs = [listed("one", [("a", 1.0)]), calls("two", fail), listed("three", [("b", 1.0)])]
    fusion = FusionRetriever(legs, weights=[1, 1, 0])
    told = fusion.retrieve("q", explain=True).explain()
    one, two, three = (stage for stage in told.root.stages if stage.is_leg)
    assert [one.status, two.status, three.status] == [Status.APPLIED, Status.FAILED, Status.SKIPPED]
    assert "no disk" in two.error
    assert three.note == "its weight is 0"


def test_two_legs_of_one_name_are_told_apart(listed):
    fusion = fused(listed, ("one", "ab"), ("one", "bc"))
    told = fusion.retrieve("q", explain=True).explain()
    assert [place.leg for place in told.hit("b").legs] == ["one", "one#2"]


def test_more_queries_are_legs_of_their_own(listed):
    fusion = fused(listed, ("one", "ab"), num_queries=2, llm=ScriptedModel(lambda prompt: "another"))
    told = fusion.retrieve("q", explain=True).explain()
    assert [stage.name for stage in told.root.stages] == ["one", "one@2", "query expansion", "fuse", "cut"]
    assert told.recombines
    assert fusion.why_not("q", "zzz").would == ()


def test_what_one_leg_has_high_and_the_others_bring_down(listed):
    fusion = fused(listed, ("one", "abcd"), ("two", "bcdx"), method="relative_score", weights=[1, 3], top_k=1)
    told = fusion.why_not("q", "a")
    assert (told.code, told.stage) == (Code.FUSED_OUT, "fuse")
    [weights] = [change.options["weights"] for change in told.would if change.options]
    changed = fused(listed, ("one", "abcd"), ("two", "bcdx"), method="relative_score", weights=weights, top_k=1)
    assert [hit.node_id for hit in changed.retrieve("q")] == ["a"]
    assert fusion.legs[0].weight == 1


class Moves:
    """Vectors that can be moved, or not."""

    def __init__(self, listed, then):
        self.leg = listed("vector", [("a", 0.9), ("b", 0.8)])
        self.leg.moved = lambda query, toward, weight: then(query)


@pytest.mark.parametrize(
    ("then", "status"),
    [
        (lambda query: query, Status.APPLIED),
        (lambda query: None, Status.SKIPPED),
        (lambda query: 1 / 0, Status.FALLBACK),
    ],
)
def test_the_second_look_of_hybrid_is_a_stage(then, status, listed):
    words = listed("bm25", [("a", 2.0), ("c", 1.0)])
    hybrid = HybridRetriever(words, Moves(listed, then).leg, weight=0.5, feedback=0.5)
    result = hybrid.retrieve("q", explain=True)
    told = result.explain()
    [feedback] = [stage for stage in told.root.walk() if stage.name == "feedback"]
    assert (feedback.status, feedback.n_in, feedback.n_out) == (status, 2, 2)
    assert bool(feedback.error) == (status is Status.FALLBACK)
    assert [stage.name for stage in told.root.stages if stage.is_leg] == ["bm25", "vector"]
    assert list(result) == list(hybrid.retrieve("q"))
    assert told.recombines
