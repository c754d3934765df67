"""A plan asks nobody, writes nothing, and says what the run that follows spends."""

import gc
import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core import Budget, QueryBundle, budget
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel

DIMENSION = 8
MODES = [
    "bm25",
    "vector",
    "vector(mmr_lambda=0.5)",
    "hybrid",
    "hybrid(feedback=0.5)",
    "fusion(bm25, vector)",
    "fusion(vector, vector(metric='dot'))",
    "fusion(bm25, vector, weights=[1, 0])",
    "fusion(bm25, num_queries=2)",
    "fusion(bm25, fusion(bm25, vector, num_queries=2), num_queries=3)",
    "graph_ppr(passages=vector)",
    "property_graph(plain=vector)",
    "keyword",
    "grep",
    "summary_llm",
    "graph_cypher",
    "graph_synonym",
    "fusion(bm25, graph_synonym(depth=2))",
    "fusion(bm25, summary_llm(choice_batch_size=3))",
    "rerank(bm25)",
    "rerank(fusion(bm25, vector), by='mmr')",
    "auto_merging(vector)",
    "sentence_window(fusion(bm25, num_queries=2))",
    "router(summary_llm(choice_batch_size=3), vector, rules=[['turbine'], ['x']])",
    "transform(vector, by='multi_query')",
    "transform(fusion(bm25, vector), by='hyde')",
    "rerank(transform(bm25, by='decompose'), by='embedding')",
]
QUERIES = [
    QueryBundle("turbine matter"),
    QueryBundle("  "),
    QueryBundle("turbine", custom_embedding_strs=["a", " ", "b", "c", "d", "e"]),
    QueryBundle("turbine", embedding=[1.0] * DIMENSION),
    QueryBundle("turbine", top_k=0),
    QueryBundle("turbine", filters=MetadataFilters.parse("tenant == 'a'")),
    QueryBundle("turbine", scope=MetadataFilters.parse("tenant == 'a'"), top_k=3),
]


class Paid:
    """An embedding by request, which must not be asked while something is planned."""

    fingerprint, dimension = "paid", DIMENSION
    planning = False

    def __init__(self, texts_per_call):
        self.texts_per_call = texts_per_call

    def embed_documents(self, texts):
        rows = []
        for text in texts:
            if len(rows) % self.texts_per_call == 0:
                assert not self.planning
                budget.spend(embedding_calls=1)
            seed = list(hashlib.sha256(text.encode()).digest())
            rows.append(np.random.default_rng(seed).standard_normal(DIMENSION))
        return np.array(rows, np.float32).reshape(len(texts), DIMENSION)

    embed_queries = embed_documents


def documents(count, first=0):
    return [
        Document(f"note {n % 250} about matter and turbine", id=f"d{n}", metadata={"tenant": "ab"[n % 2]})
        for n in range(first, first + count)
    ]


def files_of(folder):
    gc.collect()  # an index that nobody holds any more closes its files when it is collected
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith("-shm")  # SQLite's memory, which every reader of the corpus writes its locks to
    }


@given(
    mode=st.sampled_from(MODES),
    query=st.sampled_from(QUERIES),
    sizes=st.lists(st.sampled_from([0, 1, 5, 130, 160]), min_size=1, max_size=3),
    per_call=st.sampled_from([2, 50, 1000]),
)
def test_a_run_spends_what_its_plan_said(tmp_path_factory, mode, query, sizes, per_call):
    folder = tmp_path_factory.mktemp("plan")
    embedding, numbers = Paid(per_call), itertools.count()

    def answer(prompt):
        if prompt.schema is not None and "names" in prompt.schema.model_fields:
            return {"names": ["turbine", "matter"]}
        if prompt.schema is not None and "query" in prompt.schema.model_fields:
            return {"query": "MATCH (e:Entity) RETURN e LIMIT 5"}
        written = [f"turbine {next(numbers)}" for _ in range(3)]
        return by_words(prompt) if prompt.labels else {"texts": written} if prompt.schema else "\n".join(written[:2])

    model = ScriptedModel(answer)
    first = 0
    with Index.create(folder / "notes.rk", embedding=embedding, llm=model) as index:
        for size in sizes:
            index.add(documents(size or 1, first))  # an index without documents asks for the length of a vector
            first += size
            retriever = index.as_retriever(mode)
            before, asked, embedding.planning = files_of(folder), len(model.asked), True
            plan = retriever.plan(query)
            assert (len(model.asked), embedding.planning) == (asked, True)
            assert files_of(folder) == before
            embedding.planning = False
            result = retriever.retrieve(query)
            assert plan.complete
            assert result.spent.llm_calls == plan.total("llm_calls"), str(plan)
            assert result.spent.embedding_calls == plan.total("embedding_calls"), str(plan)
            assert result.spent.tokens <= 2 * plan.total("tokens")
            assert not [leg for leg in result.legs if leg.failed]
            limits = {name: plan.total(name) for name in ("llm_calls", "embedding_calls")}
            assert retriever.retrieve(query, budget=Budget(**limits)).outcome != "partial"


