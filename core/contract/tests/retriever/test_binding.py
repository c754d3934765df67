"""What a registry tells a retriever, and what composites report."""

import asyncio
import pickle

import pytest
from pydantic import BaseModel

from retrieverkit_core import (
    BaseAutoRetriever,
    BaseRetriever,
    FilterCapabilities,
    LegState,
    LegStatus,
    ModeSpec,
    Node,
    NodeWithScore,
    QueryBundle,
    RetrievalResult,
    ScoreKind,
    ScoreSpec,
)
from retrieverkit_core.errors import BatchError, DeadlineExceededError
from retrieverkit_core.plugin import NO_PUSHDOWN
from retrieverkit_core.scores import UNSCORED

BM25 = ScoreSpec(ScoreKind.BM25)
SPEC = ModeSpec("mode", "", scores=BM25, filters=FilterCapabilities(frozenset({"=="})))


class Years(BaseRetriever):
    def __init__(self, pushes=(), **base):
        super().__init__(**base)
        self.pushes = frozenset(pushes)
        self.asked = []

    def can_push(self, filter):
        return filter.operator.value in self.pushes

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        found = [NodeWithScore(Node(id=str(n), metadata={"year": n, "even": n % 2 == 0}), float(-n)) for n in range(60)]
        if query_bundle.filters is not None:
            found = [hit for hit in found if query_bundle.filters.admits(hit.node)]
        return found[: query_bundle.top_k]


def bound(retriever):
    retriever.bind(name="mode", distribution="dist 1", spec=SPEC)
    return retriever


def test_what_nothing_declares_the_mode_declares():
    retriever = bound(Years())
    assert (retriever.score_spec, retriever.capabilities) == (BM25, SPEC.filters)


def test_an_instance_that_declares_to_push_nothing_pushes_nothing():
    class Off(Years):
        scores = UNSCORED
        filter_capabilities = NO_PUSHDOWN

        def can_push(self, filter):
            return BaseRetriever.can_push(self, filter)

    retriever = bound(Off())
    assert (retriever.score_spec, retriever.capabilities) == (UNSCORED, NO_PUSHDOWN)
    result = retriever.retrieve("q", top_k=9, filters="year == 41")
    assert [hit.node_id for hit in result] == ["41"]
    assert retriever.asked[0].filters is None
    assert (result.filters.pushed, result.filters.rechecked) == ("", "year == 41")


class Composite(BaseRetriever):
    filter_capabilities = FilterCapabilities(delegates=True)

    def __init__(self, *inner):
        super().__init__()
        self.inner = inner

    @property
    def sub_retrievers(self):
        return self.inner

    def _retrieve(self, query_bundle):
        results = [inner.retrieve(query_bundle) for inner in self.inner]
        legs = [LegStatus(r.retriever, LegState.OK, len(r), filters=r.filters) for r in results]
        return RetrievalResult([hit for result in results for hit in result], legs=legs)


def test_a_composite_reports_what_its_legs_did_with_the_filters():
    result = Composite(Years(["==", ">="]), Years()).retrieve("q", top_k=5, filters="year >= 40", scope="even == true")
    assert len(result) == 5
    both = "year >= 40 and even == true"
    assert [(leg.filters.pushed, leg.filters.rechecked) for leg in result.legs] == [(both, ""), ("", both)]
    assert (result.filters.pushed, result.filters.rechecked) == (both, both)
    assert result.filters.dropped > 0
    assert result.as_dict()["legs"][1]["filters"]["rechecked"] == both


class Spec(BaseModel):
    top_k: int | None = None


class Auto(BaseAutoRetriever):
    def __init__(self, inner, spec):
        super().__init__()
        self.inner, self.spec = inner, spec

    def generate_retrieval_spec(self, query_bundle):
        return self.spec

    def _build_retriever_from_spec(self, spec):
        return self.inner, QueryBundle("written", top_k=spec.top_k)


LIMITS = [(20, None, 20), (20, 3, 3), (2, 9, 2), (None, 4, 4), (None, None, 60)]


@pytest.mark.parametrize(("asked", "written", "found"), LIMITS)
def test_what_a_model_writes_narrows_the_callers_limit_and_never_widens_it(asked, written, found):
    auto = Auto(Years(), Spec(top_k=written))
    assert len(auto.retrieve("q", top_k=asked)) == found
    assert len(asyncio.run(auto.aretrieve("q", top_k=asked))) == found


def test_what_the_question_was_read_as_is_on_the_result_and_the_retriever_asked_is_a_leg():
    class Told(Spec):
        notes: tuple[str, ...] = ("read as 3",)

    spec = Told(top_k=3)
    result = Auto(Years(), spec).retrieve("q", filters="year >= 1960")
    assert result.spec is spec
    assert [leg.name for leg in result.legs] == ["Years"]
    assert result.notes == ("read as 3",)
    assert result.as_dict()["spec"] == {"top_k": 3, "notes": ["read as 3"]}
    assert pickle.loads(pickle.dumps(Auto(Years(), Spec(top_k=3)).retrieve("q"))).spec == Spec(top_k=3)
    assert Years().retrieve("q").spec is None


def test_a_retriever_that_finds_the_number_of_hits_in_the_query_is_not_cut_to_its_default():
    auto = Auto(Years(), Spec(top_k=7))
    auto.default_top_k = 5
    assert len(auto.retrieve("seven of them")) == 7
    assert len(auto.retrieve("seven of them", top_k=6)) == 6
    auto.spec = Spec()
    assert len(auto.retrieve("some")) == 5
    assert len(auto.retrieve("all", top_k=1000)) == 60


def test_a_batch_in_which_some_queries_have_a_timeout_is_still_one_call_of_the_engine():
    class Batches(Years):
        calls = 0

        def _retrieve_many(self, query_bundles):
            self.calls += 1
            return [self._retrieve(query) for query in query_bundles]

    batches = Batches()
    queries = [QueryBundle(str(n), top_k=n, timeout=60 if n % 3 else None) for n in range(1, 10)]
    assert [len(result) for result in batches.retrieve_many(queries)] == list(range(1, 10))
    assert batches.calls == 2
    assert [len(result) for result in asyncio.run(batches.aretrieve_many(queries))] == list(range(1, 10))


def test_a_batch_past_its_deadline_gives_up_its_own_queries_alone():
    import threading

    never = threading.Event()

    class Hangs(Years):
        def _retrieve_many(self, query_bundles):
            if query_bundles[0].timeout is not None:
                never.wait()
            return [self._retrieve(query) for query in query_bundles]

    try:
        with pytest.raises(BatchError) as caught:
            Hangs().retrieve_many([QueryBundle("a", top_k=1), QueryBundle("b", top_k=1, timeout=0.05)])
    finally:
        never.set()
    assert [result is None for result in caught.value.results] == [False, True]
    assert isinstance(caught.value.errors[1], DeadlineExceededError)
