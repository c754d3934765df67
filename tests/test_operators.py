"""Operators make the trees that mode strings make; what means nothing is refused with what to write instead."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_compose import RerankRetriever
from retrieverkit_core import RetrieverSpec
from retrieverkit_core.errors import ConfigError, OptionError, RetrieverKitError, UnknownModeError
from retrieverkit_core.operators import step
from retrieverkit_core.retriever import origin_of
from retrieverkit_fusion import FusionRetriever
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel

TEXTS = [
    "The pump of the turbine stops when the inlet freezes.",
    "Ice stops the pump.",
    "Salt eats the blades near the sea.",
    "The blades of the turbine turn in the wind.",
    "A frozen inlet is thawed with warm water.",
    "The sea wind carries salt and ice.",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    documents = [Document(text, id=f"d{at}") for at, text in enumerate(TEXTS)]
    with Index.from_documents(
        documents, tmp_path_factory.mktemp("operators") / "i.rk", embedding="lsa", llm=ScriptedModel(by_words)
    ) as index:
        yield index


LEAVES = st.sampled_from(["bm25", "vector", "keyword", "bm25(title_weight=2)"])


def trees(inner):
    weight = st.sampled_from([0.25, 0.5, 1.0, 2.0])
    return st.one_of(
        st.tuples(st.just("add"), st.lists(st.tuples(weight, inner), min_size=2, max_size=3)),
        st.tuples(st.just("step"), inner, st.sampled_from([("rerank", {"by": "embedding"}), ("auto_merging", {})])),
        st.tuples(st.just("cut"), inner, st.integers(1, 4)),
    )


TREES = st.recursive(LEAVES, trees, max_leaves=4)


def by_operators(index, tree):
    if isinstance(tree, str):
        return index.as_retriever(tree)
    if tree[0] == "add":
        total = None
        for weight, inner in tree[1]:
            term = weight * by_operators(index, inner)
            total = term if total is None else total + term
        return total
    inner = by_operators(index, tree[1])
    return inner % tree[2] if tree[0] == "cut" else inner >> step(tree[2][0], **tree[2][1])


def as_written(tree):
    """Return the mode string, as a reader of the docs would write it."""
    if isinstance(tree, str):
        return tree
    if tree[0] == "add":
        legs = ", ".join(as_written(inner) for _, inner in tree[1])
        return f"fusion({legs}, method='relative_score', weights={[weight for weight, _ in tree[1]]})"
    text = as_written(tree[1])
    if tree[0] == "step":
        return f"{tree[2][0]}({text}{''.join(f', {name}={value!r}' for name, value in tree[2][1].items())})"
    return f"{text[:-1]}, top_k={tree[2]})" if text.endswith(")") else f"{text}(top_k={tree[2]})"


def outcome(ask):
    try:
        result = ask()
    except RetrieverKitError as error:
        return type(error).__name__, error.message
    return [(hit.ref_doc_id, hit.score, hit.evidence) for hit in result], result.notes, result.retriever


def cuts_twice(tree):
    if isinstance(tree, str):
        return False
    if tree[0] == "add":
        return any(cuts_twice(inner) for _, inner in tree[1])
    return cuts_twice(tree[1]) or (tree[0] == "cut" and isinstance(tree[1], tuple) and tree[1][0] == "cut")


@given(TREES.filter(lambda tree: not cuts_twice(tree)))
@settings(max_examples=25, deadline=None)
def test_operators_make_what_the_mode_string_makes(index, tree):
    text = as_written(tree)
    query = "the frozen pump of the turbine"
    written = outcome(lambda: index.as_retriever(text).retrieve(query))
    assert outcome(lambda: by_operators(index, tree).retrieve(query)) == written


def test_a_sum_of_sums_is_one_fusion_and_a_weighted_sum_is_a_leg(index):
    a, b, c = (index.as_retriever(mode) for mode in ("bm25", "vector", "keyword"))
    flat = "fusion(bm25, vector, keyword, method='relative_score', weights=[1.0, 1.0, 2.0])"
    for made in (a + b + 2 * c, a + (b + 2 * c)):
        assert origin_of(made).spec == RetrieverSpec.parse(flat)
    nested = 0.5 * (a + b) + c
    assert [leg.name for leg in nested.sub_retrievers] == ["fusion", "keyword"]


def test_steps_take_more_retrievers_and_functions_of_ones_own(index):
    a, b = index.as_retriever("bm25"), index.as_retriever("vector")
    assert origin_of(a >> step("shadow", b)).spec == RetrieverSpec.parse("shadow(bm25, vector)")
    shorter = origin_of(a >> step("rerank", by="embedding") % 2).spec
    assert shorter == RetrieverSpec.parse("rerank(bm25, by='embedding', top_k=2)")
    handmade = a >> (lambda inner: RerankRetriever(inner, by="embedding", vectors=b))
    assert isinstance(handmade, RerankRetriever)
    assert handmade.retriever is a


def test_changed_prompts_go_along(index):
    a = index.as_retriever("rerank(bm25, by='llm')")
    a.update_prompts(choose="Grade with care. " + a.get_prompts()["choose"])
    changed = a.get_prompts()
    assert (a % 3).get_prompts() == changed
    assert (a + index.as_retriever("vector")).sub_retrievers[0].get_prompts() == changed
    piped = (0.5 * a + index.as_retriever("rerank(bm25, by='llm')")) >> step("auto_merging")
    first, second = piped.sub_retrievers[0].sub_retrievers
    assert first.get_prompts() == changed
    assert second.get_prompts() != changed


def test_a_retriever_is_not_changed_by_what_is_built_from_it(index):
    a = index.as_retriever("fusion(bm25, vector)")
    before = outcome(lambda: a.retrieve("ice"))
    assert (a >> step("recursive")) is not a
    assert a % 1 is not a
    assert outcome(lambda: a.retrieve("ice")) == before


def test_a_changed_copy_is_not_taken_for_what_it_was_copied_from(index):
    fusion = index.as_retriever("fusion(bm25, vector)")
    for changed in (fusion.with_leg(0, index.as_retriever("keyword")), copy.copy(fusion)):
        with pytest.raises(ConfigError, match="operators combine those alone"):
            changed % 2


BAD = {
    "a weight that is never added": lambda a, b: (0.5 * a).retrieve("ice"),
    "a weight that is piped": lambda a, b: 0.5 * a >> step("rerank"),
    "a weight that is stepped into": lambda a, b: step("rerank")(0.5 * a),
    "a weight as a step's retriever": lambda a, b: a >> step("shadow", 0.5 * b),
    "a weight in an option": lambda a, b: a >> step("router", names=[0.5 * b]),
    "a weight below 0": lambda a, b: -1 * a + b,
    "a weight that is not finite": lambda a, b: float("nan") * a + b,
    "a weight of True": lambda a, b: True * a + b,
    "a weight on the right": lambda a, b: a * 0.5 + b,
    "two weights": lambda a, b: 2 * (0.5 * a) + b,
    "text as a weight": lambda a, b: "2" * a,
    "no weight at all": lambda a, b: 0 * a + 0 * b,
    "a number added": lambda a, b: a + 1,
    "sum()": lambda a, b: sum([a, b]),
    "a mode string added": lambda a, b: a + "vector",
    "a retriever piped into another": lambda a, b: a >> b,
    "a mode string as a step": lambda a, b: a >> "rerank",
    "a function that makes nothing": lambda a, b: a >> (lambda inner: None),
    "a cut to none": lambda a, b: a % 0,
    "a cut to text": lambda a, b: a % "5",
    "a cut to part of a hit": lambda a, b: a % 2.5,
    "a cut to more than there is": lambda a, b: a % 2 % 3,
    "a cut that the step contradicts": lambda a, b: a >> step("rerank", top_k=2) % 3,
    "an unknown option": lambda a, b: a >> step("rerank", bye="mmr"),
    "an unknown mode": lambda a, b: a >> step("rerankk"),
    "a retriever that no index made": lambda a, b: a + FusionRetriever([a]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_means_nothing_is_refused_with_what_to_write(index, name):
    a, b = index.as_retriever("bm25"), index.as_retriever("vector")
    with pytest.raises(ConfigError) as caught:
        BAD[name](a, b)
    assert caught.value.fix or isinstance(caught.value, OptionError)


def test_an_unknown_mode_is_named_with_the_near_one(index):
    with pytest.raises(UnknownModeError, match="rerank"):
        index.as_retriever("bm25") >> step("rerankk")


def test_retrievers_of_two_indexes_are_not_joined(index, tmp_path):
    with Index.from_documents([Document("ice")], tmp_path / "other.rk") as other:
        for make in (
            lambda: index.as_retriever("bm25") + other.as_retriever("bm25"),
            lambda: index.as_retriever("bm25") >> step("shadow", other.as_retriever("bm25")),
            lambda: index.as_retriever("bm25") + index.as_retriever("bm25", verbose=True),
        ):
            with pytest.raises(ConfigError, match="several indexes"):
                make()