def test_a_plan_in_a_new_process_counts_the_comparison_and_what_is_cached(tmp_path):
    embedding = Paid(50)
    with Index.from_documents(documents(200), tmp_path / "notes.rk", embedding=embedding) as index:
        assert index.retrieve("turbine", "vector").spent.embedding_calls == 1 + 3 + 2 + 1
    with Index.open(tmp_path / "notes.rk", embedding=Paid(50)) as index:
        before = files_of(tmp_path)
        plan = index.as_retriever("vector").plan("turbine")
        assert files_of(tmp_path) == before
        assert [(part.once, part.embedding_calls) for part in plan.parts] == [(True, 1)]
        assert index.retrieve("turbine", "vector").spent.embedding_calls == plan.total("embedding_calls") == 2
    with Index.open(tmp_path / "notes.rk", embedding=Paid(50)) as index:
        index.reindex()  # the vectors that were paid for stay
        before = files_of(tmp_path)
        plan = index.as_retriever("vector").plan("turbine")
        assert files_of(tmp_path) == before
        assert "of 200 nodes" in str(plan) and plan.total("embedding_calls") == 2
        assert index.retrieve("turbine", "vector").spent.embedding_calls == 2


def test_what_does_not_say_what_it_costs_is_not_known_and_local_models_cost_nothing(tmp_path):
    class Silent(Paid):
        texts_per_call = property(lambda self: None, lambda self, value: None)

    class Plain:
        fingerprint, dimension = "plain", DIMENSION
        embed_documents = embed_queries = lambda self, texts: np.ones((len(texts), DIMENSION), np.float32)

    with Index.from_documents(documents(3), embedding=Plain()) as index:
        plan = index.as_retriever("vector").plan("turbine")
        assert not plan.complete and plan.embedding_calls is None
        assert not index.as_retriever("hybrid").plan("turbine").complete
        assert index.as_retriever("bm25").plan("turbine").complete
    for embedding in ("hash", "lsa"):
        with Index.from_documents(documents(3), embedding=embedding) as index:
            plan = index.as_retriever("vector").plan("turbine")
            assert plan.complete and not plan.total("embedding_calls")
            assert f"embeds the query by {embedding}, which costs nothing" in plan.does


def test_under_a_scope_a_plan_does_not_say_how_much_there_is_outside_of_it():
    with Index.from_documents(documents(40), embedding=Paid(5)) as index:
        for mode in ("bm25", "vector", "hybrid"):
            told = str(index.as_retriever(mode).plan("turbine", scope="tenant == 'a'"))
            assert "40" not in told and "is built first" in told


@pytest.mark.parametrize("many", [1, 3])
def test_each_query_that_is_written_is_counted_for_each_leg(many):
    model = ScriptedModel(lambda prompt: "\n".join("abc"[:many]))
    with Index.from_documents(documents(3), llm=model, embedding=Paid(5)) as index:
        index.retrieve("turbine", "vector")
        plan = index.as_retriever("fusion(bm25, vector)", num_queries=many + 1).plan("turbine")
    assert plan.total("llm_calls") == 1
    assert [part.name for part in plan.parts] == [
        "query expansion",
        "bm25",
        "vector",
        *(f"vector@{n}" for n in range(2, many + 2)),
    ]
    assert str(plan.parts[0]).startswith(f"query expansion: has the model write {many} more quer")


def test_texts_that_are_put_together_for_a_query_are_not_counted_before(tmp_path):
    with Index.from_documents(documents(3), tmp_path / "notes.rk", embedding=Paid(50)) as index:
        described = "router(bm25, vector, by='embedding', descriptions=['turbine', 'matter'])"
        assert index.as_retriever("rerank(bm25)").plan("turbine").complete
        for mode in ("rerank(sentence_window(bm25))", described):
            plan = index.as_retriever(mode).plan("turbine")
            assert not plan.complete and plan.total("embedding_calls") > 0
