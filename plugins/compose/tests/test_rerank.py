"""`rerank`: the order is the reranker's, nothing is lost in silence, nothing stands in for a reranker that fails."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_compose import RerankRetriever
from retrieverkit_core import Budget, Node, NodeWithScore, QueryBundle
from retrieverkit_core.choosing import INSTRUCTIONS
from retrieverkit_core.errors import (
    BudgetExceededError,
    DeadlineExceededError,
    EndpointError,
    MissingServiceError,
    ModelAnswerError,
    OptionError,
    QueryError,
    ServiceError,
)
from retrieverkit_core.retriever import BaseRetriever, Compared
from retrieverkit_testkit.choosers import by_words, choice, documents_of
from retrieverkit_testkit.models import ScriptedModel

NUMBERS = st.floats(-1, 1, allow_nan=False).map(lambda number: round(number, 3))


class Cosines(BaseRetriever):
    """Compares vectors of two numbers that stand in the metadata."""

    def _retrieve(self, query_bundle):
        return []

    def compared(self, query, hits):
        vectors = [hit.metadata.get("vector") for hit in hits]
        nearness = [None if vector is None else cosine(vector, [1.0, 0.0]) for vector in vectors]
        return Compared(nearness, lambda at: [cosine(vectors[at], v) if v and vectors[at] else 0.0 for v in vectors])


def cosine(one, other):
    lengths = sum(x * x for x in one) ** 0.5 * sum(x * x for x in other) ** 0.5
    return max(-1.0, min(1.0, sum(x * y for x, y in zip(one, other, strict=True)) / lengths))


def with_vectors(vectors):
    return [Node(text=f"text {n}", id=f"n{n}", metadata={"vector": vector}) for n, vector in enumerate(vectors)]


def asked(retriever, query, how, **limits):
    if how == "sync":
        return retriever.retrieve(query, **limits)
    return asyncio.run(retriever.aretrieve(query, **limits))


VECTORS = st.lists(st.none() | st.tuples(NUMBERS, NUMBERS).filter(any).map(list), min_size=1, max_size=7)


@given(vectors=VECTORS, weight=st.floats(0, 1), how=st.sampled_from(["sync", "async"]))
def test_mmr_chooses_as_its_definition_does_and_loses_nothing(listed, vectors, weight, how):
    retriever = RerankRetriever(listed(with_vectors(vectors)), vectors=Cosines(), mmr_lambda=weight, top_n=7)
    result = asked(retriever, "query", how)
    known = {n: vector for n, vector in enumerate(vectors) if vector is not None}
    chosen = []
    for hit in result[: len(known)]:
        at = int(hit.node_id[1:])
        values = {
            n: weight * cosine(v, [1.0, 0.0]) - (1 - weight) * max((cosine(v, known[c]) for c in chosen), default=-1.0)
            for n, v in known.items()
            if n not in chosen
        }
        assert values[at] == pytest.approx(max(values.values()), abs=1e-9)
        assert hit.score == pytest.approx(values[at], abs=1e-9)
        chosen.append(at)
    rest = [hit.node_id for hit in result[len(known) :]]
    assert rest == [f"n{n}" for n, vector in enumerate(vectors) if vector is None]
    assert all(hit.score is None for hit in result[len(known) :])
    assert bool(rest) == any("no vector" in warning for warning in result.warnings)


@given(vectors=VECTORS)
def test_by_embedding_is_the_order_of_cosines_and_the_former_place_is_evidence(listed, vectors):
    result = RerankRetriever(listed(with_vectors(vectors)), by="embedding", vectors=Cosines(), top_n=7).retrieve("q")
    known = [n for n, vector in enumerate(vectors) if vector is not None]
    best = sorted(known, key=lambda n: (-cosine(vectors[n], [1.0, 0.0]), n))
    assert [hit.node_id for hit in result][: len(known)] == [f"n{n}" for n in best]
    assert [hit.evidence for hit in result] == [(("listed", int(hit.node_id[1:]) + 1, 1.0),) for hit in result]


def test_all_candidates_are_asked_for_and_judged_before_the_cut(listed, nodes):
    model = ScriptedModel(by_words)
    inner = listed(nodes(*(f"turbine {'ice' * (n == 39)}" for n in range(60))))
    result = RerankRetriever(inner, by="llm", llm=model, top_n=3, candidates=40).retrieve("turbine ice")
    assert [query.top_k for query in inner.asked] == [40]
    assert len(result) == 3 and len(model.asked) == 4
    assert len(RerankRetriever(inner, by="embedding", vectors=Cosines(), candidates=5).retrieve("t", top_k=50)) == 50


@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_a_model_leaves_out_is_said_and_a_batch_that_fails_makes_the_result_partial(listed, nodes, how):
    def answer(prompt):
        if any("text 3" in text for text in documents_of(prompt).values()):
            return ServiceError("the model is tired")
        return choice({label: 7 for label, text in documents_of(prompt).items() if "text 1" in text})

    inner = listed(nodes("text 0", "text 1", "text 2", "text 3"))
    retriever = RerankRetriever(inner, by="llm", llm=ScriptedModel(answer), batch_size=2)
    result = asked(retriever, "query", how)
    assert [(hit.node_id, hit.score, hit.evidence[0].rank) for hit in result] == [("n1", 7.0, 2)]
    assert result.outcome == "partial" and "tired" in str(result.legs[-1].error)
    assert "the model left out 1 of 4 hits: they do not help" in result.notes
    only = RerankRetriever(listed(nodes("text 3")), by="llm", llm=ScriptedModel(answer))
    with pytest.raises(ServiceError, match="tired"):
        asked(only, "query", how)


def test_a_model_that_chooses_the_made_up_text_is_suspect(listed, nodes):
    model = ScriptedModel(lambda prompt: choice(dict.fromkeys(prompt.labels, 10)))
    result = RerankRetriever(listed(nodes("a", "b")), by="llm", llm=model).retrieve("query")
    assert len(result) == 2 and "suspect" in result.warnings[0]


def test_a_model_is_shown_what_passes_filters_and_scope_alone(listed):
    seen = []

    def answer(prompt):
        seen.extend(documents_of(prompt).values())
        return by_words(prompt)

    hidden = [Node(text="query secret", id=f"s{n}", metadata={"tenant": "b", "year": 2000}) for n in range(3)]
    shown = [Node(text="query open", id=f"o{n}", metadata={"tenant": "a", "year": 2000 + n}) for n in range(3)]
    for more in ({}, {"object_map": {"x": hidden[0]}}):
        seen.clear()
        retriever = RerankRetriever(listed([*hidden, *shown]), by="llm", llm=ScriptedModel(answer), **more)
        result = retriever.retrieve("query", scope="tenant == 'a'", filters="year > 2000")
        assert sorted(hit.node_id for hit in result) == ["o1", "o2"]
        assert seen and not any("secret" in text for text in seen)


def test_budgets_deadlines_and_blank_queries(listed, nodes, hangs):
    model = ScriptedModel(by_words)
    retriever = RerankRetriever(listed(nodes(*["query"] * 30)), by="llm", llm=model)
    plan = retriever.plan("query")
    assert (plan.total("llm_calls"), plan.parts[0].name) == (5, "listed")
    with pytest.raises(BudgetExceededError):
        retriever.retrieve("query", budget=Budget(llm_calls=2))
    partial = retriever.retrieve("query", budget=Budget(llm_calls=2, partial=True))
    assert partial.outcome == "partial" and partial.spent.llm_calls == 2
    assert retriever.retrieve(" ") == [] and retriever.plan(" ").total("llm_calls") == 0
    with pytest.raises(QueryError, match="no words"):
        retriever.retrieve(QueryBundle("", embedding=[1.0]))
    with pytest.raises(DeadlineExceededError):
        RerankRetriever(hangs, by="llm", llm=model).retrieve("query", timeout=0.05)


def test_what_cannot_be_is_refused_when_it_is_built(listed, nodes):
    inner = listed(nodes("a"))
    for wrong in ({"top_n": 60}, {"mmr_lambda": 2.0}, {"by": "flashrank"}, {"top_n": 0}, {"by": ""}):
        with pytest.raises(OptionError):
            RerankRetriever(inner, **{"vectors": Cosines(), **wrong})
    with pytest.raises(OptionError, match="not a BaseRetriever"):
        RerankRetriever("bm25")
    with pytest.raises(MissingServiceError, match="vectors="):
        RerankRetriever(inner)
    with pytest.raises(MissingServiceError, match="llm="):
        RerankRetriever(inner, by="llm")


@pytest.mark.parametrize("scores", [[None, 1.0], ["a", "b"], [10**400, 1], [[1.0], [2.0]], None, [], [1.0]])
def test_a_reranker_that_answers_with_anything_but_numbers_is_an_error(listed, nodes, scores):
    class Broken:
        name = "broken"

        def calls_for(self, texts):
            return 0

        def rerank(self, query, texts):
            return scores

    with pytest.raises(ModelAnswerError, match="broken was given 2 texts"):
        RerankRetriever(listed(nodes("a", "b")), by=Broken()).retrieve("query")


@pytest.mark.parametrize("by", ["llm", "embedding"])
def test_fewer_candidates_than_hits_asked_for_are_told(listed, nodes, by):
    hits = nodes(*[f"text {n} query" for n in range(20)])
    told = "6 candidates were asked for and put into order; there may be more"

    def result(hits, top_k):
        inner = listed(hits)
        inner.default_top_k = 6
        model = ScriptedModel(by_words)
        retriever = RerankRetriever(inner, by=by, llm=model, vectors=Cosines(), candidates=6 if by == "llm" else None)
        return retriever.retrieve(QueryBundle("query", embedding=[1.0, 0.0]), top_k=top_k)

    assert len(result(hits, 9)) == 6 and told in result(hits, 9).notes
    assert told not in result(hits[:4], 9).notes
    if by == "embedding":
        assert told not in result(hits, 6).notes


def test_the_prompt_can_be_changed(listed, nodes):
    model = ScriptedModel(by_words)
    retriever = RerankRetriever(listed(nodes("query")), by="llm", llm=model)
    assert retriever.get_prompts() == {"choose": INSTRUCTIONS}
    retriever.update_prompts(choose="Choose well.")
    retriever.retrieve("query")
    assert model.asked[0].system == "Choose well."


# Modes over real files, and a reranker over a real socket


class Rerankers(BaseHTTPRequestHandler):
    """Speaks ``/v1/rerank``: the score of a text is the number of its letters, unless a test says otherwise."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        results = [
            {"index": at, "relevance_score": len(text) / 100} for at, text in enumerate(body.get("documents", []))
        ]
        code, answer = self.server.say(sorted(results, key=lambda one: -one["relevance_score"]))
        sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *words):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rerankers)
    server.daemon_threads = True
    server.seen = []
    server.say = lambda results: (200, {"results": results, "usage": {"total_tokens": 21}})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def index(tmp_path):
    retrieverkit = pytest.importorskip("retrieverkit")
    pytest.importorskip("retrieverkit_bm25")
    documents = [
        retrieverkit.Document(f"turbine {'long ' * n}", id=f"d{n}", metadata={"year": 2000 + n}) for n in range(6)
    ]
    with retrieverkit.Index.from_documents(documents, tmp_path / "notes.rk") as index:
        yield index


