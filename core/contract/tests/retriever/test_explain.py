"""Explanations are recorded by the call that answers, and change nothing of its answer."""

import asyncio
import pickle
import threading
from dataclasses import dataclass

import pytest

from retrieverkit_core import BaseRetriever, IndexNode, MetadataFilters, Node, NodeWithScore, QueryBundle, explain
from retrieverkit_core.errors import QueryError, RetrievalError, UsageError
from retrieverkit_core.explain import How, Score, Status
from retrieverkit_core.plugin import FilterCapabilities
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.scores import ScoreKind, ScoreSpec
from retrieverkit_core.threads import WORKERS


def nodes(*ids, **metadata):
    return [NodeWithScore(Node(id=i, text=f"text of {i}", metadata=metadata), 1 / at) for at, i in enumerate(ids, 1)]


class Listed(BaseRetriever):
    """Finds the same hits for every query."""

    scores = ScoreSpec(ScoreKind.RELEVANCE)

    def __init__(self, hits, name="listed", **base):
        super().__init__(**base)
        self.hits, self.name = hits, name
        self.asked = 0

    def _retrieve(self, query_bundle):
        self.asked += 1
        return self.hits[: query_bundle.top_k]


class Awaited(Listed):
    async def _aretrieve(self, query_bundle):
        return self.hits[: query_bundle.top_k]


class Shortest(BaseRetriever):
    """A composite that halves scores, turns the order round and says so."""

    filter_capabilities = FilterCapabilities(delegates=True)

    def __init__(self, inner, keeps=2, says=True, **base):
        super().__init__(**base)
        self.inner, self.keeps, self.says = inner, keeps, says

    @property
    def sub_retrievers(self):
        return [self.inner]

    def _retrieve(self, query_bundle):
        found = self.inner.retrieve(query_bundle.replace(top_k=100))
        with explain.stage("shortest", came=found) as stage:
            ranked = [hit.with_score(hit.score * 0.5, hit.evidence) for hit in reversed(found)]
            if self.says:
                stage.went(ranked[: self.keeps], below=ranked[self.keeps :])
            for hit in ranked[: self.keeps]:
                parts = (Score(self.inner.name, hit.score / 0.5, leg=self.inner.name), Score("half", 0.5))
                stage.scored(hit.node_id, Score("shortest", hit.score, How.PRODUCT, parts))
        return RetrievalResult(ranked[: self.keeps], legs=found.legs)


def stages(explanation):
    return [stage.name for stage in explanation.root.walk()]


def test_nothing_is_recorded_unless_asked():
    seen = []

    class Looks(Listed):
        def _retrieve(self, query_bundle):
            with explain.stage("looking", came=self.hits) as stage:
                seen.append((bool(stage), explain.recording()))
            return super()._retrieve(query_bundle)

    result = Looks(nodes("a")).retrieve("q")
    with pytest.raises(UsageError) as raised:
        result.explain()
    assert "explain=True" in raised.value.fix
    assert seen == [(False, None)]


def test_explain_is_true_or_false():
    with pytest.raises(QueryError):
        Listed([]).retrieve("q", explain="yes")
    assert QueryBundle("q", explain=True) != QueryBundle("q")
    assert pickle.loads(pickle.dumps(QueryBundle("q", explain=True))).explain


@pytest.mark.parametrize("kind", [Listed, Awaited])
@pytest.mark.parametrize("how", ["sync", "async", "many", "amany", "timeout"])
def test_a_leaf_that_says_nothing_is_explained_the_same_in_every_way(kind, how):
    retriever = kind(nodes("a", "b"))
    query = QueryBundle("q", top_k=1, filters=MetadataFilters.parse("_node_id != 'a'"), explain=True)
    ask = {
        "sync": lambda: retriever.retrieve(query),
        "async": lambda: asyncio.run(retriever.aretrieve(query)),
        "many": lambda: retriever.retrieve_many([query, "other"])[0],
        "amany": lambda: asyncio.run(retriever.aretrieve_many([query, "other"]))[0],
        "timeout": lambda: retriever.retrieve(query.replace(timeout=60.0)),
    }
    result = ask[how]()
    told = result.explain()
    assert list(result) == list(retriever.retrieve(query.replace(explain=False)))
    assert stages(told) == ["listed", "search", "filter", "cut"]
    search, filtered, cut = told.root.stages
    assert (search.n_out, filtered.n_in, filtered.n_out, cut.n_out) == (2, 2, 1, 1)
    assert [lost.node_id for lost in filtered.lost] == ["a"]
    assert told.hit("b").score == Score("listed", 0.5)
    assert told.recombines


def test_a_composite_mirrors_its_legs_and_its_scores_recombine():
    retriever = Shortest(Shortest(Listed(nodes("a", "b", "c", "d")), keeps=4))
    result = retriever.retrieve("q", top_k=1, explain=True)
    told = result.explain()
    assert stages(told)[:3] == ["Shortest", "Shortest", "listed"]
    outer = told.root.stages[-2]
    assert (outer.name, outer.n_in, outer.n_out, outer.n_lost) == ("shortest", 4, 2, 2)
    assert [place.node_id for place in outer.near_misses] == ["c", "d"]
    assert told.root.stages[-1].near_misses[0].node_id == "b"
    [hit] = told.hits
    assert hit.score.parts[0].parts[0] == Score("listed", 1.0)
    assert hit.score.value == result[0].score == 0.25
    assert [(place.leg, place.rank) for place in hit.legs] == [("Shortest", 4), ("Shortest/listed", 1)]
    assert told.recombines
    assert not Score("s", 2.0, How.SUM, (Score("a", 1.0), Score("b", 0.5))).recombines


