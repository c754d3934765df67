"""The two modes as a registry builds them, and what is refused when a fusion is built."""

import inspect
import json
from importlib.metadata import entry_points

import pytest
from pydantic import ValidationError

from retrieverkit_core import BuildContext, LegState, Reply, RetrieverSpec, ScoreKind, ScoreSpec
from retrieverkit_core.errors import MissingServiceError, OptionError, ScoreMismatchError
from retrieverkit_fusion import FusionRetriever, HybridRetriever
from retrieverkit_fusion.options import FusionOptions, HybridOptions
from retrieverkit_fusion.plugin import fusion, hybrid


@pytest.fixture
def build(listed):
    """Build a retriever from a mode string; each leg in it answers with its own list."""
    resolved = []

    def resolve(spec):
        spec = RetrieverSpec.from_obj(spec)
        resolved.append(spec)
        if spec.mode == "fusion":
            return make(str(spec))
        leg = listed(spec.mode, [(f"{spec.mode}{n}", -float(n)) for n in range(200)])
        leg.default_top_k = spec.options.get("top_k", 5)
        leg.embedding_spec = spec.options.get("embedding", "lsa")
        return leg

    def make(text, services=None):
        spec = RetrieverSpec.parse(text)
        plugin = {"fusion": fusion, "hybrid": hybrid}[spec.mode]
        written = spec.options | ({"retrievers": spec.retrievers} if spec.retrievers else {})
        options = plugin.spec.options.model_validate_json(json.dumps(written, default=RetrieverSpec.to_obj))
        context = BuildContext(mode=spec.mode, resolve=resolve, services=services)
        return plugin.make_retriever(mode=spec.mode, options=options, context=context)

    make.resolved = resolved
    return make


def test_the_entry_points_name_the_plugins():
    found = {
        point.name: point.load() for point in entry_points(group="retrieverkit.modes") if "_fusion." in point.value
    }
    assert found == {"fusion": fusion, "hybrid": hybrid}
    assert {name: plugin.spec.name for name, plugin in found.items()} == {"fusion": "fusion", "hybrid": "hybrid"}


def test_every_option_of_a_mode_string_counts(build):
    fused = build(
        'fusion(bm25(top_k=7), vector, method="relative_score", weights=[2, 1], candidates=30, '
        "timeouts=[0.5, None], required=[False, True], top_k=3, concurrency=2)"
    )
    bm25, vector = fused.legs
    assert [(leg.name, leg.weight, leg.timeout, leg.required) for leg in fused.legs] == [
        ("bm25", 2.0, 0.5, False),
        ("vector", 1.0, None, True),
    ]
    result = fused.retrieve("q")
    assert len(result) == 3
    assert [leg.n for leg in result.legs] == [7, 30]
    assert bm25.retriever.asked[0].timeout == 0.5
    assert vector.retriever.asked[0].timeout is None
    assert fused.scores == ScoreSpec(ScoreKind.RELEVANCE, lower_bound=0.0, upper_bound=1.0)


def test_fusions_nest(build):
    result = build("fusion(fusion(bm25, vector), keyword, rrf_k=10)").retrieve("q")
    assert [leg.name for leg in result.legs] == ["fusion", "keyword"]
    assert [leg.name for leg in result.legs[0].legs] == ["bm25", "vector"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fusion()", "retrievers"),
        ("fusion(bm25, vector, weights=[1])", "weights: 1 given for 2 retrievers"),
        ("fusion(bm25, vector, weights=[0, 0.0])", "at least one is more than 0"),
        ("fusion(bm25, vector, weights=[-1, 1])", "weights"),
        ("fusion(bm25, vector, timeouts=[1])", "timeouts: 1 given for 2 retrievers"),
        ("fusion(bm25, vector, timeouts=0)", "timeouts"),
        ("fusion(bm25, vector, required=[True])", "required: 1 given for 2 retrievers"),
        ('fusion(bm25, vector, required="yes")', "required"),
        ('fusion(bm25, vector, method="mean")', "method"),
        ('fusion(bm25, vector, method="simple", rrf_k=60)', "rrf_k: method 'simple' has none"),
        ("fusion(bm25(top_k=5), vector, candidates=[9, 9])", "keep one"),
        ("fusion(bm25, vector, candidates=0)", "candidates"),
        ("fusion(bm25, vector, concurrency=0)", "concurrency"),
        ("fusion(bm25, vector, num_queries=0)", "num_queries"),
        ("fusion(bm25, vector, weight=[1, 2])", "weight"),
        ("hybrid(weight=1.5)", "weight"),
    ],
)
def test_wrong_options_are_refused_before_any_leg_is_built(build, text, told):
    with pytest.raises(ValidationError) as caught:
        build(text)
    assert told in str(caught.value)
    assert build.resolved == []