def by_http(endpoint, **more):
    options = {"model": "m", "base_url": endpoint.url, "max_retries": 0, **more}
    return f"http({', '.join(f'{name}={value!r}' for name, value in options.items())})"


@pytest.mark.needs("retrieverkit_llm")
@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_endpoint_of_jinas_and_coheres_form_orders_the_hits(endpoint, index, how, monkeypatch):
    monkeypatch.setenv("RERANK_KEY", "sk-secret")
    retriever = index.as_retriever("rerank(bm25)", by=by_http(endpoint, api_key_env="RERANK_KEY"), candidates=5)
    result = asked(retriever, "turbine", how, filters="year < 2004")
    assert [hit.node_id for hit in result] == ["d3", "d2", "d1", "d0"]
    ((path, key, body),) = endpoint.seen
    assert (path, key, set(body)) == ("/v1/rerank", "Bearer sk-secret", {"model", "query", "documents", "top_n"})
    assert len(body["documents"]) == 4
    assert (result.spent.llm_calls, result.spent.tokens) == (1, 21)
    assert result.notes == ("reranker: m",) and result[0].evidence[0].leg == "bm25"
    assert retriever.plan("turbine").total("llm_calls") == 1
    with pytest.raises(BudgetExceededError):
        asked(retriever, "turbine", how, budget=Budget(llm_calls=0))
    few = index.as_retriever("rerank(bm25, candidates=6)", by=by_http(endpoint, batch_size=4))
    result = asked(few, "turbine", how)
    assert [hit.node_id for hit in result] == ["d5", "d4", "d3", "d2", "d1"]
    assert sorted(len(body["documents"]) for _, _, body in endpoint.seen[1:]) == [2, 4]
    assert few.plan("turbine").total("llm_calls") == result.spent.llm_calls == 2


