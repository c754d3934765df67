"""Modes that ask a language model, over a real endpoint that fails: an error, never an answer that looks like one."""

import asyncio
import logging

import pytest

from retrieverkit import Document, Index
from retrieverkit_core import budget
from retrieverkit_core.errors import (
    FilterGenerationError,
    ModelAnswerError,
    RetrievalError,
    RetrieverKitError,
    ServiceError,
)
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

KEY = "sk-canary-7c1f"
NOTES = [
    Document(f"note {n} about turbine {n % 3}", id=f"d{n}", metadata={"year": 2000 + n, "kind": "ab"[n % 2]})
    for n in range(12)
]
NO_ANSWER = [
    faults.status(400),
    faults.status(429),
    faults.status(429, retry_after=0.01),
    faults.status(500),
    faults.status(503),
    faults.echo_headers(401),
    faults.RESET,
    faults.CUT_OFF,
    faults.HUGE_BODY,
    faults.TRUNCATED_JSON,
    faults.NOT_JSON,
    faults.NO_CHOICES,
    faults.REFUSAL,
    faults.LENGTH,
    faults.CONTENT_FILTER,
    faults.EMPTY,
]
NO_CHOICE = [faults.PROSE, faults.WRONG_SCHEMA, faults.TRUNCATED_ANSWER]
TEMPLATE = "graph_cypher_template(query='MATCH (e:Entity {key: $name}) RETURN e', parameters={'name': 'name'})"
BY_CHOICE = [
    "summary_llm",
    "document_summary_llm",
    "tree_select_leaf",
    "rerank(bm25, by='llm')",
    "router(bm25, keyword, by='llm', descriptions=['turbines', 'years'])",
]
BY_FORM = [
    "graph_cypher",
    TEMPLATE,
    "graph_synonym",
    "graph_vector(extract='llm')",
    "keyword_llm",
    "auto(bm25, interpreter='model')",
    "transform(bm25, include_original=False)",
]
BY_SUMMARY = ["document_summary_embedding", "tree_root", "tree_select_leaf_embedding"]


def ask(retriever, how, **limits):
    if how == "sync":
        return retriever.retrieve("which turbine?", **limits)
    return asyncio.run(retriever.aretrieve("which turbine?", **limits))


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("mode", [*BY_CHOICE, *BY_FORM, *BY_SUMMARY])
def test_a_model_that_gives_no_answer_is_an_error_that_counts_every_attempt(mode, how, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setattr("retrieverkit_keyword.table.LLMTable.retry_pause", 0.0)
    monkeypatch.setattr("retrieverkit_property_graph.graph.index.GraphIndex.retry_pause", 0.0)
    monkeypatch.setattr("retrieverkit_property_graph.extraction.llm.cache.RETRY_PAUSE", 0.0)
    monkeypatch.setattr("retrieverkit_summary.summarizing.failures.RETRY_PAUSE", 0.0)
    caplog.set_level(logging.DEBUG)
    doing = []
    with ModelServer(lambda request: doing[-1]) as server:
        llm = f"openai(model='m', base_url='{server.url}', api_key_env='TEST_KEY', max_retries=0)"
        with Index.from_documents(NOTES, tmp_path / "notes.rk", llm=llm, embedding="hash") as index:
            retriever = index.as_retriever(mode)
            for fault in NO_ANSWER + ([] if mode in BY_SUMMARY else NO_CHOICE):
                doing.append(fault)
                asked = len(server.requests)
                with budget.limited(budget.Budget()) as account, pytest.raises(RetrieverKitError) as caught:
                    ask(retriever, how)
                error = caught.value
                assert isinstance(error, (ServiceError, RetrievalError, FilterGenerationError)), (fault, error)
                assert isinstance(error, (ModelAnswerError, FilterGenerationError)) or fault not in NO_CHOICE, (
                    fault,
                    error,
                )
                assert account.spent.llm_calls == len(server.requests) - asked > 0, fault
                assert KEY not in f"{error} {vars(error)!r}", fault
    assert KEY not in caplog.text


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("mode", [*BY_CHOICE, *BY_FORM, *BY_SUMMARY])
def test_a_deadline_holds_though_the_endpoint_does_not_end_its_answer(mode, how, tmp_path, with_time):
    for fault in (faults.NEVER, faults.SLOW_BODY):
        with ModelServer(lambda request, fault=fault: fault) as server:
            llm = f"openai(model='m', base_url='{server.url}', api_key_env=None)"
            with Index.from_documents(NOTES, tmp_path / f"{fault}.rk", llm=llm, embedding="hash") as index:
                retriever = index.as_retriever(mode)

                def too_late(seconds, retriever=retriever, server=server):
                    with pytest.raises(RetrieverKitError):
                        ask(retriever, how, timeout=seconds)
                    assert server.requests

                with_time(0.4, too_late)