def test_wrong_arguments_are_refused(listed):
    leg = listed("leg", [])
    for retrievers, settings, told in [
        ([], {}, "there is none to ask"),
        ([leg, "bm25"], {}, "'bm25' is not a BaseRetriever"),
        ([leg], {"weights": [1, 2]}, "2 given for 1 retrievers"),
        ([leg], {"weights": [float("nan")]}, "weights"),
        ([leg], {"weights": [float("inf")]}, "weights"),
        ([leg], {"method": "rff"}, "method"),
        ([leg], {"top_k": -1}, "top_k"),
    ]:
        with pytest.raises(OptionError) as caught:
            FusionRetriever(retrievers, **settings)
        assert told in str(caught.value)


def test_the_class_and_the_mode_have_the_same_defaults():
    signature = inspect.signature(FusionRetriever.__init__).parameters
    fields = FusionOptions.model_fields
    shared = signature.keys() & fields.keys() - {"retrievers"}
    assert {name: signature[name].default for name in shared} == {name: fields[name].default for name in shared}
    assert fields.keys() - shared == {"retrievers"}


def test_scores_that_do_not_mix_are_refused_when_built(listed):
    bm25 = listed("bm25", [], kind=ScoreKind.BM25)
    cosine = listed("vector", [], kind=ScoreKind.SIMILARITY)
    distance = listed("l2", [], kind=ScoreKind.DISTANCE, higher_is_better=False)
    opposite = listed("odd", [], kind=ScoreKind.SIMILARITY, higher_is_better=False)
    unscored = listed("list", [], kind=ScoreKind.NONE)
    for legs, method, told in [
        ([bm25, cosine], "simple", "bm25: bm25, higher is better, vector: similarity"),
        ([cosine, opposite], "simple", "lower is better"),
        ([bm25, unscored], "simple", "list declares none"),
        ([bm25, unscored], "relative_score", "list declares none"),
        ([bm25, unscored], "dist_based_score", "list declares none"),
    ]:
        with pytest.raises(ScoreMismatchError) as caught:
            FusionRetriever(legs, method=method)
        assert told in str(caught.value)
        assert 'method="rrf"' in str(caught.value)
    assert FusionRetriever([bm25, unscored, distance]).scores.kind is ScoreKind.RELEVANCE
    assert FusionRetriever([bm25, distance], method="relative_score").scores.upper_bound == 1.0
    simple = FusionRetriever([distance, distance], method="simple").scores
    assert (simple.kind, simple.higher_is_better) == (ScoreKind.DISTANCE, False)


def test_query_expansion_needs_a_language_model(build):
    with pytest.raises(MissingServiceError):
        build("fusion(bm25, num_queries=3)")

    class Services:
        def llm(self, name=None):
            return self

        def ask(self, prompt):
            return Reply("other")

    result = build("fusion(bm25, num_queries=3)", Services()).retrieve("q")
    assert [leg.name for leg in result.legs] == ["query expansion", "bm25", "bm25@2"]


def test_hybrid_asks_bm25_and_vector_and_says_with_which_embedding(build):
    result = build("hybrid").retrieve("q")
    assert build.resolved == [RetrieverSpec(mode="bm25"), RetrieverSpec(mode="vector")]
    assert result.notes == ("embedding: lsa, weight 0.3",)
    assert [(hit.node_id, hit.score) for hit in result[:2]] == [("bm250", 0.7), ("bm251", pytest.approx(0.7 * 98 / 99))]
    assert len(result) == 5

    build.resolved.clear()
    told = build('hybrid(embedding="minilm(folder=\'m\')", language="de", weight=None, top_k=2)')
    assert build.resolved == [
        RetrieverSpec(mode="bm25", language="de"),
        RetrieverSpec(mode="vector", embedding="minilm(folder='m')"),
    ]
    result = told.retrieve("q")
    assert result.notes == ("embedding: minilm(folder='m'), weight 0.5",)
    assert [hit.score for hit in result] == [0.5, 0.5]


@pytest.mark.parametrize(("weight", "skipped"), [(0.0, "vector"), (1.0, "bm25")])
def test_a_hybrid_of_one_leg_says_so(build, weight, skipped):
    legs = {leg.name: leg.state for leg in build(f"hybrid(weight={weight})").retrieve("q").legs}
    assert {name for name, state in legs.items() if state is LegState.SKIPPED} == {skipped}


def test_hybrid_can_be_constructed(listed):
    bm25 = listed("bm25", [("a", 3.0)], kind=ScoreKind.BM25)
    vector = listed("vector", [("b", 0.9)], kind=ScoreKind.SIMILARITY)
    assert [hit.node_id for hit in HybridRetriever(bm25, vector, weight=0.6).retrieve("q")] == ["b", "a"]
    assert HybridRetriever(bm25, vector).retrieve("q").notes == ()
    for weight in (1.5, -0.1, float("nan")):
        with pytest.raises(OptionError):
            HybridRetriever(bm25, vector, weight=weight)
    assert HybridOptions().weight is None


def test_one_retriever_twice_is_said(listed):
    leg = listed("one", [("a", 1.0)])
    [note] = FusionRetriever([leg, leg]).retrieve("q").notes
    assert "leave one out" in note