@pytest.mark.needs("retrieverkit_llm")
def test_an_endpoint_that_scores_less_than_it_was_given_or_fails_is_an_error(endpoint, index):
    retriever = index.as_retriever("rerank(bm25)", by=by_http(endpoint))
    wrong = [
        lambda results: {"results": results[1:]},
        lambda results: {"results": [*results[1:], results[1]]},
        lambda results: {"results": [{**one, "index": one["index"] + 1} for one in results]},
        lambda results: {"results": [{**one, "relevance_score": None} for one in results]},
        lambda results: {"data": results},
        lambda results: b"<html>",
        lambda results: b'{"results": [{"index": 0, "relevance_score": NaN}]}',
        lambda results: b'{"results": [{"index": 0, "relevance_score": 1' + b"0" * 400 + b"}]}",
    ]
    for answer in wrong:
        endpoint.say = lambda results, answer=answer: (200, answer(results))
        with pytest.raises(ModelAnswerError, match="cannot be used"):
            retriever.retrieve("turbine")
    endpoint.say = lambda results: (503, {"error": {"message": "busy"}})
    with pytest.raises(EndpointError, match="503"):
        retriever.retrieve("turbine")


@pytest.mark.needs("retrieverkit_llm")
def test_calls_of_a_reranker_are_recorded_and_replayed(endpoint, index, tmp_path):
    from retrieverkit import cassette

    mode = f'rerank(bm25, by="{by_http(endpoint)}")'
    with cassette(tmp_path / "calls.jsonl"):
        live = index.retrieve("turbine", mode)
    with cassette(tmp_path / "calls.jsonl"):
        played = index.retrieve("turbine", mode)
    assert len(endpoint.seen) == 1
    assert [(hit.node_id, hit.score) for hit in played] == [(hit.node_id, hit.score) for hit in live]
    assert played.spent == live.spent