def test_what_a_stage_lost_is_named_up_to_a_number_and_counted_whole():
    many = nodes(*(f"n{at:03}" for at in range(60)))
    told = Shortest(Listed(many), keeps=3).retrieve("q", explain=True).explain()
    stage = told.root.stages[1]
    assert (stage.n_lost, len(stage.lost), len(stage.near_misses)) == (57, explain.LOST_SHOWN, explain.NEAR_MISSES)


def test_index_nodes_are_expanded_and_duplicates_have_one_place():
    inner = Listed(nodes("x", "y"), name="inner")
    leads = [NodeWithScore(IndexNode(id=i, text=i, index_id="t"), 2.0) for i in ("i1", "i2")]
    retriever = Listed([*leads, *nodes("y")], object_map={"t": inner})
    told = retriever.retrieve("q", explain=True).explain()
    assert stages(told) == ["listed", "inner", "search", "cut", "search", "expand", "deduplicate", "cut"]
    expanded, once = told.root.stages[-3:-1]
    assert {lost.node_id: lost.into for lost in expanded.lost} == {"i1": "x", "i2": "x"}
    assert (once.n_out, once.note) == (2, "3 found again")
    assert [place.leg for place in told.hit("x").legs] == ["inner"]


def test_a_leg_that_fails_is_told_as_failed():
    class Fails(Listed):
        def _retrieve(self, query_bundle):
            raise OSError("no disk")

    class Settles(Shortest):
        def _retrieve(self, query_bundle):
            try:
                self.inner.retrieve(query_bundle)
            except RetrievalError:
                return nodes("a")

    told = Settles(Fails([])).retrieve("q", explain=True).explain()
    [leg] = [stage for stage in told.root.walk() if stage.status is Status.FAILED]
    assert leg.name == "listed"
    assert "no disk" in leg.error


def test_under_a_scope_nothing_outside_is_named_or_counted():
    ours, theirs = nodes("a", "b", "c", tenant="ours"), nodes("SECRET1", "SECRET2", tenant="theirs")
    mixed = sorted([*ours, *theirs], key=lambda hit: -hit.score)
    for retriever in (Listed(mixed), Shortest(Listed(mixed), keeps=1)):
        told = retriever.retrieve("q", top_k=2, scope={"tenant": "ours"}, explain=True).explain()
        assert "SECRET" not in f"{told.as_dict()}{told}{told._repr_html_()}"
        assert all(max(stage.n_in or 0, stage.n_out, stage.n_lost) <= 3 for stage in told.root.walk())
        assert all(place.rank <= 3 for hit in told.hits for place in hit.legs)


def test_an_index_node_outside_of_the_scope_that_leads_into_it_is_not_named():
    ours = Node(id="x", text="x", metadata={"tenant": "ours"})
    leads = [
        NodeWithScore(IndexNode(id=f"SECRET{n}", text="s", metadata={"tenant": "theirs"}, obj=ours, index_id="x"), 1.0)
        for n in range(3)
    ]
    retriever = Listed([*leads, *nodes("y", tenant="ours")])
    result = retriever.retrieve("q", scope={"tenant": "ours"}, explain=True)
    told = result.explain()
    assert [hit.node_id for hit in told.hits] == [hit.node_id for hit in result] == ["x", "y"]
    assert "SECRET" not in f"{told.as_dict()}{told}"
    assert "SECRET" not in retriever.why_not("q", "nothing", scope={"tenant": "ours"}).text


def test_an_explanation_is_data():
    retriever = Shortest(Listed(nodes("<b>", "b")))
    result = retriever.retrieve("q", explain=True)
    copy = pickle.loads(pickle.dumps(result))
    assert copy.explain() == result.explain()
    assert result.copied().explain() == result.explain()
    assert "&lt;b&gt;" in result.explain()._repr_html_().replace("<b>", "a tag")
    told = result.explain().as_dict()
    assert told["hits"][0]["score"]["how"] == "product"
    assert told["stages"]["stages"][0]["name"] == "listed"
    with pytest.raises(UsageError):
        result.explain().hit("nowhere")


def test_the_author_is_asked_no_more_often():
    retriever = Listed(nodes("a", "b"))
    retriever.retrieve("q", explain=True)
    assert retriever.asked == 1


def test_a_leg_that_is_given_up_is_told_as_such():
    go = threading.Event()

    class Hangs(Listed):
        def _retrieve(self, query_bundle):
            go.wait(30)
            return []

    class GivesUp(Shortest):
        def _retrieve(self, query_bundle):
            started.append(WORKERS.submit(self.inner.retrieve, query_bundle))
            while not explain.recording().legs:
                pass
            return nodes("a")

    started = []
    told = GivesUp(Hangs([])).retrieve("q", explain=True).explain()
    go.set()
    started[0].result(30)
    [leg] = [stage for stage in told.root.stages if stage.is_leg]
    assert (leg.status, leg.error) == (Status.FAILED, "it had not ended")


@dataclass
class Engine:
    """Answers, and is not a retriever of ours."""

    said: str

    def query(self, query):
        return self.said


def test_what_a_query_engine_says_is_explained_as_a_hit():
    leads = [NodeWithScore(IndexNode(id="i", text="i", obj=Engine("so it is"), index_id="e"), 0.9)]
    told = Listed(leads).retrieve("q", explain=True).explain()
    assert told.hit("i#response").score.value == 0.9