@pytest.mark.needs("retrieverkit_vector")
def test_vectors_of_the_index_are_compared_and_what_is_elsewhere_is_embedded(tmp_path):
    from retrieverkit import Document, Index

    texts = ["ice at the inlet", "ice on the wing", "noise at the inlet", "salt eats blades"]
    with Index.from_documents([Document(text, id=f"d{n}") for n, text in enumerate(texts)], tmp_path / "a.rk") as index:
        vector = index.as_retriever("vector(embedding='lsa')")
        near = {hit.node_id: hit.score for hit in vector.retrieve("ice inlet", top_k=4)}
        by_mode = index.as_retriever("rerank(bm25, by='embedding', embedding='lsa')").retrieve("ice inlet")
        assert {hit.node_id: hit.score for hit in by_mode} == pytest.approx(
            {name: score for name, score in near.items() if name in {hit.node_id for hit in by_mode}}, abs=1e-6
        )
        elsewhere = [NodeWithScore(Node(text=text, id=f"e{n}"), 1.0) for n, text in enumerate([*texts, "  "])]
        compared = vector.compared(QueryBundle("ice inlet"), elsewhere)
        assert compared.nearness[4] is None
        ours = vector.compared(QueryBundle("ice inlet"), vector.retrieve("ice inlet", top_k=4))
        assert sorted(compared.nearness[:3]) == pytest.approx(sorted(ours.nearness)[-3:], abs=1e-6)


@pytest.mark.needs("retrieverkit_vector")
def test_what_a_mode_string_says_must_fit(index):
    for wrong, told in [
        ("rerank(bm25(top_k=2))", "finds 2 hits at most"),
        ("rerank(bm25(top_k=20), candidates=30)", "keep one"),
        ("rerank(bm25, top_n=60)", "fewer than the 60"),
        ("rerank(bm25, top_n=3, top_k=3)", "write one of them"),
        ("rerank(bm25, by='llm', mmr_lambda=0.5)", "mmr_lambda is for"),
        ("rerank(bm25, by='mmr', llm='x')", "llm is for"),
        ("rerank(bm25, by='llm', embedding='lsa')", "embedding is for"),
    ]:
        with pytest.raises(OptionError, match=told):
            index.as_retriever(wrong)
    assert len(index.retrieve("turbine", "rerank(bm25(top_k=6), by='embedding', embedding='lsa', top_n=4)")) == 4


def test_cross_encoder_says_how_to_install_it(index):
    pytest.importorskip("retrieverkit_vector")
    try:
        import sentence_transformers  # noqa: F401
    except ImportError:
        with pytest.raises(MissingServiceError, match="sentence-transformers"):
            index.as_retriever("rerank(bm25)", by="cross_encoder(model='m')")
    else:
        with pytest.raises(MissingServiceError, match="cannot load"):
            index.as_retriever("rerank(bm25)", by="cross_encoder(model='/nowhere')").retrieve("turbine")
